/**
 * "What would have to be different?": the single changes that change an answer, each with the answer it would give.
 *
 * One strike reversed, one strike more, one fact known or another, or nothing but time; what rules nearly matched; and
 * which unknown fact would settle the matter, each way. Every claim is an evaluation of the changed facts
 * (counterfactual/apply.ts), so it cannot disagree with a decision. The work is bounded; what was therefore not
 * looked at is named. Spec: docs/spec/policy.md, "Counterfactuals". Used by explain.ts. Next: counterfactual/later.ts.
 */
import type { Decision, Facts } from '../model.ts'
import { changedFacts } from './counterfactual/facts.ts'
import { createJudge, type Judge } from './counterfactual/judge.ts'
import { changedLater } from './counterfactual/later.ts'
import { reversedStrikes } from './counterfactual/reversed.ts'
import { oneMoreStrike } from './counterfactual/struck.ts'
import type {
  Change,
  ChangeKind,
  Counterfactual,
  Effect,
  Found,
  Incomplete,
  Near,
} from './counterfactual/types.ts'
import { settlingFacts } from './counterfactual/unknown.ts'
import type { Plan } from './plan.ts'

/** What the search may cost beside one evaluation, in units of about ten nanoseconds (eligible-work.ts): some 30 ms, around them up to 120 more at 4,096 strikes. */
export const MAX_COUNTERFACTUAL_WORK = 3_000_000
/** Changes listed of one kind, and rules that nearly matched. */
export const MAX_CHANGES_LISTED = 16
export const MAX_NEAR_LISTED = 64

/** From the smallest: waiting asks nothing of anybody, a strike more is the last one hopes for. */
export const CHANGE_ORDER: readonly ChangeKind[] = ['later', 'fact', 'reversed', 'struck']

interface Search {
  readonly kind: ChangeKind
  readonly search: (judge: Judge) => Found
  /** It gets one part of so many of the work that is left. */
  readonly parts: number
}

/** Time first and with the most: it needs few evaluations, and its answer is what people ask for. */
const SEARCHES: readonly Search[] = [
  { kind: 'later', search: changedLater, parts: 2 },
  { kind: 'reversed', search: reversedStrikes, parts: 3 },
  { kind: 'struck', search: oneMoreStrike, parts: 2 },
  { kind: 'fact', search: changedFacts, parts: 1 },
]

/** Searches around `decision`, which is that of `facts`. Costs up to `work` beside the vocabulary of the plan, once. */
export function counterfactual(
  plan: Plan,
  facts: Facts,
  decision: Decision,
  work: number = MAX_COUNTERFACTUAL_WORK,
): Counterfactual {
  const judge = createJudge(plan, facts, decision, work)
  const incomplete: Incomplete[] = []
  const settles = judge.share(5, settlingFacts)
  if (!settles.complete) incomplete.push({ kind: 'unknown', why: 'work' })
  if (settles.cut) incomplete.push({ kind: 'unknown', why: 'listed' })
  const effects: Effect[] = []
  const near: Near[] = []
  for (const { kind, search, parts } of SEARCHES) {
    const found = judge.share(parts, search)
    if (!found.complete) incomplete.push({ kind, why: 'work' })
    if (found.effects.length > MAX_CHANGES_LISTED) incomplete.push({ kind, why: 'listed' })
    effects.push(...found.effects.slice(0, MAX_CHANGES_LISTED))
    near.push(...found.near)
  }
  if (near.length > MAX_NEAR_LISTED) incomplete.push({ kind: 'near', why: 'listed' })
  return {
    near: near.sort(byHostAndRule).slice(0, MAX_NEAR_LISTED),
    settles: settles.settles,
    changes: effects.sort((a, b) => position(a.change) - position(b.change)),
    incomplete: incomplete.sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0)),
  }
}

function position({ kind }: Change): number {
  return CHANGE_ORDER.indexOf(kind)
}

function byHostAndRule(a: Near, b: Near): number {
  if (a.host !== b.host) return a.host - b.host
  return a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0
}
