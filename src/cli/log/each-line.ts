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
  readonly line: number
}

const LF = 0x0a
const CHUNK: number = 1024 * 1024

/** Goes through the lines of a file, in room that is used again: a line more costs no object that stays. */
export async function eachLine(
  path: string,
  keep: (chunk: Buffer) => void,
  use: (line: RawLine) => void,
): Promise<void> {
  const file = await open(path)
  try {
    let room = Buffer.allocUnsafeSlow(CHUNK)
    let [filled, offset, line] = [0, 0, 0]
    for (;;) {
      if (filled === room.length) room = Buffer.concat([room], 2 * room.length)
      const { bytesRead } = await file.read(room, filled, room.length - filled, null)
      if (bytesRead === 0) break
      keep(room.subarray(filled, filled + bytesRead))
      const before = filled
      filled += bytesRead
      const view = room.subarray(0, filled)
      let start = 0
      for (let end = view.indexOf(LF, before); end >= 0; end = view.indexOf(LF, start)) {
        use({ bytes: room, start, end, offset: offset + start, line: ++line })
        start = end + 1
      }
      room.copyWithin(0, start, filled)
      filled -= start
      offset += start
    }
    if (filled > 0) use({ bytes: room, start: 0, end: filled, offset, line: line + 1 })
  } finally {
    await file.close()
  }
}
