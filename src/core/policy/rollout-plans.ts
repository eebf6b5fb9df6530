/**
 * A policy as it is for the people of one stretch of buckets: what proves and compares policies looks at each stretch.
 *
 * Between two percentages of a policy everybody is treated alike, so a few plans without any percentage stand for all
 * hundred buckets. Spec: docs/spec/policy.md, "Rollout".
 */
import type { Plan } from './plan.ts'
import { EVERYBODY, isAmong, isPart } from './rollout.ts'

/** Buckets from `from` to `to`, both included. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** The stretches between the percentages of these plans, the lowest first; one for plans that have none. */
export function stretchesOf(...plans: readonly Plan[]): readonly Stretch[] {
  const shares = plans.flatMap(({ rules }) => rules.map(({ share }) => share)).filter(isPart)
  const starts = [0, ...[...new Set(shares)].sort((a, b) => a - b)]
  return starts.map((from, i) => ({ from, to: (starts[i + 1] ?? EVERYBODY) - 1 }))
}

/** The plan with only what is enforced for a bucket, enforced for everybody; the same object where that changes nothing. */
export function planFor(plan: Plan, bucket: number): Plan {
  if (plan.rules.every(({ share }) => share === EVERYBODY)) return plan
  const rules = plan.rules.filter(({ share }) => isAmong(share, bucket))
  return { ...plan, rules: rules.map((rule) => ({ ...rule, share: EVERYBODY })) }
}

/** The plan as it is once everything is enforced; the same object where it is. */
export function wholePlan(plan: Plan): Plan {
  if (plan.rules.every(({ share }) => share === EVERYBODY)) return plan
  return { ...plan, rules: plan.rules.map((rule) => ({ ...rule, share: EVERYBODY })) }
}

/** `buckets 10 to 49`; empty for all of them. */
export function stretchWords({ from, to }: Stretch): string {
  if (from === 0 && to === EVERYBODY - 1) return ''
  return from === to ? `bucket ${from}` : `buckets ${from} to ${to}`
}
