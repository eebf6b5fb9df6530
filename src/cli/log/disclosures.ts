/**
 * Disclosures an auditor was given, found again by the record they belong to.
 *
 * JSON Lines, one object a record: `{"record": "jws~disclosure~…~"}`, other members ignored; so the answers of
 * `POST /v1/decisions` and `GET /v1/decisions/{id}` are lines as they are. Read once to see what it holds; what a
 * record needs is read again in its turn (disclosure-index.ts). Memory: the same for any number of lines.
 */
import { statSync } from 'node:fs'
import { GROUP_NAMES } from '../../core/record/kinds.ts'
import { incomplete } from '../failure.ts'
import { quote } from '../session.ts'
import { type DisclosureIndex, IndexLines, keyIn, ONLY_RECORD } from './disclosure-index.ts'
import { eachLine } from './each-line.ts'
import { type GivenRecord, parseGiven } from './given-record.ts'

export interface Disclosures {
  /** Lines that hold a record. */
  readonly records: number
  /** Null without any. */
  readonly index: DisclosureIndex | null
}

export const NO_DISCLOSURES: Disclosures = { records: 0, index: null }

/**
 * Reads a whole file of disclosures; a line that holds no record ends the command. `run`: lines kept in memory; of more
 * the places are on disk until the process ends.
 */
export async function readDisclosures(path: string, run?: number): Promise<Disclosures> {
  const lines = new IndexLines(run)
  // A pipe is read once, so what it said must be kept.
  const kept: Buffer[] | null = statSync(path).isFile() ? null : []
  const keep = (chunk: Buffer): void => void kept?.push(Buffer.from(chunk))
  await eachLine(path, keep, ({ bytes, start, end, offset, line }) => {
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
    const { jws } = given(text, path, line)
    const key = keyIn(Buffer.from(jws, 'latin1'), jws.lastIndexOf('.') + 1)
    const place = placeOf(whole, text, jws)
    lines.push(key, offset + place.offset, place.length)
  })
  if (lines.count === 0) return NO_DISCLOSURES
  return { records: lines.count, index: lines.index(kept === null ? path : shared(kept)) }
}

function shared(chunks: readonly Buffer[]): Uint8Array<SharedArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const all = new Uint8Array(new SharedArrayBuffer(length))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

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

function given(text: string, path: string, line: number): Omit<GivenRecord, 'line'> {
  const found = parseGiven(text)
  if (found !== null) return found
  throw incomplete(
    `Cannot read ${quote(path)}: line ${line} holds no record`,
    'expected {"record": "…"} on every line',
  )
}
