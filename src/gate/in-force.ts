/**
 * The policy one decision is made under, and how its number goes with it.
 *
 * Which revision decides follows from the instant of the decision, and no decision is earlier than its revision: so what
 * an auditor reads off the log (core/audit/activations.ts) holds although clocks step back. Next stop: policy-book.ts.
 */
import type { Plan } from '../core/policy/plan.ts'
import type { EpochMs } from '../core/time.ts'
import type { SubjectState } from '../ports.ts'
import { type Context, instantFor } from './context.ts'

/** What decides about these subjects now, and the instant of the decision. */
export function decider(
  context: Pick<Context, 'clock' | 'policies'>,
  ...states: readonly SubjectState[]
): { readonly plan: Plan; readonly at: EpochMs } {
  const now = instantFor(context, ...states)
  const { plan, active_from } = context.policies.active(now)
  return { plan, at: active_from !== undefined && active_from > now ? active_from : now }
}

/** Equal for equal text under an equal number: the same text inherits other things under another. */
export function policyKey({ digest, revision }: Plan): string {
  return revision === null ? digest : `${digest} ${revision}`
}

/** As answers name it. */
export function policyOf({ name, digest, revision }: Plan): {
  readonly name: string
  readonly digest: string
  readonly revision?: number
} {
  return revision === null ? { name, digest } : { name, digest, revision }
}

/** As records name it. */
export function underOf({ digest, revision }: Plan): {
  readonly policy: string
  readonly revision?: number
} {
  return revision === null ? { policy: digest } : { policy: digest, revision }
}

/** Name under which a log holds the activation of a revision, for `requires`. */
export function activationName(revision: number): string {
  return `revision-${revision}`
}

/** What the log must hold before anything is decided under it. */
export function requiredBy({ digest, revision }: Plan): readonly string[] {
  return revision === null ? [digest] : [digest, activationName(revision)]
}
