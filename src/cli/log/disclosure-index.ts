/**
 * Where in a file of disclosures the lines of each record are: 32 bytes a line, shared by all threads, so that the file
 * itself stays on disk however large it is.
 *
 * Lines are found by the first characters of a record's signature and compared with the record's whole text, so what
 * is found is never another's. Written once by disclosures.ts, read by the threads of an audit.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { parseGiven } from './given-record.ts'

export interface DisclosureIndex {
  /** The file, or all its bytes when it cannot be read twice. */
  readonly source: string | Uint8Array<SharedArrayBuffer>
  /** Per bucket the first line + 1, per line the next one + 1; 0 ends. */
  readonly buckets: Int32Array<SharedArrayBuffer>
  readonly next: Int32Array<SharedArrayBuffer>
  /** Per line: prefix of the signature, and where `jws~disclosure~…~`, or JSON that holds it, stands. */
  readonly prefixes: Float64Array<SharedArrayBuffer>
  readonly offsets: Float64Array<SharedArrayBuffer>
  readonly lengths: Uint32Array<SharedArrayBuffer>
}

/** A line on its way into an index. */
export interface IndexedLine {
  readonly prefix: number
  readonly offset: number
  readonly length: number
}

/** Characters of a signature looked at: 42 bits of it. */
const PREFIX = 7

/** The number lines of one record share; from the text of its signature at `from`. */
export function prefixOf(code: (i: number) => number | undefined, from: number): number {
  let prefix = 0
  for (let i = 0; i < PREFIX; i++) prefix = prefix * 128 + ((code(from + i) ?? 0) & 127)
  return prefix
}

/** The index of a file's lines. */
export function buildIndex(
  source: DisclosureIndex['source'],
  lines: readonly IndexedLine[],
): DisclosureIndex {
  const count = lines.length
  const size = 2 ** Math.ceil(Math.log2(count + 1))
  const index: DisclosureIndex = {
    source,
    buckets: new Int32Array(new SharedArrayBuffer(4 * size)),
    next: new Int32Array(new SharedArrayBuffer(4 * count)),
    prefixes: new Float64Array(new SharedArrayBuffer(8 * count)),
    offsets: new Float64Array(new SharedArrayBuffer(8 * count)),
    lengths: new Uint32Array(new SharedArrayBuffer(4 * count)),
  }
  // From the last line on, so that each bucket gives its lines in the order of the file.
  for (let i = count - 1; i >= 0; i--) {
    const { prefix, offset, length } = lines[i] as IndexedLine
    const bucket = bucketOf(prefix, size)
    index.prefixes[i] = prefix
    index.offsets[i] = offset
    index.lengths[i] = length
    index.next[i] = index.buckets[bucket] ?? 0
    index.buckets[bucket] = i + 1
  }
  return index
}

function bucketOf(prefix: number, size: number): number {
  const low = prefix % 2 ** 32
  return (Math.imul(low ^ (prefix / 2 ** 32), 0x9e3779b1) >>> 7) & (size - 1)
}

/** Finds the disclosures of entries of the log. */
export interface DisclosureReader {
  /** Distinct disclosures of the record with exactly these bytes; undefined when no line is its. */
  of(entry: Uint8Array): readonly string[] | undefined
  close(): void
}

const DOT = 0x2e
const BRACE = 0x7b

/** Reads through an index; a thread opens the file for itself. */
export function openIndex(index: DisclosureIndex): DisclosureReader {
  const { buckets, next, prefixes, offsets, lengths } = index
  const bytes = createWindow(index.source)
  return {
    of(entry) {
      const prefix = prefixOf((i) => entry[i], entry.lastIndexOf(DOT) + 1)
      let found: Set<string> | undefined
      let line = buckets[bucketOf(prefix, buckets.length)] ?? 0
      for (; line > 0; line = next[line - 1] ?? 0) {
        if (prefixes[line - 1] !== prefix) continue
        const text = bytes.at(offsets[line - 1] ?? 0, lengths[line - 1] ?? 0)
        const disclosures = disclosuresOf(text, entry)
        if (disclosures === null) continue
        found ??= new Set()
        for (const disclosure of disclosures) found.add(disclosure)
      }
      return found === undefined ? undefined : [...found]
    },
    close: bytes.close,
  }
}

/** The disclosures after the record of `entry`; null when the line is another's. */
function disclosuresOf(line: Buffer, entry: Uint8Array): readonly string[] | null {
  if (line[0] === BRACE) {
    const given = parseGiven(line.toString())
    return given?.jws === Buffer.from(entry).toString('latin1') ? given.disclosures : null
  }
  const { length } = entry
  if (line.length < length || line.compare(entry, 0, length, 0, length) !== 0) return null
  if (line.length === length) return []
  const [next, ...disclosures] = line.toString('latin1', length).split('~')
  return next === '' ? disclosures.slice(0, -1) : null
}

interface Window {
  /** Good until the next call. */
  at(offset: number, length: number): Buffer
  close(): void
}

/** Bytes read at once: files in the order of the log are read once, from front to back. */
const WINDOW = 256 * 1024

function createWindow(source: DisclosureIndex['source']): Window {
  if (typeof source !== 'string') {
    const all = Buffer.from(source.buffer)
    return { at: (offset, length) => all.subarray(offset, offset + length), close: () => undefined }
  }
  const file = openSync(source, 'r')
  let room = Buffer.allocUnsafeSlow(WINDOW)
  let start = 0
  let filled = 0
  return {
    at(offset, length) {
      if (offset < start || offset + length > start + filled) {
        if (length > room.length) room = Buffer.allocUnsafeSlow(length)
        filled = readSync(file, room, 0, room.length, offset)
        start = offset
      }
      const from = offset - start
      return room.subarray(from, Math.min(from + length, filled))
    },
    close: () => closeSync(file),
  }
}
