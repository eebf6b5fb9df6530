/**
 * The little XML that statistics pages are written in: elements without attributes, text, five entities.
 *
 * Everything else (document types, comments, CDATA, attributes, unknown entities, unclosed elements) makes the whole
 * text unreadable: a page that is not the one expected must not be half understood. Linear in the text; keeps only the
 * path to the element it is in.
 */

/** Where an element begins or what it holds; `path` is reused between events. */
export interface XmlVisitor {
  /** An element begins; it is the last of `path`. */
  open(path: readonly string[]): void
  /** An element ends; `text` is its own text, unescaped and trimmed. */
  close(path: readonly string[], text: string): void
}

/** Deepest nesting read. */
const MAX_DEPTH = 16

const TOKEN =
  /<\?[^<>]{0,512}\?>|<\/([A-Za-z_][\w.-]{0,63})>|<([A-Za-z_][\w.-]{0,63})\s{0,8}(\/?)>|([^<]+)/y

/** Walks `text`; false as soon as it is not plain XML with one root element. What was visited then counts for nothing. */
export function visitPlainXml(text: string, visitor: XmlVisitor): boolean {
  const path: string[] = []
  const texts: string[] = []
  const token = new RegExp(TOKEN)
  let roots = 0
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (match === null) return false
    const [, closed, opened, empty, words] = match
    if (words !== undefined) {
      if (!addText(texts, words)) return false
    } else if (opened !== undefined) {
      if (path.length === 0 && ++roots > 1) return false
      if (path.push(opened) > MAX_DEPTH) return false
      texts.push('')
      visitor.open(path)
      if (empty === '/') leave(path, texts, visitor)
    } else if (closed !== undefined) {
      if (path.at(-1) !== closed) return false
      leave(path, texts, visitor)
    }
  }
  return roots === 1 && path.length === 0
}

function leave(path: string[], texts: string[], visitor: XmlVisitor): void {
  visitor.close(path, (texts.pop() ?? '').trim())
  path.pop()
}

/** False for text outside the root and for what cannot be unescaped. */
function addText(texts: string[], words: string): boolean {
  const plain = words.includes('&') ? unescapeXml(words) : words
  if (plain === null) return false
  const last = texts.length - 1
  // The mark of the byte order may stand before the declaration.
  if (last < 0) return plain.replace('\uFEFF', '').trim() === ''
  texts[last] += plain
  return true
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

function unescapeXml(words: string): string | null {
  let known = true
  const plain = words.replace(/&([^;&]{0,10};?)/g, (_all, entity: string) => {
    const name = entity.slice(0, -1)
    const sign =
      entity.endsWith(';') && Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : codePoint(entity)
    if (sign === undefined) known = false
    return sign ?? ''
  })
  return known ? plain : null
}

/** `#65;` or `#x41;`. */
function codePoint(entity: string): string | undefined {
  const match = /^#(?:([0-9]{1,7})|x([0-9A-Fa-f]{1,6}));$/.exec(entity)
  if (match === null) return undefined
  const [, decimal, hex] = match
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    ? String.fromCodePoint(code)
    : undefined
}
