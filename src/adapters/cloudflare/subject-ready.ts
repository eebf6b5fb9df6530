/**
 * Whether the log has the key and the policy everything here is signed and decided under, and which policy that is.
 *
 * Asked once an isolate and a few seconds, not once an object: most objects answer one question and sleep again. An
 * activation begins `LEAD_MS` after it was made, and nobody here decides on what they heard longer ago than `FRESH_MS`:
 * who cannot ask the log refuses, rather than deciding under a policy another has taken the place of. What a log has it
 * keeps, but it may be away, full, closed or halted: after a record it did not take it is asked again as well, so that
 * while it takes nothing nobody writes what would have to be sent once it does. Next stop: sequencer-revisions.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { type IncidentChange, incidentFacts } from '../../core/incident.ts'
import type { Activation, IncidentFacts } from '../../core/model.ts'
import { decidesAt, pendingAt } from '../../core/policy/activation.ts'
import { textsOf } from '../../core/policy/in-force.ts'
import type { EpochMs } from '../../core/time.ts'
import { activationName } from '../../gate/in-force.ts'
import { createPolicyBook, type PolicyBook } from '../../gate/policy-book.ts'
import type { ActivePolicy, Clock, Policies } from '../../ports.ts'
import { keepText, keptText, PLANS } from './edge-policy.ts'
import { type Caller, opened, type SequencerRpc } from './rpc.ts'
import { FRESH_MS } from './sequencer-revisions.ts'

/** What is known of one log, and since when. */
interface KnownLog {
  readonly book: PolicyBook
  readonly incidents: readonly IncidentChange[]
  /** What records are signed with, and all that may be. */
  readonly kid: string
  readonly kids: readonly string[]
  asked_at: number
}

/** By the name of the log's object. */
export type KnownReady = Map<string, KnownLog>

export interface Ready {
  /** Resolves when the log has key and policy, asking it only when that is not known. */
  known(): Promise<void>
  /** After `known`: what decides. */
  readonly policies: Policies
  /** After `known`: what a decision made at `at` sees of incident mode. */
  incident(at: EpochMs): IncidentFacts
  /** The key records are signed with; the caller's own before anything is known. */
  kid(): string
  /** After `known`: the log has this key, text or activation. */
  has(name: string): boolean
  /** After `known`: the log takes nothing new under this key any more. */
  ended(kid: string): boolean
  /** The log did not take a record: it is asked again before the next one is written. */
  doubt(): void
  /** Something changed in the log up to this instant: what was asked before is asked again. */
  doubtBefore(at: EpochMs): void
}

/** The log of a subject, and the one that numbers activations. */
export interface ReadyLogs {
  readonly log: Pick<SequencerRpc, 'ready' | 'policyText' | 'learn'>
  readonly first: Pick<SequencerRpc, 'begin' | 'policyText'>
}

/** Times in a row that a log's answer may be too old. */
const MAX_ASKED = 3

/** One for each object: promises are not shared between objects, what came of them is. */
export function createReady(
  parts: ReadyLogs & {
    readonly known: KnownReady
    /** Name of the log's object, and of the log. */
    readonly object: string
    readonly origin: string
    /** What the deployment begins with. */
    readonly bundled: ActivePolicy
    readonly caller: Caller
    readonly clock: Clock
  },
): Ready {
  const { known, object, origin, log, caller, clock } = parts
  let asking: Promise<void> | null = null

  async function ask(): Promise<void> {
    const asked_at = clock.now()
    const found = await opened(log.ready(null, caller))
    if (found.origin !== origin)
      throw new LivegateError(
        'halted',
        `Cannot log: the log is named \`${found.origin}\`, expected \`${origin}\``,
      )
    const activations = found.activations.length > 0 ? found.activations : await begun(parts)
    await fetchTexts(log, activations, clock)
    const book = known.get(object)?.book ?? createPolicyBook(clock, { plans: PLANS, latch: false })
    book.learn(activations, keptText)
    const { kid = caller.kid, kids = [kid], incidents = [] } = found
    known.set(object, { book, incidents, kid, kids, asked_at })
  }

  function isFresh(): boolean {
    const there = known.get(object)
    const age = there === undefined ? Number.POSITIVE_INFINITY : clock.now() - there.asked_at
    return age >= 0 && age < FRESH_MS
  }

  const bookNow = (): PolicyBook => {
    const book = known.get(object)?.book
    if (book !== undefined) return book
    throw new LivegateError('log_unavailable', 'Cannot decide: the log was not asked yet', {
      retry_after_s: 1,
    })
  }

  return {
    async known() {
      // An answer that was long on its way may be too old when it comes.
      for (let attempt = 1; !isFresh(); attempt++) {
        if (attempt > MAX_ASKED)
          throw new LivegateError('log_unavailable', 'Cannot decide: the log answers too late', {
            retry_after_s: 1,
          })
        asking ??= ask().finally(() => {
          asking = null
        })
        await asking
      }
    },
    incident: (at) => incidentFacts(known.get(object)?.incidents ?? [], at),
    policies: { active: (at) => bookNow().active(at) },
    kid: () => known.get(object)?.kid ?? caller.kid,
    has: (name) =>
      (known.get(object)?.kids.includes(name) ?? false) ||
      (known.get(object)?.book.activations() ?? []).some(
        ({ digest, revision }) => name === digest || name === activationName(revision),
      ),
    ended: (kid) => known.get(object)?.kids.includes(kid) === false,
    doubt() {
      const there = known.get(object)
      if (there !== undefined) there.asked_at = Number.NEGATIVE_INFINITY
    },
    doubtBefore(at) {
      const there = known.get(object)
      if (there !== undefined && there.asked_at <= at) there.asked_at = Number.NEGATIVE_INFINITY
    },
  }
}

/** A log that has none: the first one numbers what the deployment was bundled with, and this one learns all there is. */
async function begun(
  parts: ReadyLogs & { readonly bundled: ActivePolicy },
): Promise<readonly Activation[]> {
  const { log, first, bundled } = parts
  const { digest, name } = bundled.plan
  const activations = await opened(first.begin({ digest, name, bytes: bundled.bytes }))
  const texts = new Map<string, Uint8Array>()
  for (const one of activations)
    if (!texts.has(one.digest)) texts.set(one.digest, await textOf(first, one.digest))
  const carried = [...texts].map(([known, bytes]) => ({ digest: known, bytes }))
  await opened(log.learn(activations, carried))
  return activations
}

/** The texts of what decides now and of what is to come. */
async function fetchTexts(
  log: Pick<SequencerRpc, 'policyText'>,
  activations: readonly Activation[],
  clock: Clock,
): Promise<void> {
  const now = clock.now()
  const active = decidesAt(activations, now)
  const coming = pendingAt(activations, now)
  const needed = [...(active === null ? [] : [active]), ...coming]
  for (const digest of new Set(needed.flatMap((one) => textsOf(activations, one))))
    await textOf(log, digest)
}

async function textOf(log: Pick<SequencerRpc, 'policyText'>, digest: string): Promise<Uint8Array> {
  const kept = keptText(digest)
  if (kept !== null) return kept
  const bytes = await opened(log.policyText(digest))
  if (bytes === null)
    throw new LivegateError('log_unavailable', 'Cannot decide: the log has no text of the policy', {
      retry_after_s: 1,
    })
  keepText(digest, bytes)
  return bytes
}

/** Appending as before, but what fails puts the log's readiness in doubt. */
export function doubting(
  log: Pick<SequencerRpc, 'append'>,
  doubt: () => void,
): Pick<SequencerRpc, 'append'> {
  return {
    async append(entries) {
      try {
        const reply = await log.append(entries)
        // A chain the log contradicts is that chain's affair.
        if (!reply.ok && reply.error.code !== 'conflict') doubt()
        return reply
      } catch (error) {
        doubt()
        throw error
      }
    },
  }
}
