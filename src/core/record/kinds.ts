/**
 * The kinds of record and the disclosure groups: the closed vocabulary everything about records is indexed by.
 *
 * Adding a kind or a group changes signed bytes and needs claims.ts, docs/spec/record.md and a vector. An auditor
 * fails on a kind it does not know; it never skips. Next: claims.ts.
 */
export const RECORD_KINDS = [
  'decision',
  'strike',
  'reversal',
  'broadcast',
  'review',
  'policy',
  'incident',
  'key',
  'heartbeat',
  'erasure',
  'closing',
  'predecessor',
  'activation',
  'access',
] as const
export type RecordKind = (typeof RECORD_KINDS)[number]

/** Kinds that are a link of one subject's chain: always all five groups, hence always five digests. */
export const CHAIN_KINDS = ['decision', 'strike', 'reversal', 'broadcast', 'review'] as const
export type ChainKind = (typeof CHAIN_KINDS)[number]

/** How records are opened by others than who asked: what an `access` record says in `via`. */
export const ACCESS_WAYS = [
  'records',
  'decision',
  'subject_export',
  'challenge',
  'rollout',
] as const
export type AccessWay = (typeof ACCESS_WAYS)[number]

/** What a `broadcast` record tells. */
export const BROADCAST_EVENTS = ['renewed', 'revoked', 'ended', 'cut', 'ungated'] as const
export type BroadcastEvent = (typeof BROADCAST_EVENTS)[number]

/**
 * How it is known that a broadcast no longer runs: its server dropped at least one, the end of its session was reported, its
 * server lists it no more; or nobody could confirm it in time.
 */
export const CUT_CONFIRMATIONS = ['dropped', 'reported', 'absent', 'none'] as const
export type CutConfirmation = (typeof CUT_CONFIRMATIONS)[number]

/** The groups whatever is not public is disclosed in, one salt each. */
export const GROUP_NAMES = ['chain', 'result', 'subject', 'request', 'facts'] as const
export type GroupName = (typeof GROUP_NAMES)[number]

/** `typ` of a record's header. */
export function typOf(kind: RecordKind): string {
  return `livegate-${kind}+jwt`
}

const KIND_OF_TYP: ReadonlyMap<string, RecordKind> = new Map(
  RECORD_KINDS.map((kind) => [typOf(kind), kind]),
)

/** The kind a `typ` names, else undefined. */
export function kindOfTyp(typ: string): RecordKind | undefined {
  return KIND_OF_TYP.get(typ)
}

/** True when records of `kind` are links of a subject's chain. */
export function isChainKind(kind: RecordKind): kind is ChainKind {
  return (CHAIN_KINDS as readonly RecordKind[]).includes(kind)
}

/** True for the name of a group. */
export function isGroupName(name: unknown): name is GroupName {
  return (GROUP_NAMES as readonly unknown[]).includes(name)
}
