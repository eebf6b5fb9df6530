/**
 * Every instant after now at which an evaluation can change without anybody doing anything.
 *
 * Strikes leave windows and expire, restrictions end, holds end and are used up, and conditions compare the instant
 * with facts. Superfluous edges cost an evaluation, a missing one a wrong answer, so this errs on the side of many:
 * a comparison may turn at its edge (`<`) or one millisecond later (`<=`). Spec: docs/spec/policy.md, "eligible_at".
 */
import { HOLD_USABLE_MS } from '../limits.ts'
import type { Facts } from '../model.ts'
import { isEpochMs } from '../time.ts'
import { exitOf } from './count.ts'
import { FACTS } from './environment.ts'
import { type HostContext, hostContext } from './evaluate-rule.ts'
import type { Condition, Plan, RulePlan, StrikeCondition } from './plan.ts'
import { matchesCategory, selectorOf } from './selector.ts'

/** Sorted, without repeats, all after `facts.at`. */
export interface Edges {
  /** Strikes leave, restrictions end: what is there can only become less. */
  readonly strikes: number[]
  /** Conditions compare the instant, holds end or are used up: anything may change. */
  readonly clock: number[]
}

/** The edges of every host and rule. */
export function edgesOf(plan: Plan, facts: Facts): Edges {
  const strikes: number[] = []
  const clock: number[] = []
  if (plan.stale?.from != null && plan.stale.from > facts.at) clock.push(plan.stale.from)
  const add: Adders = { strike: adder(strikes, facts.at), clock: adder(clock, facts.at) }
  facts.hosts.forEach((host, index) => {
    const context = hostContext(plan, facts, index, host)
    for (const rule of plan.rules.flatMap(measuresOf)) ruleEdges(rule, context, add)
    for (const { when } of plan.exemptions) conditionEdges(when, context, add)
    for (const { until } of host.suppressions ?? []) if (until !== 'forever') add.strike(until)
    for (const { rule, first_asked_at } of host.holds) {
      for (const hold of holdsOf(plan, rule)) {
        add.clock(first_asked_at + hold)
        add.clock(first_asked_at + hold + HOLD_USABLE_MS)
      }
    }
  })
  return { strikes: sorted(strikes), clock: sorted(clock) }
}

/** A rule, and what it asks for on behalf of strikes of other times (inherit.ts). */
function measuresOf(rule: RulePlan): readonly RulePlan[] {
  if (rule.inherited === null) return [rule]
  return [rule, ...rule.inherited.milder.map((form) => form.rule)]
}

/** Lengths of the holds a rule may open: one, unless earlier revisions asked for others. */
export function holdsOf(plan: Plan, rule: string): readonly number[] {
  const measures = plan.rules.filter(({ id }) => id === rule).flatMap(measuresOf)
  return measures.flatMap(({ hold }) => (hold === null ? [] : [hold]))
}

interface Adders {
  readonly strike: Add
  readonly clock: Add
}
type Add = (instant: number) => void

function adder(edges: number[], after: number): Add {
  return (instant) => {
    if (instant > after && isEpochMs(instant)) edges.push(instant)
  }
}

function sorted(edges: readonly number[]): number[] {
  const all = Float64Array.from(edges).sort()
  return [...all].filter((instant, i) => instant !== all[i - 1])
}

/** Position of the first edge at or after `instant`; the length when there is none. */
export function firstFrom(edges: readonly number[], instant: number): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((edges[middle] as number) < instant) low = middle + 1
    else high = middle
  }
  return low
}

/** Puts one more edge in its place. */
export function insertEdge(edges: number[], instant: number): void {
  const i = firstFrom(edges, instant)
  if (edges[i] !== instant && isEpochMs(instant)) edges.splice(i, 0, instant)
}

function ruleEdges(rule: RulePlan, context: HostContext, add: Adders): void {
  if (rule.when !== null) conditionEdges(rule.when, context, add)
  const { count, ladder, inherited } = rule
  if (count === null) return
  const { table } = context
  const forms = inherited?.forms ?? []
  for (let row = 0; row < table.strikes.length; row++) {
    if (!matchesCategory(count.categories, table.strikes[row]?.category ?? '')) continue
    const from = table.effective[row] ?? 0
    add.strike(exitOf(count, table, row))
    for (const steps of [ladder ?? [], ...forms.map((form) => form.steps)])
      for (const { length } of steps) if (typeof length === 'number') add.strike(from + length)
    for (const unless of unlessesOf(rule)) timeEdges(unless.edges, context, row, add.clock)
  }
}

/** Every `unless` that has a say: the rule's own, and those of earlier forms. */
export function unlessesOf({ count, inherited }: RulePlan): readonly StrikeCondition[] {
  const counts = [count, ...(inherited?.forms ?? []).map(({ counting }) => counting?.count)]
  return counts.flatMap((one) => (one?.unless == null ? [] : [one.unless]))
}

function conditionEdges(condition: Condition, context: HostContext, add: Adders): void {
  timeEdges(condition.edges, context, null, add.clock)
  const { table } = context
  for (const { pattern, within } of condition.counts) {
    const selector = selectorOf([pattern])
    for (let row = 0; row < table.strikes.length; row++)
      if (matchesCategory(selector, table.strikes[row]?.category ?? ''))
        add.strike(exitOf({ within }, table, row))
  }
}

/** Comparisons of the instant; `row` names the strike an `unless` looks at. */
function timeEdges(
  edges: Condition['edges'],
  context: HostContext,
  row: number | null,
  add: Add,
): void {
  const strike = row === null ? undefined : context.table.strikes[row]
  for (const { path, offset_ms } of edges) {
    const base = path === null ? 0 : FACTS.get(path)?.read(context.scope, strike)
    if (typeof base !== 'number') continue
    add(base + offset_ms)
    add(base + offset_ms + 1)
  }
}
