/**
 * Where `strikes(...)` may stand, so that one more strike never makes an outcome milder (G10).
 *
 * A count may only be compared as "at least k", and only where more strikes can make the condition true in a `when`
 * (or an invariant's `given`), false in an exemption. Elsewhere it is the compile error `polarity`.
 * Spec: docs/spec/policy-syntax.md, "strikes()".
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { DurationMs } from '../time.ts'
import { parseDuration } from '../time.ts'
import { type FaultSink, faultAt } from './cel-fault.ts'
import { callOf, childrenOf, intOf, isComparison, mirrored, nodesOf, textOf } from './cel-nodes.ts'
import { quote } from './diagnostic.ts'
import { CATEGORY_PATTERN } from './selector.ts'

/** `strikes(pattern, within) >= at_least`. */
export interface CountTest {
  readonly pattern: string
  readonly within: DurationMs | null
  readonly at_least: number
}

/** Which way a place in a condition turns: 1 = more truth below is more truth above, -1 = less, 0 = either. */
type Sign = 1 | -1 | 0

/** Reports every `strikes(...)` that does not stand where `wanted` says; `wanted` 0 allows none. */
export function checkPolarity(node: ASTNode, wanted: Sign, sink: FaultSink): void {
  walk(node, 1, wanted, sink)
}

function walk(node: ASTNode, sign: Sign, wanted: Sign, sink: FaultSink): void {
  if (node.op === '&&' || node.op === '||') {
    for (const part of node.args) walk(part, sign, wanted, sink)
    return
  }
  if (node.op === '!_') {
    walk(node.args, sign === 0 ? 0 : sign === 1 ? -1 : 1, wanted, sink)
    return
  }
  if (node.op === '?:') {
    const [condition, yes, no] = node.args
    walk(condition, 0, wanted, sink)
    walk(yes, sign, wanted, sink)
    walk(no, sign, wanted, sink)
    return
  }
  const calls = [...nodesOf(node)].filter(isStrikes)
  if (calls.length === 0) return
  for (const call of calls) checkArguments(call, sink)
  if (wanted === 0) {
    refuse(node, '`strikes()` cannot be used here', sink)
    return
  }
  if (comparedCount(node) === undefined) {
    refuse(node, '`strikes()` can only be compared as `>= k` or `> k` with a number', sink)
    return
  }
  if (sign === wanted) return
  const why =
    wanted === 1
      ? 'one more strike could make the rule stop matching'
      : 'one more strike could bring the exemption'
  refuse(node, why, sink, wanted === -1 ? 'write `!(strikes(...) >= k)`' : undefined)
}

function refuse(node: ASTNode, message: string, sink: FaultSink, hint?: string): void {
  sink(faultAt(node, 'polarity', message, hint))
}

function isStrikes(node: ASTNode): boolean {
  return callOf(node)?.[0] === 'strikes'
}

/** The call and the least count of `strikes(...) >= k`, `> k`, `k <= strikes(...)` or `k < strikes(...)`. */
function comparedCount(node: ASTNode): readonly [call: ASTNode, at_least: number] | undefined {
  if (!isComparison(node.op)) return undefined
  const [left, right] = childrenOf(node)
  if (left === undefined || right === undefined) return undefined
  const [call, number, op] = isStrikes(left)
    ? [left, right, node.op]
    : [right, left, mirrored(node.op)]
  const bound = intOf(number)
  if (!isStrikes(call) || bound === undefined || (op !== '>=' && op !== '>')) return undefined
  return [call, op === '>' ? bound + 1 : bound]
}

/** The test a comparison stands for; undefined when it is no well-formed test of `strikes(...)`. */
export function countTest(node: ASTNode): CountTest | undefined {
  const compared = comparedCount(node)
  const args = compared === undefined ? undefined : strikesArguments(compared[0])
  return compared === undefined || args === undefined
    ? undefined
    : { ...args, at_least: compared[1] }
}

function strikesArguments(
  call: ASTNode,
): { pattern: string; within: DurationMs | null } | undefined {
  const [pattern, within, more] = callOf(call)?.[1] ?? []
  const text = textOf(pattern)
  if (text === undefined || !CATEGORY_PATTERN.test(text) || more !== undefined) return undefined
  if (within === undefined) return { pattern: text, within: null }
  const parsed = parseDuration(textOf(within) ?? '')
  return parsed.ok && parsed.value > 0 ? { pattern: text, within: parsed.value } : undefined
}

function checkArguments(call: ASTNode, sink: FaultSink): void {
  if (strikesArguments(call) !== undefined) return
  const [pattern, within] = callOf(call)?.[1] ?? []
  const text = textOf(pattern)
  if (text !== undefined && !CATEGORY_PATTERN.test(text)) {
    sink(faultAt(pattern ?? call, 'bad-value', `found ${quote(text)}, expected a category pattern`))
    return
  }
  const length = textOf(within)
  if (text !== undefined && within !== undefined && length !== undefined) {
    const parsed = parseDuration(length)
    const why = parsed.ok ? 'expected a duration above zero' : parsed.error
    sink(faultAt(within, 'bad-duration', `found ${quote(length)}, ${why}`))
    return
  }
  const usage = 'write strikes("terrorism.*", "90d")'
  sink(
    faultAt(
      call,
      'cel-profile',
      '`strikes()` needs a category and a duration as text literals',
      usage,
    ),
  )
}
