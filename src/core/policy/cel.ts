/**
 * One CEL text to a frozen `Condition`, or everything that is wrong with it.
 *
 * parse (library) -> profile -> polarity -> types (library) -> closures. Evaluation is total and three-valued.
 * Spec: docs/spec/policy-syntax.md, "Conditions".
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Strike } from '../model.ts'
import { err, ok, type Result } from '../result.ts'
import { compileNode, type Evaluate } from './cel-atoms.ts'
import type { CelFault } from './cel-fault.ts'
import { checkCelType, parseCel } from './cel-library.ts'
import { factsIn, isComparison, nodesOf } from './cel-nodes.ts'
import { checkPolarity, countTest } from './cel-polarity.ts'
import { checkProfile } from './cel-profile.ts'
import { edgeOf, timeDifference } from './cel-time.ts'
import type { Fact } from './environment.ts'
import type { Condition, ConditionScope, StrikeCondition } from './plan.ts'

/** Where a condition stands; decides whether it may read `strike.*` and where it may use `strikes()`. */
export type CelPlace = 'when' | 'exempt' | 'unless'

const WANTED_SIGN = { when: 1, exempt: -1, unless: 0 } as const

function checked(source: string, place: CelPlace): Result<ASTNode, readonly CelFault[]> {
  const parsed = parseCel(source)
  if (!parsed.ok) return err([parsed.error])
  const faults: CelFault[] = []
  const sink = (fault: CelFault): void => void faults.push(fault)
  checkProfile(parsed.value, { sink, strike: place === 'unless' })
  checkPolarity(parsed.value, WANTED_SIGN[place], sink)
  // The library reports one type error at a time, and less clearly what the profile already refused.
  const type = faults.length === 0 ? checkCelType(source) : null
  if (type !== null) faults.push(type)
  return faults.length === 0 ? ok(parsed.value) : err(faults)
}

/** Compiles a `when`, a `given.when` (place `when`) or an exemption's `when` (place `exempt`). */
export function compileCondition(
  source: string,
  place: 'when' | 'exempt',
): Result<Condition, readonly CelFault[]> {
  const result = checked(source, place)
  if (!result.ok) return result
  const node = result.value
  const evaluate = compileNode(node)
  const facts = factsIn(node).filter(({ path }) => path !== 'now')
  return ok(
    Object.freeze({
      source,
      facts: Object.freeze(facts.map(({ path }) => path)),
      edges: Object.freeze(edgesIn(node)),
      counts: Object.freeze(countsIn(node)),
      evaluate: (scope: ConditionScope) => evaluate(scope, undefined),
      missing: (scope: ConditionScope) => missingIn(facts, evaluate, scope, undefined),
    }),
  )
}

/** Compiles an `unless`. */
export function compileStrikeCondition(
  source: string,
): Result<StrikeCondition, readonly CelFault[]> {
  const result = checked(source, 'unless')
  if (!result.ok) return result
  const all = factsIn(result.value)
  const facts = all.filter(({ path }) => path !== 'now')
  const evaluate = compileNode(result.value)
  return ok(
    Object.freeze({
      source,
      facts: Object.freeze(facts.map(({ path }) => path)),
      strike_only: all.every(({ path }) => path.startsWith('strike.')),
      edges: Object.freeze(edgesIn(result.value)),
      evaluate,
      missing: (scope: ConditionScope, strike: Strike) => missingIn(facts, evaluate, scope, strike),
    }),
  )
}

/** Absent facts; `evaluation_error` when all are there and the condition is unknown nevertheless. */
function missingIn(
  facts: readonly Fact[],
  evaluate: Evaluate,
  scope: ConditionScope,
  strike: Strike | undefined,
): readonly string[] {
  const missing = facts.filter(({ read }) => read(scope, strike) === undefined)
  if (missing.length > 0) return missing.map(({ path }) => path)
  return evaluate(scope, strike) === 'unknown' ? ['evaluation_error'] : []
}

function edgesIn(node: ASTNode): Condition['edges'] {
  const found = new Map<string, Condition['edges'][number]>()
  for (const part of nodesOf(node)) {
    const difference = isComparison(part.op) ? timeDifference(part) : undefined
    const edge = difference === undefined ? undefined : edgeOf(difference)
    if (edge?.ok === true && edge.value !== null)
      found.set(`${edge.value.path} ${edge.value.offset_ms}`, Object.freeze(edge.value))
  }
  return [...found.values()]
}

function countsIn(node: ASTNode): Condition['counts'] {
  const found = new Map<string, Condition['counts'][number]>()
  for (const part of nodesOf(node)) {
    const test = countTest(part)
    if (test !== undefined)
      found.set(
        `${test.pattern} ${test.within}`,
        Object.freeze({ pattern: test.pattern, within: test.within }),
      )
  }
  return [...found.values()]
}
