/**
 * Where in a file of disclosures the lines of each record are, shared by all threads: 24 to 28 bytes a line for half a
 * million of them, on disk beyond (spilled-lines.ts), so that memory is the same however large the file is.
 *
 * Lines are found by the first characters of a record's signature and compared with the record's whole text, so what
 * is found is never another's. Written once by disclosures.ts, read by the threads of an audit.
 */
import { createWindow, type FileWindow } from './file-window.ts'
import { parseGiven } from './given-record.ts'
import {
  createLineFinder,
  type LineColumns,
  LineSpill,
  RUN_ROWS,
  type SpilledLines,
  type SpilledRun,
} from './spilled-lines.ts'

export interface DisclosureIndex {
  /** The file, or all its bytes when it cannot be read twice. */
  readonly source: string | Uint8Array<SharedArrayBuffer>
  readonly lines: LinesInMemory | SpilledLines
  /** Keys that more than one line has, sorted; null for too many. */
  readonly repeated: Uint32Array<SharedArrayBuffer> | null
}

export interface LinesInMemory {
  /** Per bucket the first line + 1, per line the next one + 1; 0 ends. */
  readonly buckets: Int32Array<SharedArrayBuffer>
  readonly next: Int32Array<SharedArrayBuffer>
  /** Per line: key of the signature, and where `jws~disclosure~…~`, or JSON that holds it, stands. */
  readonly keys: Uint32Array<SharedArrayBuffer>
  readonly offsets: Float64Array<SharedArrayBuffer>
  readonly lengths: Uint32Array<SharedArrayBuffer>
}

/** The number lines of one record share, and few others: of the beginning of its signature, which stands at `from`. */
export function keyIn(bytes: Uint8Array, from: number): number {
  const [a, b, c] = [six(bytes, from), six(bytes, from + 1), six(bytes, from + 2)]
  const [d, e, f] = [six(bytes, from + 3), six(bytes, from + 4), six(bytes, from + 5)]
  return ((a << 26) ^ (b << 21) ^ (c << 16) ^ (d << 11) ^ (e << 6) ^ f) >>> 0
}

/** A letter of base64url in bits of which five or six differ. */
function six(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) & 127
}

/** Lines of a part of a file: those on disk, and those after them. */
export interface LinesOfPart {
  readonly runs: readonly SpilledRun[]
  readonly columns: LineColumns
}

/** Lines on their way into an index: in memory, and on disk when there are more than a run of them. */
export class IndexLines {
  readonly #run: number
  #keys = new Uint32Array(1024)
  #offsets = new Float64Array(1024)
  #lengths = new Uint32Array(1024)
  #held = 0
  #spilled = 0
  #spill: LineSpill | null = null

  /** `run`: lines kept in memory. */
  constructor(run: number = RUN_ROWS) {
    this.#run = run
  }

  get count(): number {
    return this.#spilled + this.#held
  }

  push(key: number, offset: number, length: number): void {
    if (this.#held === this.#run) this.#toDisk()
    const at = this.#held++
    if (at === this.#lengths.length) this.#widen(Math.min(2 * at, this.#run))
    this.#keys[at] = key
    this.#offsets[at] = offset
    this.#lengths[at] = length
  }

  /** What another thread is told of the lines so far; nothing can be added after it. */
  handOver(): LinesOfPart {
    const held = this.#held
    const columns = {
      keys: this.#keys.slice(0, held),
      offsets: this.#offsets.slice(0, held),
      lengths: this.#lengths.slice(0, held),
    }
    return { columns, runs: this.#spill?.handOver() ?? [] }
  }

  /** Lines of another thread, which come after those so far. */
  adopt({ columns, runs }: LinesOfPart): void {
    if (runs.length > 0) {
      this.#toDisk()
      for (const run of runs) {
        this.#spill?.adopt(run)
        this.#spilled += run.rows
      }
    }
    const { keys, offsets, lengths } = columns
    for (const [i, key] of keys.entries()) this.push(key, offsets[i] ?? 0, lengths[i] ?? 0)
  }

  /** The index of the lines so far, once; `source` is where they stand. */
  index(source: DisclosureIndex['source']): DisclosureIndex {
    const repeated = new RepeatedKeys()
    if (this.#spill === null) {
      const keys = this.#keys.slice(0, this.#held).sort()
      for (const key of keys) repeated.next(key)
      return { source, lines: this.#inMemory(), repeated: repeated.all() }
    }
    this.#toDisk()
    const lines = this.#spill.sorted((key) => repeated.next(key))
    return { source, lines, repeated: repeated.all() }
  }

  #toDisk(): void {
    this.#spill ??= new LineSpill()
    const columns = { keys: this.#keys, offsets: this.#offsets, lengths: this.#lengths }
    this.#spill.add(columns, this.#held)
    this.#spilled += this.#held
    this.#held = 0
  }

  #inMemory(): LinesInMemory {
    const count = this.#held
    const size = 2 ** Math.ceil(Math.log2(count + 1))
    const lines: LinesInMemory = {
      buckets: new Int32Array(new SharedArrayBuffer(4 * size)),
      next: new Int32Array(new SharedArrayBuffer(4 * count)),
      keys: new Uint32Array(new SharedArrayBuffer(4 * count)),
      offsets: new Float64Array(new SharedArrayBuffer(8 * count)),
      lengths: new Uint32Array(new SharedArrayBuffer(4 * count)),
    }
    lines.keys.set(this.#keys.subarray(0, count))
    lines.offsets.set(this.#offsets.subarray(0, count))
    lines.lengths.set(this.#lengths.subarray(0, count))
    // From the last line on, so that each bucket gives its lines in the order of the file.
    for (let i = count - 1; i >= 0; i--) {
      const bucket = bucketOf(lines.keys[i] ?? 0, size)
      lines.next[i] = lines.buckets[bucket] ?? 0
      lines.buckets[bucket] = i + 1
    }
    return lines
  }

  #widen(count: number): void {
    const keys = new Uint32Array(count)
    const offsets = new Float64Array(count)
    const lengths = new Uint32Array(count)
    keys.set(this.#keys)
    offsets.set(this.#offsets)
    lengths.set(this.#lengths)
    this.#keys = keys
    this.#offsets = offsets
    this.#lengths = lengths
  }
}

/** Beyond so many it is not a file whose records have a line each. */
const MAX_REPEATED: number = 2 ** 16

/** The keys that come more than once among sorted ones. */
class RepeatedKeys {
  readonly #keys: number[] = []
  #before: number | null = null

  next(key: number): void {
    if (key === this.#before && key !== this.#keys.at(-1) && this.#keys.length <= MAX_REPEATED)
      this.#keys.push(key)
    this.#before = key
  }

  all(): DisclosureIndex['repeated'] {
    if (this.#keys.length > MAX_REPEATED) return null
    const all = new Uint32Array(new SharedArrayBuffer(4 * this.#keys.length))
    all.set(this.#keys)
    return all
  }
}

function bucketOf(key: number, size: number): number {
  return (Math.imul(key, 0x9e3779b1) >>> 7) & (size - 1)
}

type Finder = (key: number, use: (offset: number, length: number) => void) => void

function finderIn({ buckets, next, keys, offsets, lengths }: LinesInMemory): Finder {
  return (key, use) => {
    let line = buckets[bucketOf(key, buckets.length)] ?? 0
    for (; line > 0; line = next[line - 1] ?? 0)
      if (keys[line - 1] === key) use(offsets[line - 1] ?? 0, lengths[line - 1] ?? 0)
  }
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
export function openIndex({ source, lines, repeated }: DisclosureIndex): DisclosureReader {
  const find = 'fences' in lines ? createLineFinder(lines) : finderIn(lines)
  const window = createWindow(source)
  const more = repeated === null ? null : new Set(repeated)
  /** Where in the file the last record that was found ends. */
  let last: number | null = null

  function lookUp(key: number, entry: Uint8Array): readonly string[] | undefined {
    const found: (readonly string[])[] = []
    find(key, (offset, length) => {
      const start = window.at(offset, length)
      const disclosures = disclosuresOf(window.bytes(), { start, length, entry })
      if (disclosures === null) return
      found.push(disclosures)
      last = offset + length
    })
    const all = found.length > 1 ? found.flat() : found[0]
    return all === undefined || areDistinct(all) ? all : [...new Set(all)]
  }
  return {
    of(entry) {
      const usual = entry.length - SIGNATURE
      const from = entry[usual - 1] === DOT ? usual : entry.lastIndexOf(DOT) + 1
      const key = keyIn(entry, from)
      // The one line of its key, when it is the next one: most files are in the order of the log.
      const next = last === null || more?.has(key) !== false ? null : nextLine(window, last, entry)
      if (next === null) return lookUp(key, entry)
      last = next.end
      const all = next.disclosures
      return areDistinct(all) ? all : [...new Set(all)]
    },
    close: () => window.close(),
  }
}

/** How a line begins that says nothing but its record, and what stands between the records of two such. */
export const ONLY_RECORD: Buffer = Buffer.from('{"record":"')
const BETWEEN = Buffer.concat([Buffer.from('"}\n'), ONLY_RECORD])
const QUOTE = 0x22
const CLOSING = 0x7d
const LF = 0x0a
/** Most lines are shorter; others are looked up. */
const LINE: number = 16 * 1024

/** The line after a record that ends at `last`, when it says exactly that it is `entry` with disclosures; else null. */
function nextLine(
  window: FileWindow,
  last: number,
  entry: Uint8Array,
): { readonly disclosures: readonly string[]; readonly end: number } | null {
  const start = window.at(last, LINE)
  const bytes = window.bytes()
  const from = start + BETWEEN.length
  const to = from + entry.length
  if (to > bytes.length || !standsAt(bytes, start, BETWEEN)) return null
  if (bytes.compare(entry, 0, entry.length, from, to) !== 0) return null
  const end = bytes.indexOf(QUOTE, to)
  if (end < 0 || bytes[end + 1] !== CLOSING || bytes[end + 2] !== LF) return null
  const text = bytes.toString('latin1', to, end)
  const disclosures = text.includes('\\') ? null : between(text)
  return disclosures === null ? null : { disclosures, end: last + (end - start) }
}

/** A few bytes: asking the host costs more than looking. */
function standsAt(bytes: Uint8Array, at: number, few: Uint8Array): boolean {
  for (let i = 0; i < few.length; i++) if (bytes[at + i] !== few[i]) return false
  return true
}

function areDistinct(few: readonly string[]): boolean {
  for (let i = 1; i < few.length; i++) if (few.indexOf(few[i] ?? '') < i) return false
  return true
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
