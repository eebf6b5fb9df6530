/**
 * What of a list of everything that runs is in this subject's object. Asked by edge-broadcasts.ts.
 *
 * Reads what is durable and waits for no turn: a list is of an instant, and nothing is decided by it.
 */
import type { SubjectId } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import { isListed, viewOf } from '../../gate/broadcast-port.ts'
import type { BroadcastQuery, BroadcastView, Ledger } from '../../ports.ts'

export interface OpenAsked {
  readonly query: Pick<BroadcastQuery, 'server' | 'cutting' | 'flagged'>
  readonly at: EpochMs
}

export function createOpenHere({
  subject,
  ledger,
}: {
  readonly subject: SubjectId
  readonly ledger: Pick<Ledger, 'load'>
}): (asked: OpenAsked) => Promise<readonly BroadcastView[]> {
  return async ({ query, at }) => {
    const { broadcasts } = await ledger.load(subject)
    return broadcasts
      .filter((open) => isListed(open, query, at))
      .map((open) => viewOf(subject, open))
  }
}
