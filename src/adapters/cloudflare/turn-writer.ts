/**
 * The Writer port of an object that does one thing at a time: a transaction for each piece of work, at once.
 *
 * Nothing is shared and nothing waits: the object holds back every answer and every outgoing call until what was
 * written before is durable. Where many callers write at once: group-writer.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Mirror, Sql, Writer } from '../sqlite/sql.ts'

export function createTurnWriter(sql: Pick<Sql, 'transaction'>): Writer {
  const mirrors: Mirror[] = []

  async function write<T>(work: () => T): Promise<T> {
    let result: T
    try {
      result = sql.transaction(work)
    } catch (error) {
      for (const mirror of mirrors) mirror.aborted()
      throw undone(error)
    }
    for (const mirror of mirrors) mirror.committed()
    return result
  }

  return {
    write,
    writeLater: write,
    follow: (mirror) => {
      mirrors.push(mirror)
    },
  }
}

/** What a caller is told when its transaction was undone. */
export function undone(cause: unknown): LivegateError {
  return new LivegateError('log_unavailable', 'Cannot write: the transaction was undone', {
    cause,
    retry_after_s: 1,
  })
}
