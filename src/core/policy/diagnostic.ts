/**
 * What the compiler says about a policy file: a code with a page in docs/checks, a place, a sentence.
 *
 * Messages are lower case, quote what the author wrote in backticks and end without a period. A `Reporter` collects
 * all of them in any order; `sorted` puts them in reading order. Spec: docs/spec/policy-syntax.md, "Diagnostics".
 */

/** Everything `compilePolicy` can report; one page each in docs/checks. */
export const COMPILE_CODES = [
  'too-large',
  'encoding',
  'yaml-syntax',
  'yaml-feature',
  'nesting',
  'duplicate-key',
  'non-text-key',
  'unknown-key',
  'missing-key',
  'wrong-type',
  'bad-value',
  'bad-duration',
  'bad-instant',
  'too-many',
  'duplicate-id',
  'empty-rule',
  'conflicting-keys',
  'delay-without-means',
  'ladder-without-count',
  'ladder-order',
  'law-ground',
  'law-terms-category',
  'unknown-category',
  'unknown-rule',
  'unknown-placeholder',
  'cel-syntax',
  'cel-type',
  'cel-profile',
  'polarity',
] as const
export type CompileCode = (typeof COMPILE_CODES)[number]

/** The only compile diagnostics that do not refuse the file. */
const WARNINGS: ReadonlySet<string> = new Set<CompileCode>(['unknown-category'])

export interface Diagnostic {
  /** A `CompileCode`, or the id of a lint check. */
  readonly code: string
  /** `info` comes from lint only; it never makes anything fail. */
  readonly severity: 'error' | 'warning' | 'info'
  /** One line, without place and code. */
  readonly message: string
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** Counted from 1, in UTF-16 code units. */
  readonly column: number
  /** First column after the place, on the same line; absent when the place is one character or unknown. */
  readonly end_column?: number
  readonly hint?: string
}

/** A half-open range of UTF-16 offsets into the file's text. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Reporter {
  /** What the file is, in messages: `a policy`. */
  readonly noun: string
  report(code: CompileCode, span: Span, message: string, hint?: string): void
  /** True once an error (not a warning) was reported, anywhere or inside `within`. */
  failed(within?: Span): boolean
  /** Everything reported so far by line, column and code; at most 100. */
  sorted(): Diagnostic[]
}

/** A hostile file can be wrong in a hundred thousand places; nobody reads more than these. */
const MAX_DIAGNOSTICS = 100

/** Collects diagnostics for one file. `text` is only used to turn offsets into lines and columns. */
export function createReporter(file: string, text: string, noun = 'a policy'): Reporter {
  const place = createPlacer(text)
  const found: Diagnostic[] = []
  const errors: number[] = []
  return {
    noun,
    report(code, span, message, hint) {
      const severity = WARNINGS.has(code) ? 'warning' : 'error'
      if (severity === 'error') errors.push(span.start)
      if (found.length >= MAX_DIAGNOSTICS) return
      found.push({ code, severity, message, file, ...place(span), ...(hint ? { hint } : {}) })
    },
    failed: (within) =>
      within === undefined
        ? errors.length > 0
        : errors.some((at) => at >= within.start && at < within.end),
    sorted: () => found.toSorted(compareDiagnostics),
  }
}

/** Reading order: by line, column and code. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0)
}

/** Where in a file a span is, as a diagnostic says it. */
export type Place = Pick<Diagnostic, 'line' | 'column' | 'end_column'>

/** Turns offsets into `text` into places; made once, then logarithmic in lines. */
export function createPlacer(text: string): (span: Span) => Place {
  const starts = lineStarts(text)
  return (span) => placeOf(starts, text, span)
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function placeOf(starts: readonly number[], text: string, span: Span): Place {
  // The end of the file is shown on its last line, not on the empty one after it.
  const last = text.endsWith('\n') ? text.length - 1 : text.length
  const at = Math.min(Math.max(0, span.start), last)
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= at) low = middle
    else high = middle - 1
  }
  const start = starts[low] ?? 0
  const column = at - start + 1
  const lineEnd = endOfLine(text, starts[low + 1] ?? text.length + 1)
  const end = Math.min(span.end, lineEnd) - start + 1
  return { line: low + 1, column, ...(end > column + 1 ? { end_column: end } : {}) }
}

function endOfLine(text: string, nextStart: number): number {
  const end = nextStart - 1
  return text[end - 1] === '\r' ? end - 1 : end
}

/** Columns of source shown around a place. */
const SHOWN_COLUMNS = 100

/**
 * The diagnostic as people read it: place, code and message; the source line; carets; the hint if there is one.
 * Control and direction characters of the source are shown as `\uFFFD`, so a file cannot write to the terminal.
 */
export function formatDiagnostic(diagnostic: Diagnostic, sourceText: string): string {
  const { file, line, column, code, message, hint } = diagnostic
  const head = `${file}:${line}:${column} ${code}: ${message}`
  const source = sourceText.split('\n', line)[line - 1]?.replace(/\r$/, '')
  const tail = hint === undefined ? [] : [`  hint: ${hint}`]
  if (source === undefined || source === '') return [head, ...tail].join('\n')
  const from = column > SHOWN_COLUMNS - 20 ? column - 20 : 0
  const shown = visible(source.slice(from, from + SHOWN_COLUMNS))
  const width = Math.max(1, (diagnostic.end_column ?? column + 1) - column)
  const blank = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  const carets = '^'.repeat(Math.max(1, Math.min(width, from + SHOWN_COLUMNS - column + 1)))
  return [head, `  ${shown}`, `  ${blank}${carets}`, ...tail].join('\n')
}

/** C0 except tab and newline, DEL and C1, and the characters that turn the direction of text. */
const UNPRINTABLE: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

function visible(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd')
}

/** What the author wrote, in backticks, cut to 60 characters and to one line. */
export function quote(text: string): string {
  const line = visible(text.replace(/\s+/g, ' '))
  return `\`${line.length > 60 ? `${line.slice(0, 57)}...` : line}\``
}
