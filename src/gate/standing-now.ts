/** What one decision is made under, read once: policy, incident, platform, and the instant. */
import type { Plan } from '../core/policy/plan.ts'
import type { SubjectState } from '../ports.ts'
import type { Context } from './context.ts'
import { type Around, surroundings } from './facts-for.ts'
import { decider, policyKey } from './in-force.ts'
import type { Standing } from './repeat.ts'

export interface StandingNow {
  readonly plan: Plan
  readonly around: Around
  readonly standing: Standing
}

/** For a subject and those who join it; `joined_version` is the sum of theirs. */
export function standingNow(
  context: Context,
  state: SubjectState,
  joined: readonly SubjectState[] = [],
  joined_version = 0,
): StandingNow {
  const { plan, at } = decider(context, state, ...joined)
  const around = surroundings(context, at)
  const standing = {
    version: state.version + joined_version,
    policy: policyKey(plan),
    incident: JSON.stringify([around.incident, around.platform]),
    at,
  }
  return { plan, around, standing }
}
