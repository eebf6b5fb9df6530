/**
 * Lengths, instants and numbers at which plans can change their answer. See vocabulary.ts.
 */
import { HOLD_USABLE_MS } from '../limits.ts'
import type { EpochMs } from '../time.ts'
import { isEpochMs } from '../time.ts'
import type { Expression } from './expressions.ts'
import type { CountPlan, Plan, RulePlan } from './plan.ts'
import type { Offset, OffsetKind } from './vocabulary.ts'

export interface CollectedEdges {
  readonly offsets: readonly Offset[]
  readonly instants: readonly EpochMs[]
  readonly thresholds: readonly number[]
  readonly weights: readonly number[]
}

interface Found {
  readonly offsets: Map<number, { of: Set<string>; kinds: Set<OffsetKind> }>
  readonly instants: Set<number>
  readonly thresholds: Set<number>
  readonly weights: Set<number>
}

export function collectEdges(
  plans: readonly Plan[],
  expressions: readonly Expression[],
): CollectedEdges {
  const found: Found = {
    offsets: new Map(),
    instants: new Set(),
    thresholds: new Set(),
    weights: new Set(),
  }
  for (const plan of plans) {
    addStanding(found, plan)
    for (const rule of plan.rules) addRule(found, rule)
    for (const { id, given } of plan.invariants)
      if (given.count !== null) addCount(found, given.count, `invariant ${id}`, true)
  }
  for (const expression of expressions) addExpression(found, expression)
  return {
    offsets: [...found.offsets]
      .sort(([a], [b]) => a - b)
      .map(([ms, { of, kinds }]) => ({ ms, of: [...of], kinds: [...kinds].sort() })),
    instants: ascending(found.instants).filter(isEpochMs),
    thresholds: ascending(found.thresholds),
    weights: ascending(found.weights),
  }
}

function ascending(values: ReadonlySet<number>): number[] {
  return [...values].sort((a, b) => a - b)
}

function addOffset({ offsets }: Found, ms: number, of: string, kind: OffsetKind): void {
  let entry = offsets.get(ms)
  if (entry === undefined) {
    entry = { of: new Set(), kinds: new Set() }
    offsets.set(ms, entry)
  }
  entry.of.add(of)
  entry.kinds.add(kind)
}

function addStanding(found: Found, { strikes }: Plan): void {
  const { expire_default, expire_exact, expire_prefix, group_within } = strikes
  const all = [expire_default, ...expire_exact.values(), ...expire_prefix.map(([, it]) => it)]
  for (const ms of all) if (ms !== 'never') addOffset(found, ms, 'expiry', 'strike')
  if (group_within > 0) addOffset(found, group_within, 'grouping', 'strike')
}

function addRule(found: Found, { id, count, ladder, hold }: RulePlan): void {
  if (count !== null) addCount(found, count, `rule ${id}`, ladder === null)
  for (const { at, length } of ladder ?? []) {
    found.thresholds.add(at)
    if (typeof length === 'number') addOffset(found, length, `step ${at} of rule ${id}`, 'end')
  }
  if (hold === null || hold === 0) return
  addOffset(found, hold, `hold of rule ${id}`, 'hold')
  addOffset(found, hold + HOLD_USABLE_MS, `usable hold of rule ${id}`, 'hold')
}

function addCount(found: Found, count: CountPlan, of: string, thresholds: boolean): void {
  if (count.within !== null) addOffset(found, count.within, `window of ${of}`, 'strike')
  if (count.since !== null) found.instants.add(count.since)
  if (!thresholds) return
  if (count.at_least !== Number.MAX_SAFE_INTEGER) found.thresholds.add(count.at_least)
  if (count.weight_at_least !== null) found.weights.add(count.weight_at_least)
}

function addExpression(found: Found, { condition, of, leaves }: Expression): void {
  for (const { path, offset_ms } of condition.edges)
    if (path === null) found.instants.add(offset_ms)
    else addOffset(found, offset_ms, `comparison of ${path} by ${of}`, 'fact')
  for (const { count, time } of leaves) {
    if (count !== null) {
      found.thresholds.add(count.at_least)
      if (count.within !== null) addOffset(found, count.within, `strikes() of ${of}`, 'strike')
    }
    // A fact against a literal instant: `subject.created_at < timestamp("2026-01-01")`.
    const [term] = time?.terms ?? []
    if (time !== null && time.terms.size === 1 && term !== undefined && term[0].path !== 'now')
      found.instants.add(-time.constant_ms / term[1])
  }
}
