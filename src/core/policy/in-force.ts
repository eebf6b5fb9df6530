/**
 * The plan an activation puts in force: its compiled text, with what it inherits and the instant it grows stale.
 *
 * A function of the activations and their texts alone, so whoever has the log comes to the same plan (G4). A revision whose
 * text is gone, or no longer compiles under this version of the language, promises nothing any more.
 * Spec: docs/spec/policy.md, "Activation". Next: inherit.ts.
 */
import type { Activation } from '../model.ts'
import type { Result } from '../result.ts'
import { ok } from '../result.ts'
import { addMs, type EpochMs } from '../time.ts'
import { reignOf } from './activation.ts'
import { type InheritProblem, inherit, type Revision } from './inherit.ts'
import type { Plan } from './plan.ts'

/** Compiled texts, by digest; null for one there is none of. */
export type PlanOf = (digest: string) => Plan | null

/** The plan of `one`, one of `activations`. Fails when what earlier revisions promised cannot be kept. */
export function planInForce(
  activations: readonly Activation[],
  one: Activation,
  { plan, planOf }: { readonly plan: Plan; readonly planOf: PlanOf },
): Result<Plan, readonly InheritProblem[]> {
  const { reign, earlier } = reignOf(activations, one)
  const before = earlier.flatMap(({ revision, digest, active_from }): Revision[] => {
    const then = planOf(digest)
    return then === null ? [] : [{ plan: then, revision, from: active_from }]
  })
  const made = inherit({ plan, revision: one.revision, from: reign.active_from }, before)
  return made.ok ? ok(aged(made.value, reign.active_from)) : made
}

/** Counted from when its text began to decide: neither a cancelled successor nor a restart makes it young again. */
function aged(plan: Plan, from: EpochMs): Plan {
  if (plan.stale === null) return plan
  const stale = Object.freeze({ ...plan.stale, from: addMs(from, plan.stale.max_age) })
  return Object.freeze({ ...plan, stale })
}

/** Digests `planInForce` will ask for, with that of `one`. */
export function textsOf(activations: readonly Activation[], one: Activation): readonly string[] {
  const { earlier } = reignOf(activations, one)
  return [...new Set([one.digest, ...earlier.map(({ digest }) => digest)])]
}

/**
 * When the text of `one`, one of `activations`, grows so old that it answers otherwise; null for never. `keep` only says so.
 */
export function answersOtherwiseFrom(
  activations: readonly Activation[],
  one: Activation,
  { stale }: Pick<Plan, 'stale'>,
): EpochMs | null {
  if (stale === null || stale.effect === 'keep') return null
  return addMs(reignOf(activations, one).reign.active_from, stale.max_age)
}

/** True from the instant on at which the policy is older than it says it may be. */
export function isStale(plan: Plan, at: EpochMs): boolean {
  return plan.stale?.from != null && at >= plan.stale.from
}
