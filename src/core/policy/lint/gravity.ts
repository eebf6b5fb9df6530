/**
 * Which rules answer grave violations, and which rest on violations at all.
 */
import { findCategory } from '../categories.ts'
import type { RulePlan } from '../plan.ts'
import { knownCategories } from '../selector.ts'

const GRAVE: ReadonlySet<string> = new Set(['high', 'critical'])

/**
 * True when the rule counts grave violations alone: strikes of severity critical, or categories that are all high or
 * critical by default (categories.ts). A category of the platform's own is not known to be grave.
 */
export function isGrave({ count }: RulePlan): boolean {
  if (count === null) return false
  if ([...count.severities].every((severity) => severity === 'critical')) return true
  const { all, exact, prefixes } = count.categories
  if (all) return false
  const known = prefixes.map((prefix) => knownCategories(`${prefix}*`))
  if (known.some((ids) => ids.length === 0)) return false
  return [...exact, ...known.flat()].every((id) =>
    GRAVE.has(findCategory(id)?.default_severity ?? ''),
  )
}

/** True when the rule rests on strikes and not only on who somebody is. */
export function restsOnStrikes({ count, when }: RulePlan): boolean {
  return count !== null || (when !== null && when.counts.length > 0)
}
