/**
 * Disclosures an auditor was given, found again by the record they belong to.
 *
 * JSON Lines, one object a record: `{"record": "jws~disclosure~…~"}`, other members ignored; so the answers of
 * `POST /v1/decisions` and `GET /v1/decisions/{id}` are lines as they are. Read once to see what it holds; what a
 * record needs is read again in its turn (disclosure-index.ts). Memory: 32 bytes a line.
 */
import { createReadStream, statSync } from 'node:fs'
import { incomplete } from '../failure.ts'
import { quote } from '../session.ts'
import { buildIndex, type DisclosureIndex, type IndexedLine, prefixOf } from './disclosure-index.ts'
import { type GivenRecord, parseGiven } from './given-record.ts'

export interface Disclosures {
  /** Lines that hold a record. */
  readonly records: number
  /** Null without any. */
  readonly index: DisclosureIndex | null
}

export const NO_DISCLOSURES: Disclosures = { records: 0, index: null }

/** Reads a whole file of disclosures; a line that holds no record ends the command. */
export async function readDisclosures(path: string): Promise<Disclosures> {
  const lines: IndexedLine[] = []
  // A pipe is read once, so what it said must be kept.
  const kept: Buffer[] | null = statSync(path).isFile() ? null : []
  for await (const { bytes, offset, line } of rawLines(path, (chunk) => kept?.push(chunk))) {
    const bare = bareRecord(bytes)
    const text = bare ?? bytes.toString()
    if (text.trim() === '') continue
    const { jws } = given(text, path, line)
    const prefix = prefixOf((i) => jws.charCodeAt(i), jws.lastIndexOf('.') + 1)
    const place =
      bare === null
        ? placeOf(bytes, text, jws)
        : { offset: ONLY_RECORD.length, length: bare.length }
    lines.push({ prefix, offset: offset + place.offset, length: place.length })
  }
  if (lines.length === 0) return NO_DISCLOSURES
  return { records: lines.length, index: buildIndex(kept === null ? path : shared(kept), lines) }
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

const ONLY_RECORD = Buffer.from('{"record":"')

/** The text of a line that says `record` and nothing else, as most do: no parser is needed to see where it ends. */
function bareRecord(bytes: Buffer): string | null {
  const start = ONLY_RECORD.length
  const end = bytes.length - 2
  const only =
    end > start &&
    ONLY_RECORD.compare(bytes, 0, start) === 0 &&
    bytes.indexOf(QUOTE, start) === end &&
    bytes[end + 1] === CLOSING
  const text = only ? bytes.toString('latin1', start, end) : ''
  return /^[\w.~-]+$/.test(text) ? text : null
}

/** Where the presentation stands letter by letter, so that nobody takes the JSON apart again; else where the JSON is. */
function placeOf(bytes: Buffer, text: string, jws: string): Omit<IndexedLine, 'prefix'> {
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

interface RawLine {
  readonly bytes: Buffer
  /** Where it begins in the file. */
  readonly offset: number
  readonly line: number
}

const LF = 0x0a
const CHUNK = 1024 * 1024

async function* rawLines(path: string, keep: (chunk: Buffer) => void): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  let line = 0
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
    keep(chunk as Buffer)
    const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
    let start = 0
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      yield { bytes: bytes.subarray(start, end), offset: offset + start, line: ++line }
      start = end + 1
    }
    rest = bytes.subarray(start)
    offset += start
  }
  if (rest.length > 0) yield { bytes: rest, offset, line: line + 1 }
}

/** The records of a JSON Lines file; a line that holds none ends the command. */
export async function* readRecords(path: string): AsyncGenerator<GivenRecord> {
  for await (const { bytes, line } of rawLines(path, () => undefined)) {
    const text = bytes.toString()
    if (text.trim() !== '') yield { line, ...given(text, path, line) }
  }
}

function given(text: string, path: string, line: number): Omit<GivenRecord, 'line'> {
  const found = parseGiven(text)
  if (found !== null) return found
  throw incomplete(
    `Cannot read ${quote(path)}: line ${line} holds no record`,
    'expected {"record": "…"} on every line',
  )
}
