/**
 * Which revision decides when: the numbered activations of a deployment, and what may come next.
 *
 * One rule: at an instant the highest revision decides whose `active_from` has come. So a later activation takes the place
 * of every earlier one, also of one that is still to come; nothing is ever changed or removed. Cancelling what is to come
 * and going back are activations of an earlier text under a new number. Whoever hosts this puts each activation into the
 * log before its first use. Spec: docs/spec/policy.md, "Activation". Next: inherit.ts.
 */
import type { Activation, ActivationCause, ActivationSource } from '../model.ts'
import { addMs, DAY_MS, type EpochMs, formatInstant } from '../time.ts'

/** How far ahead an activation may be scheduled. */
export const MAX_AHEAD_MS: number = 30 * DAY_MS

/** What decides at `at`; null before the first activation. Any order. */
export function decidesAt(activations: readonly Activation[], at: EpochMs): Activation | null {
  let found: Activation | null = null
  for (const one of activations)
    if (one.active_from <= at && (found === null || one.revision > found.revision)) found = one
  return found
}

/** The newest of all, to come or not; null when there is none. */
export function latestOf(activations: readonly Activation[]): Activation | null {
  let found: Activation | null = null
  for (const one of activations) if (found === null || one.revision > found.revision) found = one
  return found
}

/**
 * True when `digest` is not what this source said last: then it has something new to say. The file on one host and the
 * bundle on another are one source, what a deployment is configured with, so that moving between them says nothing new.
 */
export function isNews(
  activations: readonly Activation[],
  { source, digest }: Pick<Activation, 'source' | 'digest'>,
): boolean {
  const said = latestOf(
    activations.filter(
      (one) => (one.source === 'api') === (source === 'api') && one.cause === 'activation',
    ),
  )
  return said?.digest !== digest
}

export type ActivationState = 'active' | 'pending' | 'past' | 'superseded'

/** What has become of each at `at`. `superseded` ones never decided. */
export function stateAt(
  activations: readonly Activation[],
  one: Activation,
  at: EpochMs,
): ActivationState {
  const overtaken = activations.some(
    (other) => other.revision > one.revision && other.active_from <= one.active_from,
  )
  if (overtaken) return 'superseded'
  if (one.active_from > at) return 'pending'
  return decidesAt(activations, at)?.revision === one.revision ? 'active' : 'past'
}

/** What is to come, next first. */
export function pendingAt(activations: readonly Activation[], at: EpochMs): readonly Activation[] {
  return activations
    .filter((one) => stateAt(activations, one, at) === 'pending')
    .toSorted((a, b) => a.active_from - b.active_from)
}

/**
 * Those that decided, or will, in their order. Consecutive ones of one text are one: the first. A rollback undoes: what it
 * rolls back promised nobody anything, and the text before goes on as if it had never ended.
 */
export function reignsOf(activations: readonly Activation[]): readonly Activation[] {
  const reigns: Activation[] = []
  let highest = 0
  const inTime = activations.toSorted(
    (a, b) => a.active_from - b.active_from || b.revision - a.revision,
  )
  for (const one of inTime) {
    if (one.revision < highest) continue
    highest = one.revision
    if (one.cause === 'rollback' && reigns.at(-2)?.digest === one.digest) reigns.pop()
    if (reigns.at(-1)?.digest !== one.digest) reigns.push(one)
  }
  return reigns
}

/** The reign `one` belongs to, and those before it, oldest first: what it takes over from. */
export function reignOf(
  activations: readonly Activation[],
  one: Activation,
): { readonly reign: Activation; readonly earlier: readonly Activation[] } {
  const until = activations.filter(({ revision }) => revision <= one.revision)
  const reigns = reignsOf(until).filter(({ active_from }) => active_from <= one.active_from)
  const reign = reigns.at(-1) ?? one
  return reign.digest === one.digest
    ? { reign, earlier: reigns.slice(0, -1) }
    : { reign: one, earlier: reigns }
}

/** An activation somebody asks for. */
export interface Proposal {
  readonly digest: string
  readonly name: string
  readonly source: ActivationSource
  readonly by: string
  readonly note: string | null
  /** Null: as soon as it can be. */
  readonly activate_at: EpochMs | null
  /** The newest revision as the author knows it; null: whatever it is. */
  readonly expect_revision: number | null
}

/** An activation of a text, or one that follows from those there are. */
export type Wish =
  | ({ readonly cause: 'activation' } & Proposal)
  | ({ readonly cause: 'rollback' | 'cancellation' } & Pick<
      Proposal,
      'by' | 'note' | 'expect_revision'
    >)

/** What a host knows when it is asked. */
export interface Moment {
  readonly now: EpochMs
  /** How long everybody who decides needs to hear of an activation; 0 where they share a process. */
  readonly lead_ms: number
}

export type Proposed =
  | { readonly is: 'new'; readonly activation: Activation }
  /** Asked for before: nothing changes. */
  | { readonly is: 'same'; readonly activation: Activation }
  | { readonly is: 'refused'; readonly why: string }

/** The activation that follows from a wish. */
export function propose(activations: readonly Activation[], wish: Wish, moment: Moment): Proposed {
  switch (wish.cause) {
    case 'activation':
      return proposeText(activations, wish, moment)
    case 'rollback':
      return proposeRollback(activations, wish, moment)
    case 'cancellation':
      return proposeCancellation(activations, wish, moment)
  }
}

function proposeText(
  activations: readonly Activation[],
  proposal: Proposal,
  moment: Moment,
): Proposed {
  const { digest, activate_at, source } = proposal
  const { now } = moment
  const active = decidesAt(activations, now)
  const [next] = pendingAt(activations, now)
  // What a file or a bundle says is noted even when it decides already: it is compared with what it said last.
  if (source === 'api') {
    if (next === undefined && active?.digest === digest) return { is: 'same', activation: active }
    if (next?.digest === digest && (activate_at === null || activate_at === next.active_from))
      return { is: 'same', activation: next }
  }
  const unexpected = unexpectedRevision(activations, proposal.expect_revision)
  if (unexpected !== null) return unexpected
  if (activate_at !== null) {
    if (activate_at < now + moment.lead_ms)
      return refused('`activate_at` is not ahead of now, expected none or a later instant')
    if (activate_at > now + MAX_AHEAD_MS) return refused('`activate_at` is more than 30 days ahead')
    if (next !== undefined) return refused(`${pendingWords(next)}; cancel it or wait`)
  }
  return made(activations, { ...proposal, cause: 'activation' }, moment)
}

/** The text that decided before the one that decides, under a new number. */
function proposeRollback(
  activations: readonly Activation[],
  wish: Pick<Proposal, 'by' | 'note' | 'expect_revision'>,
  moment: Moment,
): Proposed {
  const repeated = repeats(activations, wish.expect_revision, 'rollback')
  if (repeated !== null) return repeated
  const unexpected = unexpectedRevision(activations, wish.expect_revision)
  if (unexpected !== null) return unexpected
  const active = decidesAt(activations, moment.now)
  const before = active === null ? undefined : reignOf(activations, active).earlier.at(-1)
  if (before === undefined) return refused('no other revision decided before, expected one')
  const { digest, name } = before
  const rollback = { ...wish, digest, name, source: 'api', cause: 'rollback' } as const
  return made(activations, { ...rollback, activate_at: null }, moment)
}

/** What decides now goes on deciding, under a new number, so that what is to come never does. */
function proposeCancellation(
  activations: readonly Activation[],
  wish: Pick<Proposal, 'by' | 'note' | 'expect_revision'>,
  moment: Moment,
): Proposed {
  const repeated = repeats(activations, wish.expect_revision, 'cancellation')
  if (repeated !== null) return repeated
  const unexpected = unexpectedRevision(activations, wish.expect_revision)
  if (unexpected !== null) return unexpected
  const active = decidesAt(activations, moment.now)
  const [next] = pendingAt(activations, moment.now)
  if (active === null || next === undefined) return refused('nothing is pending')
  if (next.active_from <= moment.now + moment.lead_ms)
    return refused(`${pendingWords(next)}, too soon to be stopped; roll it back then`)
  const { digest, name } = active
  const stop = { ...wish, digest, name, source: 'api', cause: 'cancellation' } as const
  return made(activations, { ...stop, activate_at: null }, moment)
}

function made(
  activations: readonly Activation[],
  wish: Omit<Proposal, 'expect_revision'> & { readonly cause: ActivationCause },
  { now, lead_ms }: Moment,
): Proposed {
  const { digest, name, cause, source, by, note, activate_at } = wish
  const active = decidesAt(activations, now)
  // Two never begin together, so that each has decided for a time of its own.
  const soon = active === null ? now : Math.max(addMs(now, lead_ms), addMs(active.active_from, 1))
  return {
    is: 'new',
    activation: {
      revision: (latestOf(activations)?.revision ?? 0) + 1,
      ...{ digest, name, cause, source, by, note },
      active_from: activate_at ?? (soon as EpochMs),
      scheduled: activate_at !== null,
      previous: active?.revision ?? null,
    },
  }
}

/** The answer to the first attempt was lost: the newest revision is what this very wish made. */
function repeats(
  activations: readonly Activation[],
  expected: number | null,
  cause: ActivationCause,
): Proposed | null {
  const latest = latestOf(activations)
  if (expected === null || latest === null || latest.cause !== cause) return null
  return latest.revision === expected + 1 ? { is: 'same', activation: latest } : null
}

function unexpectedRevision(
  activations: readonly Activation[],
  expected: number | null,
): Proposed | null {
  const revision = latestOf(activations)?.revision ?? 0
  if (expected === null || expected === revision) return null
  return refused(`the newest revision is ${revision}, expected ${expected}`)
}

function pendingWords({ revision, active_from }: Activation): string {
  return `revision ${revision} takes effect at ${formatInstant(active_from)}`
}

function refused(why: string): Proposed {
  return { is: 'refused', why }
}
