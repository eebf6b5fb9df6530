/**
 * The Policies port over the activations of a log: which plan decides at an instant, made once a revision.
 *
 * Knows only what it was taught (`learn`); who teaches it has put it into the log before. Plans are a function of
 * activations and texts (core/policy/in-force.ts). What has decided here is not gone back behind when the clock steps back.
 */
import { LivegateError } from '../core/errors.ts'
import type { Activation } from '../core/model.ts'
import { decidesAt, pendingAt } from '../core/policy/activation.ts'
import { compilePolicy } from '../core/policy/compile.ts'
import { planInForce } from '../core/policy/in-force.ts'
import type { Plan } from '../core/policy/plan.ts'
import { type EpochMs, epochMs } from '../core/time.ts'
import type { ActivePolicy, Clock, Policies } from '../ports.ts'

/** Texts by digest; null for one the log does not hold. */
export type TextOf = (digest: string) => Uint8Array | null

export interface PolicyBook extends Policies {
  /** Takes in everything the log holds now. Plans are made when first asked for. */
  learn(activations: readonly Activation[], textOf: TextOf): void
  /** By number. */
  activations(): readonly Activation[]
  /** Null while nothing is activated, or nothing that decides has a text. */
  now(): ActivePolicy | null
  /** Now, but at no time before what decides began: what activations are compared with. */
  instant(): EpochMs
  /** When another revision takes over by itself; null when none is to come. */
  next(): EpochMs | null
  /** A compiled text, once a process; null for one that does not compile any more. */
  planOf(digest: string): Plan | null
}

export interface BookOptions {
  /** Compiled texts, where several books share them. */
  readonly plans?: Map<string, Plan | null>
  /**
   * False where activations begin some time after they were made: then none of them counts as begun before the clock says
   * so. True unless given: what took effect at once has done so, whatever the clock says later.
   */
  readonly latch?: boolean
}

/** An empty book. */
export function createPolicyBook(clock: Clock, options: BookOptions = {}): PolicyBook {
  const { plans = new Map<string, Plan | null>(), latch = true } = options
  const made = new Map<number, ActivePolicy>()
  let known: readonly Activation[] = []
  let textOf: TextOf = () => null
  /** No instant before this one is asked about any more. */
  let floor = Number.NEGATIVE_INFINITY
  let last: { readonly policy: ActivePolicy; readonly from: number; readonly to: number } | null =
    null

  function planOf(digest: string): Plan | null {
    const before = plans.get(digest)
    if (before !== undefined) return before
    const bytes = textOf(digest)
    const compiled = bytes === null ? null : compilePolicy(bytes, { file: digest })
    const plan = compiled?.ok === true ? compiled.value.plan : null
    if (bytes !== null) plans.set(digest, plan)
    return plan
  }

  function policyOf(one: Activation): ActivePolicy {
    const before = made.get(one.revision)
    if (before !== undefined) return before
    const plan = planOf(one.digest)
    const bytes = textOf(one.digest)
    const inForce = plan === null ? null : planInForce(known, one, { plan, planOf })
    if (bytes === null || inForce?.ok !== true)
      throw new LivegateError(
        'internal',
        `Cannot decide: revision ${one.revision} has no text that makes a plan`,
      )
    const policy = { plan: inForce.value, bytes, active_from: one.active_from }
    made.set(one.revision, policy)
    return policy
  }

  /** A clock may be behind that of who made the first activation; there was nothing else before it. */
  function theFirst(): Activation | null {
    const [first] = known
    return first === undefined || first.scheduled ? null : first
  }

  function at(instant: number): ActivePolicy | null {
    const when = Math.max(instant, floor)
    if (last !== null && when >= last.from && when < last.to) return last.policy
    const one = decidesAt(known, when as EpochMs) ?? theFirst()
    if (one === null) return null
    const policy = policyOf(one)
    const later = known.filter((other) => other.revision > one.revision && other.active_from > when)
    const to = Math.min(...later.map(({ active_from }) => active_from), Number.POSITIVE_INFINITY)
    last = { policy, from: Math.max(one.active_from, floor), to }
    return policy
  }

  function instant(): EpochMs {
    return epochMs(Math.max(clock.now(), floor))
  }

  function now(): ActivePolicy | null {
    const policy = at(clock.now())
    floor = Math.max(floor, policy?.active_from ?? floor)
    return policy
  }

  return {
    learn(activations, texts) {
      known = activations
      textOf = texts
      last = null
      // Those that took effect at once have done so, whatever the clock says now.
      for (const { active_from, scheduled } of activations)
        if (latch && !scheduled) floor = Math.max(floor, active_from)
    },
    activations: () => known,
    active(instant) {
      const policy = instant === undefined ? now() : at(instant)
      if (policy !== null) return policy
      throw new LivegateError('log_unavailable', 'Cannot decide: no policy is active yet', {
        retry_after_s: 1,
      })
    },
    now,
    instant,
    next: () => pendingAt(known, instant())[0]?.active_from ?? null,
    planOf,
  }
}
