/**
 * Every instant after now at which an evaluation can change without anybody doing anything.
 *
 * Strikes leave windows and expire, restrictions end, holds end and are used up, and conditions compare the instant
 * with facts. Superfluous edges cost an evaluation, a missing one a wrong answer, so this errs on the side of many:
 * a comparison may turn at its edge (`<`) or one millisecond later (`<=`). Spec: docs/spec/policy.md, "eligible_at".
 */
import { HOLD_USABLE_MS } from '../limits.ts'
import type { Facts } from '../model.ts'
import { type EpochMs, isEpochMs } from '../time.ts'
import { exitOf } from './count.ts'
import { FACTS } from './environment.ts'
import { type HostContext, hostContext } from './evaluate-rule.ts'
import type { Condition, Plan, RulePlan } from './plan.ts'
import { matchesCategory, selectorOf } from './selector.ts'

/** Instants from `facts.at` on, sorted, without repeats; `facts.at` first. */
export function edgesOf(plan: Plan, facts: Facts): EpochMs[] {
  const found = new Set<number>([facts.at])
  const add = (instant: number): void => {
    if (instant > facts.at && isEpochMs(instant)) found.add(instant)
  }
  facts.hosts.forEach((host, index) => {
    const context = hostContext(plan, facts, index, host)
    for (const rule of plan.rules) ruleEdges(rule, context, add)
    for (const { when } of plan.exemptions) conditionEdges(when, context, add)
    for (const { rule, first_asked_at } of host.holds) {
      const hold = plan.rules.find(({ id }) => id === rule)?.hold ?? null
      if (hold === null) continue
      add(first_asked_at + hold)
      add(first_asked_at + hold + HOLD_USABLE_MS)
    }
  })
  return [...found].sort((a, b) => a - b) as EpochMs[]
}

type Add = (instant: number) => void

function ruleEdges(rule: RulePlan, context: HostContext, add: Add): void {
  if (rule.when !== null) conditionEdges(rule.when, context, add)
  const { count, ladder } = rule
  if (count === null) return
  const { table } = context
  for (let row = 0; row < table.strikes.length; row++) {
    if (!matchesCategory(count.categories, table.strikes[row]?.category ?? '')) continue
    const from = table.effective[row] ?? 0
    add(exitOf(count, table, row))
    for (const { length } of ladder ?? []) if (typeof length === 'number') add(from + length)
    if (count.unless !== null) timeEdges(count.unless.edges, context, row, add)
  }
}

function conditionEdges(condition: Condition, context: HostContext, add: Add): void {
  timeEdges(condition.edges, context, null, add)
  const { table } = context
  for (const { pattern, within } of condition.counts) {
    const selector = selectorOf([pattern])
    for (let row = 0; row < table.strikes.length; row++)
      if (matchesCategory(selector, table.strikes[row]?.category ?? ''))
        add(exitOf({ within }, table, row))
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
