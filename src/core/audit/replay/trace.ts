/**
 * What the replay of a chain needs of one opened record: strikes by hash, holds, reviews, broadcasts, and who else was there.
 *
 * Everything about a single record that needs no memory is done here, once, so that a host may do it in threads; what
 * comes out is small, survives structured cloning and JSON, and names no person: subjects are pseudonyms, strikes and
 * streams hashes. Two strikes say the same exactly when their rows are equal. Next: chain-replay.ts.
 */
import type { Facts, HostFacts, IncidentFacts, ReviewFact, Strike } from '../../model.ts'
import { supportsRunning } from '../../policy/supports.ts'
import { evaluatedFacts, type OpenedGroups } from '../../record/disclosure.ts'
import type {
  BroadcastContent,
  ChainGroup,
  RequestGroup,
  ResultGroup,
  ReversalContent,
  ReviewContent,
  StrikeContent,
} from '../../record/groups.ts'
import type { Hasher } from '../../record/hashing.ts'
import type { ChainKind } from '../../record/kinds.ts'
import type { Kept } from './kept.ts'
import type { AgainTrace, CutTrace, OpensTrace } from './lives.ts'

/** Characters of a hash kept: 132 bits. */
export const HASH_CHARS = 22
/** Of one strike in a list: hash of its id, hash of what it says, and `a` or `r` for its status. */
export const ROW_CHARS: number = 2 * HASH_CHARS + 1

/** A hold as facts list it. */
export interface HoldTrace {
  readonly rule: string
  readonly at: number
}

export interface CohostTrace {
  /** Its pseudonym, or a keyed hash of who has none yet. */
  readonly sub: string
  /** Rows end to end. */
  readonly strikes: string
  /** Absent for none. */
  readonly kept?: readonly Kept[]
}

/** What a decision or a renewal saw and began. */
export interface EvaluatedTrace {
  readonly is: 'evaluated'
  /** Rows end to end, of the subject itself. */
  readonly strikes: string
  /** Hash of the stream's id; of the empty text where it has none. */
  readonly stream: string
  readonly holds: readonly HoldTrace[]
  readonly reviews: readonly ReviewFact[]
  readonly open: number
  readonly cohosts: readonly CohostTrace[]
  readonly incident: IncidentFacts
  /** Holds that began with it: host, and rule. */
  readonly began: readonly { readonly host: number; readonly rule: string }[]
  /** The broadcast it let start; null when none may. */
  readonly opens: OpensTrace | null
  /** Which broadcasts it takes the place of; null when the request is not opened. */
  readonly place: { readonly session: string | null; readonly supersedes: string | null } | null
  /** Activation it was made under; null where none is recorded. */
  readonly revision: number | null
  readonly renews: boolean
  /** Only of what was looked at again. */
  readonly again?: AgainTrace
  /** Restrictions of the subject itself that outlived an erasure; absent for none. */
  readonly kept?: readonly Kept[]
}

export type Trace =
  | EvaluatedTrace
  | { readonly is: 'strike'; readonly row: string }
  /** Hash of the strike's id. */
  | { readonly is: 'reversal'; readonly strike: string }
  /** A broadcast that ended. */
  | { readonly is: 'ended'; readonly id: string }
  | ({ readonly is: 'cut' } & CutTrace)
  /** A decision about what ran already. */
  | { readonly is: 'late'; readonly id: string }
  | ({ readonly is: 'review'; readonly stream: string } & ReviewFact)

/** A record whose groups were opened. */
export interface OpenedRecord {
  readonly kind: ChainKind
  readonly jti: string
  readonly revision?: number
  readonly opened: OpenedGroups
}

/** Null when what its kind must disclose for a replay is not opened. */
export function traceOf(record: OpenedRecord, hasher: Hasher): Trace | null {
  const { kind, opened } = record
  if (opened.chain === undefined || opened.facts === undefined) return null
  switch (kind) {
    case 'decision':
      return evaluated(record, opened.facts as Facts, hasher)
    case 'broadcast':
      return broadcast(record, opened.facts as BroadcastContent, hasher)
    case 'strike':
      return { is: 'strike', row: rowOf((opened.facts as StrikeContent).strike, hasher) }
    case 'reversal':
      return { is: 'reversal', strike: short((opened.facts as ReversalContent).strike, hasher) }
    case 'review': {
      const { rule, result, at, stream = '' } = opened.facts as ReviewContent
      return { is: 'review', stream: short(stream, hasher), rule, result, at }
    }
  }
}

function broadcast(record: OpenedRecord, content: BroadcastContent, hasher: Hasher): Trace | null {
  const { event, broadcast: id } = content
  if (event === 'ended') return { is: 'ended', id }
  if (event === 'ungated') return { is: 'late', id }
  if (event === 'cut') {
    const { ordered = null, took_ms = null } = content
    return { is: 'cut', id, ordered, took_ms }
  }
  const facts = evaluatedFacts(record.kind, record.opened)
  if (facts === undefined) return null
  const trace = evaluated(record, facts, hasher)
  if (trace === null) return null
  const { running_since: since = null } = facts
  const { lease_until } = record.opened.result as Partial<ResultGroup>
  const runs = lease_until === undefined ? null : lease_until !== null
  const asked =
    event === 'revoked' && isUnknown(facts) ? {} : { asked: askedOf(facts, facts.supports, hasher) }
  const again = { event, broadcast: id, jti: record.jti, since, runs, ...doorOf(facts), ...asked }
  return { ...trace, again }
}

/** What the gate puts in place of a beginning it can no longer read. */
function isUnknown({ request, supports }: Facts): boolean {
  return supports.length === 0 && Object.keys(request).length === 0
}

function askedOf(
  { stream, request }: Pick<Facts, 'stream' | 'request'>,
  supports: Facts['supports'],
  hasher: Hasher,
): string {
  return short(canonical([stream, request, supports]), hasher)
}

function evaluated(record: OpenedRecord, facts: Facts, hasher: Hasher): EvaluatedTrace | null {
  const { kind, jti, revision = null, opened } = record
  const result = opened.result as Partial<ResultGroup> | undefined
  if (result === undefined) return null
  const [host, ...cohosts] = facts.hosts
  const { lease_until = null, holds_opened = [] } = result
  const renews = kind === 'broadcast'
  const trace: EvaluatedTrace = {
    is: 'evaluated',
    strikes: rowsOf(host.strikes, hasher),
    stream: short(facts.stream.id ?? '', hasher),
    holds: host.holds.map(holdOf),
    reviews: host.reviews,
    open: host.open_broadcasts,
    cohosts: cohosts.map((other) => cohostOf(other, hasher)),
    incident: facts.incident,
    began: holds_opened,
    opens: lease_until === null || renews ? null : opensOf(jti, lease_until),
    place: opened.request === undefined ? null : placeOf(opened.request, hasher),
    revision,
    renews,
  }
  return host.suppressions === undefined ? trace : { ...trace, ...keptOf(host, hasher) }

  function opensOf(id: string, until: number): OpensTrace {
    const supports = supportsRunning(facts.supports, result?.broadcast_delay_s ?? 0)
    const asked = askedOf(facts, supports, hasher)
    return { id, lease_until: until, asked, ...doorOf(facts) }
  }
}

function doorOf({ enforce }: Facts): { readonly door?: string } {
  return enforce === undefined ? {} : { door: enforce }
}

function placeOf(request: RequestGroup, hasher: Hasher): EvaluatedTrace['place'] {
  const { server, session, supersedes = null } = request
  const named = session === undefined ? null : short(`${server ?? ''}\0${session}`, hasher)
  return { session: named, supersedes }
}

function holdOf({ rule, first_asked_at }: HostFacts['holds'][number]): HoldTrace {
  return { rule, at: first_asked_at }
}

function cohostOf(host: HostFacts, hasher: Hasher): CohostTrace {
  const { subject, strikes } = host
  return { sub: subject, strikes: rowsOf(strikes, hasher), ...keptOf(host, hasher) }
}

function keptOf({ suppressions }: HostFacts, hasher: Hasher): { readonly kept?: readonly Kept[] } {
  if (suppressions === undefined) return {}
  const kept = suppressions.map((one): Kept => {
    const until = one.until === 'forever' ? null : one.until
    return [short(canonical(one), hasher), until]
  })
  return { kept }
}

function rowsOf(strikes: readonly Strike[], hasher: Hasher): string {
  let rows = ''
  for (const strike of strikes) rows += rowOf(strike, hasher)
  return rows
}

/** The status apart: only a reversal changes it. */
function rowOf({ status, ...content }: Strike, hasher: Hasher): string {
  const said = short(canonical(content), hasher)
  return `${short(content.id, hasher)}${said}${status === 'active' ? 'a' : 'r'}`
}

function short(text: string, hasher: Hasher): string {
  return hasher.digestText(JSON.stringify(text)).slice(0, HASH_CHARS)
}

/** One text for equal values, whatever order their members were written in. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const members = value as Readonly<Record<string, unknown>>
  const names = Object.keys(members)
  if (names.length > 1) names.sort()
  let text = ''
  for (const name of names)
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonical(members[name])}`
  return `{${text}}`
}

/** Events that are an evaluation anew. */
const RECHECKS: ReadonlySet<string> = new Set(['renewed', 'revoked'])

/** What a renewal must commit to so that anybody can derive it again; a sentence when something of it is not there. */
export function renewalFault(
  { kind, opened }: Pick<OpenedRecord, 'kind' | 'opened'>,
  policy: string | undefined,
): string | null {
  if (kind !== 'broadcast' || opened.facts === undefined) return null
  const { event, facts } = opened.facts as BroadcastContent
  if (!RECHECKS.has(event) || (policy !== undefined && facts !== undefined)) return null
  return `A renewal says nothing of the ${facts === undefined ? 'facts' : 'policy'} it follows from`
}

/** What a record of an honest gate says of instants; a sentence when this one does not. */
export function instantFault(
  chain: ChainGroup,
  iat: number,
  { kind, opened }: Pick<OpenedRecord, 'kind' | 'opened'>,
): string | null {
  if (Math.floor(chain.at / 1000) !== iat)
    return `\`iat\` is ${iat}, not the second of \`at\` ${chain.at}`
  if (kind !== 'strike' || opened.facts === undefined) return null
  const { strike, received_at } = opened.facts as StrikeContent
  if (received_at > chain.at)
    return `\`received_at\` ${received_at} is later than \`at\` ${chain.at}`
  const effective = Math.min(strike.issued_at, received_at)
  return strike.effective_at === effective
    ? null
    : `\`effective_at\` ${strike.effective_at} is not ${effective}, the earlier of \`issued_at\` and \`received_at\``
}
