/**
 * `# livegate-lint: allow <code> because <reason>`: an author's word that a finding is meant, and why.
 *
 * On a line of its own it holds for the line of policy that follows and for all that is indented further below it;
 * before the first line of the policy, for the whole file. Behind a value it holds for its own line and what is
 * indented below. Comments are found by the YAML lexer, so text that only looks like one is none.
 * Spec: docs/cli.md, "policy lint".
 */
import { Lexer } from 'yaml'
import { createPlacer, quote, type Span } from '../diagnostic.ts'

export interface Suppression {
  readonly code: string
  readonly reason: string
  /** The comment. */
  readonly at: Span
  /** Lines it holds for, from 1, both included. */
  readonly from: number
  readonly to: number
}

export interface Suppressions {
  readonly suppressions: readonly Suppression[]
  /** Comments that suppress nothing because they cannot be read as a suppression. */
  readonly faults: readonly { readonly at: Span; readonly message: string; readonly hint: string }[]
}

/** How a comment for us begins. Spelled loosely, so that a slip is reported and not passed over. */
const OURS = /^#\s*livegate[-_ ]?lint\b/i
const FORM = /^#\s*livegate-lint: allow ([a-z][a-z0-9-]*) because (\S.*)$/
const HINT = 'write `# livegate-lint: allow <code> because <reason>`'

/** Reads every suppression of a policy. Linear. */
export function readSuppressions(text: string): Suppressions {
  const suppressions: Suppression[] = []
  const faults: Suppressions['faults'][number][] = []
  if (!/livegate[-_ ]?lint/i.test(text)) return { suppressions, faults }
  const lines = createLines(text)
  for (const comment of commentsIn(text)) {
    const words = text.slice(comment.start, comment.end)
    if (!OURS.test(words)) continue
    const [, code, reason] = FORM.exec(words.trimEnd()) ?? []
    if (code !== undefined && reason !== undefined)
      suppressions.push({ code, reason, at: comment, ...lines.extentOf(comment.start) })
    else faults.push({ at: comment, message: faultOf(words), hint: HINT })
  }
  return { suppressions, faults }
}

function faultOf(words: string): string {
  const allows = /^#\s*livegate-lint: allow [a-z][a-z0-9-]*(\s+because)?\s*$/.test(words)
  return allows
    ? `${quote(words)} gives no reason, so it allows nothing`
    : `${quote(words)} is no suppression`
}

/** What the lexer puts in by itself; a policy cannot hold these characters. */
const MARKS: ReadonlySet<string> = new Set(['\x02', '\x18', '\x1f'])

/** Places of all comments. No scalar begins with `#`: block text begins with its indentation. */
function* commentsIn(text: string): Iterable<Span> {
  let at = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (MARKS.has(lexeme)) continue
    if (lexeme.startsWith('#')) yield { start: at, end: at + lexeme.trimEnd().length }
    at += lexeme.length
  }
}

interface Lines {
  /** The lines a comment at this offset holds for. */
  extentOf(offset: number): { readonly from: number; readonly to: number }
}

/** Depth of a line that holds no value: blank, or a comment alone. */
const NO_VALUE = -1

function createLines(text: string): Lines {
  const lines = text.replace(/^\ufeff/, ' ').split('\n')
  const depths = lines.map((line) => (/^\s*(#|---|$)/.test(line) ? NO_VALUE : line.search(/\S/)))
  const dashed = lines.map((line) => /^\s*-(\s|$)/.test(line))
  const first = depths.findIndex((depth) => depth !== NO_VALUE)
  const place = createPlacer(text)
  /** Last line that belongs to the value on line `from`, both from 0. */
  const lastOf = (from: number): number => {
    const depth = depths[from] ?? 0
    let last = from
    for (let i = from + 1; i < lines.length; i++) {
      const here = depths[i] ?? NO_VALUE
      if (here === NO_VALUE) continue
      // A list may stand exactly below its key.
      if (here < depth || (here === depth && (dashed[from] || !dashed[i]))) break
      last = i
    }
    return last
  }
  return {
    extentOf(offset) {
      const line = place({ start: offset, end: offset }).line - 1
      const from =
        depths[line] === NO_VALUE
          ? depths.findIndex((depth, i) => i > line && depth !== NO_VALUE)
          : line
      if (from === first && from !== line) return { from: 1, to: lines.length }
      return from < 0 ? { from: line + 1, to: line + 1 } : { from: from + 1, to: lastOf(from) + 1 }
    },
  }
}
