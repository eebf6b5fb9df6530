/**
 * Writes a file of states beside its place, log by log, and puts it there only when told to.
 *
 * Until then whatever stops the run leaves the old file as it was. A file that would grow beyond what can be read again
 * is not written. Form: audit-state-form.ts.
 */
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AuditState } from '../../core/audit/state.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import { type CliFailure, incomplete } from '../failure.ts'
import { syncDirectory } from '../files.ts'
import { quote } from '../session.ts'
import { endLine, FIRST_LINE, linesOf, type ToldChains } from './audit-state-form.ts'

export interface StateWriter {
  /** The next log; each once. `chains` where the state comes without them. */
  add(head: SignedHead, state: AuditState, chains?: ToldChains): Promise<void>
  /** Puts the file in its place; durable when resolved. */
  commit(): Promise<void>
  /** Forgets what was written; nothing after `commit`. */
  abandon(): Promise<void>
}

/** The end line and more. */
const END_BYTES = 64
/** Bytes written at a time. */
const PIECE = 256 * 1024

export interface StateLimits {
  readonly bytes: number
  /** Of one line: that of a log holds its policy texts. */
  readonly line_bytes: number
}

/** Fails at once where no file can be made. */
export async function createStateWriter(path: string, limits: StateLimits): Promise<StateWriter> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
  const digest = createHash('sha256')
  let waiting = `${FIRST_LINE}\n`
  let [size, isOpen] = [0, true]

  async function flush(): Promise<void> {
    const bytes = Buffer.from(waiting)
    waiting = ''
    size += bytes.length
    if (size + END_BYTES > limits.bytes) throw tooLarge(path, limits.bytes)
    digest.update(bytes)
    await file.writeFile(bytes)
  }

  return {
    async add(head, state, chains) {
      for (const text of linesOf(head, state, chains)) {
        if (Buffer.byteLength(text) > limits.line_bytes) throw tooLarge(path, limits.line_bytes)
        waiting += `${text}\n`
        if (waiting.length >= PIECE) await flush()
      }
    },
    async commit() {
      await flush()
      await file.writeFile(`${endLine(digest.digest('base64url'))}\n`)
      await file.sync()
      await file.close()
      isOpen = false
      await rename(temporary, path)
      await syncDirectory(dirname(path))
    },
    async abandon() {
      if (isOpen) await file.close()
      isOpen = false
      await rm(temporary, { force: true })
    },
  }
}

function tooLarge(path: string, limit: number): CliFailure {
  return incomplete(
    `Cannot write ${quote(path)}: the state is too large, expected at most ${limit} bytes`,
    'audit without --state',
  )
}
