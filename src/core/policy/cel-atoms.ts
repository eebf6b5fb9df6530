/**
 * Conditions as closures: the boolean structure in Kleene's logic, its parts as atoms.
 *
 * An atom knows which facts it needs and is unknown without evaluating when one is absent, so no exception is thrown
 * on that path (G3). The common shapes (comparison of a fact with a literal, time, membership, `exists` of an equal
 * label, counts) are closures of a few lines, held equal to the CEL library by a property test; every other atom is
 * evaluated by the library, and any error inside it is unknown. Next: cel.ts.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Strike } from '../model.ts'
import { compileCel } from './cel-library.ts'
import {
  type Comparison,
  factOf,
  factsIn,
  intOf,
  isComparison,
  mirrored,
  textOf,
} from './cel-nodes.ts'
import { type CountTest, countTest } from './cel-polarity.ts'
import { type TimeSum, timeDifference } from './cel-time.ts'
import type { Fact, FactValue } from './environment.ts'
import type { ConditionScope } from './plan.ts'
import { and, not, or, type Trivalent } from './trivalent.ts'

/** Never throws. `strike` is given in `unless` only. */
export type Evaluate = (scope: ConditionScope, strike: Strike | undefined) => Trivalent

/** A closure for a condition that passed profile, polarity and type check. */
export function compileNode(node: ASTNode): Evaluate {
  if (node.op === '&&' || node.op === '||') {
    const [left, right] = [compileNode(node.args[0]), compileNode(node.args[1])]
    return node.op === '&&' ? conjunction(left, right) : disjunction(left, right)
  }
  if (node.op === '!_') {
    const inner = compileNode(node.args)
    return (scope, strike) => not(inner(scope, strike))
  }
  if (node.op === '?:') return choice(node.args.map(compileNode) as [Evaluate, Evaluate, Evaluate])
  return compileAtom(node)
}

function conjunction(left: Evaluate, right: Evaluate): Evaluate {
  return (scope, strike) => {
    const first = left(scope, strike)
    return first === false ? false : and(first, right(scope, strike))
  }
}

function disjunction(left: Evaluate, right: Evaluate): Evaluate {
  return (scope, strike) => {
    const first = left(scope, strike)
    return first === true ? true : or(first, right(scope, strike))
  }
}

/** `condition ? yes : no`; with an unknown condition only what both branches agree on is known. */
function choice([condition, yes, no]: readonly [Evaluate, Evaluate, Evaluate]): Evaluate {
  return (scope, strike) => {
    const which = condition(scope, strike)
    if (which !== 'unknown') return which ? yes(scope, strike) : no(scope, strike)
    const first = yes(scope, strike)
    return first === no(scope, strike) ? first : 'unknown'
  }
}

function compileAtom(node: ASTNode): Evaluate {
  if (node.op === 'value') return constant(node.args === true)
  const fact = factOf(node)
  if (fact !== undefined) return truth(fact)
  const difference = timeDifference(node)
  if (isComparison(node.op) && difference !== undefined) return timeAtom(difference, node.op)
  const count = countTest(node)
  if (count !== undefined) return countAtom(count)
  return comparisonAtom(node) ?? membershipAtom(node) ?? labelAtom(node) ?? libraryAtom(node)
}

function constant(value: boolean): Evaluate {
  return () => value
}

function truth({ read }: Fact): Evaluate {
  return (scope, strike) => {
    const value = read(scope, strike)
    return value === undefined ? 'unknown' : value === true
  }
}

function timeAtom({ terms, constant_ms }: TimeSum, op: Comparison): Evaluate {
  const pairs = [...terms]
  return (scope, strike) => {
    let sum = constant_ms
    for (const [fact, factor] of pairs) {
      const value = fact.read(scope, strike)
      if (value === undefined) return 'unknown'
      sum += (value as number) * factor
    }
    return compare(op, sum, 0)
  }
}

function compare(op: Comparison, a: number, b: number): boolean {
  switch (op) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '==':
      return a === b
    case '!=':
      return a !== b
  }
}

function countAtom({ pattern, within, at_least }: CountTest): Evaluate {
  return (scope) => {
    try {
      return scope.countStrikes(pattern, within) >= at_least
    } catch {
      return 'unknown'
    }
  }
}

/** A fact against a literal: ints in every order, text and bool for equality. */
function comparisonAtom(node: ASTNode): Evaluate | undefined {
  if (!isComparison(node.op)) return undefined
  const [left, right] = node.args as [ASTNode, ASTNode]
  const [fact, literal, op] =
    factOf(left) === undefined
      ? [factOf(right), left, mirrored(node.op)]
      : [factOf(left), right, node.op]
  if (fact === undefined) return undefined
  const bound = intOf(literal)
  if (fact.type === 'int' && bound !== undefined) return intAtom(fact, op, bound)
  const value = literal.op === 'value' ? literal.args : undefined
  const known = typeof value === (fact.type === 'bool' ? 'boolean' : 'string')
  if (!known || (op !== '==' && op !== '!=') || fact.type === 'int') return undefined
  return equalityAtom(fact, value as FactValue, op === '==')
}

function intAtom({ read }: Fact, op: Comparison, bound: number): Evaluate {
  return (scope, strike) => {
    const value = read(scope, strike)
    return value === undefined ? 'unknown' : compare(op, value as number, bound)
  }
}

function equalityAtom({ read }: Fact, literal: FactValue, wanted: boolean): Evaluate {
  return (scope, strike) => {
    const value = read(scope, strike)
    return value === undefined ? 'unknown' : (value === literal) === wanted
  }
}

/** `fact in ["a", "b"]`, `fact in [1, 2]` and `"a" in fact`. */
function membershipAtom(node: ASTNode): Evaluate | undefined {
  if (node.op !== 'in') return undefined
  const [left, right] = node.args
  const list = factOf(right)
  const item = textOf(left)
  if (list?.type === 'list<string>' && item !== undefined) return includesAtom(list, item)
  const fact = factOf(left)
  if (fact === undefined || right.op !== 'list') return undefined
  const literals = right.args.map((part) => (fact.type === 'int' ? intOf(part) : textOf(part)))
  if (literals.includes(undefined) || (fact.type !== 'int' && fact.type !== 'string'))
    return undefined
  const { read } = fact
  return (scope, strike) => {
    const value = read(scope, strike)
    return value === undefined ? 'unknown' : literals.includes(value as string | number)
  }
}

function includesAtom({ read }: Fact, item: string): Evaluate {
  return (scope, strike) => {
    const value = read(scope, strike)
    return value === undefined ? 'unknown' : (value as readonly string[]).includes(item)
  }
}

/** `fact.exists(x, x == "a")`, either way round. */
function labelAtom(node: ASTNode): Evaluate | undefined {
  if (node.op !== 'rcall' || node.args[0] !== 'exists') return undefined
  const [, receiver, [variable, body]] = node.args
  const fact = factOf(receiver)
  if (fact?.type !== 'list<string>' || variable?.op !== 'id' || body?.op !== '==') return undefined
  const isVariable = (part: ASTNode): boolean => part.op === 'id' && part.args === variable.args
  const [left, right] = body.args
  const item = isVariable(left) ? textOf(right) : isVariable(right) ? textOf(left) : undefined
  return item === undefined ? undefined : includesAtom(fact, item)
}

function libraryAtom(node: ASTNode): Evaluate {
  const facts = factsIn(node).map(placed)
  const evaluate = compileCel(node)
  return (scope, strike) => {
    const values: Record<string, Record<string, unknown>> = {}
    for (const { fact, root, field } of facts) {
      const value = fact.read(scope, strike)
      if (value === undefined) return 'unknown'
      values[root] ??= {}
      values[root][field] = typeof value === 'number' ? BigInt(value) : value
    }
    try {
      const result = evaluate(values)
      return typeof result === 'boolean' ? result : 'unknown'
    } catch {
      return 'unknown'
    }
  }
}

function placed(fact: Fact): { fact: Fact; root: string; field: string } {
  const [root = '', field = ''] = fact.path.split('.')
  return { fact, root, field }
}
