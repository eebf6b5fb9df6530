/**
 * Category patterns and severities, wherever a policy names them.
 */
import { quote, type Reporter, type Span } from './diagnostic.ts'
import { knownCategories, parseSeverity, suggestPattern } from './selector.ts'
import type { CountSource } from './source.ts'

/** Warns about a pattern that matches no known category. */
export function checkPattern(pattern: string, at: Span, reporter: Reporter): void {
  if (knownCategories(pattern).length > 0) return
  const near = suggestPattern(pattern)
  const hint = near === undefined ? undefined : `did you mean \`${near}\`?`
  reporter.report('unknown-category', at, `${quote(pattern)} matches no known category`, hint)
}

/** Categories and severities of a count. */
export function checkCount(count: CountSource, reporter: Reporter): void {
  for (const pattern of count.category.value) checkPattern(pattern.value, pattern, reporter)
  for (const severity of count.severity?.value ?? []) {
    const parsed = parseSeverity(severity.value)
    if (!parsed.ok)
      reporter.report('bad-value', severity, `found ${quote(severity.value)}, ${parsed.error}`)
  }
}
