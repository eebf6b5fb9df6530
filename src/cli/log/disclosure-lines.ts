/**
 * Where in a file of disclosures, or in a part of it, the records of its lines stand.
 *
 * What a line may be is disclosures.ts's to say; here it is read fast where it says nothing but a record, as most do.
 * Run by disclosures.ts and, for parts of a large file, by disclosure-worker.ts.
 */
import { GROUP_NAMES } from '../../core/record/kinds.ts'
import { type IndexLines, keyIn, ONLY_RECORD } from './disclosure-index.ts'
import { eachLine, type FilePart, type RawLine } from './each-line.ts'
import { parseGiven } from './given-record.ts'

/** Lines gone through, up to the first that holds no record. */
export interface LinesRead {
  readonly lines: number
  /** The last of them holds none. */
  readonly bad: boolean
}

export async function indexLines(
  path: string,
  lines: IndexLines,
  {
    part = null,
    keep = () => undefined,
  }: { readonly part?: FilePart | null; readonly keep?: (chunk: Buffer) => void },
): Promise<LinesRead> {
  let read = 0
  const use = ({ bytes, start, end, offset, line }: RawLine): void => {
    read = line
    const only = onlyRecord(bytes, start, end)
    if (only !== null && isPresentation(only)) {
      const begin = start + ONLY_RECORD.length
      const signature = begin + only.lastIndexOf('.', only.indexOf('~')) + 1
      lines.push(keyIn(bytes, signature), offset + ONLY_RECORD.length, only.length)
      return
    }
    const whole = bytes.subarray(start, end)
    const text = whole.toString()
    if (text.trim() === '') return
    const given = parseGiven(text)
    if (given === null) throw NO_RECORD
    const { jws } = given
    const key = keyIn(Buffer.from(jws, 'latin1'), jws.lastIndexOf('.') + 1)
    const place = placeOf(whole, text, jws)
    lines.push(key, offset + place.offset, place.length)
  }
  try {
    await eachLine(path, keep, use, part)
    return { lines: read, bad: false }
  } catch (error) {
    if (error !== NO_RECORD) throw error
    return { lines: read, bad: true }
  }
}

const NO_RECORD = new Error('a line holds no record')

const QUOTE = 0x22
const BRACE = 0x7b
const CLOSING = 0x7d
const ESCAPE = 0x5c

/** The record of a line that says `record` and nothing else, as most do, letter by letter as it stands there. */
function onlyRecord(bytes: Buffer, start: number, end: number): string | null {
  const from = start + ONLY_RECORD.length
  const to = end - 2
  if (from >= to || bytes[to] !== QUOTE || bytes[to + 1] !== CLOSING) return null
  for (let i = 0; i < ONLY_RECORD.length; i++) if (bytes[start + i] !== ONLY_RECORD[i]) return null
  try {
    const record = JSON.parse(bytes.toString('latin1', from - 1, to + 1)) as string
    // Escapes make it shorter than what stands between the quotes; members after it are no string.
    return record.length === to - from ? record : null
  } catch {
    return null
  }
}

/** Exactly what `parseGiven` accepts, when there is a `~`. */
function isPresentation(text: string): boolean {
  const end = text.indexOf('~')
  const first = text.indexOf('.')
  const second = text.indexOf('.', first + 1)
  const third = text.indexOf('.', second + 1)
  const cut = first >= 0 && second > first && second < end && (third < 0 || third > end)
  if (!cut || !text.endsWith('~')) return false
  let groups = 0
  for (let at = end; at < text.length - 1; at = text.indexOf('~', at + 1)) groups++
  return groups <= GROUP_NAMES.length
}

interface Place {
  readonly offset: number
  readonly length: number
}

/** Where the presentation stands letter by letter, so that nobody takes the JSON apart again; else where the JSON is. */
function placeOf(bytes: Buffer, text: string, jws: string): Place {
  const at = bytes.indexOf(jws, 0, 'latin1')
  const bare = text.trim()
  if (!bare.startsWith('{')) return { offset: at, length: bare.length }
  // With an escape, or if the same text stands there twice, only a JSON parser knows which is meant.
  const end = bytes.indexOf(QUOTE, at)
  const plain =
    bytes[at - 1] === QUOTE &&
    end > at &&
    bytes.indexOf(jws, end, 'latin1') < 0 &&
    bytes.indexOf(ESCAPE) < 0
  if (plain) return { offset: at, length: end - at }
  const brace = bytes.indexOf(BRACE)
  return { offset: brace, length: bytes.length - brace }
}
