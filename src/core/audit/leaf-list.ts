/**
 * The leaves of each chain's last records, packed: six bits a character, in pieces of five.
 *
 * Of all but the newest only the beginning is kept. A text is kept exactly as given when it is base64url; others, which no
 * hash is, compare as equal to nothing. From: chain-table.ts.
 */

/** Kept of one chain beside its newest. */
export const MAX_OLDER = 15
/** Characters kept of a leaf that is not the newest: 132 bits tell a repeat from another record. */
export const SHORT_CHARS = 22
export const LEAF_CHARS = 43

const SHORT_BYTES = 17
export const LEAF_BYTES = 33

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const SEXTETS: Uint8Array = new Uint8Array(128).fill(255)
for (let i = 0; i < LETTERS.length; i++) SEXTETS[LETTERS.charCodeAt(i)] = i

/** Writes `chars` characters from `from` on; false, with bytes no text has, for what is not base64url or too short. */
export function pack(text: string, chars: number, into: Uint8Array, at: number, from = 0): boolean {
  const bytes = Math.ceil((chars * 6) / 8)
  let [bits, rest, to] = [0, 0, at]
  for (let i = 0; i < chars; i++) {
    const sextet = SEXTETS[text.charCodeAt(from + i)] ?? 255
    if (sextet === 255) {
      into.fill(255, at, at + bytes)
      return false
    }
    rest = ((rest << 6) | sextet) & 0xfff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    into[to++] = rest >> bits
  }
  if (bits > 0) into[to] = (rest << (8 - bits)) & 0xff
  return true
}

/** The characters written there; empty for what was refused. */
export function unpack(from: Uint8Array, at: number, chars: number): string {
  const bytes = Math.ceil((chars * 6) / 8)
  // A last byte that is filled has bits set that no text leaves.
  if (from[at + bytes - 1] === 255) return ''
  let text = ''
  let [bits, rest, next] = [0, 0, at]
  for (let i = 0; i < chars; i++) {
    if (bits < 6) {
      rest = ((rest << 8) | (from[next++] ?? 0)) & 0x3fff
      bits += 8
    }
    bits -= 6
    text += LETTERS[(rest >> bits) & 63]
  }
  return text
}

const looked = new Uint8Array(LEAF_BYTES)

/** Whether the first `chars` characters of `text` are those written there. */
export function isPacked(text: string, chars: number, from: Uint8Array, at: number): boolean {
  if (text.length < chars || !pack(text, chars, looked, 0)) return false
  const bytes = Math.ceil((chars * 6) / 8)
  for (let i = 0; i < bytes; i++) if (looked[i] !== from[at + i]) return false
  return true
}

/** The beginning of a leaf that stands at `from`, packed; good until the next call. */
export function beginningOf(text: string, from = 0): Uint8Array {
  pack(text, SHORT_CHARS, begun, 0, from)
  return begun
}

/** As `beginningOf` of the text that is packed there. */
export function beginningAt(from: Uint8Array, at: number): Uint8Array {
  for (let i = 0; i < SHORT_BYTES; i++) begun[i] = from[at + i] ?? 0
  // Half of the last byte is of a character that is not kept; what was refused stays as no text is.
  if (from[at + LEAF_BYTES - 1] !== 255)
    begun[SHORT_BYTES - 1] = (begun[SHORT_BYTES - 1] ?? 0) & 0xf0
  return begun
}

const begun = new Uint8Array(SHORT_BYTES)

/** Leaves of a list that are together, and how many such pieces are made at a time. */
const EACH = 5
const PIECES = 512
const PIECE_BYTES: number = EACH * SHORT_BYTES

/** A list of beginnings of leaves, in the hands of who keeps it: where it is, and where the oldest is in it. */
export interface LeafList {
  /** Of the first piece; says nothing while the list is empty. */
  readonly piece: number
  readonly count: number
  readonly start: number
}

/** Lists of up to 15; pieces of five, so that a list takes what it needs and nothing is ever moved or given back. */
export class LeafLists {
  readonly #bytes: Uint8Array[] = []
  /** The piece after each. */
  readonly #next: Uint32Array[] = []
  #pieces = 0

  /** The list with one more at its end; of a full one the oldest goes. */
  push({ piece, count, start }: LeafList, beginning: Uint8Array): LeafList {
    const full = count === MAX_OLDER
    const place = full ? start : count
    const list = {
      piece: full || count > 0 ? piece : this.#take(),
      count: full ? count : count + 1,
      start: full ? (start + 1) % MAX_OLDER : start,
    }
    if (!full && count > 0 && count % EACH === 0) this.#append(piece, count)
    const [bytes, at] = this.#at(list.piece, place)
    for (let i = 0; i < SHORT_BYTES; i++) bytes[at + i] = beginning[i] ?? 0
    return list
  }

  /** Whether leaf `i` from the oldest begins as that one does. */
  is({ piece, start }: LeafList, i: number, leaf: string): boolean {
    const [bytes, at] = this.#at(piece, (start + i) % MAX_OLDER)
    return isPacked(leaf, SHORT_CHARS, bytes, at)
  }

  /** Oldest first. */
  texts({ piece, count, start }: LeafList): string[] {
    return Array.from({ length: count }, (_, i) => {
      const [bytes, at] = this.#at(piece, (start + i) % MAX_OLDER)
      return unpack(bytes, at, SHORT_CHARS)
    })
  }

  #append(first: number, count: number): void {
    const last = this.#pieceOf(first, count - 1)
    const next = this.#take()
    const row = this.#next[Math.floor(last / PIECES)]
    if (row !== undefined) row[last % PIECES] = next
  }

  #take(): number {
    if (this.#pieces === this.#bytes.length * PIECES) {
      this.#bytes.push(new Uint8Array(PIECES * PIECE_BYTES))
      this.#next.push(new Uint32Array(PIECES))
    }
    return this.#pieces++
  }

  #at(first: number, place: number): readonly [bytes: Uint8Array, at: number] {
    const piece = this.#pieceOf(first, place)
    const bytes = this.#bytes[Math.floor(piece / PIECES)] as Uint8Array
    return [bytes, (piece % PIECES) * PIECE_BYTES + (place % EACH) * SHORT_BYTES]
  }

  #pieceOf(first: number, place: number): number {
    let piece = first
    for (let left = Math.floor(place / EACH); left > 0; left--)
      piece = this.#next[Math.floor(piece / PIECES)]?.[piece % PIECES] ?? 0
    return piece
  }
}
