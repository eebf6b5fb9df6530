/**
 * From an offset inside a CEL text to the offset in the file.
 *
 * YAML unquotes, unescapes, folds and dedents, so the text is aligned with its source character by character.
 */
import { isScalar, type Node } from 'yaml'
import type { Span } from './diagnostic.ts'

/** Offsets in `text` (the file) of each character of `value` (the scalar's text), and of its end. */
function alignment(node: Node, value: string, text: string): number[] {
  const style = isScalar(node) ? node.type : undefined
  const start = node.range?.[0] ?? 0
  let at = start + openingLength(style, text, start)
  const offsets: number[] = []
  for (const character of value.split('')) {
    // Folding and dedenting drop or merge blanks of the source, never other characters.
    if (!BLANK.test(character))
      while (BLANK.test(text[at] ?? '') || isContinuation(style, text, at)) at++
    offsets.push(at)
    if (!BLANK.test(character) || BLANK.test(text[at] ?? '') || text[at] === '\\')
      at += writtenLength(style, text, at)
  }
  offsets.push(at)
  return offsets
}

const BLANK = /\s/

/** A backslash at the end of a line of double-quoted text joins it with the next. */
function isContinuation(style: string | undefined, text: string, at: number): boolean {
  return style === 'QUOTE_DOUBLE' && text[at] === '\\' && /[\r\n]/.test(text[at + 1] ?? '')
}

/** How many characters of the file write the one at `at`. */
function writtenLength(style: string | undefined, text: string, at: number): number {
  if (style === 'QUOTE_SINGLE' && text[at] === "'") return 2
  if (style !== 'QUOTE_DOUBLE' || text[at] !== '\\') return 1
  return { x: 4, u: 6, U: 10 }[text[at + 1] ?? ''] ?? 2
}

function openingLength(type: string | undefined, text: string, start: number): number {
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
