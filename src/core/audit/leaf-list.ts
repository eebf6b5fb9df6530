/**
 * The leaves of each chain's last records, packed: six bits a character, room in three sizes, used again when outgrown.
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

/** The beginning of a leaf, packed; good until the next call. */
export function beginningOf(leaf: string): Uint8Array {
  pack(leaf, SHORT_CHARS, begun, 0)
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

/** Leaves a list has room for, and lists a piece. */
const SIZES = [3, 7, MAX_OLDER] as const
const LISTS = 512
const NONE = 0xffff_ffff

/** Lists of one size. */
class Slab {
  readonly #bytes: number
  readonly #pieces: Uint8Array[] = []
  #next = 0
  /** First of those given back; each holds the next. */
  #free = NONE

  constructor(leaves: number) {
    this.#bytes = leaves * SHORT_BYTES
  }

  take(): number {
    if (this.#free !== NONE) {
      const slot = this.#free
      const [piece, at] = this.at(slot)
      this.#free = new DataView(piece.buffer).getUint32(at)
      return slot
    }
    if (this.#next === this.#pieces.length * LISTS)
      this.#pieces.push(new Uint8Array(LISTS * this.#bytes))
    return this.#next++
  }

  give(slot: number): void {
    const [piece, at] = this.at(slot)
    new DataView(piece.buffer).setUint32(at, this.#free)
    this.#free = slot
  }

  at(slot: number): readonly [piece: Uint8Array, at: number] {
    return [this.#pieces[Math.floor(slot / LISTS)] as Uint8Array, (slot % LISTS) * this.#bytes]
  }
}

/** Lists of the beginnings of leaves, oldest first. A list of none has no slot. */
export class LeafLists {
  readonly #slabs = SIZES.map((leaves) => new Slab(leaves))

  /** Adds one at the end of a list of `count`, from which the oldest goes when it is full; returns the list's slot. */
  push(slot: number, count: number, beginning: Uint8Array): number {
    const to = this.#withRoom(slot, count)
    const size = sizeOf(Math.min(count + 1, MAX_OLDER))
    const [piece, at] = this.#slab(size).at(to)
    const full = count === MAX_OLDER
    if (full) piece.copyWithin(at, at + SHORT_BYTES, at + MAX_OLDER * SHORT_BYTES)
    const end = at + (full ? count - 1 : count) * SHORT_BYTES
    for (let i = 0; i < SHORT_BYTES; i++) piece[end + i] = beginning[i] ?? 0
    return to
  }

  /** A list of so many leaves, of which each begins a step after the one before in `text`; its slot. */
  read(text: string, step: number, count: number): number {
    if (count === 0) return 0
    const slab = this.#slab(sizeOf(count))
    const slot = slab.take()
    const [piece, at] = slab.at(slot)
    for (let i = 0; i < count; i++) pack(text, SHORT_CHARS, piece, at + i * SHORT_BYTES, i * step)
    return slot
  }

  /** Whether leaf `i` of a list of `count` begins as that one does. */
  is(slot: number, count: number, i: number, leaf: string): boolean {
    const [piece, at] = this.#slab(sizeOf(count)).at(slot)
    return isPacked(leaf, SHORT_CHARS, piece, at + i * SHORT_BYTES)
  }

  texts(slot: number, count: number): string[] {
    if (count === 0) return []
    const [piece, at] = this.#slab(sizeOf(count)).at(slot)
    return Array.from({ length: count }, (_, i) => unpack(piece, at + i * SHORT_BYTES, SHORT_CHARS))
  }

  /** The list somewhere where one more fits. */
  #withRoom(slot: number, count: number): number {
    if (count === 0) return this.#slab(0).take()
    const [before, after] = [sizeOf(count), sizeOf(Math.min(count + 1, MAX_OLDER))]
    if (before === after) return slot
    const to = this.#slab(after).take()
    const [from, at] = this.#slab(before).at(slot)
    const [piece, start] = this.#slab(after).at(to)
    piece.set(from.subarray(at, at + count * SHORT_BYTES), start)
    this.#slab(before).give(slot)
    return to
  }

  #slab(size: number): Slab {
    return this.#slabs[size] as Slab
  }
}

function sizeOf(count: number): number {
  return SIZES.findIndex((leaves) => count <= leaves)
}
