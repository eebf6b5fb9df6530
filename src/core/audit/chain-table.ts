/**
 * Where every chain stands, in rows of numbers and bytes: an audit has as many as subjects, so no object may stay for one.
 *
 * Memory a chain: 120 bytes with a pseudonym of 22 characters, and 89 more from its second, seventh and twelfth record on:
 * at most some 400, however many it has. Measured by bench/audit-memory.ts. Judges nothing: chains.ts does.
 */
import {
  beginningAt,
  beginningOf,
  isPacked,
  LEAF_BYTES,
  LEAF_CHARS,
  type LeafList,
  LeafLists,
  MAX_OLDER,
  pack,
  SHORT_CHARS,
  unpack,
} from './leaf-list.ts'
import { SubTable } from './sub-table.ts'

/** One chain's row, as `at` gives it and `set` takes it. */
export interface ChainRow {
  readonly seq: number
  readonly at: number
  /** Chain entries not opened before this head was met. */
  readonly unopened: number
  /** Index of its first record in this log; null while all of its records are in the log before. */
  readonly first: number | null
}

interface Piece {
  readonly numbers: Float64Array
  readonly leaves: Uint8Array
  /** Where the list of its older leaves is; how many are in it, and 16 times where the oldest is. */
  readonly lists: Uint32Array
  readonly counts: Uint8Array
}

const ROWS = 1024
const NUMBERS = 4
/** In place of no index. */
const NOT_HERE = -1

export class ChainTable {
  readonly #subs: SubTable
  readonly #pieces: Piece[] = []
  readonly #older = new LeafLists()

  /** `seed`: any 32 bits a log under audit does not know. */
  constructor(seed: number) {
    this.#subs = new SubTable(seed)
  }

  get size(): number {
    return this.#subs.count
  }

  /** Its row; -1 for a chain that is not there. */
  find(sub: string): number {
    return this.#subs.find(sub)
  }

  /** The row of a chain that is not there yet. */
  add(sub: string): number {
    const row = this.#subs.add(sub)
    if (row === this.#pieces.length * ROWS) this.#pieces.push(newPiece())
    return row
  }

  sub(row: number): string {
    return this.#subs.text(row)
  }

  at(row: number): ChainRow {
    const { numbers } = this.#piece(row)
    const i = NUMBERS * (row % ROWS)
    const [seq = 0, at = 0, unopened = 0, first = NOT_HERE] = [
      numbers[i],
      numbers[i + 1],
      numbers[i + 2],
      numbers[i + 3],
    ]
    return { seq, at, unopened, first: first === NOT_HERE ? null : first }
  }

  set(row: number, { seq, at, unopened, first }: ChainRow): void {
    const { numbers } = this.#piece(row)
    const i = NUMBERS * (row % ROWS)
    numbers[i] = seq
    numbers[i + 1] = at
    numbers[i + 2] = unopened
    numbers[i + 3] = first ?? NOT_HERE
  }

  /** The newest leaf, whole. */
  leaf(row: number): string {
    return unpack(this.#piece(row).leaves, LEAF_BYTES * (row % ROWS), LEAF_CHARS)
  }

  isLeaf(row: number, leaf: string): boolean {
    const { leaves } = this.#piece(row)
    return (
      leaf.length === LEAF_CHARS && isPacked(leaf, LEAF_CHARS, leaves, LEAF_BYTES * (row % ROWS))
    )
  }

  setLeaf(row: number, leaf: string): void {
    pack(leaf, LEAF_CHARS, this.#piece(row).leaves, LEAF_BYTES * (row % ROWS))
  }

  /** All leaves of a chain that has none yet: beginnings of the older ones, then the newest; joined by full stops. */
  readLeaves(row: number, text: string): void {
    const count = (text.length - LEAF_CHARS) / STEP
    if (!Number.isInteger(count) || count < 0 || count > MAX_OLDER || !isCutAt(text, count)) {
      const leaves = text.split('.')
      for (const leaf of leaves.slice(0, -1).slice(-MAX_OLDER)) this.pushOlder(row, leaf)
      this.setLeaf(row, leaves.at(-1) ?? '')
      return
    }
    for (let k = 0; k < count; k++) this.#push(row, beginningOf(text, k * STEP))
    this.setLeaf(row, text.slice(count * STEP))
  }

  /** Adds to the older leaves; the sixteenth takes the place of the first. */
  pushOlder(row: number, leaf: string): void {
    this.#push(row, beginningOf(leaf))
  }

  /** Makes the newest leaf one of the older. */
  age(row: number): void {
    this.#push(row, beginningAt(this.#piece(row).leaves, LEAF_BYTES * (row % ROWS)))
  }

  #push(row: number, beginning: Uint8Array): void {
    const { lists, counts } = this.#piece(row)
    const { piece, count, start } = this.#older.push(this.#list(row), beginning)
    lists[row % ROWS] = piece
    counts[row % ROWS] = 16 * start + count
  }

  #list(row: number): LeafList {
    const { lists, counts } = this.#piece(row)
    const both = counts[row % ROWS] ?? 0
    return { piece: lists[row % ROWS] ?? 0, count: both % 16, start: both >> 4 }
  }

  /** Whether the leaf so many before the newest (1 to 15) begins as this one does; false when it is not known. */
  isOlder(row: number, before: number, leaf: string): boolean {
    const list = this.#list(row)
    return before <= list.count && this.#older.is(list, list.count - before, leaf)
  }

  /** Beginnings, oldest first. */
  older(row: number): string[] {
    return this.#older.texts(this.#list(row))
  }

  #piece(row: number): Piece {
    return this.#pieces[Math.floor(row / ROWS)] as Piece
  }
}

/** From one beginning to the next. */
const STEP: number = SHORT_CHARS + 1

/** As an audit writes it: full stops after so many beginnings, and nowhere else. */
function isCutAt(text: string, count: number): boolean {
  for (let i = 1; i <= count; i++)
    if (text.indexOf('.', (i - 1) * STEP) !== i * STEP - 1) return false
  return text.indexOf('.', count * STEP) < 0
}

function newPiece(): Piece {
  return {
    numbers: new Float64Array(NUMBERS * ROWS),
    leaves: new Uint8Array(LEAF_BYTES * ROWS),
    lists: new Uint32Array(ROWS),
    counts: new Uint8Array(ROWS),
  }
}
