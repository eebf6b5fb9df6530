/**
 * The places of many lines on disk, sorted, where there are too many for memory: 16 bytes a line in a file nobody else
 * sees, and a number for every 256 of them in memory.
 *
 * Sorted in runs that fit memory, then merged; lines of one key stay in the order they came in. The files have no name any
 * more once they are open, so that nothing is left behind whatever ends the process. From: disclosure-index.ts.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Lines of which some are looked for by a number of 32 bits that they may share. */
export interface SpilledLines {
  /** Rows in the order of their keys; threads of this process read it, too. */
  readonly file: number
  readonly count: number
  /** Key of the first row of every block. */
  readonly fences: Uint32Array<SharedArrayBuffer>
}

/** Lines on their way to disk, column by column. */
export interface LineColumns {
  readonly keys: Uint32Array
  readonly offsets: Float64Array
  readonly lengths: Uint32Array
}

/** Sorted rows that stand together in a file. */
export interface SpilledRun {
  readonly file: number
  /** Its first byte. */
  readonly start: number
  readonly rows: number
}

/** Key, length, offset. */
const ROW = 16
const BLOCK_ROWS = 256
const BLOCK: number = ROW * BLOCK_ROWS
/** Bytes read or written at a time of each run. */
const PIECE: number = 16 * BLOCK
/** Rows of a run at most: a key and a place among so many fit one exact number. */
export const RUN_ROWS: number = 2 ** 19

export class LineSpill {
  readonly #file: number = aFile()
  /** In the order their lines came in. */
  readonly #runs: SpilledRun[] = []
  #written = 0

  /** The first `count` rows, at most `RUN_ROWS`. */
  add({ keys, offsets, lengths }: LineColumns, count: number): void {
    const order = new Float64Array(count)
    for (let i = 0; i < count; i++) order[i] = (keys[i] ?? 0) * RUN_ROWS + i
    order.sort()
    const out = new RowWriter(this.#file, this.#written)
    for (const one of order) {
      const i = one % RUN_ROWS
      out.push(keys[i] ?? 0, lengths[i] ?? 0, offsets[i] ?? 0)
    }
    out.end()
    this.#runs.push({ file: this.#file, start: this.#written, rows: count })
    this.#written += ROW * count
  }

  /** The runs so far, for another thread, which closes their file; nothing can be added after it. */
  handOver(): readonly SpilledRun[] {
    return this.#runs
  }

  /** A run of another thread, which comes after those so far. */
  adopt(run: SpilledRun): void {
    this.#runs.push(run)
  }

  /** All rows; nothing can be added after it. `each` is told every row's key, in order. */
  sorted(each: (key: number) => void = () => undefined): SpilledLines {
    const sorted = aFile()
    const count = this.#runs.reduce((sum, { rows }) => sum + rows, 0)
    const fences = new Uint32Array(new SharedArrayBuffer(4 * Math.ceil(count / BLOCK_ROWS)))
    const out = new RowWriter(sorted, 0)
    let done = 0
    for (const { key, length, offset } of merged(this.#runs.map((run) => new RunReader(run)))) {
      if (done % BLOCK_ROWS === 0) fences[done / BLOCK_ROWS] = key
      done++
      each(key)
      out.push(key, length, offset)
    }
    out.end()
    for (const file of new Set([this.#file, ...this.#runs.map((run) => run.file)])) closeSync(file)
    return { file: sorted, count, fences }
  }
}

/** A file that ends with its descriptor. */
function aFile(): number {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-lines-'))
  try {
    return openSync(join(dir, 'rows'), 'wx+', 0o600)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

class RowWriter {
  readonly #file: number
  readonly #bytes = Buffer.allocUnsafeSlow(PIECE)
  #filled = 0
  #at: number

  constructor(file: number, at: number) {
    this.#file = file
    this.#at = at
  }

  push(key: number, length: number, offset: number): void {
    if (this.#filled === PIECE) this.end()
    this.#bytes.writeUInt32BE(key, this.#filled)
    this.#bytes.writeUInt32BE(length, this.#filled + 4)
    this.#bytes.writeDoubleBE(offset, this.#filled + 8)
    this.#filled += ROW
  }

  end(): void {
    for (let from = 0; from < this.#filled; )
      from += writeSync(this.#file, this.#bytes, from, this.#filled - from, this.#at + from)
    this.#at += this.#filled
    this.#filled = 0
  }
}

/** A sorted run; `key` is that of its next row. */
class RunReader {
  readonly #file: number
  readonly #bytes = Buffer.allocUnsafeSlow(PIECE)
  #at: number
  #left: number
  #from = 0
  #filled = 0
  key = 0
  length = 0
  offset = 0

  constructor({ file, start, rows }: SpilledRun) {
    this.#file = file
    this.#at = start
    this.#left = rows * ROW
  }

  /** False after the last row. */
  next(): boolean {
    if (this.#from === this.#filled && !this.#read()) return false
    this.key = this.#bytes.readUInt32BE(this.#from)
    this.length = this.#bytes.readUInt32BE(this.#from + 4)
    this.offset = this.#bytes.readDoubleBE(this.#from + 8)
    this.#from += ROW
    return true
  }

  #read(): boolean {
    const wanted = Math.min(PIECE, this.#left)
    if (wanted === 0) return false
    readExactly(this.#file, this.#bytes.subarray(0, wanted), this.#at)
    this.#at += wanted
    this.#left -= wanted
    this.#from = 0
    this.#filled = wanted
    return true
  }
}

/** Rows of all runs by key; of one key those of earlier runs first. */
function* merged(all: readonly RunReader[]): Generator<RunReader> {
  const heap = all.filter((run) => run.next())
  const place = new Map(all.map((run, i) => [run, i]))
  const before = (a: RunReader, b: RunReader): boolean =>
    a.key < b.key || (a.key === b.key && (place.get(a) ?? 0) < (place.get(b) ?? 0))
  const sink = (from: number): void => {
    let i = from
    for (;;) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2]) {
        const [a, b] = [heap[child], heap[least]]
        if (a !== undefined && b !== undefined && before(a, b)) least = child
      }
      if (least === i) return
      const [a, b] = [heap[i] as RunReader, heap[least] as RunReader]
      heap[i] = b
      heap[least] = a
      i = least
    }
  }
  for (let i = Math.floor(heap.length / 2); i >= 0; i--) sink(i)
  for (let run = heap[0]; run !== undefined; run = heap[0]) {
    yield run
    if (!run.next()) {
      const last = heap.pop()
      if (last === undefined || heap.length === 0) return
      heap[0] = last
    }
    sink(0)
  }
}

/** Looks rows up; each thread with room of its own. */
export function createLineFinder({
  file,
  count,
  fences,
}: SpilledLines): (key: number, use: (offset: number, length: number) => void) => void {
  const bytes = Buffer.allocUnsafeSlow(BLOCK)
  return (key, use) => {
    for (let block = blockBefore(fences, key); block * BLOCK_ROWS < count; block++) {
      const rows = Math.min(BLOCK_ROWS, count - block * BLOCK_ROWS)
      readExactly(file, bytes.subarray(0, rows * ROW), block * BLOCK)
      for (let i = firstOf(bytes, rows, key); i < rows; i++) {
        if (bytes.readUInt32BE(i * ROW) !== key) return
        use(bytes.readDoubleBE(i * ROW + 8), bytes.readUInt32BE(i * ROW + 4))
      }
    }
  }
}

/** The last block whose first row has a smaller key: rows with this one begin in it or right after. */
function blockBefore(fences: Uint32Array, key: number): number {
  let [low, high] = [0, fences.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((fences[middle] ?? 0) < key) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

/** The first row whose key is not smaller. */
function firstOf(bytes: Buffer, rows: number, key: number): number {
  let [low, high] = [0, rows]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bytes.readUInt32BE(middle * ROW) < key) low = middle + 1
    else high = middle
  }
  return low
}

function readExactly(file: number, into: Buffer, at: number): void {
  for (let filled = 0; filled < into.length; ) {
    const read = readSync(file, into, filled, into.length - filled, at + filled)
    if (read === 0) throw new TypeError('the lines on disk end early')
    filled += read
  }
}
