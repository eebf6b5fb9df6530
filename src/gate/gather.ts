/**
 * Puts together everything evaluation may see: stored facts, what the request adds, history, surroundings.
 *
 * Pure. A stored fact older than the configured age counts as absent; the request overrides field by field. What is
 * gathered here is exactly what the record discloses (group `facts`), so a replay needs nothing else. It names nobody:
 * a host is its chain's pseudonym (a co-host without one a keyed hash), linked accounts are keyed hashes; who they are stands
 * in the group `subject` alone.
 */
import type {
  FactSource,
  Facts,
  HostFacts,
  IncidentFacts,
  PlatformFacts,
  Strike,
  SubjectFacts,
  SubjectId,
} from '../core/model.ts'
import type { Plan } from '../core/policy/plan.ts'
import { bucketOf, needsBuckets } from '../core/policy/rollout.ts'
import { isRunning } from '../core/policy/suppressions.ts'
import type { EpochMs } from '../core/time.ts'
import type { DecideRequest, GivenFacts } from '../gate-types.ts'
import type { Pepper, StoredFacts, SubjectState } from '../ports.ts'

/** A host and what its ledger said. */
export interface HostState {
  readonly subject: SubjectId
  readonly given: GivenFacts
  readonly state: SubjectState
  /** What was given when it was asked first; accounts in it are hashes already. */
  readonly remembered?: StoredFacts
}

export interface GatherInput {
  readonly at: EpochMs
  readonly request: Pick<DecideRequest, 'stream' | 'request' | 'supports'>
  readonly hosts: readonly [HostState, ...HostState[]]
  readonly incident: IncidentFacts
  readonly platform: PlatformFacts
  readonly facts_max_age_ms: number
  /** Keyed hash, for ids of accounts that have no pseudonym of their own. */
  readonly pepper: Pepper
  /** Broadcasts this one would replace: they do not count as open ones. */
  readonly replaces: readonly string[]
  /** Since when it runs, where it does. */
  readonly running_since?: EpochMs
  /** For whom the policy is enforced at this door; absent: for everybody. */
  readonly enforce?: string
  /** What it is asked of: where that treats people by their bucket, facts name it. Null: they do not. */
  readonly plan: Plan | null
}

/** The facts of one decision. */
export function gather(input: GatherInput): Facts {
  const { hosts: _hosts, ...stream } = input.request.stream
  const [first, ...rest] = input.hosts
  const { enforce } = input
  return {
    at: input.at,
    ...(input.running_since === undefined ? {} : { running_since: input.running_since }),
    hosts: [hostFacts(first, input), ...rest.map((host) => hostFacts(host, input))],
    stream,
    request: input.request.request,
    incident: input.incident,
    platform: input.platform,
    supports: input.request.supports,
    ...(enforce === undefined ? {} : { enforce }),
  }
}

function hostFacts(host: HostState, input: GatherInput): HostFacts {
  const { at } = input
  const streamId = input.request.stream.id ?? ''
  const ofStream = (entry: { readonly stream: string }): boolean => entry.stream === streamId
  const subject = host.state.pseudonym ?? input.pepper.hash('account', host.subject)
  const { facts, sources } = mergeFacts(host, at, input.facts_max_age_ms)
  const { linked } = facts
  return {
    subject,
    facts:
      linked === undefined || linked === host.remembered?.linked?.value
        ? facts
        : { ...facts, linked: linked.map((id) => input.pepper.hash('account', id)) },
    sources,
    strikes:
      host.state.strikes.length === 0 ? NO_STRIKES : pseudonymous(host.state.strikes, subject),
    holds: host.state.holds
      .filter(ofStream)
      .map(({ rule, first_asked_at }) => ({ rule, first_asked_at })),
    reviews: host.state.reviews
      .filter(ofStream)
      .map(({ rule, result, at }) => ({ rule, result, at })),
    open_broadcasts: host.state.broadcasts.filter(
      (open) => open.lease_until > at && !input.replaces.includes(open.id),
    ).length,
    ...keptOf(host.state, at),
    ...bucketIn(host.state, input),
  }
}

/** Left out where there is nothing, so that facts are as they always were. */
function keptOf({ suppressions = [] }: SubjectState, at: EpochMs): Pick<HostFacts, 'suppressions'> {
  const running = suppressions.filter((one) => isRunning(one, at))
  return running.length === 0 ? {} : { suppressions: running }
}

/** Left out where nothing depends on it, and of a co-host who has no pseudonym: a canary meets them. */
function bucketIn(
  { pseudonym }: SubjectState,
  { plan, enforce }: GatherInput,
): Pick<HostFacts, 'bucket'> {
  if (pseudonym === null || plan === null || !needsBuckets(plan, enforce)) return {}
  return { bucket: bucketOf(pseudonym) }
}

const NO_STRIKES: readonly Strike[] = []
const renamed = new WeakMap<readonly Strike[], readonly Strike[]>()

/** The same strikes under the pseudonym. A ledger's list never changes, so each is renamed once. */
function pseudonymous(strikes: readonly Strike[], subject: string): readonly Strike[] {
  const known = renamed.get(strikes)
  if (known?.[0]?.subject === subject) return known
  const fresh = strikes.map((strike) => ({ ...strike, subject }))
  renamed.set(strikes, fresh)
  return fresh
}

/** Facts that cannot change, so that no age makes them doubtful. */
const LASTING: ReadonlySet<string> = new Set<keyof SubjectFacts>(['created_at'])

/** Stored facts that are fresh enough, overridden by given ones (remembered if newer); with the provenance of each. */
export function mergeFacts(
  { state, given, remembered }: Pick<HostState, 'state' | 'given' | 'remembered'>,
  at: EpochMs,
  max_age_ms: number,
): { readonly facts: SubjectFacts; readonly sources: Readonly<Record<string, FactSource>> } {
  const facts: Record<string, unknown> = {}
  const sources: Record<string, FactSource> = {}
  const take = (from: FactSource['from'], known: StoredFacts): void => {
    for (const [name, { value, as_of }] of Object.entries(known)) {
      if (at - as_of > max_age_ms && !LASTING.has(name)) continue
      if (as_of < (sources[name]?.as_of ?? as_of)) continue
      facts[name] = value
      sources[name] = { from, as_of }
    }
  }
  take('stored', state.facts)
  if (remembered !== undefined) take('request', remembered)
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (value === null) {
      delete facts[name]
      delete sources[name]
      continue
    }
    facts[name] = value
    sources[name] = { from: 'request', as_of: at }
  }
  return { facts, sources }
}
