/**
 * Rollout: for how many people a rule, or the whole policy at one door, is enforced, and whether somebody is one of them.
 *
 * Everybody has a bucket from 0 to 99, a function of the pseudonym of their chain, so it stays theirs, nobody can choose
 * it, and whoever audits the log derives it again. Enforced for N percent means for the buckets below N: a larger percentage
 * only ever adds people. Who has no bucket is enforced (G3). What a rule that is not enforced would have done: evaluate.ts.
 * Spec: docs/spec/policy.md, "Rollout".
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8 } from '../encoding.ts'
import type { Facts, HostFacts, Would } from '../model.ts'
import type { Plan } from './plan.ts'

/** Of a hundred people, how many it is enforced for. */
export type Share = number

export const EVERYBODY: Share = 100
export const NOBODY: Share = 0

const BUCKETS = 100
const CANARY = /^canary ([1-9][0-9]?)%$/

/** What `on`, `off` and `canary N%` mean; null for any other text. */
export function shareOf(text: string): Share | null {
  if (text === 'on') return EVERYBODY
  if (text === 'off') return NOBODY
  const [, percent] = CANARY.exec(text) ?? []
  return percent === undefined ? null : Number(percent)
}

/** The one text of a share: the way back from `shareOf`. */
export function shareText(share: Share): string {
  if (share >= EVERYBODY) return 'on'
  return share <= NOBODY ? 'off' : `canary ${share}%`
}

/** Whether somebody of this bucket is among them; somebody without one always is, where anybody is. */
export function isAmong(share: Share, bucket: number | undefined): boolean {
  if (share <= NOBODY) return false
  return share >= EVERYBODY || bucket === undefined || bucket < share
}

/** The bucket of a pseudonym: the first 32 bits of a SHA-256, modulo 100. */
export function bucketOf(pseudonym: string): number {
  const hash = sha256(utf8(`livegate-rollout/1\n${pseudonym}`))
  let number = 0
  for (let i = 0; i < 4; i++) number = number * 256 + (hash[i] ?? 0)
  return number % BUCKETS
}

/** The share the whole question is asked with. What cannot be read is `on`: unknown never opens the gate. */
export function askedShare({ enforce }: Pick<Facts, 'enforce'>): Share {
  return enforce === undefined ? EVERYBODY : (shareOf(enforce) ?? EVERYBODY)
}

/** True where an answer may depend on who somebody is among a hundred. */
export function needsBuckets(plan: Plan, enforce?: string): boolean {
  if (enforce !== undefined && isPart(askedShare({ enforce }))) return true
  for (const { share } of plan.rules) if (isPart(share)) return true
  return false
}

/** True for a canary. */
export function isPart(share: Share): boolean {
  return share > NOBODY && share < EVERYBODY
}

/**
 * Facts of a record for a plan it was not made under: the asking subject's bucket follows from its pseudonym, which a
 * record always names. Of a co-host a record without buckets does not tell whether it has a pseudonym.
 */
export function withBucket(plan: Plan, facts: Facts): Facts {
  const [first, ...cohosts] = facts.hosts
  if (first.bucket !== undefined || !needsBuckets(plan, facts.enforce)) return facts
  const named: HostFacts = { ...first, bucket: bucketOf(first.subject) }
  return { ...facts, hosts: [named, ...cohosts] }
}

/** Whether it might start, or go on, with everything enforced. */
export function wouldRun({ outcome, mode }: Pick<Would, 'outcome' | 'mode'>): boolean {
  return outcome === 'allow' || (outcome === 'delay' && mode === 'broadcast')
}
