/**
 * Asks an `unless` about each strike once per distinct answer.
 *
 * When the expression reads `strike.*` only, strikes that agree on the members it reads share one evaluation, so its
 * cost does not grow with the number of strikes. Only `true` lifts a strike; what an unknown lacked is reported.
 * Spec: docs/spec/policy.md, "Counting".
 */
import type { Strike } from '../model.ts'
import { FACTS, type Fact } from './environment.ts'
import type { ConditionScope, StrikeCondition } from './plan.ts'

export interface Unless {
  /** True if the strike does not count. */
  lifts(strike: Strike): boolean
  /** Facts lacking in any unknown answer so far, sorted. */
  missing(): readonly string[]
}

/** One `unless` of one rule in one evaluation. */
export function createUnless(condition: StrikeCondition, scope: ConditionScope): Unless {
  const shared = sharedFacts(condition)
  const answers = new Map<unknown, boolean>()
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
      if (shared === null) return ask(strike)
      const key = keyOf(shared, scope, strike)
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
function keyOf(facts: readonly Fact[], scope: ConditionScope, strike: Strike): unknown {
  const only = facts.length === 1 ? facts[0]?.read(scope, strike) : undefined
  if (only !== undefined && typeof only !== 'object') return only
  let key = '['
  for (const fact of facts) key += `${JSON.stringify(fact.read(scope, strike)) ?? ''},`
  return key
}

/** The facts the expression reads, or null when answers cannot be shared between strikes. */
function sharedFacts(condition: StrikeCondition): readonly Fact[] | null {
  if (!condition.strike_only) return null
  const facts: Fact[] = []
  for (const path of condition.facts) {
    const fact = FACTS.get(path)
    if (fact === undefined) return null
    facts.push(fact)
  }
  return facts
}
