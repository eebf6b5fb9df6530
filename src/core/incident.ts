/**
 * Incident mode: which changes of it there may be, and what a decision sees of it at an instant.
 *
 * The newest change known says everything: an incident runs from its record on until `until`, whatever clocks and timers do
 * in between. One key may start one for half an hour; what runs longer was confirmed by another key. Whoever hosts this puts
 * each change into the log before anybody decides by it. Spec: docs/incident.md; docs/spec/record.md, "Incidents".
 * Next stop: gate/incident.ts.
 */
import type { IncidentFacts } from './model.ts'
import { addMs, DAY_MS, type EpochMs, epochMs, formatInstant } from './time.ts'

/** How long an incident runs that nobody else has confirmed, and all those together that one key started in a day. */
export const UNCONFIRMED_MS: number = 30 * 60_000
/** How far ahead of its start an incident may end. */
export const MAX_INCIDENT_MS: number = 3 * DAY_MS

/** A change of incident mode, as its record says it. */
export interface IncidentChange {
  /** From 1, without gaps; never given twice in a deployment. */
  readonly change: number
  readonly active: boolean
  /** Of the incident, random; the same in all its changes. */
  readonly id: string
  /** What policies may compare; public. */
  readonly scope: string
  /** Never falls. Of an end that came by itself: when it came. */
  readonly at: EpochMs
  /** With `active`: when it ends by itself, as of this change. */
  readonly until?: EpochMs
  /** With `active`: the end asked for at its start. */
  readonly expires_at?: EpochMs
  /** With `active`: a key other than the one that started it wants it. */
  readonly confirmed?: boolean
  /** Id of the API key or token; `livegate` for an end that came by itself. */
  readonly by: string
  /** Of its start; public. */
  readonly reason?: string
}

/** An incident as its changes tell it. */
export interface Incident {
  readonly id: string
  readonly scope: string
  readonly reason: string
  readonly started_at: EpochMs
  readonly started_by: string
  readonly expires_at: EpochMs
  /** When it ends by itself. */
  readonly until: EpochMs
  readonly confirmed: { readonly at: EpochMs; readonly by: string } | null
  /** Null while it runs. */
  readonly ended: { readonly at: EpochMs; readonly by: string } | null
}

export type IncidentWish =
  | {
      readonly is: 'start'
      readonly scope: string
      readonly reason: string
      readonly expires_at: EpochMs
      readonly by: string
    }
  | { readonly is: 'confirm' | 'end'; readonly by: string }
  /** What ended by itself is said to have ended. */
  | { readonly is: 'expire' }

export type IncidentRefusal = 'invalid_request' | 'forbidden' | 'not_found' | 'conflict'

export type IncidentProposed =
  | { readonly is: 'new'; readonly changes: readonly [IncidentChange, ...IncidentChange[]] }
  /** Nothing changes: it is so already. */
  | { readonly is: 'same' }
  | {
      readonly is: 'refused'
      readonly code: IncidentRefusal
      readonly why: string
      readonly hint?: string
    }

/** Who ends what ends by itself. */
export const BY_ITSELF = 'livegate'

/** What a decision made at `at` sees, by the changes it knows of, in their order. */
export function incidentFacts(changes: readonly IncidentChange[], at: number): IncidentFacts {
  return factsBy(changes.at(-1), at)
}

/** What a decision sees whose newest known change is this one. */
export function factsBy(last: IncidentChange | undefined, at: number): IncidentFacts {
  if (last === undefined || !runsAt(last, at)) return { active: false }
  return { active: true, id: last.id, scope: last.scope }
}

/** Incidents, newest first, as they are at `now`. */
export function incidentsOf(changes: readonly IncidentChange[], now: EpochMs): readonly Incident[] {
  const all: Incident[] = []
  for (const one of changes) {
    const { id, scope, at, by, reason = '', until = at, expires_at = until } = one
    const last = all.at(-1)
    if (last?.id !== id) {
      const started = { started_at: at, started_by: by, expires_at, until }
      all.push({ ...{ id, scope, reason }, ...started, confirmed: null, ended: null })
    } else if (one.active) all[all.length - 1] = { ...last, until, confirmed: { at, by } }
    else all[all.length - 1] = { ...last, ended: { at, by } }
  }
  const over = (one: Incident): Incident =>
    one.ended === null && one.until <= now
      ? { ...one, ended: { at: one.until, by: BY_ITSELF } }
      : one
  return all.map(over).toReversed()
}

/** What follows from a wish. `id` is taken by an incident that begins. */
export function proposeIncident(
  changes: readonly IncidentChange[],
  wish: IncidentWish,
  { now, id }: { readonly now: EpochMs; readonly id: string },
): IncidentProposed {
  const last = changes.at(-1)
  const running = last !== undefined && runsAt(last, now) ? last : null
  switch (wish.is) {
    case 'start':
      return running === null ? start(changes, wish, { now, id }) : startAgain(changes, wish)
    case 'confirm':
      return confirm(changes, wish.by, running, now)
    case 'end':
      if (running !== null) return made(changes, { ...endOf(running), by: wish.by }, now)
      if (last === undefined) return refused('not_found', 'there was none')
      return expire(changes, now)
    case 'expire':
      return expire(changes, now)
  }
}

/** When the running incident ends by itself; null when none is to. */
export function nextIncidentEnd(changes: readonly IncidentChange[]): EpochMs | null {
  const last = changes.at(-1)
  return last?.active === true ? (last.until ?? null) : null
}

/** What is wrong with a change, given those before it; null for nothing. Auditors judge by it, too. */
export function incidentFault(
  before: readonly IncidentChange[],
  next: IncidentChange,
): string | null {
  const last = before.at(-1)
  const number = (last?.change ?? 0) + 1
  if (next.change !== number) return `change ${next.change} comes after ${number - 1}`
  if (last !== undefined && next.at < last.at) return `change ${number} is earlier than the last`
  if (!next.active) return endFault(last, next)
  if (next.until === undefined || next.expires_at === undefined || next.confirmed === undefined)
    return `change ${number} does not say how long it runs`
  if (next.until > next.expires_at) return `change ${number} runs longer than was asked for`
  return next.confirmed ? confirmationFault(before, next) : startFault(before, next)
}

function endFault(last: IncidentChange | undefined, next: IncidentChange): string | null {
  if (last?.active === true && last.id === next.id) return null
  return `change ${next.change} ends an incident that does not run`
}

function startFault(before: readonly IncidentChange[], next: IncidentChange): string | null {
  const { at, by, id, until = at, expires_at = at, change } = next
  if (before.some((one) => one.id === id)) return `change ${change} starts an incident anew`
  if (expires_at > at + MAX_INCIDENT_MS) return `change ${change} asks for more than 72 hours`
  if (until > at + leftUnconfirmed(before, by, at))
    return `change ${change} runs for more than 30 minutes with one key`
  return null
}

function confirmationFault(
  before: readonly IncidentChange[],
  { id, by, change, at, expires_at }: IncidentChange,
): string | null {
  const last = before.at(-1)
  if (last === undefined || last.id !== id || !runsAt(last, at))
    return `change ${change} confirms an incident that does not run`
  if (last.confirmed === true) return `change ${change} confirms what was confirmed`
  if (last.by === by) return `change ${change} is a confirmation by the key that started it`
  return last.expires_at === expires_at ? null : `change ${change} gives another end`
}

function runsAt({ active, until }: IncidentChange, at: number): boolean {
  return active && until !== undefined && at < until
}

function start(
  changes: readonly IncidentChange[],
  wish: Extract<IncidentWish, { readonly is: 'start' }>,
  { now, id }: { readonly now: EpochMs; readonly id: string },
): IncidentProposed {
  const { scope, reason, expires_at, by } = wish
  const at = notBefore(changes, now)
  if (changes.some((one) => isStart(changes, one) && sameStart(one, wish)))
    return refused('conflict', 'this very incident has ended', 'Name another `expires_at`.')
  if (expires_at <= at) return refused('invalid_request', '`expires_at` is not ahead of now')
  if (expires_at > at + MAX_INCIDENT_MS)
    return refused('invalid_request', '`expires_at` is more than 72 hours ahead')
  const left = leftUnconfirmed(changes, by, at)
  if (left <= 0)
    return refused(
      'forbidden',
      'this key has started incidents for 30 minutes in 24 hours that no other key confirmed',
      'Another key with the scope `incident` can start one.',
    )
  const until = epochMs(Math.min(expires_at, at + left))
  const over = expire(changes, now)
  const before = over.is === 'new' ? over.changes : []
  const change = (changes.at(-1)?.change ?? 0) + before.length + 1
  const runs = { until, expires_at, confirmed: false }
  const next = { change, active: true, id, scope, at, ...runs, by, reason }
  const [first, ...more] = [...before, next]
  return { is: 'new', changes: [first ?? next, ...more] }
}

/** One runs: the same again is fine, as its answer may have been lost. */
function startAgain(
  changes: readonly IncidentChange[],
  wish: Extract<IncidentWish, { readonly is: 'start' }>,
): IncidentProposed {
  const begun = changes.findLast((one) => isStart(changes, one))
  if (begun !== undefined && sameStart(begun, wish)) return { is: 'same' }
  return refused(
    'conflict',
    'another one runs',
    'GET /v1/incident shows it; confirm it, or end it before another is started.',
  )
}

function confirm(
  changes: readonly IncidentChange[],
  by: string,
  running: IncidentChange | null,
  now: EpochMs,
): IncidentProposed {
  if (running === null) return refused('not_found', 'none runs')
  if (running.confirmed === true) return { is: 'same' }
  if (running.by === by)
    return refused(
      'forbidden',
      'the key that started it cannot confirm it',
      'Another key with the scope `incident` has to.',
    )
  const { id, scope, expires_at = now } = running
  const runs = { until: expires_at, expires_at, confirmed: true }
  return made(changes, { active: true, id, scope, ...runs, by }, now)
}

function expire(changes: readonly IncidentChange[], now: EpochMs): IncidentProposed {
  const last = changes.at(-1)
  if (last === undefined || !last.active || runsAt(last, now)) return { is: 'same' }
  const at = epochMs(Math.max(last.until ?? last.at, last.at))
  return {
    is: 'new',
    changes: [{ ...endOf(last), change: last.change + 1, at, by: BY_ITSELF }],
  }
}

function endOf({ id, scope }: IncidentChange): Pick<IncidentChange, 'active' | 'id' | 'scope'> {
  return { active: false, id, scope }
}

function made(
  changes: readonly IncidentChange[],
  what: Omit<IncidentChange, 'change' | 'at'>,
  now: EpochMs,
): IncidentProposed {
  const change = (changes.at(-1)?.change ?? 0) + 1
  return { is: 'new', changes: [{ change, at: notBefore(changes, now), ...what }] }
}

/** A clock may have stepped back since the last change. */
function notBefore(changes: readonly IncidentChange[], now: EpochMs): EpochMs {
  return epochMs(Math.max(now, changes.at(-1)?.at ?? now))
}

/** The first change of its incident. */
function isStart(changes: readonly IncidentChange[], one: IncidentChange): boolean {
  return changes.find(({ id }) => id === one.id) === one
}

function sameStart(
  one: IncidentChange,
  wish: Extract<IncidentWish, { readonly is: 'start' }>,
): boolean {
  const { scope, reason, expires_at, by } = wish
  return (
    one.scope === scope && one.reason === reason && one.expires_at === expires_at && one.by === by
  )
}

/** What is left of a key's half hour: less what ran of its incidents of the last day that nobody confirmed. */
function leftUnconfirmed(changes: readonly IncidentChange[], by: string, at: EpochMs): number {
  let used = 0
  for (const [i, one] of changes.entries()) {
    if (!one.active || one.confirmed === true || one.by !== by) continue
    if (one.at <= addMs(at, -DAY_MS)) continue
    const next = changes[i + 1]
    if (next?.id === one.id && next.active) continue
    used += Math.min(next?.at ?? at, one.until ?? one.at, at) - one.at
  }
  return UNCONFIRMED_MS - used
}

/** `incident … until …`, for lines. */
export function incidentWords({ id, until }: Pick<Incident, 'id' | 'until'>): string {
  return `incident ${id} until ${formatInstant(until)}`
}

function refused(code: IncidentRefusal, why: string, hint?: string): IncidentProposed {
  return hint === undefined ? { is: 'refused', code, why } : { is: 'refused', code, why, hint }
}
