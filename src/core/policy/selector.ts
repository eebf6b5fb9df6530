/**
 * Which strikes a rule selects: category patterns, severity ranges, scopes.
 *
 * A pattern is `*`, a category id (`terrorism.link`) or a prefix (`terrorism.*`, which matches `terrorism.link` and
 * `terrorism.link.video`, not `terrorism`). Spec: docs/spec/policy-syntax.md, "count".
 */
import { SEVERITIES, type Severity } from '../model.ts'
import { err, ok, type Result } from '../result.ts'
import { CATEGORIES } from './categories.ts'
import type { CategorySelector } from './plan.ts'
import { suggest } from './suggest.ts'

/** `*`, a dotted lower-case id, or an id followed by `.*`. */
export const CATEGORY_PATTERN: RegExp = /^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$/

/** One selector out of patterns that match `CATEGORY_PATTERN`; an empty list selects nothing. */
export function selectorOf(patterns: readonly string[]): CategorySelector {
  return {
    all: patterns.includes('*'),
    exact: new Set(patterns.filter((pattern) => !pattern.endsWith('*'))),
    prefixes: patterns
      .filter((pattern) => pattern.endsWith('.*'))
      .map((pattern) => pattern.slice(0, -1))
      .filter((prefix, index, all) => all.indexOf(prefix) === index)
      .toSorted(),
  }
}

/** True when the selector takes strikes of `category`. */
export function matchesCategory(selector: CategorySelector, category: string): boolean {
  if (selector.all || selector.exact.has(category)) return true
  for (const prefix of selector.prefixes) if (category.startsWith(prefix)) return true
  return false
}

/** Ids of known categories a pattern matches. */
export function knownCategories(pattern: string): readonly string[] {
  const selector = selectorOf([pattern])
  return CATEGORIES.map(({ id }) => id).filter((id) => matchesCategory(selector, id))
}

/** What an author may have meant by a pattern that matches no known category. */
export function suggestPattern(pattern: string): string | undefined {
  if (knownCategories(`${pattern}.*`).length > 0) return `${pattern}.*`
  const ids = CATEGORIES.map(({ id }) => id)
  const groups = new Set(ids.map((id) => `${id.slice(0, id.lastIndexOf('.'))}.*`))
  return suggest(pattern, [...ids, ...groups])
}

/** Reads `high`, `high..`, `..medium` or `low..high`, ends included. */
export function parseSeverity(text: string): Result<readonly Severity[], string> {
  const parts = text.split('..')
  const [from, to = from] = parts
  const low = from === '' ? 0 : SEVERITIES.indexOf(from as Severity)
  const high = to === '' ? SEVERITIES.length - 1 : SEVERITIES.indexOf(to as Severity)
  if (parts.length > 2 || text === '' || text === '..' || low < 0 || high < 0)
    return err('expected low, medium, high, critical or a range such as `high..`')
  return low > high ? err('the range is empty') : ok(SEVERITIES.slice(low, high + 1))
}
