/**
 * After an object died: co-hosts, too, stop counting a broadcast for a whole lease of which nobody may have heard.
 *
 * Their objects did not die, so they are asked: what a co-host still has open under the decision is confirmed once more,
 * but only for as long as an unheard broadcast counts. One that cannot be reached is left to the lease.
 */
import { UNCONFIRMED_BROADCAST_MS } from '../../core/limits.ts'
import type { SubjectId } from '../../core/model.ts'
import { epochMs } from '../../core/time.ts'
import type { CohostDesk } from '../../gate/cohosts.ts'
import { disclosedCohosts } from '../../gate/disclosed.ts'
import type { Observe, OpenBroadcast, StoredRecord } from '../../ports.ts'

/** Shortens with every co-host of the decisions. Never rejects. */
export async function shortenWithCohosts(
  desk: CohostDesk,
  decisions: readonly StoredRecord[],
  observe: Observe,
): Promise<void> {
  // One decision after the other: each visit brings a whole history here, of sixteen co-hosts at most.
  for (const decision of decisions) {
    const visits = disclosedCohosts(decision).map((cohost) => shortenOne(desk, cohost, decision.id))
    for (const visit of await Promise.allSettled(visits))
      if (visit.status === 'rejected') observe({ type: 'left_to_lease', what: 'cohost' })
  }
}

async function shortenOne(desk: CohostDesk, subject: SubjectId, id: string): Promise<void> {
  const { broadcasts, version } = await desk.standing(subject)
  const open = broadcasts.find((broadcast) => broadcast.id === id && broadcast.role === 'cohost')
  const until = open === undefined ? null : unheardUntil(open)
  if (open === undefined || until === null) return
  const { stream, opened_at: decided_at } = open
  const started = { id, decided_at, lease_until: until, repeated: false, replaces: [] }
  await desk.settle(subject, { pending: { id, stream }, version, started, holds: [] })
}

/** Null when it ends by then anyway. */
function unheardUntil({ opened_at, heard_until, lease_until }: OpenBroadcast) {
  const until = epochMs(Math.max(opened_at + UNCONFIRMED_BROADCAST_MS, heard_until ?? opened_at))
  return until < lease_until ? until : null
}
