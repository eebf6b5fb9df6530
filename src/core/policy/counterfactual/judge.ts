/**
 * Evaluates changed facts within a bound of work, and says when two answers are the same. See ../counterfactual.ts.
 */
import type { Decision, Facts } from '../../model.ts'
import { evaluationWork } from '../eligible-work.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan } from '../plan.ts'
import { applyChange } from './apply.ts'
import { type Kinds, kindsOf } from './kinds.ts'
import type { Answer, Change } from './types.ts'

export interface Judge {
  readonly plan: Plan
  readonly facts: Facts
  readonly decision: Decision
  readonly kinds: Kinds
  /** The decision over other facts; null when the share of work is used up. */
  judge(facts: Facts): Decision | null
  /** The same of one change. */
  change(change: Change): Decision | null
  /** Takes work that is no evaluation from the share; false when there is not enough. */
  spend(work: number): boolean
  /** Runs a search with the n-th part of what is left. */
  share<T>(parts: number, search: (judge: Judge) => T): T
}

export function createJudge(plan: Plan, facts: Facts, decision: Decision, work: number): Judge {
  const cost = Math.max(1, evaluationWork(plan, facts))
  let left = work
  let end = 0
  const judge: Judge = {
    plan,
    facts,
    decision,
    kinds: kindsOf(plan),
    judge(changed) {
      if (left - cost < end) return null
      left -= cost
      return evaluate(plan, changed)
    },
    change: (change) => (left - cost < end ? null : judge.judge(applyChange(plan, facts, change))),
    spend(more) {
      if (left - more < end) return false
      left -= more
      return true
    },
    share(parts, search) {
      end = left - left / parts
      return search(judge)
    },
  }
  return judge
}

/** What a person is told by a decision. */
export function answerOf(decision: Decision): Answer {
  const { outcome, mode, until, not_before, review } = decision
  const { retry_after_s, broadcast_delay_s, obligations, rules } = decision
  return {
    ...{ outcome, mode, until, not_before, review },
    ...{ retry_after_s, broadcast_delay_s, obligations, rules },
  }
}

/** Equal for answers that are the same to a person at one instant; which rules gave them is no part of it. */
export function answerKey({ not_before, review, ...rest }: Answer | Decision): string {
  return JSON.stringify([lasting({ ...rest, review }), not_before, review?.by ?? null])
}

/** Equal for answers that are the same at different instants: what runs from the instant of the ask is left out. */
export function lastingKey(answer: Answer | Decision): string {
  return JSON.stringify(lasting(answer))
}

function lasting(answer: Omit<Answer, 'not_before' | 'rules'>): unknown[] {
  const { outcome, mode, until, review, retry_after_s, broadcast_delay_s, obligations } = answer
  const person = review === null ? null : [review.queue, review.at_deadline]
  return [outcome, mode, until, person, retry_after_s, broadcast_delay_s, obligations]
}

/** Rules that bind a host, by `host rule`, with the latest end of their reasons; warnings and doubt left out. */
export function binding(decision: Decision): Map<string, number> {
  const found = new Map<string, number>()
  for (const { rule, host, code, until } of decision.reasons) {
    if (code === 'warning' || code === 'fact_unknown' || code === 'default') continue
    if (code === 'policy_stale') continue
    const key = `${host} ${rule}`
    const end = until === 'forever' ? Number.POSITIVE_INFINITY : (until ?? 0)
    found.set(key, Math.max(end, found.get(key) ?? 0))
  }
  return found
}

/** Host and rule of a key of `binding`. */
export function boundTo(key: string): { readonly host: number; readonly rule: string } {
  const blank = key.indexOf(' ')
  return { host: Number(key.slice(0, blank)), rule: key.slice(blank + 1) }
}
