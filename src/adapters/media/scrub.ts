/**
 * Takes everything out of a diagnostic of the servers file that could be a secret in the wrong place.
 *
 * A secret has 16 characters or more, so nothing that long which an author wrote is repeated: not as a quoted
 * value, not as a misplaced key, not in the words of the YAML library. The place (line and column) stays.
 */
import type { Diagnostic } from '../../core/policy/diagnostic.ts'
import { MEDIA_KINDS } from './dialects.ts'
import { MIN_SECRET_CHARS } from './server-secret.ts'

/** The diagnostic without long quotations. */
export function scrub(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, message: scrubText(diagnostic) }
}

function scrubText({ code, message }: Diagnostic): string {
  // The library puts what it found behind a colon.
  if (code === 'yaml-syntax') return message.split(':', 1)[0] ?? message
  return message
    .replace('a policy cannot', 'a servers file cannot')
    .replace(/`([^`]*)`/g, (all, inner: string) => (mayShow(inner) ? all : '`…`'))
}

const KINDS: ReadonlySet<string> = new Set(MEDIA_KINDS)

/** An `@` may follow a password in an address. */
function mayShow(quoted: string): boolean {
  if (KINDS.has(quoted)) return true
  return quoted.length < MIN_SECRET_CHARS && !quoted.includes('@')
}

/** One line for a person: place, code, message, hint. Never the source line, which may hold a secret. */
export function describeProblem(diagnostic: Diagnostic): string {
  const { file, line, column, code, message, hint } = diagnostic
  const tail = hint === undefined ? '' : `\n  hint: ${hint}`
  return `${file}:${line}:${column} ${code}: ${message}${tail}`
}
