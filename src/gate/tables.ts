/**
 * How many questions about broadcasts with co-hosts are under way for one subject: each keeps every co-host's standing.
 *
 * Co-hosts are visited before the subject's own turn is taken, so turns do not bound this: without it a flood about one
 * subject would hold sixteen histories a request in memory, on the edge as copies. Beyond it the caller is shed (G9).
 */
import { LivegateError } from '../core/errors.ts'
import { MAX_WITH_COHOSTS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import type { DecideRequest } from '../gate-types.ts'

export interface Tables {
  /**
   * Runs `work` if the request names no co-host or there is room.
   * @throws LivegateError `overloaded` when MAX_WITH_COHOSTS of this subject are under way.
   */
  run<T>(request: Pick<DecideRequest, 'subject' | 'stream'>, work: () => Promise<T>): Promise<T>
}

/** Counts by subject, in memory for as long as something is under way. */
export function createTables(): Tables {
  const counts = new Map<SubjectId, number>()
  return {
    async run({ subject, stream }, work) {
      if ((stream.hosts ?? []).length === 0) return work()
      const count = counts.get(subject) ?? 0
      if (count >= MAX_WITH_COHOSTS) throw full()
      counts.set(subject, count + 1)
      try {
        return await work()
      } finally {
        const left = (counts.get(subject) ?? 1) - 1
        if (left === 0) counts.delete(subject)
        else counts.set(subject, left)
      }
    },
  }
}

function full(): LivegateError {
  return new LivegateError(
    'overloaded',
    'Cannot visit co-hosts: too many broadcasts of this subject are being decided',
    { retry_after_s: 1 },
  )
}
