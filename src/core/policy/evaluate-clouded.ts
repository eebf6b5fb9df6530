/**
 * Finds a true condition that would have been unknown with fewer strikes, so that a strike never clears up a doubt.
 *
 * `strikes("*", "30d") >= 3 || subject.followers < 10` is unknown while followers is absent, and would fall to the
 * rule's own, perhaps milder, outcome when the third strike arrives (G10). Such a rule contributes `on_unknown` as
 * well. Every `strikes(...)` is tried both as it is and as nothing; that is at least every history with fewer strikes.
 * Spec: docs/spec/policy.md, "Doubt that strikes would hide".
 */
import type { Condition, ConditionScope } from './plan.ts'

/** Paths tried: twelve tests of `strikes(...)` that are all reached. Beyond, doubt is assumed. */
const MAX_PATHS = 4096

/** True if some history with fewer strikes leaves `when`, which is true, unknown. */
export function isClouded(when: Condition, scope: ConditionScope): boolean {
  if (when.counts.length === 0) return false
  const path: boolean[] = []
  const actual = remembered(scope.countStrikes)
  for (let tried = 0; tried < MAX_PATHS; tried++) {
    let asked = 0
    const countStrikes: ConditionScope['countStrikes'] = (pattern, within) => {
      const count = actual(pattern, within)
      if (count === 0) return 0
      if (asked === path.length) path.push(false)
      return path[asked++] === true ? count : 0
    }
    if (when.evaluate({ ...scope, countStrikes }) === 'unknown') return true
    if (!advance(path)) return false
  }
  return true
}

/** The next path in binary order: false once all were tried. */
function advance(path: boolean[]): boolean {
  while (path.at(-1) === true) path.pop()
  if (path.length === 0) return false
  path[path.length - 1] = true
  return true
}

function remembered(count: ConditionScope['countStrikes']): ConditionScope['countStrikes'] {
  const known = new Map<string, number>()
  return (pattern, within) => {
    const key = `${pattern} ${within}`
    let value = known.get(key)
    if (value === undefined) {
      value = count(pattern, within)
      known.set(key, value)
    }
    return value
  }
}
