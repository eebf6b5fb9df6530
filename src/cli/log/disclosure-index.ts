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

/** Characters of a signature looked at: 42 bits of it. */
const PREFIX = 7

/** The number lines of one record share; from the text of its signature at `from`. */
export function prefixOf(code: (i: number) => number | undefined, from: number): number {
  let prefix = 0
  for (let i = 0; i < PREFIX; i++) prefix = prefix * 128 + ((code(from + i) ?? 0) & 127)
  return prefix
}

/** Lines on their way into an index. */
export class IndexLines {
  #prefixes = new Float64Array(1024)
  #offsets = new Float64Array(1024)
  #lengths = new Uint32Array(1024)
  #count = 0

  get count(): number {
    return this.#count
  }

  push(prefix: number, offset: number, length: number): void {
    const at = this.#count++
    if (at === this.#lengths.length) this.#widen(2 * at)
    this.#prefixes[at] = prefix
    this.#offsets[at] = offset
    this.#lengths[at] = length
  }

  /** The index of the lines so far; `source` is where they stand. */
  index(source: DisclosureIndex['source']): DisclosureIndex {
    const count = this.#count
    const size = 2 ** Math.ceil(Math.log2(count + 1))
    const index: DisclosureIndex = {
      source,
      buckets: new Int32Array(new SharedArrayBuffer(4 * size)),
      next: new Int32Array(new SharedArrayBuffer(4 * count)),
      prefixes: new Float64Array(new SharedArrayBuffer(8 * count)),
      offsets: new Float64Array(new SharedArrayBuffer(8 * count)),
      lengths: new Uint32Array(new SharedArrayBuffer(4 * count)),
    }
    index.prefixes.set(this.#prefixes.subarray(0, count))
    index.offsets.set(this.#offsets.subarray(0, count))
    index.lengths.set(this.#lengths.subarray(0, count))
    // From the last line on, so that each bucket gives its lines in the order of the file.
    for (let i = count - 1; i >= 0; i--) {
      const bucket = bucketOf(index.prefixes[i] ?? 0, size)
      index.next[i] = index.buckets[bucket] ?? 0
      index.buckets[bucket] = i + 1
    }
    return index
  }

  #widen(count: number): void {
    const prefixes = new Float64Array(count)
    const offsets = new Float64Array(count)
    const lengths = new Uint32Array(count)
    prefixes.set(this.#prefixes)
    offsets.set(this.#offsets)
    lengths.set(this.#lengths)
    this.#prefixes = prefixes
    this.#offsets = offsets
    this.#lengths = lengths
  }
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
/** Characters of the signature of every record that can be read. */
const SIGNATURE = 86

/** Reads through an index; a thread opens the file for itself. */
export function openIndex(index: DisclosureIndex): DisclosureReader {
  const { buckets, next, prefixes, offsets, lengths } = index
  const window = createWindow(index.source)
  return {
    of(entry) {
      const usual = entry.length - SIGNATURE
      const from = entry[usual - 1] === DOT ? usual : entry.lastIndexOf(DOT) + 1
      const prefix = prefixOf((i) => entry[i], from)
      let found: readonly string[] | undefined
      let line = buckets[bucketOf(prefix, buckets.length)] ?? 0
      for (; line > 0; line = next[line - 1] ?? 0) {
        if (prefixes[line - 1] !== prefix) continue
        const length = lengths[line - 1] ?? 0
        const start = window.at(offsets[line - 1] ?? 0, length)
        const disclosures = disclosuresOf(window.bytes(), { start, length, entry })
        if (disclosures === null) continue
        found = found === undefined ? disclosures : [...found, ...disclosures]
      }
      return found === undefined || found.length < 2 ? found : [...new Set(found)]
    },
    close: () => window.close(),
  }
}

/** The disclosures after the record of `entry`; null when the line is another's. */
function disclosuresOf(
  bytes: Buffer,
  line: { readonly start: number; readonly length: number; readonly entry: Uint8Array },
): readonly string[] | null {
  const { start, length, entry } = line
  const end = start + length
  if (bytes[start] === BRACE) {
    const given = parseGiven(bytes.toString('utf8', start, end))
    return given?.jws === Buffer.from(entry).toString('latin1') ? given.disclosures : null
  }
  const after = start + entry.length
  if (after > end || bytes.compare(entry, 0, entry.length, start, after) !== 0) return null
  if (after === end) return []
  return between(bytes.toString('latin1', after, end))
}

/** The parts of `~…~…~`, without what follows the last one; null for a text that begins otherwise. */
function between(text: string): readonly string[] | null {
  if (!text.startsWith('~')) return null
  const parts: string[] = []
  let from = 1
  for (let to = text.indexOf('~', from); to >= 0; to = text.indexOf('~', from)) {
    parts.push(text.slice(from, to))
    from = to + 1
  }
  return parts
}

interface Window {
  /** Where in `bytes` that part of the file begins. */
  at(offset: number, length: number): number
  /** Good until the next `at`. */
  bytes(): Buffer
  close(): void
}

/** Bytes read at once: a file in the order of the log is read once or little more, in pieces that fit the processor's cache. */
const WINDOW: number = 64 * 1024

function createWindow(source: DisclosureIndex['source']): Window {
  if (typeof source !== 'string') {
    const all = Buffer.from(source.buffer)
    return { at: (offset) => offset, bytes: () => all, close: () => undefined }
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
