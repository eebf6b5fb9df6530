/**
 * Derives a decision again from logged policy text and disclosed facts, and compares it with what was recorded: the
 * outcome and every member of the group `result`, one by one.
 *
 * Pure and without memory beside compiled policies, so a host farms it out. The words name fields and the values of the
 * group `result`, never a fact. Which text and which revisions count is log-plans.ts's. Spec: docs/spec/record.md, "Auditing".
 */
import type { Decision, Facts, Outcome } from '../../model.ts'
import type { Plan } from '../../policy/plan.ts'
import { bucketOf, needsBuckets } from '../../policy/rollout.ts'
import { resultOf } from '../../record/drafts.ts'
import type { ResultGroup } from '../../record/groups.ts'
import type { Finding } from '../findings.ts'
import type { LogPlans } from './log-plans.ts'
import { sameValue } from './same.ts'

/** A decision or renewal that can be derived again. */
export interface Evaluated {
  readonly index: number
  readonly engine: string
  readonly policy: string
  readonly revision?: number
  readonly outcome: Outcome | undefined
  readonly enforced?: false
  readonly result: Partial<ResultGroup>
  readonly facts: Facts
}

/** What deriving a range gave; survives structured cloning. */
export interface ReplayResult {
  readonly replayed: number
  /** Made under semantics this version does not have. */
  readonly other_engine: number
  /** Under a text or revision the log does not hold: there is another finding for that. */
  readonly without_policy: number
  readonly findings: readonly Finding[]
}

/** Derives all of them; `plans` knows the log at least up to the last one. */
export function rederive(range: Iterable<Evaluated>, plans: LogPlans): ReplayResult {
  const derivation = new Derivation()
  for (const one of range) derivation.add(one, plans.planFor(one))
  return derivation.result()
}

/** Derives one after the other, for who has not all of them at once. */
export class Derivation {
  readonly #findings: Finding[] = []
  readonly #counts = { replayed: 0, other_engine: 0, without_policy: 0 }

  /** `found`: what `planFor` says of it. */
  add(one: Evaluated, found: ReturnType<LogPlans['planFor']>): void {
    const { index } = one
    const wrong = bucketFault(one.facts)
    if (wrong !== null) this.#findings.push({ index, code: 'bucket_false', message: wrong })
    if (found.is === 'plan') {
      this.#counts.replayed++
      const derived = found.engine.evaluate(found.plan, one.facts)
      const other = outcomeFault(one, derived.outcome)
      if (other !== null) this.#findings.push({ index, code: 'replay_outcome', message: other })
      const tell = (message: string): void =>
        void this.#findings.push({ index, code: 'replay_field', message })
      compareFields(one.result, resultOf(derived), tell)
      compareEnforced(one, derived, tell)
      const lacked = lackedBucket(found.plan, one.facts)
      if (lacked !== null) tell(lacked)
    } else if (found.is === 'unusable')
      this.#findings.push({ index, code: 'replay_policy', message: found.why })
    else this.#counts[found.is]++
  }

  result(): ReplayResult {
    return { ...this.#counts, findings: this.#findings }
  }
}

function outcomeFault({ outcome }: Evaluated, derived: Outcome): string | null {
  if (outcome === derived) return null
  return `The outcome is recorded as ${outcome ?? 'none'}; policy and facts give ${derived}`
}

/** Every member: the compiler sees to it that none is forgotten. */
const MEMBERS: Readonly<Record<keyof ResultGroup, true>> = {
  ...{ mode: true, until: true, not_before: true, review: true, retry_after_s: true },
  ...{ broadcast_delay_s: true, lease_until: true, rules: true, restrictions: true },
  ...{ unknown: true, obligations: true, exemptions: true, holds_opened: true, would: true },
}
const NAMES = Object.keys(MEMBERS) as readonly (keyof ResultGroup)[]

type Tell = (message: string) => void

function compareFields(recorded: Partial<ResultGroup>, derived: ResultGroup, tell: Tell): void {
  for (const name of NAMES) {
    const said = recorded[name]
    const value = derived[name]
    if (!sameValue(said, value))
      tell(`\`${name}\` is recorded as ${shown(said)}; policy and facts give ${shown(value)}`)
  }
}

/** What is said in public follows from the same. */
function compareEnforced({ enforced }: Evaluated, derived: Decision, tell: Tell): void {
  const said = enforced !== false
  const is = derived.would === undefined
  if (said !== is) tell(`\`enforced\` is recorded as ${said}; policy and facts give ${is}`)
}

/** A bucket follows from the pseudonym and from nothing else; a sentence when one of these does not. */
export function bucketFault({ hosts }: Facts): string | null {
  for (const [i, { subject, bucket }] of hosts.entries())
    if (bucket !== undefined && bucket !== bucketOf(subject))
      return `Host ${i} is put into bucket ${bucket}; that of its pseudonym is ${bucketOf(subject)}`
  return null
}

/** Without a bucket a canary meets everybody, so whoever asks may not be left without one. */
export function lackedBucket(plan: Plan, { hosts, enforce }: Facts): string | null {
  return hosts[0].bucket === undefined && needsBuckets(plan, enforce)
    ? '`bucket` of who asks is not in the facts; a canary needs it'
    : null
}

const MAX_SHOWN = 300

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
