/**
 * What one evaluation leaves out because it is not enforced, and the same evaluation as if it were.
 *
 * An evaluation that spared something is made a second time `regardless`; what then applies without being enforced is the
 * difference between the answer and `would`. Whom a share meets is rollout.ts. Spec: docs/spec/policy.md, "Rollout".
 */
import type { Facts, HostFacts, Would } from '../model.ts'
import type { RulePlan } from './plan.ts'
import { askedShare, EVERYBODY, isAmong, NOBODY, type Share } from './rollout.ts'

type RuleAndHost = Would['rules'][number]

export interface Sparing {
  /** For whom the policy is enforced at this door. */
  readonly asked: Share
  /** Everything counts, whether or not it is enforced. */
  readonly regardless: boolean
  /** What is not enforced, once each: with `regardless` all that applies, without it one thing that may, if there is one. */
  readonly found: Map<string, RuleAndHost>
}

export function startSparing(facts: Facts, regardless: boolean): Sparing {
  return { asked: askedShare(facts), regardless, found: new Map() }
}

/** A rule is enforced for whom it is and the door is. */
export function isEnforced(
  { asked }: Sparing,
  { bucket }: HostFacts,
  { share }: RulePlan,
): boolean {
  return isAmong(Math.min(asked, share), bucket)
}

/** What was kept at an erasure was enforced then, and the bucket of that time is gone: only `off` spares it. */
export function isKeptEnforced({ asked }: Sparing, { share }: RulePlan): boolean {
  return Math.min(asked, share) !== NOBODY
}

/** What no rule says, the default and the age of a policy, is enforced as the door is for who asks. */
export function isDue({ asked }: Sparing, { hosts }: Facts): boolean {
  return asked === EVERYBODY || isAmong(asked, hosts[0].bucket)
}

export function spare({ found, regardless }: Sparing, host: number, rule: string): void {
  // Whether there is anything is all the first evaluation has to know.
  if (regardless || found.size === 0) found.set(`${host} ${rule}`, { host, rule })
}
