/**
 * Room for what was taken: a log that may become full stops taking records while it can still publish those it has.
 *
 * An object holds 10 GB. What stays here is a row for each chain, of records only what is not in the bucket yet: so a log
 * becomes full when the bucket does not answer for hours, and what is published then makes room; or when more than a
 * hundred million people have used it.
 */
import { LivegateError } from '../../core/errors.ts'

/** Bytes in use from which on no record is taken: the rest is for rounds, heartbeats and the record that closes the log. */
export const MAX_LOG_BYTES = 9_000_000_000

export interface Room {
  /** Why nothing is taken; null while there is room. */
  why(): string | null
  /** Throws `log_unavailable` when there is none. */
  require(): void
}

export function createRoom(
  sql: Pick<SqlStorage, 'databaseSize'>,
  maxBytes: number = MAX_LOG_BYTES,
): Room {
  const why = (): string | null =>
    sql.databaseSize < maxBytes ? null : `its storage is full: ${sql.databaseSize} bytes`
  return {
    why,
    require() {
      const reason = why()
      if (reason === null) return
      throw new LivegateError('log_unavailable', `Cannot append: ${reason}, expected ${maxBytes}`, {
        retry_after_s: 60,
        hint: 'See whether its bucket answers; otherwise close the log and go on in another.',
      })
    },
  }
}
