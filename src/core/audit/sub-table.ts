/**
 * Numbers pseudonyms from 0 on, in some 30 bytes each: texts end to end, and a table of places that finds them.
 *
 * A log under audit chooses its pseudonyms, so their hash is of random words: who does not know the seed cannot choose
 * many that share a place. From: chain-table.ts.
 */
import { LivegateError } from '../errors.ts'

/** Texts never cross from one piece to the next. */
const PIECE: number = 64 * 1024
const MAX_CHARS = 255
/** Characters hashed; a pseudonym has at most 64. */
const WORDS = 64
const CODES = 128

/** A seed of any 32 bits gives its own words. */
function wordsOf(seed: number): Uint32Array {
  const words = new Uint32Array(WORDS * CODES)
  let state = seed | 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = Math.imul(state, 0x9e3779b1)
  }
  return words
}

export class SubTable {
  readonly #words: Uint32Array
  /** Row + 1 at each place; 0 for none. */
  #places = new Uint32Array(1024)
  /** Where the text of each row begins, its length before it. */
  #starts = new Uint32Array(512)
  readonly #pieces: Uint8Array[] = []
  #end = PIECE
  #count = 0

  constructor(seed: number) {
    this.#words = wordsOf(seed)
  }

  get count(): number {
    return this.#count
  }

  /** Its row; -1 when it is not there. */
  find(sub: string): number {
    const row = this.#places[this.#placeOf(sub)] ?? 0
    return row - 1
  }

  /** The row of one that is not there yet. Throws LivegateError for what can be no pseudonym. */
  add(sub: string): number {
    if (3 * this.#count > 2 * this.#places.length) this.#widen()
    const row = this.#count++
    if (row === this.#starts.length) this.#starts = longer(this.#starts)
    this.#places[this.#placeOf(sub)] = row + 1
    this.#starts[row] = this.#write(sub)
    return row
  }

  text(row: number): string {
    const start = this.#starts[row] ?? 0
    const piece = this.#pieceOf(start)
    const from = (start % PIECE) + 1
    return String.fromCharCode(...piece.subarray(from, from + (piece[from - 1] ?? 0)))
  }

  #pieceOf(start: number): Uint8Array {
    return this.#pieces[Math.floor(start / PIECE)] as Uint8Array
  }

  /** Where it is, or where it would be. */
  #placeOf(sub: string): number {
    const mask = this.#places.length - 1
    let place = this.#hash(sub) & mask
    for (;;) {
      const row = this.#places[place] ?? 0
      if (row === 0 || this.#is(row - 1, sub)) return place
      place = (place + 1) & mask
    }
  }

  #hash(sub: string): number {
    let hash = sub.length
    for (let i = 0; i < sub.length; i++)
      hash ^= this.#words[(i % WORDS) * CODES + (sub.charCodeAt(i) % CODES)] ?? 0
    return hash
  }

  /** As `hash`, of the text that begins there. */
  #hashAt(start: number): number {
    const piece = this.#pieceOf(start)
    const from = start % PIECE
    const length = piece[from] ?? 0
    let hash = length
    for (let i = 0; i < length; i++)
      hash ^= this.#words[(i % WORDS) * CODES + (piece[from + 1 + i] ?? 0)] ?? 0
    return hash
  }

  #is(row: number, sub: string): boolean {
    const start = this.#starts[row] ?? 0
    const piece = this.#pieceOf(start)
    const from = start % PIECE
    if (piece[from] !== sub.length) return false
    for (let i = 0; i < sub.length; i++) if (piece[from + 1 + i] !== sub.charCodeAt(i)) return false
    return true
  }

  #write(sub: string): number {
    if (sub.length > MAX_CHARS)
      throw new LivegateError('invalid_request', 'Cannot audit: a pseudonym is too long')
    if (this.#end + 1 + sub.length > PIECE) {
      this.#pieces.push(new Uint8Array(PIECE))
      this.#end = 0
    }
    const from = this.#end
    const piece = this.#pieces.at(-1) as Uint8Array
    piece[from] = sub.length
    for (let i = 0; i < sub.length; i++) {
      const code = sub.charCodeAt(i)
      if (code >= CODES)
        throw new LivegateError('invalid_request', 'Cannot audit: a pseudonym is not ASCII')
      piece[from + 1 + i] = code
    }
    this.#end = from + 1 + sub.length
    return (this.#pieces.length - 1) * PIECE + from
  }

  #widen(): void {
    this.#places = new Uint32Array(2 * this.#places.length)
    const mask = this.#places.length - 1
    for (let row = 0; row < this.#count; row++) {
      let place = this.#hashAt(this.#starts[row] ?? 0) & mask
      while (this.#places[place] !== 0) place = (place + 1) & mask
      this.#places[place] = row + 1
    }
  }
}

function longer(from: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(2 * from.length)
  to.set(from)
  return to
}
