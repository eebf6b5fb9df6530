/**
 * Merges obligations strictest per type: commutative, associative, idempotent, and never milder by adding.
 *
 * Parameters in the table have a strict direction and merge to the stricter number; every other parameter belongs to
 * the obligation's identity, so two obligations of one type that differ there are both kept and the caller carries
 * out both. Spec: docs/spec/policy.md, "Obligations".
 */
import type { Obligation } from '../model.ts'

type Direction = 'least' | 'most'

/** Which end of a parameter is stricter. */
const STRICTER: Readonly<Record<string, Direction>> = {
  'audience_cap.viewers': 'least',
  'duration_cap.minutes': 'least',
  'duration_cap.seconds': 'least',
  'recheck.seconds': 'least',
  'latency.seconds': 'most',
  'slow_mode.seconds': 'most',
  'age_floor.years': 'most',
}

/** By name for types of the platform's own: `max_…` is a ceiling, `min_…` a floor. */
function direction(type: string, parameter: string): Direction | null {
  const known = STRICTER[`${type}.${parameter}`]
  if (known !== undefined) return known
  if (parameter.startsWith('max_')) return 'least'
  return parameter.startsWith('min_') ? 'most' : null
}

/** The strictest of all, sorted by type and then by canonical text, members sorted with `type` first. */
export function mergeObligations(all: readonly Obligation[]): Obligation[] {
  if (all.length === 0) return []
  const merged = new Map<string, Obligation>()
  for (const obligation of all) {
    const key = identity(obligation)
    const other = merged.get(key)
    merged.set(key, other === undefined ? ordered(obligation) : stricter(other, obligation))
  }
  const keys = [...merged.keys()].sort()
  return keys.map((key) => merged.get(key) as Obligation)
}

/** Type and every parameter that does not merge. NUL sorts types apart before their parameters are looked at. */
function identity(obligation: Obligation): string {
  const fixed = parameters(obligation).filter(
    (name) => !mergeable(obligation.type, name, obligation[name]),
  )
  return `${obligation.type}\0${JSON.stringify(fixed.map((name) => [name, obligation[name]]))}`
}

function stricter(a: Obligation, b: Obligation): Obligation {
  const result: Record<string, string | number | boolean> = { ...a }
  for (const name of parameters(b)) {
    const [mine, theirs] = [result[name], b[name]]
    if (theirs === undefined) continue
    if (typeof mine === 'number' && typeof theirs === 'number' && mine !== theirs)
      result[name] =
        direction(a.type, name) === 'least' ? Math.min(mine, theirs) : Math.max(mine, theirs)
    else result[name] = theirs
  }
  return ordered({ ...result, type: a.type })
}

function mergeable(type: string, name: string, value: unknown): boolean {
  return typeof value === 'number' && direction(type, name) !== null
}

function parameters(obligation: Obligation): string[] {
  return Object.keys(obligation)
    .filter((name) => name !== 'type')
    .sort()
}

function ordered(obligation: Obligation): Obligation {
  const result: Record<string, string | number | boolean> = {}
  for (const name of parameters(obligation)) {
    const value = obligation[name]
    if (value !== undefined) result[name] = value
  }
  return { type: obligation.type, ...result }
}
