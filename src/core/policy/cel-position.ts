/**
 * From an offset inside a CEL text to the offset in the file.
 *
 * YAML unquotes, unescapes, folds and dedents, so the text is aligned with its source character by character. Exact
 * for plain, single-quoted and block scalars; after a numeric escape (`\x41`) in double quotes it stays on the line.
 */
import { isScalar, type Node } from 'yaml'
import type { Span } from './diagnostic.ts'

/** Offsets in `text` (the file) of each character of `value` (the scalar's text), and of its end. */
function alignment(node: Node, value: string, text: string): number[] {
  const [start, end] = node.range ?? [0, 0]
  let at = start + openingLength(node, text, start)
  const offsets: number[] = []
  for (const character of value.split('')) {
    if (/\s/.test(character)) {
      offsets.push(at)
      if (/\s/.test(text[at] ?? '')) at++
      continue
    }
    at = skipTo(character, text, at, end)
    offsets.push(at)
    at++
  }
  offsets.push(at)
  return offsets
}

/** First place from `at` on where `character` stands, past blanks, comments' ends and escapes; else `at`. */
function skipTo(character: string, text: string, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    if (text[i] === character) return text[i] === '\\' && text[i + 1] === '\\' ? i + 1 : i
    if (!/[\s\\]/.test(text[i] ?? '')) break
  }
  return at
}

function openingLength(node: Node, text: string, start: number): number {
  const type = isScalar(node) ? node.type : undefined
  if (type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') return 1
  if (type !== 'BLOCK_LITERAL' && type !== 'BLOCK_FOLDED') return 0
  const newline = text.indexOf('\n', start)
  return newline < 0 ? 0 : newline - start + 1
}

/** The place in the file of `[start, end)` of the scalar's text; at least one character wide. */
export function placeInFile(node: Node, value: string, text: string, range: Span): Span {
  const offsets = alignment(node, value, text)
  const last = offsets.length - 1
  const start = offsets[Math.min(range.start, last)] ?? 0
  const end = (offsets[Math.min(Math.max(range.end - 1, range.start), last)] ?? start) + 1
  return { start, end: Math.max(end, start + 1) }
}
