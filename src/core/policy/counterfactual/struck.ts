/**
 * What one strike more would do: for each answer it could give the lightest, mildest such strike, and the rules that
 * are one strike or one step away. See ../counterfactual.ts.
 *
 * The strikes tried are one of each kind the policy tells apart (kinds.ts), for the subject that asks, now.
 */
import { MAX_STRIKE_WEIGHT } from '../../limits.ts'
import { type Decision, SEVERITIES } from '../../model.ts'
import { groups, select } from '../count.ts'
import { type HostContext, hostContext } from '../evaluate-rule.ts'
import type { CountPlan, RulePlan } from '../plan.ts'
import type { StrikeClass } from '../vocabulary.ts'
import { answerKey, answerOf, binding, boundTo, type Judge } from './judge.ts'
import type { Change, Effect, Found, Near, NewStrike } from './types.ts'

export function oneMoreStrike(judge: Judge): Found {
  const { kinds, decision } = judge
  const told = new Set([answerKey(decision)])
  const effects: Effect[] = []
  const near = new Map<string, Near>()
  const done = (complete: boolean): Found => ({ effects, near: [...near.values()], complete })
  for (const kind of tried(judge)) {
    const change: Change = { kind: 'struck', host: 0, strike: newStrike(kind) }
    const after = judge.change(change)
    if (after === null) return done(false)
    nearly(judge, change, after, near)
    const key = answerKey(after)
    if (told.has(key)) continue
    told.add(key)
    effects.push({ change, answer: answerOf(after) })
  }
  return done(kinds.strikes_complete)
}

/** Each kind with the weights it was made with, and with those that are just enough now; the smallest first. */
function tried({ plan, facts, kinds }: Judge): StrikeClass[] {
  const counts = plan.rules.flatMap(({ count }) => (count?.weight_at_least == null ? [] : [count]))
  if (counts.length === 0) return [...kinds.strikes].sort(bySize)
  const context = hostContext(plan, facts, 0, facts.hosts[0])
  const lacking = counts.map(
    (count) =>
      (count.weight_at_least ?? 0) -
      weightNow(context, select(count, context.table, 'now', context.scope).rows),
  )
  const weights = [...new Set(lacking)].filter((w) => w >= 1 && w <= MAX_STRIKE_WEIGHT)
  const all = kinds.strikes.flatMap((kind) => [
    kind,
    ...weights.map((weight) => ({ ...kind, weight })),
  ])
  return [...new Map(all.map((kind) => [JSON.stringify(kind), kind])).values()].sort(bySize)
}

function weightNow({ table }: HostContext, rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum + (table.strikes[row]?.weight ?? 0), 0)
}

function newStrike({ seen: _, ...members }: StrikeClass): NewStrike {
  return members
}

function bySize(a: StrikeClass, b: StrikeClass): number {
  if (a.weight !== b.weight) return a.weight - b.weight
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
}

/** Rules of the subject that match now, or for longer; each once. */
function nearly(judge: Judge, change: Change, after: Decision, near: Map<string, Near>): void {
  const before = binding(judge.decision)
  for (const [key, end] of binding(after)) {
    const { host, rule: id } = boundTo(key)
    const had = before.get(key)
    if (host !== 0 || near.has(id) || (had !== undefined && end <= had)) continue
    const rule = judge.plan.rules.find((one) => one.id === id)
    if (rule === undefined || (had !== undefined && rule.ladder === null)) continue
    const away = had === undefined ? 'strike' : 'step'
    const common = { rule: id, host, change, ...distance(judge, rule) }
    near.set(id, { ...common, away, matches: true, edge: null })
  }
}

/** "2 of 3 strikes": what counts now, and what is needed; null for a rule that counts in its condition only. */
function distance({ plan, facts }: Judge, rule: RulePlan): Pick<Near, 'have' | 'need'> {
  const { count } = rule
  if (count === null) return { have: null, need: null }
  const context = hostContext(plan, facts, 0, facts.hosts[0])
  const { rows } = select(count, context.table, 'now', context.scope)
  const have = groups(context.table, rows, plan.strikes.group_within)
  if (rule.ladder !== null || countsStrikes(count)) {
    const need = rule.ladder === null ? count.at_least : have + 1
    return { have, need }
  }
  return { have: weightNow(context, rows), need: count.weight_at_least }
}

function countsStrikes({ at_least, weight_at_least }: CountPlan): boolean {
  return weight_at_least === null || at_least !== Number.MAX_SAFE_INTEGER
}
