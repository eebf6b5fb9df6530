/**
 * Exact bytes to one YAML tree, with every offset kept; refuses what makes YAML dangerous or ambiguous.
 *
 * Size is checked before decoding, nesting while tokens arrive, and aliases, anchors, tags, directives and further
 * documents on the token level, so no hostile file reaches the composer, which recurses. Duplicate keys are left to
 * shape.ts (the library's own check is quadratic). Spec: docs/spec/policy-syntax.md, "YAML". Next: parse.ts.
 */
import { Composer, type CST, Lexer, type Node, Parser } from 'yaml'
import { fromUtf8 } from '../encoding.ts'
import { MAX_POLICY_BYTES, MAX_POLICY_DEPTH } from '../limits.ts'
import { createReporter, type Diagnostic, type Reporter } from './diagnostic.ts'
import { finish, type Steps } from './steps.ts'

export interface PolicyDocument {
  readonly text: string
  /** The document's one node; null for an empty file. */
  readonly root: Node | null
  readonly reporter: Reporter
}

export interface DocumentOptions {
  /** Bytes; those of a policy unless given. */
  readonly limit?: number
  /** What the file is, in messages; `a policy` unless given. */
  readonly noun?: string
}

/** Decodes and parses `bytes`, at most `limit` of them. A returned document has no YAML error; its meaning is not checked yet. */
export function readDocument(
  bytes: Uint8Array,
  file: string,
  options: DocumentOptions = {},
): ReadDocument {
  return finish(readingDocument(bytes, file, options))
}

export type ReadDocument =
  | { readonly ok: true; readonly value: PolicyDocument }
  | { readonly ok: false; readonly error: Diagnostic[] }

/** `readDocument` in steps. */
export function* readingDocument(
  bytes: Uint8Array,
  file: string,
  { limit = MAX_POLICY_BYTES, noun = 'a policy' }: DocumentOptions = {},
): Steps<ReadDocument> {
  const text = bytes.length > limit ? '' : fromUtf8(bytes)
  const reporter = createReporter(file, text ?? '', noun)
  const root = text === null || text === '' ? null : yield* readText(text, reporter)
  if (bytes.length > limit)
    reporter.report('too-large', START, `file has ${bytes.length} bytes, limit ${limit}`)
  else if (text === null)
    reporter.report('encoding', START, 'file is not UTF-8', 'save the file as UTF-8')
  if (text === null || reporter.failed()) return { ok: false, error: reporter.sorted() }
  return { ok: true, value: { text, root, reporter } }
}

const START = { start: 0, end: 0 }

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/

function* readText(text: string, reporter: Reporter): Steps<Node | null> {
  const control = CONTROL.exec(text)
  if (control !== null) {
    const span = { start: control.index, end: control.index + 1 }
    const code = text.charCodeAt(control.index).toString(16).padStart(4, '0')
    reporter.report('encoding', span, `control character U+${code.toUpperCase()} is not allowed`)
    return null
  }
  const tokens = yield* readTokens(text, reporter)
  if (tokens === null) return null
  yield
  refuseFeatures(tokens, reporter)
  yield
  return reporter.failed() ? null : compose(tokens, reporter)
}

const COLLECTIONS: ReadonlySet<string> = new Set(['block-map', 'block-seq', 'flow-collection'])

/** A few milliseconds. */
const LEXEMES_A_STEP = 8192

/** Tokens of the file, or null after reporting nesting that is too deep. */
function* readTokens(text: string, reporter: Reporter): Steps<CST.Token[] | null> {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let lexemes = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes % LEXEMES_A_STEP === 0) yield
    for (const token of parser.next(lexeme)) tokens.push(token)
    if (parser.stack.length <= MAX_POLICY_DEPTH) continue
    const open = parser.stack.filter((token) => COLLECTIONS.has(token.type))
    const deepest = open[MAX_POLICY_DEPTH]
    if (deepest === undefined) continue
    const span = { start: deepest.offset, end: deepest.offset }
    reporter.report('nesting', span, `nesting is deeper than ${MAX_POLICY_DEPTH} levels`)
    return null
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

const FEATURES: Readonly<Record<string, readonly [name: string, hint: string]>> = {
  alias: ['an alias', 'write the value out; text that begins with `*` needs quotes'],
  anchor: ['an anchor', 'write the value out; text that begins with `&` needs quotes'],
  tag: ['a tag', 'leave the tag out; text that begins with `!` needs quotes'],
  directive: ['a directive', 'files are always YAML 1.2, leave the line out'],
}

/** Reports aliases, anchors, tags, directives and a second document. */
function refuseFeatures(tokens: readonly CST.Token[], reporter: Reporter): void {
  let documents = 0
  const todo: unknown[] = [...tokens]
  for (let token = todo.pop(); token !== undefined; token = todo.pop()) {
    if (typeof token !== 'object' || token === null) continue
    const { type, offset, source } = token as { type?: string; offset?: number; source?: string }
    const feature = type === undefined ? undefined : FEATURES[type]
    if (feature !== undefined && offset !== undefined)
      reporter.report(
        'yaml-feature',
        { start: offset, end: offset + (source ?? '').length },
        `${reporter.noun} cannot use ${feature[0]}`,
        feature[1],
      )
    for (const member of ['start', 'sep', 'props', 'key', 'value', 'items', 'end'] as const) {
      const child = (token as Record<string, unknown>)[member]
      if (Array.isArray(child)) for (const item of child) todo.push(item)
      else if (typeof child === 'object') todo.push(child)
    }
  }
  for (const token of tokens)
    if (token.type === 'document' && ++documents === 2)
      reporter.report(
        'yaml-feature',
        { start: token.offset, end: token.offset + 3 },
        `${reporter.noun} cannot use a second document`,
        'one file holds one document',
      )
}

function compose(tokens: readonly CST.Token[], reporter: Reporter): Node | null {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    strict: true,
    prettyErrors: false,
  })
  const [document] = [...composer.compose(tokens)]
  for (const error of document?.errors ?? [])
    reporter.report(
      'yaml-syntax',
      { start: error.pos[0], end: error.pos[1] },
      sentenceOf(error.message),
      error.code === 'TAB_AS_INDENT' ? 'indent with spaces' : undefined,
    )
  return document?.contents ?? null
}

function sentenceOf(message: string): string {
  const line = message.replace(/closing ["']quote/, 'closing quote').replace(/\s+/g, ' ')
  return line.charAt(0).toLowerCase() + line.slice(1, 200)
}
