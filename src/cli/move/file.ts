/**
 * The file of a moving deployment, line by line with a running digest, in bounded memory.
 *
 * It is read twice: once to the end before anything is written anywhere, then to bring it over. A file that was cut,
 * altered or written by another version ends the command the first time. Format: core/move/lines.ts.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { checkHeader, MoveCheck } from '../../core/move/check.ts'
import type { MoveEnd, MoveHeader } from '../../core/move/lines.ts'
import { openCheckpoint } from '../../core/tlog/checkpoint.ts'
import { incomplete } from '../failure.ts'
import { nodeHasher } from '../log/ed25519.ts'
import { logKeyOf } from '../log/head.ts'
import { quote } from '../session.ts'

/** One line as it stands in the file. */
export interface FileLine {
  /** 0 is the header. */
  readonly number: number
  readonly value: unknown
  readonly bytes: number
  /** SHA-256 over everything before this line, hexadecimal. */
  before(): string
}

/** The largest line is a decision about 4,096 strikes: 5 MB of facts, a third more in base64. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const LF = 0x0a
const CHUNK = 256 * 1024

/** Lines in order; one that is no JSON, or not ended, ends the command. */
export async function* linesOf(path: string): AsyncGenerator<FileLine> {
  const digest = createHash('sha256')
  const before = (): string => digest.copy().digest('hex')
  let rest: Buffer[] = []
  let length = 0
  let number = 0
  for await (const read of createReadStream(path, { highWaterMark: CHUNK })) {
    const chunk = read as Buffer
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end + 1)])
      yield { number, value: parsed(line, path, number), bytes: line.length, before }
      digest.update(line)
      number++
      start = end + 1
      rest = []
      length = 0
    }
    length += chunk.length - start
    if (length > MAX_LINE_BYTES) throw unreadable(path, number, 'it is too long')
    if (start < chunk.length) rest.push(chunk.subarray(start))
  }
  if (length > 0) throw unreadable(path, number, 'the file ends within it')
}

export interface Surveyed {
  readonly header: MoveHeader
  readonly end: MoveEnd
}

/** Reads the whole file and finds it whole; ends the command otherwise. */
export async function survey(path: string, onLine: (number: number) => void): Promise<Surveyed> {
  let check: MoveCheck | null = null
  for await (const { number, value, before } of linesOf(path)) {
    if (check === null) {
      const header = checkHeader(value)
      if (!header.ok) throw refused(path, header.error)
      await requireSigned(path, header.value)
      check = new MoveCheck(header.value, nodeHasher)
      continue
    }
    const line = check.line(value)
    if (!line.ok) throw unreadable(path, number, line.error)
    if ('end' in line.value && line.value.end.sha256 !== before())
      throw refused(path, 'it is not what was written: its digest is another')
    onLine(number)
  }
  const end = check?.finish()
  if (check === null || end === undefined) throw refused(path, 'it is empty')
  if (!end.ok) throw refused(path, end.error)
  return { header: check.header, end: end.value }
}

/** The new log will name this checkpoint for ever: it must be one of that key. */
async function requireSigned(path: string, { checkpoint, vkey }: MoveHeader): Promise<void> {
  const opened = await openCheckpoint({ note: checkpoint, ...logKeyOf(vkey) })
  if (!opened.ok) throw refused(path, 'its checkpoint is not signed by the key it names')
}

function parsed(line: Buffer, path: string, number: number): unknown {
  try {
    return JSON.parse(line.toString('utf8'))
  } catch {
    throw unreadable(path, number, 'it is not JSON')
  }
}

function unreadable(path: string, number: number, state: string): ReturnType<typeof incomplete> {
  return refused(path, `line ${number + 1}: ${state}`)
}

function refused(path: string, state: string): ReturnType<typeof incomplete> {
  return incomplete(
    `Cannot import ${quote(path)}: ${state}`,
    'export again and bring the file over whole; nothing was written',
  )
}
