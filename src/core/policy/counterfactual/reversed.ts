/**
 * Strikes whose reversal gives another answer. See ../counterfactual.ts.
 *
 * A reversal only makes milder (G10), so the strikes the reasons rely on are enough, with those that conditions count
 * and, where earlier revisions have a say, all that the rule may count. The lightest, mildest, newest first.
 */
import { SEVERITIES, type Strike } from '../../model.ts'
import type { CategorySelector, Plan, RulePlan } from '../plan.ts'
import { matchesCategory, selectorOf } from '../selector.ts'
import { answerKey, answerOf, type Judge } from './judge.ts'
import type { Change, Effect, Found } from './types.ts'

interface Candidate {
  readonly host: number
  readonly strike: Strike
}

export function reversedStrikes(judge: Judge): Found {
  const before = answerKey(judge.decision)
  const effects: Effect[] = []
  for (const { host, strike } of candidates(judge)) {
    const change: Change = { kind: 'reversed', host, strike: strike.id }
    const decision = judge.change(change)
    if (decision === null) return { effects, near: [], complete: false }
    if (answerKey(decision) !== before) effects.push({ change, answer: answerOf(decision) })
  }
  return { effects, near: [], complete: true }
}

function candidates({ plan, facts, decision }: Judge): Candidate[] {
  const counted = selectorsOf(plan)
  const found: Candidate[] = []
  facts.hosts.forEach(({ strikes }, host) => {
    const named = new Set(
      decision.reasons.flatMap((reason) => (reason.host === host ? reason.strikes : [])),
    )
    const seen = new Set<string>()
    for (const strike of strikes) {
      const { id, status, effective_at, category } = strike
      if (status === 'reversed' || effective_at > facts.at || seen.has(id)) continue
      if (!named.has(id) && !counted.some((selector) => matchesCategory(selector, category)))
        continue
      seen.add(id)
      found.push({ host, strike })
    }
  })
  return found.sort(bySize)
}

/** What is counted without the reasons saying so. */
function selectorsOf(plan: Plan): CategorySelector[] {
  const conditions = [
    ...plan.rules.map(({ when }) => when),
    ...plan.exemptions.map(({ when }) => when),
  ]
  const patterns = conditions.flatMap((when) => when?.counts.map(({ pattern }) => pattern) ?? [])
  return [
    ...[...new Set(patterns)].map((pattern) => selectorOf([pattern])),
    ...plan.rules.flatMap(inheritedSelectors),
  ]
}

function inheritedSelectors({ count, inherited }: RulePlan): CategorySelector[] {
  if (count === null || inherited === null) return []
  const earlier = inherited.forms.flatMap(({ counting }) => counting?.count.categories ?? [])
  return [count.categories, ...earlier]
}

function bySize(a: Candidate, b: Candidate): number {
  return (
    a.host - b.host ||
    a.strike.weight - b.strike.weight ||
    SEVERITIES.indexOf(a.strike.severity) - SEVERITIES.indexOf(b.strike.severity) ||
    b.strike.effective_at - a.strike.effective_at ||
    (a.strike.id < b.strike.id ? -1 : 1)
  )
}
