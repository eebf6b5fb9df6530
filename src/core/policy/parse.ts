/**
 * Exact bytes to a `PolicySource`: what the author wrote, read and located, not yet checked for meaning.
 *
 * From: document.ts (YAML) and syntax.ts (shapes). Next: check.ts.
 */
import type { Diagnostic, Reporter } from './diagnostic.ts'
import { readingDocument } from './document.ts'
import type { PolicySource } from './source.ts'
import type { Steps } from './steps.ts'
import { POLICY } from './syntax.ts'

export interface ParsedPolicy {
  readonly source: PolicySource
  readonly text: string
  /** Holds the form errors found so far; later steps add to it. */
  readonly reporter: Reporter
}

/** Reads a file, in steps. Succeeds with errors in the reporter when enough could be read to check the rest. */
export function* parsePolicy(
  bytes: Uint8Array,
  file: string,
): Steps<{ ok: true; value: ParsedPolicy } | { ok: false; error: Diagnostic[] }> {
  const document = yield* readingDocument(bytes, file)
  if (!document.ok) return document
  yield
  const { text, root, reporter } = document.value
  const source = POLICY.read(root, { start: 0, end: 0 }, reporter)
  if (source === undefined) return { ok: false, error: reporter.sorted() }
  return { ok: true, value: { source: source.value, text, reporter } }
}
