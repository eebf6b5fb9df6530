/**
 * Leaf hashes of many records, found again while a log goes by: bounded memory whatever the records hold.
 *
 * A row is a leaf, the index it must be at (or none), and where its record was read. Memory: 73 bytes a row in columns
 * that grow by halves. Leaves are hashes, so their first bytes spread over the buckets by themselves.
 */
const LEAF = 32

/** What is kept of a row beside its leaf. */
export interface LeafRow {
  /** Index it must be at; null for any. */
  readonly index: number | null
  /** Number of the file, place in it and line. */
  readonly file: number
  readonly offset: number
  readonly length: number
  readonly line: number
}

const ANYWHERE = -1

export class LeafTable {
  #leaves = Buffer.alloc(16 * LEAF)
  #numbers = new Float64Array(16 * 5)
  /** 0 not seen; 1 seen; 2 seen where it must be. */
  #seen = new Uint8Array(16)
  /** Row + 1 behind this one in its bucket; 0 for none. */
  #next = new Uint32Array(16)
  #buckets = new Uint32Array(32)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The same leaf for the same index, or for any when one is there already, is one row. */
  add(leaf: Uint8Array, row: LeafRow): void {
    for (const i of this.#rowsOf(leaf)) {
      const index = this.#numbers[5 * i]
      if (row.index === null || index === row.index) return
      if (index === ANYWHERE) {
        this.#write(i, row)
        return
      }
    }
    if (this.#count === this.#seen.length) this.#grow()
    const i = this.#count++
    this.#leaves.set(leaf, i * LEAF)
    this.#write(i, row)
    this.#link(i)
  }

  /** An entry of the log. */
  see(leaf: Uint8Array, index: number): void {
    for (const i of this.#rowsOf(leaf)) {
      const must = this.#numbers[5 * i]
      this.#seen[i] = Math.max(this.#seen[i] ?? 0, must === ANYWHERE || must === index ? 2 : 1)
    }
  }

  /** Rows that were not seen where they must be, in the order they came. */
  *unseen(): Generator<LeafRow> {
    for (let i = 0; i < this.#count; i++) if (this.#seen[i] !== 2) yield this.#read(i)
  }

  *#rowsOf(leaf: Uint8Array): Generator<number> {
    let row = this.#buckets[this.#bucketOf(leaf, 0)] ?? 0
    for (; row > 0; row = this.#next[row - 1] ?? 0) {
      const start = (row - 1) * LEAF
      if (this.#leaves.compare(leaf, 0, LEAF, start, start + LEAF) === 0) yield row - 1
    }
  }

  #bucketOf(bytes: Uint8Array, at: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4)
    return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) & (this.#buckets.length - 1)
  }

  #link(i: number): void {
    const bucket = this.#bucketOf(this.#leaves, i * LEAF)
    this.#next[i] = this.#buckets[bucket] ?? 0
    this.#buckets[bucket] = i + 1
  }

  #write(i: number, { index, file, offset, length, line }: LeafRow): void {
    this.#numbers.set([index ?? ANYWHERE, file, offset, length, line], 5 * i)
  }

  #read(i: number): LeafRow {
    const [index = 0, file = 0, offset = 0, length = 0, line = 0] = this.#numbers.subarray(
      5 * i,
      5 * i + 5,
    )
    return { index: index === ANYWHERE ? null : index, file, offset, length, line }
  }

  #grow(): void {
    const size = Math.ceil(this.#seen.length * 1.5)
    const leaves = Buffer.alloc(size * LEAF)
    leaves.set(this.#leaves)
    this.#leaves = leaves
    this.#numbers = grown(this.#numbers, new Float64Array(5 * size))
    this.#seen = grown(this.#seen, new Uint8Array(size))
    this.#next = grown(this.#next, new Uint32Array(size))
    if (size <= this.#buckets.length) return
    this.#buckets = new Uint32Array(2 * this.#buckets.length)
    for (let i = 0; i < this.#count; i++) this.#link(i)
  }
}

function grown<T extends Float64Array | Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
