/**
 * What the gate asks of the world about broadcasts that run; part of the ports (ports.ts hands it on).
 *
 * An open broadcast lies in its subject's state, so that a strike finds it in the very commit it lands in. What is to be
 * done about it later lies there too, so that no crash forgets it. Next stop: renewal.ts, recheck.ts, cuts.ts.
 */
import { LivegateError } from '../core/errors.ts'
import type { SubjectId } from '../core/model.ts'
import { type EpochMs, epochMs } from '../core/time.ts'

export type { CutConfirmation } from '../core/record/kinds.ts'

/** Why a running broadcast is looked at again. */
export const RECHECK_CAUSES = [
  'lease',
  'strike',
  'facts',
  'policy',
  'incident',
  'review',
  'cohost',
  'caller',
  'restart',
] as const
export type RecheckCause = (typeof RECHECK_CAUSES)[number]

/** Why something ran that no decision covered. */
export const UNGATED_CAUSES = [
  'gate_unreachable', // the gate was down, or did not answer when it started
  'start_lost', // it was asked about, but no lease came of it
  'lease_lost',
  'unasked',
] as const
export type UngatedCause = (typeof UNGATED_CAUSES)[number]

/** A broadcast that must stop: it does not count as open any more, and somebody is to end it. */
export interface Cutting {
  /** Instant of the record that ordered it. */
  readonly since: EpochMs
  /** Until then it is tried. */
  readonly until: EpochMs
  /** Id of that record: of a `revoked` one, or of the decision about a stream that ran without one. */
  readonly order: string
  readonly cause: RecheckCause | 'ungated'
}

/** A broadcast under a lease. */
export interface OpenBroadcast {
  /** Id of the decision that opened it. */
  readonly id: string
  readonly stream: string
  readonly opened_at: EpochMs
  /** Exclusive. What is being cut has the instant of its order. */
  readonly lease_until: EpochMs
  /** A renewal: until when it may run although nobody heard of the renewal, under the lease it took the place of. */
  readonly heard_until?: EpochMs
  /** Media server and its session, for broadcasts admitted through a hook. */
  readonly server?: string
  readonly session?: string
  /** What the server's control interface calls it, at most MAX_HANDLE_CHARS; never holds a stream key. */
  readonly handle?: string
  /** `cohost` when the subject only joins somebody else's broadcast. */
  readonly role: 'host' | 'cohost'
  /** Of the host: others joined it, and have it open too. */
  readonly joined?: true
  /** The newest renewal, whose record says what was given last; absent before the first. */
  readonly renewed?: string
  /** Something changed since it was allowed: it has to be looked at again. */
  readonly recheck?: RecheckCause
  /** It ran without a decision, and no record says so yet. */
  readonly ungated?: UngatedCause
  readonly cutting?: Cutting
}

/** What runs or is being cut, with whose it is. */
export interface BroadcastView extends Omit<OpenBroadcast, 'role' | 'heard_until' | 'cutting'> {
  readonly subject: SubjectId
  readonly cutting: Cutting | null
  /** Those who joined it; only where one broadcast is asked for. */
  readonly cohosts?: readonly SubjectId[]
}

export interface BroadcastQuery {
  /** Those admitted through this media server. */
  readonly server?: string
  /** True: those that are being cut; false: those that run. Both unless given. */
  readonly cutting?: boolean
  /** True: those with something left to do (`recheck`, `ungated`), also of those who only joined. */
  readonly flagged?: boolean
  /** From `next`. */
  readonly after?: string
  /** 1 to 1,000 subjects: a page may have more broadcasts, or fewer and yet a next one. */
  readonly limit: number
}

/**
 * Every broadcast that somebody is host of and that runs or is being cut at an instant, in an order of its own. What begins
 * or ends while pages are read may be missing; what does neither is on one of them.
 */
export interface OpenBroadcasts {
  list(
    query: BroadcastQuery,
    at: EpochMs,
  ): Promise<{ readonly items: readonly BroadcastView[]; readonly next: string | null }>
}

/** When there is nothing left to do about it; exclusive. */
export function endOf({ lease_until, cutting }: OpenBroadcast): EpochMs {
  return cutting === undefined ? lease_until : epochMs(Math.max(lease_until, cutting.until))
}

/** Whether a list of what is asked for has it at an instant. */
export function isListed(
  open: OpenBroadcast,
  { server, cutting, flagged = false }: Pick<BroadcastQuery, 'server' | 'cutting' | 'flagged'>,
  at: EpochMs,
): boolean {
  if (endOf(open) <= at || (open.role !== 'host' && !flagged)) return false
  if (server !== undefined && open.server !== server) return false
  if (cutting !== undefined && cutting !== (open.cutting !== undefined)) return false
  return !flagged || isFlagged(open)
}

/** Something is left to do about it. */
export function isFlagged({ recheck, ungated }: OpenBroadcast): boolean {
  return recheck !== undefined || ungated !== undefined
}

/** A cursor that is not one that was given. */
export function strangeCursor(): LivegateError {
  return new LivegateError(
    'invalid_request',
    'Cannot list broadcasts: the cursor is not one of ours, expected `next` of the page before',
  )
}

/** As others see it. */
export function viewOf(subject: SubjectId, open: OpenBroadcast): BroadcastView {
  const { role: _role, heard_until: _heard, cutting = null, ...rest } = open
  return { ...rest, subject, cutting }
}
