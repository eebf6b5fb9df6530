/**
 * Asks an `unless` about each strike once per distinct answer.
 *
 * When the expression reads `strike.*` only, strikes that agree on the members it reads share one evaluation, so its
 * cost does not grow with the number of strikes. Only `true` lifts a strike; what an unknown lacked is reported.
 * Spec: docs/spec/policy.md, "Counting".
 */
import type { Strike } from '../model.ts'
import type { ConditionScope, StrikeCondition } from './plan.ts'

export interface Unless {
  /** True if the strike does not count. */
  lifts(strike: Strike): boolean
  /** Facts lacking in any unknown answer so far, sorted. */
  missing(): readonly string[]
}

/** One `unless` of one rule in one evaluation. */
export function createUnless(condition: StrikeCondition, scope: ConditionScope): Unless {
  const answers = condition.strike_only ? new Map<unknown, boolean>() : null
  const lacking = new Set<string>()
  const ask = (strike: Strike): boolean => {
    const answer = condition.evaluate(scope, strike)
    if (answer === 'unknown') {
      for (const fact of lacked(condition.missing(scope, strike))) lacking.add(fact)
    }
    return answer === true
  }
  return {
    lifts(strike) {
      if (answers === null) return ask(strike)
      const key = keyOf(condition.facts, strike)
      let answer = answers.get(key)
      if (answer === undefined) {
        answer = ask(strike)
        answers.set(key, answer)
      }
      return answer
    },
    missing: () => (lacking.size === 0 ? NO_FACTS : [...lacking].sort()),
  }
}

const NO_FACTS: readonly string[] = []
const EVALUATION_ERROR: readonly string[] = ['evaluation_error']

/** What an unknown answer is reported to lack: the missing facts, or that the expression itself failed. */
export function lacked(missing: readonly string[]): readonly string[] {
  return missing.length === 0 ? EVALUATION_ERROR : missing
}

/** Equal for strikes that agree on every path; a single scalar is its own key. */
function keyOf(paths: readonly string[], strike: Strike): unknown {
  const only = paths.length === 1 ? paths[0] : undefined
  if (only !== undefined) {
    const value = readPath(only, strike)
    return typeof value === 'object' ? JSON.stringify(value) : value
  }
  let key = ''
  for (const path of paths) key += `${JSON.stringify(readPath(path, strike)) ?? '-'},`
  return key
}

function readPath(path: string, strike: Strike): unknown {
  if (path === 'strike.context') return strike.context
  let value: unknown = strike
  for (const member of path.split('.').slice(1))
    value =
      typeof value === 'object' && value !== null
        ? (value as Readonly<Record<string, unknown>>)[member]
        : undefined
  return value
}
