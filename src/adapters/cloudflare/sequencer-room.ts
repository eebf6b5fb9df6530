/**
 * Room for what was taken: a log that may become full stops taking records while it can still publish those it has.
 *
 * An object holds 10 GB. What stays here is a row for each chain, of records only what is not in the bucket yet: so a log
 * becomes full when the bucket does not answer for hours, and what is published then makes room; or when more than a
 * hundred million people have used it.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Mirror } from '../sqlite/sql.ts'

/** Bytes in use from which on no record is taken: the rest is for rounds, heartbeats and the record that closes the log. */
export const MAX_LOG_BYTES = 9_000_000_000

export interface Room extends Mirror {
  /** Why nothing is taken; null while there is room. */
  why(): string | null
  /** Throws `log_unavailable` when there is none. */
  require(): void
}

/** Transactions between two questions: at 4 MiB each (group-writer.ts) and as much again for indexes, half a gigabyte. */
const ASKED_EVERY = 64

/** Followed by the writer: to ask for the size costs as much as an append, and there is a gigabyte left above the bound. */
export function createRoom(
  sql: Pick<SqlStorage, 'databaseSize'>,
  maxBytes: number = MAX_LOG_BYTES,
): Room {
  let size: number | null = null
  let commits = 0
  const forget = (): void => {
    size = null
  }
  function why(): string | null {
    size ??= sql.databaseSize
    return size < maxBytes ? null : `its storage is full: ${size} bytes`
  }
  return {
    why,
    committed() {
      commits = (commits + 1) % ASKED_EVERY
      // What is full is asked again at once: it may have made room.
      if (commits === 0 || (size !== null && size >= maxBytes)) forget()
    },
    aborted: forget,
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
