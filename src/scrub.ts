/**
 * Takes everything out of a diagnostic of a file that names secrets which could be a secret in the wrong place.
 *
 * A secret has 16 characters or more, so nothing that long which an author wrote is repeated: not as a quoted
 * value, not as a misplaced key, not in the words of the YAML library. The place (line and column) stays.
 */
import type { Diagnostic } from './core/policy/diagnostic.ts'

/** Shortest secret any file may name. */
export const MIN_SECRET_CHARS = 16

/** What a file is, "a servers file", and words of its own that are long and no secret. */
export interface Scrubbed {
  readonly noun: string
  readonly words: readonly string[]
}

/** The diagnostic without long quotations. */
export function scrub(diagnostic: Diagnostic, file: Scrubbed): Diagnostic {
  return { ...diagnostic, message: scrubText(diagnostic, file) }
}

function scrubText({ code, message }: Diagnostic, { noun, words }: Scrubbed): string {
  // The library puts what it found behind a colon.
  if (code === 'yaml-syntax') return message.split(':', 1)[0] ?? message
  return (
    message
      .replace('a policy cannot', `${noun} cannot`)
      .replace(/`([^`]*)`/g, (all, inner: string) =>
        words.includes(inner) || mayShow(inner) ? all : '`…`',
      )
      // A backtick that an author wrote ends a quotation early: what is left of it stands outside.
      .replace(/[^\s`]+/g, (word) => (words.includes(word) || mayShow(word) ? word : '…'))
  )
}

/** An `@` may follow a password in an address. */
function mayShow(quoted: string): boolean {
  return quoted.length < MIN_SECRET_CHARS && !quoted.includes('@')
}

/** One line for a person: place, code, message, hint. Never the source line, which may hold a secret. */
export function describeProblem(diagnostic: Diagnostic): string {
  const { file, line, column, code, message, hint } = diagnostic
  const tail = hint === undefined ? '' : `\n  hint: ${hint}`
  return `${file}:${line}:${column} ${code}: ${message}${tail}`
}
