/**
 * What somebody wants of incident mode, and the change that follows: started, confirmed, ended, or refused with a reason.
 *
 * A start is known by who asked for what until when, so that asking again does no harm, and one that has ended does not begin
 * anew because an answer was lost. Clocks may step back; changes do not. Next stop: gate/incident.ts.
 */
import {
  BY_ITSELF,
  type IncidentChange,
  leftUnconfirmed,
  MAX_INCIDENT_MS,
  runsAt,
} from './incident.ts'
import { type EpochMs, epochMs } from './time.ts'

export type IncidentWish =
  | {
      readonly is: 'start'
      readonly scope: string
      readonly reason: string
      readonly expires_at: EpochMs
      readonly by: string
    }
  /** `id` of the one that is meant: another may have begun meanwhile. */
  | { readonly is: 'confirm'; readonly id: string; readonly by: string }
  | { readonly is: 'end'; readonly by: string }
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
      return confirm(changes, wish, running, now)
    case 'end':
      if (running !== null) return made(changes, { ...endOf(running), by: wish.by }, now)
      if (last === undefined) return refused('not_found', 'there was none')
      return expire(changes, now)
    case 'expire':
      return expire(changes, now)
  }
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
  { id: meant, by }: { readonly id: string; readonly by: string },
  running: IncidentChange | null,
  now: EpochMs,
): IncidentProposed {
  if (!changes.some((one) => one.id === meant))
    return refused('not_found', 'there is none of this id')
  if (running === null || running.id !== meant) return refused('conflict', 'it has ended')
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

function refused(code: IncidentRefusal, why: string, hint?: string): IncidentProposed {
  return hint === undefined ? { is: 'refused', code, why } : { is: 'refused', code, why, hint }
}
