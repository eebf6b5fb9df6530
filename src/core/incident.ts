/**
 * Incident mode: which changes of it there may be, and what a decision sees of it at an instant.
 *
 * The newest change known says everything: an incident runs from its record on until `until`, whatever clocks and timers do
 * in between. One key may start one for half an hour; what runs longer was confirmed by another key. Whoever hosts this puts
 * each change into the log before anybody decides by it. Spec: docs/incident.md; docs/spec/record.md, "Incidents".
 * Next stop: incident-wish.ts, which says what may come next.
 */
import type { IncidentFacts } from './model.ts'
import { addMs, DAY_MS, type EpochMs } from './time.ts'

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

/** True while the incident of this change runs, if it is the newest. */
export function runsAt({ active, until }: IncidentChange, at: number): boolean {
  return active && until !== undefined && at < until
}

/** What is left of a key's half hour: less what ran of its incidents of the last day that nobody confirmed. */
export function leftUnconfirmed(
  changes: readonly IncidentChange[],
  by: string,
  at: EpochMs,
): number {
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
