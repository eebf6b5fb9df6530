/**
 * Parts of a file, read in pieces of which most callers want one after the other. From: disclosure-index.ts.
 */
import { closeSync, openSync, readSync } from 'node:fs'

export interface FileWindow {
  /** Where in `bytes` that part of the file begins. What the file does not have is zeros, or beyond the end of `bytes`. */
  at(offset: number, length: number): number
  /** Good until the next `at`. */
  bytes(): Buffer
  close(): void
}

/** Bytes read at once: a file in the order of the log is read once or little more, in pieces that fit the processor's cache. */
const PIECE: number = 512 * 1024

/** Of a file, opened anew, or of its bytes. */
export function createWindow(source: string | Uint8Array<SharedArrayBuffer>): FileWindow {
  if (typeof source !== 'string') {
    const all = Buffer.from(source.buffer)
    return { at: (offset) => offset, bytes: () => all, close: () => undefined }
  }
  const file = openSync(source, 'r')
  let room = Buffer.allocUnsafeSlow(PIECE)
  let start = 0
  let filled = 0
  return {
    at(offset, length) {
      if (offset < start || offset + length > start + filled) {
        if (length > room.length) room = Buffer.allocUnsafeSlow(length)
        filled = readSync(file, room, 0, room.length, offset)
        // A file that was cut meanwhile must not show what another part of it was.
        room.fill(0, filled)
        start = offset
      }
      return offset - start
    },
    bytes: () => room,
    close: () => closeSync(file),
  }
}
