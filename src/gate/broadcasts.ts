/**
 * Finding one broadcast: whose it is, whether it runs, what is known of it.
 *
 * Its id is that of the decision that let it start, so the directory of records knows whose it is. Next stop: renewal.ts.
 */
import { LivegateError } from '../core/errors.ts'
import type { SubjectId } from '../core/model.ts'
import type { EpochMs } from '../core/time.ts'
import type { BroadcastView, OpenBroadcast, SubjectState } from '../ports.ts'
import { endOf, viewOf } from './broadcast-port.ts'
import type { Context } from './context.ts'
import { disclosedCohosts } from './disclosed.ts'

/** Null for an id no decision has. */
export async function subjectOfBroadcast(
  context: Pick<Context, 'directory'>,
  id: string,
): Promise<SubjectId | null> {
  const record = await context.directory.record(id)
  return record?.kind === 'decision' ? record.subject : null
}

/** The broadcast its host has under `id`, whether it still runs or not. */
export function hostedIn(state: SubjectState, id: string): OpenBroadcast | null {
  return state.broadcasts.find((open) => open.id === id && open.role === 'host') ?? null
}

/** @throws LivegateError `conflict` unless it runs at `at`. */
export function requireRunning(state: SubjectState, id: string, at: EpochMs): OpenBroadcast {
  const open = hostedIn(state, id)
  if (open !== null && open.cutting === undefined && open.lease_until > at) return open
  const is = open?.cutting === undefined ? 'it has ended' : 'it is being cut'
  throw new LivegateError('conflict', `Cannot go on with the broadcast: ${is}`, {
    hint: 'to start again, ask for a decision',
  })
}

/** What runs or is being cut under `id`; null for anything else. */
export async function viewBroadcast(
  context: Pick<Context, 'directory' | 'ledger' | 'clock'>,
  id: string,
): Promise<BroadcastView | null> {
  const record = await context.directory.record(id)
  if (record?.kind !== 'decision') return null
  const open = hostedIn(await context.ledger.load(record.subject), id)
  if (open === null || endOf(open) <= context.clock.now()) return null
  return { ...viewOf(record.subject, open), cohosts: disclosedCohosts(record) }
}

/** Tells whoever cuts, if this is to be cut. Never rejects: it is only a hint. */
export async function hintIfCutting(
  context: Context,
  subject: SubjectId,
  id: string,
): Promise<void> {
  try {
    const open = hostedIn(await context.ledger.load(subject), id)
    if (open?.cutting !== undefined) context.onRevoked?.(viewOf(subject, open))
  } catch {
    context.observe({ type: 'left_to_lease', what: 'cut' })
  }
}
