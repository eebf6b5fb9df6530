/**
 * Comparisons of instants and lengths of time, as exact sums of milliseconds.
 *
 * Both sides of such a comparison are sums of `now`, timestamp facts and constants, so it becomes `sum op 0` over
 * integers: exact (the CEL library's durations lose nanoseconds beyond some eighteen years), without allocation, and
 * with a known instant at which its truth can change. Anything about time that is not such a sum is outside the
 * profile; that is what lets `eligible_at` and `prove` know every edge. Spec: docs/spec/policy-syntax.md, "Time".
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { err, ok, type Result } from '../result.ts'
import { parseDuration, parseInstant } from '../time.ts'
import { callOf, factOf, isComparison, textOf } from './cel-nodes.ts'
import type { Fact } from './environment.ts'

/** `constant_ms` plus each fact times its factor. */
export interface TimeSum {
  readonly terms: ReadonlyMap<Fact, number>
  readonly constant_ms: number
}

/** True when the node is, or combines, instants or lengths of time. */
export function isTemporal(node: ASTNode): boolean {
  if (factOf(node)?.type === 'timestamp') return true
  const name = callOf(node)?.[0]
  if (name === 'duration' || name === 'timestamp') return true
  return (
    (node.op === '+' || node.op === '-') && (isTemporal(node.args[0]) || isTemporal(node.args[1]))
  )
}

/** `left - right` of a comparison about time; undefined when the node is not one the profile knows. */
export function timeDifference(node: ASTNode): TimeSum | undefined {
  if (!isComparison(node.op)) return undefined
  const [left, right] = node.args as [ASTNode, ASTNode]
  if (!isTemporal(left) && !isTemporal(right)) return undefined
  const [a, b] = [timeSum(left), timeSum(right)]
  return a === undefined || b === undefined ? undefined : combine(a, b, -1)
}

function timeSum(node: ASTNode): TimeSum | undefined {
  const fact = factOf(node)
  if (fact?.type === 'timestamp') return { terms: new Map([[fact, 1]]), constant_ms: 0 }
  if (node.op === '+' || node.op === '-') {
    const [a, b] = [timeSum(node.args[0]), timeSum(node.args[1])]
    return a === undefined || b === undefined ? undefined : combine(a, b, node.op === '+' ? 1 : -1)
  }
  const literal = timeLiteral(node)
  return literal?.ok === true ? { terms: new Map(), constant_ms: literal.value } : undefined
}

function combine(a: TimeSum, b: TimeSum, factor: number): TimeSum {
  const terms = new Map(a.terms)
  for (const [fact, count] of b.terms) {
    const sum = (terms.get(fact) ?? 0) + factor * count
    if (sum === 0) terms.delete(fact)
    else terms.set(fact, sum)
  }
  return { terms, constant_ms: a.constant_ms + factor * b.constant_ms }
}

/** Milliseconds of `duration("90d")` or `timestamp("2026-01-31T00:00:00Z")`; undefined for any other node. */
export function timeLiteral(node: ASTNode): Result<number, string> | undefined {
  const call = callOf(node)
  if (call === undefined || (call[0] !== 'duration' && call[0] !== 'timestamp')) return undefined
  const text = call[1].length === 1 ? textOf(call[1][0]) : undefined
  if (text === undefined) return err(`${call[0]}() needs one text literal`)
  return call[0] === 'duration' ? compoundDuration(text) : parseInstant(text)
}

/** `90d` as everywhere in a policy, and CEL's own compounds such as `1h30m`. */
function compoundDuration(text: string): Result<number, string> {
  const parts = text.match(/\d+(ms|[smhdw])/g)
  if (parts === null || parts.length < 2 || parts.join('') !== text) return parseDuration(text)
  let total = 0
  for (const part of parts) {
    const one = parseDuration(part)
    if (!one.ok) return one
    total += one.value
  }
  return ok(total)
}

/** When the truth of `difference op 0` can change; null when it does not depend on `now`. */
export type Edge = { readonly path: string | null; readonly offset_ms: number }

/** The edge of a comparison, null for none, or an error when it cannot be one instant. */
export function edgeOf(difference: TimeSum): Result<Edge | null, string> {
  const terms = [...difference.terms]
  const now = terms.find(([fact]) => fact.path === 'now')?.[1]
  const others = terms.filter(([fact]) => fact.path !== 'now')
  if (now === undefined) return ok(null)
  const [other, ...more] = others
  // now*n + fact*f + c = 0 has one solution for `now` that is whole only when n and f are opposite ones.
  if (Math.abs(now) !== 1 || more.length > 0 || (other !== undefined && other[1] !== -now))
    return err('time must be compared as `now` against at most one fact and constants')
  const offset_ms = 0 - difference.constant_ms * now
  return ok({ path: other?.[0].path ?? null, offset_ms })
}
