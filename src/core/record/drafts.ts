/**
 * Typed builders: from livegate's nouns to what a record of each kind says, nothing signed yet.
 *
 * A value that appears in two groups is taken from one place, so the groups of a record cannot disagree. Claims are
 * checked against the table when the record is issued. Policy text in parts: policy-parts.ts. Next: issue.ts.
 */
import type { IncidentChange } from '../incident.ts'
import type { Activation, Decision, Facts, Strike } from '../model.ts'
import type { EpochMs } from '../time.ts'
import type {
  BroadcastContent,
  ChainGroup,
  Ed25519Jwk,
  GroupValues,
  OwnClaims,
  RequestGroup,
  ResultGroup,
  SubjectGroup,
} from './groups.ts'
import { type Hasher, portableHasher } from './hashing.ts'
import type { RecordKind } from './kinds.ts'

/** What a record will say. `groups` is null for kinds outside the subjects' chains. */
export interface RecordDraft {
  readonly kind: RecordKind
  /** Public claims of this kind's own; the common ones are the issuer's. */
  readonly claims: object
  readonly groups: GroupValues | null
}

/** The place in the chain, without the instant where that follows from the content. */
export type ChainPlace = Omit<ChainGroup, 'at'>

/** A decision: `policy` is the digest of the revision that decided, `revision` its number where it has one. */
export function decisionDraft(input: {
  readonly chain: ChainPlace
  readonly policy: string
  readonly revision?: number
  /** Who the hosts of `facts` are, in the same order; facts name them by pseudonym only. */
  readonly subject: SubjectGroup
  readonly facts: Facts
  readonly decision: Decision
  readonly request: RequestGroup
}): RecordDraft {
  const { chain, policy, revision, facts, decision, request } = input
  const under = revision === undefined ? { policy } : { policy, revision }
  return {
    kind: 'decision',
    claims: {
      ...{ outcome: decision.outcome, ...under, ...enforcedOf(decision) },
    } satisfies OwnClaims['decision'],
    groups: {
      chain: chainOf(chain, facts.at),
      result: resultOf(decision),
      subject: input.subject,
      request,
      facts,
    },
  }
}

/** A strike as stored, and when it arrived; `at` of the chain is given because it must not fall. */
export function strikeDraft(input: {
  readonly chain: ChainGroup
  readonly strike: Strike
  readonly received_at: EpochMs
  readonly request: RequestGroup
}): RecordDraft {
  const { chain, strike, received_at, request } = input
  return {
    kind: 'strike',
    claims: {},
    groups: {
      chain: chainOf(chain, chain.at),
      result: {},
      subject: { subject: strike.subject, cohosts: [] },
      request,
      facts: { strike: { ...strike, subject: chain.sub }, received_at },
    },
  }
}

/** A strike taken back; it takes effect at the chain's `at`. */
export function reversalDraft(input: {
  readonly chain: ChainGroup
  readonly subject: string
  /** Id of the strike. */
  readonly strike: string
  readonly reason: string
  readonly decided_by?: string
  readonly request: RequestGroup
}): RecordDraft {
  const { chain, subject, strike, reason, decided_by, request } = input
  const who = decided_by === undefined ? {} : { decided_by }
  return {
    kind: 'reversal',
    claims: {},
    groups: {
      chain: chainOf(chain, chain.at),
      result: {},
      subject: { subject, cohosts: [] },
      request,
      facts: { strike, reason, ...who, at: chain.at },
    },
  }
}

/** A broadcast looked at again, its lease extended or revoked: commits to the whole evaluation, like a decision. */
export function renewalDraft(input: {
  /** `renewed` unless given. */
  readonly event?: 'renewed' | 'revoked'
  readonly chain: ChainPlace
  readonly policy: string
  readonly revision?: number
  /** `jti` of the decision that let the broadcast start. */
  readonly broadcast: string
  /** Who the hosts of `facts` are, in the same order. */
  readonly subject: SubjectGroup
  readonly facts: Facts
  readonly decision: Decision
  readonly request: RequestGroup
  /** Why it was looked at. */
  readonly reason?: string
}): RecordDraft {
  const { chain, policy, revision, broadcast, facts, decision, request, reason } = input
  const { event = 'renewed' } = input
  const why = reason === undefined ? {} : { reason }
  const under = revision === undefined ? { policy } : { policy, revision }
  return {
    kind: 'broadcast',
    claims: { ...under, ...enforcedOf(decision) } satisfies OwnClaims['broadcast'],
    groups: {
      chain: chainOf(chain, facts.at),
      result: { outcome: decision.outcome, ...resultOf(decision) },
      subject: input.subject,
      request,
      facts: { event, broadcast, ...why, facts },
    },
  }
}

/** A broadcast that ended, was cut, or was seen without a decision. */
export function broadcastDraft(input: {
  readonly chain: ChainGroup
  readonly event: Exclude<BroadcastContent['event'], 'renewed' | 'revoked'>
  readonly broadcast: string
  readonly subject: string
  readonly cohosts: readonly string[]
  readonly reason?: string
  /** Only of what was cut. */
  readonly cut?: Required<Pick<BroadcastContent, 'ordered' | 'confirmed' | 'took_ms' | 'attempts'>>
  readonly request: RequestGroup
}): RecordDraft {
  const { chain, event, broadcast, subject, cohosts, reason, cut, request } = input
  const why = reason === undefined ? {} : { reason }
  return {
    kind: 'broadcast',
    claims: {},
    groups: {
      chain: chainOf(chain, chain.at),
      result: {},
      subject: { subject, cohosts },
      request,
      facts: { event, broadcast, ...why, ...cut },
    },
  }
}

/** A person's word on a broadcast they were asked about; it takes effect at the chain's `at`. */
export function reviewDraft(input: {
  readonly chain: ChainGroup
  readonly subject: string
  readonly rule: string
  readonly result: 'released' | 'refused'
  readonly stream?: string
  /** `jti` of the decision that asked. */
  readonly decision?: string
  readonly decided_by?: string
  readonly reason?: string
  readonly request: RequestGroup
}): RecordDraft {
  const { chain, subject, rule, result, stream, decision, decided_by, reason, request } = input
  return {
    kind: 'review',
    claims: {},
    groups: {
      chain: chainOf(chain, chain.at),
      result: {},
      subject: { subject, cohosts: [] },
      request,
      facts: {
        ...{ rule, result, at: chain.at },
        ...(stream === undefined ? {} : { stream }),
        ...(decision === undefined ? {} : { decision }),
        ...(decided_by === undefined ? {} : { decided_by }),
        ...(reason === undefined ? {} : { reason }),
      },
    },
  }
}

/** A key becoming active, or retired or revoked; the first record of a log is the active record key itself. */
export function keyDraft(claims: {
  readonly jwk: Ed25519Jwk
  readonly use: 'record' | 'checkpoint'
  readonly status: 'active' | 'retired' | 'revoked'
  readonly from?: number
}): RecordDraft {
  const { jwk, use, status, from } = claims
  const own = { jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, use, status }
  return { kind: 'key', claims: from === undefined ? own : { ...own, from }, groups: null }
}

/** Totals of the entries `[from_index, to_index)` by kind; kinds without entries may be left out. */
export function heartbeatDraft(claims: OwnClaims['heartbeat']): RecordDraft {
  const { from_index, to_index, totals, shed } = claims
  return { kind: 'heartbeat', claims: { from_index, to_index, totals, shed }, groups: null }
}

/** What was removed about a chain; `last_seq` is absent for a chain without records. */
export function erasureDraft(claims: OwnClaims['erasure']): RecordDraft {
  const { sub, last_seq, scope, basis, counts, strikes } = claims
  const seq = last_seq === undefined ? {} : { last_seq }
  const named = strikes === undefined ? {} : { strikes }
  const own = { sub, ...seq, scope, basis, counts, ...named }
  return { kind: 'erasure', claims: own satisfies OwnClaims['erasure'], groups: null }
}

/** The end of a log, and where its chains go on. */
export function closingDraft(successors: readonly string[]): RecordDraft {
  return { kind: 'closing', claims: { successors }, groups: null }
}

/** A closed log whose chains go on in this one. */
export function predecessorDraft(claims: OwnClaims['predecessor']): RecordDraft {
  const { predecessor, vkey, checkpoint, keys } = claims
  return { kind: 'predecessor', claims: { predecessor, vkey, checkpoint, keys }, groups: null }
}

/** A policy revision that decides from an instant on; its text is in the log already. */
export function activationDraft(activation: Activation): RecordDraft {
  const { revision, digest, name, active_from, scheduled, previous, note } = activation
  const { cause, source, by } = activation
  const what = { revision, digest, name, active_from, scheduled }
  const claims = { ...what, previous, cause, source, by }
  const noted = note === null ? claims : { ...claims, note }
  return { kind: 'activation', claims: noted satisfies OwnClaims['activation'], groups: null }
}

/** A change of incident mode. */
export function incidentDraft(change: IncidentChange): RecordDraft {
  const { active, id, scope, at, until, expires_at, confirmed, by, reason } = change
  const what = { change: change.change, active, id, scope, at }
  const runs = until === undefined ? {} : { until }
  const asked = expires_at === undefined ? {} : { expires_at }
  const held = confirmed === undefined ? {} : { confirmed }
  const why = reason === undefined ? {} : { reason }
  const claims = { ...what, ...runs, ...asked, ...held, by, ...why }
  return { kind: 'incident', claims: claims satisfies OwnClaims['incident'], groups: null }
}

/** Records that were opened, by their ids in the order they were given. */
export function accessDraft(
  access: Omit<OwnClaims['access'], 'count' | 'digest'>,
  ids: readonly string[],
  hasher: Hasher = portableHasher,
): RecordDraft {
  const { by, via, groups } = access
  const claims = { by, via, groups, count: ids.length, digest: hasher.digestText(ids.join('\n')) }
  return { kind: 'access', claims: claims satisfies OwnClaims['access'], groups: null }
}

function chainOf(place: ChainPlace, at: EpochMs): ChainGroup {
  return { sub: place.sub, seq: place.seq, prev: place.prev, at }
}

/** The part of a decision that a record commits to: everything but the outcome (public) and the reasons. */
export function resultOf(decision: Decision): ResultGroup {
  return {
    mode: decision.mode,
    until: decision.until,
    not_before: decision.not_before,
    review: decision.review,
    retry_after_s: decision.retry_after_s,
    broadcast_delay_s: decision.broadcast_delay_s,
    lease_until: decision.lease_until,
    rules: decision.rules,
    restrictions: decision.restrictions,
    unknown: decision.unknown,
    obligations: decision.obligations,
    exemptions: decision.exemptions,
    holds_opened: decision.holds_opened,
    ...(decision.would === undefined ? {} : { would: decision.would }),
  }
}

/** What a record says in public of a decision that was not enforced as the policy has it; nothing of any other. */
export function enforcedOf({ would }: Pick<Decision, 'would'>): { readonly enforced?: false } {
  return would === undefined ? {} : { enforced: false }
}
