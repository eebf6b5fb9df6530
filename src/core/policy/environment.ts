/**
 * The environment of conditions: every fact a policy may name, its type, and where it is read.
 *
 * Decoding is strict: a value of the wrong type, null or NaN is absent, and an absent fact makes what needs it
 * unknown (G3). A registry table; a new fact is one row here, its member in model.ts and a line in the spec.
 * Spec: docs/spec/policy-syntax.md, "Facts". Next: cel.ts.
 */
import type { Strike } from '../model.ts'
import { isEpochMs } from '../time.ts'
import type { ConditionScope } from './plan.ts'

export type FactType = 'timestamp' | 'int' | 'string' | 'bool' | 'list<string>'
/** Timestamps as UTC milliseconds, ints as safe integers. */
export type FactValue = number | string | boolean | readonly string[]

export interface Fact {
  readonly path: string
  readonly type: FactType
  readonly about: string
  /** The value, or undefined when absent or of the wrong type. `strike` is needed for `strike.*` only. */
  readonly read: (scope: ConditionScope, strike: Strike | undefined) => FactValue | undefined
}

type Raw = (scope: ConditionScope, strike: Strike | undefined) => unknown
type Row = readonly [path: string, type: FactType, raw: Raw, about: string]

const ROWS: readonly Row[] = [
  ['now', 'timestamp', (s) => s.now, 'the instant of the decision'],
  ['subject.created_at', 'timestamp', (s) => s.subject?.created_at, 'when the account was made'],
  ['subject.followers', 'int', (s) => s.subject?.followers, 'followers of the account'],
  ['subject.age_band', 'string', (s) => s.subject?.age_band, 'for example 13-15, 16-17, 18+'],
  ['subject.verified', 'bool', (s) => s.subject?.verified, 'identity was verified'],
  ['subject.labels', 'list<string>', (s) => s.subject?.labels, 'labels the platform gave'],
  ['subject.linked', 'list<string>', (s) => s.subject?.linked, 'accounts of the same person'],
  ['subject.open_broadcasts', 'int', (s) => s.open_broadcasts, 'broadcasts now running'],
  ['stream.id', 'string', (s) => s.stream?.id, 'id of the stream or stream key'],
  ['stream.audience', 'string', (s) => s.stream?.audience, 'public, followers, private'],
  ['stream.category', 'string', (s) => s.stream?.category, 'what the stream is about'],
  ['stream.admission', 'string', (s) => s.stream?.admission, 'open, auto, selected'],
  ['stream.hosts', 'int', (s) => s.stream?.hosts, 'hosts, the asking subject included'],
  ['stream.one_to_many', 'bool', (s) => s.stream?.one_to_many, 'one sender, many viewers'],
  ['request.territory', 'string', (s) => s.request?.territory, 'ISO 3166-1 alpha-2'],
  ['request.ingest', 'string', (s) => s.request?.ingest, 'for example rtmp, whip, app'],
  ['incident.active', 'bool', (s) => s.incident?.active, 'an incident is declared'],
  ['incident.id', 'string', (s) => s.incident?.id, 'its id'],
  ['incident.scope', 'string', (s) => s.incident?.scope, 'what it concerns'],
  [
    'platform.moderation_available',
    'bool',
    (s) => s.platform?.moderation_available,
    'a moderator is on shift',
  ],
  ['strike.id', 'string', (_, k) => k?.id, 'id of the strike'],
  ['strike.category', 'string', (_, k) => k?.category, 'category id'],
  ['strike.severity', 'string', (_, k) => k?.severity, 'low, medium, high, critical'],
  ['strike.context', 'string', (_, k) => k?.context, 'news, research, counter_speech, ...'],
  ['strike.scope', 'string', (_, k) => k?.scope, 'live, chat, post, any, ...'],
  ['strike.weight', 'int', (_, k) => k?.weight, 'weight of the strike'],
  ['strike.issued_at', 'timestamp', (_, k) => k?.issued_at, 'when the platform issued it'],
  ['strike.source_kind', 'string', (_, k) => k?.source?.kind, 'human, model, authority, ...'],
  ['strike.source_system', 'string', (_, k) => k?.source?.system, 'name of the reporting system'],
]

const IS: Readonly<Record<FactType, (value: unknown) => boolean>> = {
  timestamp: isEpochMs,
  int: Number.isSafeInteger,
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  'list<string>': (value) =>
    Array.isArray(value) && value.every((item) => typeof item === 'string'),
}

/** All facts by path. */
export const FACTS: ReadonlyMap<string, Fact> = new Map(
  ROWS.map(([path, type, raw, about]) => [path, { path, type, about, read: strictly(type, raw) }]),
)

/** First parts of the paths: the variables of the CEL profile, `now` left out. */
export const FACT_ROOTS: ReadonlySet<string> = new Set(
  [...FACTS.keys()].filter((path) => path.includes('.')).map((path) => path.split('.', 1)[0] ?? ''),
)

function strictly(type: FactType, raw: Raw): Fact['read'] {
  const is = IS[type]
  return (scope, strike) => {
    const value = raw(scope, strike)
    return is(value) ? (value as FactValue) : undefined
  }
}
