/**
 * Small damage to valid inputs, as an attacker or a broken disk would do it: to texts, bytes and JSON values.
 *
 * A change is plain data that fast-check draws and shrinks; what it does depends on nothing else, so that a seed gives the
 * same inputs again. Texts are changed by characters, lines and numbers, JSON at any node, so that inputs stay valid
 * enough to reach the inner checks. Next: targets.ts.
 */
import fc from 'fast-check'

/** One thing done to an input; `at` and `with` are shares of a million. */
export interface Change {
  readonly how: number
  readonly at: number
  readonly with: number
  readonly size: number
  readonly put: string
}

/** Characters that parsers stumble over, and a few of any kind. */
const SNIPPETS = [
  ...[
    '',
    ' ',
    '\n',
    '\r\n',
    '\r',
    '\t',
    '\0',
    '\n\n',
    '\v',
    '\u00a0',
    '\ufeff',
    '\u0085',
    '\u2028',
  ],
  ...['+', '-', '_', '/', '=', '==', '%', '~', '.', '..', '"', '\\', ',', ':', '{', '}', '[', ']'],
  ...['0', '00', '1', '255', '256', '65536', '4294967296', '9007199254740991', '9007199254740992'],
  ...['18446744073709551615', '-1', '-0', '1e3', '1.0', '0x1', '１', 'x', 'A', '— ', '\u2014'],
  ...['\ud800', '\udc00', '😀', 'é', 'e\u0301', 'Ａ', '\u202e', '__proto__', 'null', '\\u0041'],
]

const snippet: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...SNIPPETS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
)

const change: fc.Arbitrary<Change> = fc.record({
  how: fc.nat(63),
  at: fc.nat(999_999),
  with: fc.nat(999_999),
  size: fc.nat(6),
  put: snippet,
})

/** One to three changes, most often one: what is spoilt twice is refused for the first. */
export const changes: fc.Arbitrary<readonly Change[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(change, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.array(change, { minLength: 2, maxLength: 3 }) },
)

/** A share of a million as an index below `length`. */
export function placeIn(share: number, length: number): number {
  return Math.floor((share / 1_000_000) * length)
}

type TextChange = (text: string, at: number, change: Change) => string

const put: TextChange = (text, at, { size, put: piece }) =>
  text.slice(0, at) + piece + text.slice(at + size)
const insert: TextChange = (text, at, { put: piece }) => text.slice(0, at) + piece + text.slice(at)
const cut: TextChange = (text, at, { size }) => text.slice(0, at) + text.slice(at + 1 + size)
const double: TextChange = (text, at, { size }) => text.slice(0, at + 1 + size) + text.slice(at)
const bit: TextChange = (text, at, { size }) => {
  const code = text.charCodeAt(at)
  return Number.isNaN(code)
    ? text
    : text.slice(0, at) + String.fromCharCode(code ^ (1 << size)) + text.slice(at + 1)
}
const otherCase: TextChange = (text, at) => {
  const c = text.charAt(at)
  const turned = c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()
  return text.slice(0, at) + turned + text.slice(at + 1)
}
const truncate: TextChange = (text, at) => text.slice(0, at)
const tail: TextChange = (text, _at, { put: piece }) => text + piece
const head: TextChange = (text, _at, { put: piece }) => piece + text
const move: TextChange = (text, at, { with: to, size }) => {
  const piece = text.slice(at, at + 1 + 8 * size)
  const rest = text.slice(0, at) + text.slice(at + piece.length)
  const place = placeIn(to, rest.length + 1)
  return rest.slice(0, place) + piece + rest.slice(place)
}
/** As long as somebody who wants to stop a reader would make it. */
const pump: TextChange = (text, at, { put: piece, with: times }) =>
  text.slice(0, at) + (piece || 'A').repeat(1 + placeIn(times, 4_000)) + text.slice(at)
const number: TextChange = (text, at, { put: piece, with: which }) => {
  const from = text.slice(at).search(/[0-9]/)
  if (from < 0) return text
  const begin = at + from
  const digits = /^[0-9]+/.exec(text.slice(begin, begin + 24))?.[0] ?? ''
  const end = begin + digits.length
  const near = String(Number(digits) + (which % 2 === 0 ? 1 : -1))
  const spelt = [`0${digits}`, near, piece, `${digits}0`, '']
  return text.slice(0, begin) + spelt[which % spelt.length] + text.slice(end)
}

function lines(change: (all: string[], at: number, other: number) => void): TextChange {
  return (text, _at, { at, with: other }) => {
    const all = text.split('\n')
    change(all, placeIn(at, all.length), placeIn(other, all.length))
    return all.join('\n')
  }
}
const dropLine = lines((all, at) => all.splice(at, 1))
const doubleLine = lines((all, at) => all.splice(at, 0, all[at] ?? ''))
const swapLines = lines((all, at, other) => {
  const [a = '', b = ''] = [all[at], all[other]]
  all[at] = b
  all[other] = a
})

/** Shares of the ways: a way listed twice is taken twice as often. */
const TEXT_CHANGES: readonly TextChange[] = [
  ...[put, put, insert, insert, cut, cut, double, bit, bit, otherCase, otherCase, truncate, tail],
  ...[head, move, number, number, dropLine, doubleLine, swapLines],
]

/** A text after one change; rarely a very long one. */
export function changeText(text: string, change: Change): string {
  const { how } = change
  const way = how === 63 ? pump : (TEXT_CHANGES[how % TEXT_CHANGES.length] ?? put)
  return way(
    text,
    placeIn(change.at, text.length + (way === bit || way === otherCase ? 0 : 1)),
    change,
  )
}

/** Bytes after one change, likewise. */
export function changeBytes(bytes: Uint8Array, change: Change): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  const piece = Buffer.from(change.put, 'utf16le').toString('latin1')
  return new Uint8Array(Buffer.from(changeText(text, { ...change, put: piece }), 'latin1'))
}

/** Values no claim expects, as JSON text so that `__proto__` is a member like others. */
const ODD: readonly string[] = [
  ...['null', 'true', 'false', '0', '-0', '1', '-1', '0.5', '1e21', '9007199254740993', '1e999'],
  ...[
    '""',
    '"x"',
    '"\\ud800"',
    '"forever"',
    '[]',
    '{}',
    '[[]]',
    '{"a":1}',
    '{"__proto__":{"a":1}}',
  ],
  ...[
    '{"constructor":1}',
    '"A\\u0000"',
    '253402300799999',
    '-62135596800001',
    '"sha256-"',
    '[null]',
  ],
]

interface Node {
  readonly owner: Record<string, unknown> | unknown[]
  readonly key: string
}

function nodesOf(value: unknown, found: Node[]): Node[] {
  if (Array.isArray(value))
    value.forEach((inner, key) => {
      found.push({ owner: value, key: String(key) })
      nodesOf(inner, found)
    })
  else if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value)) {
      const owner = value as Record<string, unknown>
      found.push({ owner, key })
      nodesOf(owner[key], found)
    }
  return found
}

/** A JSON value after one change at some node, as text in its one spelling. */
export function changeJson(json: string, change: Change): string {
  const root: Record<string, unknown> = { value: JSON.parse(json) }
  const nodes = nodesOf(root.value, [])
  const node = nodes[placeIn(change.at, nodes.length)] ?? { owner: root, key: 'value' }
  const { owner, key } = node
  const old = (owner as Record<string, unknown>)[key]
  const set = (value: unknown): void => {
    if (Array.isArray(owner)) owner[Number(key)] = value
    else Object.defineProperty(owner, key, { value, enumerable: true, configurable: true })
  }
  const odd: unknown = JSON.parse(ODD[placeIn(change.with, ODD.length)] ?? 'null')
  switch (change.how % 8) {
    case 0:
      set(odd)
      break
    case 1:
      if (Array.isArray(owner)) owner.splice(Number(key), 1)
      else delete owner[key]
      break
    case 2:
      if (Array.isArray(owner)) owner.splice(Number(key), 0, structuredClone(old))
      else owner[change.put || 'extra'] = odd
      break
    case 3:
      set(swapped(old, nodes[placeIn(change.with, nodes.length)]))
      break
    case 4:
      if (!Array.isArray(owner)) reorder(owner, key)
      else owner.reverse()
      break
    default:
      set(near(old, change, odd))
  }
  return JSON.stringify(root.value) ?? 'null'
}

function swapped(old: unknown, other: Node | undefined): unknown {
  if (other === undefined) return old
  return structuredClone((other.owner as Record<string, unknown>)[other.key])
}

/** Puts one member last. */
function reorder(owner: Record<string, unknown>, key: string): void {
  const value = owner[key]
  delete owner[key]
  owner[key] = value
}

function near(old: unknown, change: Change, odd: unknown): unknown {
  if (typeof old === 'number') return change.size < 3 ? old + change.size - 1 : odd
  if (typeof old === 'string') return changeText(old, { ...change, how: change.size * 9 })
  return typeof old === 'boolean' ? !old : odd
}
