/**
 * The lines of a file as bytes, one after the other, in room that is used again.
 */
import { open } from 'node:fs/promises'

export interface RawLine {
  /** Good until the call returns. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** Where it begins in the file. */
  readonly offset: number
  /** From 1, among those of the part. */
  readonly line: number
}

/** Of a file that can be read anywhere: the lines that begin from one byte on and before another. */
export interface FilePart {
  readonly from: number
  readonly to: number
}

const LF = 0x0a
const CHUNK: number = 1024 * 1024

/** Goes through the lines of a file, or of a part of it, in room that is used again: a line more costs no object that stays. */
export async function eachLine(
  path: string,
  keep: (chunk: Buffer) => void,
  use: (line: RawLine) => void,
  part: FilePart | null = null,
): Promise<void> {
  const to = part?.to ?? Number.POSITIVE_INFINITY
  // With the byte before it, which tells whether a line begins there.
  const first = part === null || part.from === 0 ? 0 : part.from - 1
  const file = await open(path)
  try {
    let room = Buffer.allocUnsafeSlow(CHUNK)
    let [filled, offset, line] = [0, first, 0]
    let within = first < (part?.from ?? 0)
    while (offset < to) {
      if (filled === room.length) room = Buffer.concat([room], 2 * room.length)
      const at = part === null ? null : offset + filled
      const { bytesRead } = await file.read(room, filled, room.length - filled, at)
      if (bytesRead === 0) break
      keep(room.subarray(filled, filled + bytesRead))
      const before = filled
      filled += bytesRead
      const view = room.subarray(0, filled)
      let start = 0
      for (let end = view.indexOf(LF, before); end >= 0; end = view.indexOf(LF, start)) {
        if (offset + start >= to) return
        if (!within) use({ bytes: room, start, end, offset: offset + start, line: ++line })
        within = false
        start = end + 1
      }
      room.copyWithin(0, start, filled)
      filled -= start
      offset += start
    }
    if (filled > 0 && offset < to && !within)
      use({ bytes: room, start: 0, end: filled, offset, line: line + 1 })
  } finally {
    await file.close()
  }
}
