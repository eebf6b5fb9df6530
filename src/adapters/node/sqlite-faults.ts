/**
 * How bad an error of the database is: only for this transaction, for the whole log, or for the process.
 *
 * After a failed fsync the page cache may show bytes that never reached the disk, so nothing read afterwards can be
 * believed: the process ends and recovery reads what is really there. Codes: sqlite.org/rescode.html.
 */

/** `batch`: try again. `halt`: nothing is written any more. `die`: end the process at once. */
export type Gravity = 'batch' | 'halt' | 'die'

const [READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB] = [8, 10, 11, 13, 14, 26]
const IOERR_FSYNC = 10 | (4 << 8)
const IOERR_DIR_FSYNC = 10 | (5 << 8)
const HALTING: readonly number[] = [READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB]

/** Gravity of whatever a transaction threw; anything that is not SQLite's own concerns that transaction only. */
export function gravityOf(error: unknown): Gravity {
  const code = errcodeOf(error)
  if (code === IOERR_FSYNC || code === IOERR_DIR_FSYNC) return 'die'
  return code !== null && HALTING.includes(code & 0xff) ? 'halt' : 'batch'
}

/** SQLite's extended result code, null for other errors. */
export function errcodeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null
  return typeof error.errcode === 'number' ? error.errcode : null
}
