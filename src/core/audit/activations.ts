/**
 * Holds decisions to the activations of their log: each under a revision that had been activated, and none under one that
 * another had taken the place of.
 *
 * A log from before there were activations has none, and nothing to be held to; from its first one on every decision names
 * its revision. A log that goes on from another repeats the activations of that one, all and as they were, before anything is
 * decided: else what earlier revisions promised would be lost in the move. Texts are policies.ts's. Spec: docs/spec/record.md, "Activations".
 */
import type { ActivationCause } from '../model.ts'
import type { OwnClaims } from '../record/groups.ts'
import type { Findings } from './findings.ts'

/** An activation of a log that this one goes on from. */
export interface PriorActivation {
  readonly revision: number
  readonly digest: string
  readonly active_from: number
}

/** What is remembered of an activation. */
export interface KnownActivation extends PriorActivation {
  readonly cause: ActivationCause
  /** Seconds of the log's own time (replay/log-time.ts) at which it was there. */
  readonly logged: number
}

/** What a decision or renewal says. */
export interface Reliance {
  readonly policy?: string
  readonly revision?: number
  /** Whole seconds. */
  readonly iat: number
  /** Its instant, when its chain is opened. */
  readonly at?: number
}

/** Hosts that share no memory hear of an activation within seconds; a decision takes at most two more. */
export const HEARD_S = 60

/**
 * True where no honest host can have missed that another revision took over: it decides for that long by the decision's
 * own instant, and is in the log for that long by the log's time, which a clock that steps does not move far.
 */
export function isHeardOf(
  activation: { readonly active_from: number; readonly logged: number },
  decision: { readonly at: number; readonly logged: number },
): boolean {
  return (
    activation.active_from + 1000 * HEARD_S <= decision.at &&
    activation.logged + HEARD_S < decision.logged
  )
}

/** Where an entry stands, and when by the log's own time. */
export interface PlaceInTime {
  readonly index: number
  readonly logged: number
}

export class Activations {
  readonly #known: KnownActivation[]
  /** Of the log before, not repeated here yet. */
  #awaited: readonly PriorActivation[]

  constructor(state: readonly KnownActivation[] = [], awaited: readonly PriorActivation[] = []) {
    this.#known = [...state]
    this.#awaited = awaited
  }

  state(): readonly KnownActivation[] {
    return this.#known
  }

  awaited(): readonly PriorActivation[] {
    return this.#awaited
  }

  /** First instant of a revision; null for one that is not known. */
  activeFrom(revision: number): number | null {
    return this.#known.find((one) => one.revision === revision)?.active_from ?? null
  }

  /** This log goes on from one with these: numbers go on after its own, if it has any. */
  follow(prior: readonly PriorActivation[]): void {
    this.#awaited = prior.map(({ revision, digest, active_from }) => ({
      ...{ revision, digest, active_from },
    }))
  }

  /** The next one has to be the next of the log before. */
  #repeats(claims: PriorActivation, index: number, findings: Findings): void {
    const [next, ...rest] = this.#awaited
    if (next === undefined) return
    const { revision, digest, active_from } = claims
    if (next.digest === digest && next.active_from === active_from) this.#awaited = rest
    else
      this.#missed(
        `Revision ${revision} is not what revision ${next.revision} of the log before is`,
        index,
        findings,
      )
  }

  /** Told once. */
  #missed(message: string, index: number, findings: Findings): void {
    this.#awaited = []
    findings.add('activation_order', index, message)
  }

  /** `logged`: seconds of the log's time, here and below. */
  learn(claims: OwnClaims['activation'], { index, logged }: PlaceInTime, findings: Findings): void {
    const { revision, digest, active_from, previous, cause } = claims
    this.#repeats(claims, index, findings)
    const last = this.#known.at(-1)
    const isNext = last === undefined || revision === last.revision + 1
    const hasPrevious =
      previous === null || last === undefined
        ? last === undefined
        : this.#known.some((one) => one.revision === previous)
    if (!isNext || !hasPrevious)
      findings.add(
        'activation_order',
        index,
        `Revision ${revision} after ${last?.revision ?? 'none'}, in place of ${previous ?? 'none'}`,
      )
    if (last !== undefined && revision <= last.revision) return
    this.#known.push({ revision, digest, active_from, cause, logged })
  }

  /** A decision or renewal relies on a revision. */
  require(reliance: Reliance, { index, logged }: PlaceInTime, findings: Findings): void {
    const { policy, revision } = reliance
    if (policy === undefined) return
    const [missing] = this.#awaited
    if (missing !== undefined)
      this.#missed(
        `Revision ${missing.revision} of the log before is not here when decisions begin`,
        index,
        findings,
      )
    if (revision === undefined) {
      if (this.#known.length > 0)
        findings.add('policy_not_active', index, `Policy ${policy} is used under no revision`)
      return
    }
    const found = this.#known.find((one) => one.revision === revision)
    // `iat` is the instant cut to seconds.
    const at = reliance.at ?? 1000 * reliance.iat + 999
    if (found === undefined || found.digest !== policy || found.active_from > at)
      findings.add(
        'policy_not_active',
        index,
        `Policy ${policy} is used as revision ${revision}, which ${stateOf(found, policy)}`,
      )
    else if (this.#known.some((one) => one.revision > revision && isHeardOf(one, { at, logged })))
      findings.add('policy_outdated', index, `Revision ${revision} is used after another took over`)
  }
}

function stateOf(found: KnownActivation | undefined, policy: string): string {
  if (found === undefined) return 'is not activated by then'
  return found.digest === policy ? 'does not decide yet' : `has the text ${found.digest}`
}
