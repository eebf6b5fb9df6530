/**
 * The conditions of a plan taken apart again: which comparisons each is made of, and which facts each comparison reads.
 *
 * A compiled condition is a closure; tools that look for the values at which it turns read its source once more. A leaf
 * is a part that is true, false or unknown as a whole: below it there is no `&&`, `||`, `!` or `?:`.
 * Used by vocabulary.ts. Next: vocabulary-edges.ts.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { compileNode, type Evaluate } from './cel-atoms.ts'
import { parseCel } from './cel-library.ts'
import { factsIn, nodesOf } from './cel-nodes.ts'
import { type CountTest, countTest } from './cel-polarity.ts'
import { type TimeSum, timeDifference } from './cel-time.ts'
import type { Condition, Plan, StrikeCondition } from './plan.ts'

/** One condition of a plan. */
export interface Expression {
  readonly condition: Condition | StrikeCondition
  /** For people: `rule grave`, `exemption newsroom`, `invariant x`. */
  readonly of: string
  readonly place: 'when' | 'unless' | 'exempt' | 'given'
  /** Empty for a condition that was not written as CEL. */
  readonly leaves: readonly Leaf[]
}

export interface Leaf {
  readonly node: ASTNode
  /** Paths read, `now` left out, sorted. */
  readonly facts: readonly string[]
  /** A comparison of instants, null for any other leaf. */
  readonly time: TimeSum | null
  /** A test of `strikes(...)`, null for any other leaf. */
  readonly count: CountTest | null
  readonly evaluate: Evaluate
}

/** Every condition of the plan, invariants included, in the order of ids. */
export function expressionsOf(plan: Plan): Expression[] {
  const found: Expression[] = []
  const add = (
    condition: Condition | StrikeCondition | null,
    of: string,
    place: Expression['place'],
  ): void => {
    if (condition !== null) found.push({ condition, of, place, leaves: leavesOf(condition.source) })
  }
  for (const { id, when, count } of plan.rules) {
    add(when, `rule ${id}`, 'when')
    add(count?.unless ?? null, `rule ${id}`, 'unless')
  }
  for (const { id, when } of plan.exemptions) add(when, `exemption ${id}`, 'exempt')
  for (const { id, given } of plan.invariants) add(given.when, `invariant ${id}`, 'given')
  return found
}

const known = new Map<string, readonly Leaf[]>()
const MAX_KNOWN = 4096

/** The leaves of a condition's source, in reading order. Remembered: the same texts are asked for again and again. */
export function leavesOf(source: string): readonly Leaf[] {
  let leaves = known.get(source)
  if (leaves === undefined) {
    const parsed = parseCel(source)
    leaves = parsed.ok ? [...split(parsed.value)].map(leafOf) : []
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(source, leaves)
  }
  return leaves
}

function* split(node: ASTNode): Generator<ASTNode> {
  if (node.op === '&&' || node.op === '||' || node.op === '?:')
    for (const part of node.args) yield* split(part)
  else if (node.op === '!_') yield* split(node.args)
  else yield node
}

function leafOf(node: ASTNode): Leaf {
  return {
    node,
    facts: factsIn(node)
      .map(({ path }) => path)
      .filter((path) => path !== 'now'),
    time: timeDifference(node) ?? null,
    count: countTest(node) ?? null,
    evaluate: compileNode(node),
  }
}

/** Text and whole-number literals anywhere in a leaf. */
export function literalsOf({ node }: Leaf): (string | number)[] {
  const found: (string | number)[] = []
  for (const part of nodesOf(node)) {
    if (part.op !== 'value') continue
    const value: unknown = part.args
    if (typeof value === 'string') found.push(value)
    else if (typeof value === 'bigint') found.push(Number(value))
  }
  return found
}
