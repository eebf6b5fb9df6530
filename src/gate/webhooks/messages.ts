/**
 * What a log entry says to a platform: the body of a webhook, or nothing.
 *
 * Pure. Everything is read from the record and its openings; of what was erased nothing is told. The shapes are those of
 * docs/webhooks.md. Next stop: dispatcher.ts.
 */
import { textFromBase64Url } from '../../core/encoding.ts'
import { groupIn } from '../../core/record/cohost-openings.ts'
import { kindOfTyp, type RecordKind } from '../../core/record/kinds.ts'
import { epochMs, formatInstant } from '../../core/time.ts'
import type { OpenEntry, WebhookMessage, WebhookType } from './port.ts'

type Json = Readonly<Record<string, unknown>>

interface Told {
  readonly at: number
  readonly data: Json
}

/** The message of an entry of the log `origin`; null for kinds nobody is told of, and for what was erased. */
export function messageOf(entry: OpenEntry, origin: string): WebhookMessage | null {
  const [header = '', payload = ''] = entry.jws.split('.')
  const kind = kindOfTyp(String(jsonIn(header).typ))
  const reader = kind === undefined ? undefined : KINDS[kind]
  if (reader === undefined) return null
  const claims = jsonIn(payload)
  const told = reader.told(claims, entry.openings)
  if (told === null) return null
  const { type } = reader
  const { at, data } = told
  const record = { id: claims.jti, origin, index: entry.index }
  const timestamp = instant(at)
  const body = JSON.stringify({ type, timestamp, data: { record, ...data } })
  return { id: `msg_${String(claims.jti)}`, type, body }
}

/** What an entry may say, as far as its kind tells without its openings; null for kinds nobody is told of. */
export function typeOfKind(kind: RecordKind): WebhookType | null {
  return KINDS[kind]?.type ?? null
}

type Openings = OpenEntry['openings']

interface Reader {
  readonly type: WebhookType
  readonly told: (claims: Json, openings: Openings) => Told | null
}

const KINDS: Readonly<Partial<Record<RecordKind, Reader>>> = {
  decision: { type: 'decision.made', told: decisionTold },
  strike: { type: 'strike.recorded', told: strikeTold },
  reversal: { type: 'strike.reversed', told: reversalTold },
  broadcast: { type: 'broadcast.cut', told: broadcastTold },
  activation: { type: 'policy.activated', told: activationTold },
}

function decisionTold(claims: Json, openings: Openings): Told | null {
  const person = personIn(openings)
  const result = group(openings, 'result')
  if (person === null || result === null) return null
  const data = {
    ...person.said,
    outcome: claims.outcome,
    ...resultSaid(result),
    ...present({ enforced: claims.enforced, would: wouldIn(result) }),
    ...askedIn(openings),
    policy: claims.policy,
  }
  return { at: person.at, data }
}

function strikeTold(_claims: Json, openings: Openings): Told | null {
  const person = personIn(openings)
  const facts = group(openings, 'facts')
  if (person === null || facts === null) return null
  const { subject: _pseudonym, ...strike } = facts.strike as Json
  return { at: person.at, data: { ...person.said, strike: dated(strike) } }
}

function reversalTold(_claims: Json, openings: Openings): Told | null {
  const person = personIn(openings)
  const facts = group(openings, 'facts')
  if (person === null || facts === null) return null
  const { strike, reason, decided_by } = facts
  const data = { ...person.said, strike, reason, ...present({ decided_by }) }
  return { at: person.at, data }
}

/** An order to cut, and what came of it; everything else about broadcasts is nobody's news. */
function broadcastTold(claims: Json, openings: Openings): Told | null {
  const person = personIn(openings)
  const facts = group(openings, 'facts')
  if (person === null || facts === null) return null
  const { event, broadcast, reason, ordered, confirmed, took_ms, attempts } = facts
  const what = { ...person.said, broadcast, ...askedIn(openings) }
  const told = (data: Json): Told => ({ at: person.at, data })
  if (event === 'cut')
    return told({ ...what, stage: 'done', ...present({ ordered, confirmed, took_ms, attempts }) })
  if (event !== 'revoked') return null
  const result = group(openings, 'result') ?? {}
  const { outcome } = result
  return told({
    ...what,
    stage: 'ordered',
    reason,
    outcome,
    ...resultSaid(result),
    policy: claims.policy,
  })
}

function activationTold(claims: Json): Told {
  const { revision, digest, name, active_from, scheduled, previous, cause, by, note, iat } = claims
  const policy = { name, digest, revision, active_from: dateOf(active_from), scheduled, previous }
  const data = { policy, cause, by, ...present({ note }) }
  return { at: Number(iat) * 1000, data }
}

function personIn(openings: Openings): { readonly at: number; readonly said: Json } | null {
  const chain = group(openings, 'chain')
  const subject = group(openings, 'subject')
  if (chain === null || subject === null) return null
  const cohosts = subject.cohosts as readonly string[]
  const said = { subject: subject.subject, ...(cohosts.length === 0 ? {} : { cohosts }) }
  return { at: Number(chain.at), said }
}

function resultSaid(result: Json): Json {
  const { mode, until, rules, review, lease_until } = result
  const { queue, by } = (review ?? {}) as Json
  return {
    mode,
    until: dateOf(until),
    rules,
    lease_until: dateOf(lease_until),
    ...(review === null || review === undefined ? {} : { review: { queue, by: dateOf(by) } }),
  }
}

/** What would have been where not everything was enforced. */
function wouldIn({ would }: Json): Json | undefined {
  if (would === undefined) return undefined
  const { until, ...rest } = would as Json
  return { ...rest, until: dateOf(until) }
}

function askedIn(openings: Openings): Json {
  const { stream, server, session, caller } = group(openings, 'request') ?? {}
  return present({ stream, server, session, caller })
}

const INSTANTS: ReadonlySet<string> = new Set([
  'issued_at',
  'effective_at',
  'notified_at',
  'content_created_at',
  'expires_at',
])

function dated(value: Json): Json {
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, INSTANTS.has(name) ? dateOf(one) : one]),
  )
}

/** An instant as text; `forever`, null and what is absent stay. */
function dateOf(value: unknown): unknown {
  return typeof value === 'number' ? instant(value) : value
}

function instant(at: number): string {
  return formatInstant(epochMs(at))
}

function present(members: Json): Json {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

function group(openings: Openings, name: string): Json | null {
  return (groupIn(openings, name) as Json | undefined) ?? null
}

function jsonIn(part: string): Json {
  return JSON.parse(textFromBase64Url(part) ?? '{}') as Json
}
