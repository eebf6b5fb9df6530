/**
 * Derives a decision again from logged policy text and disclosed facts, and compares it with what was recorded: the
 * outcome and every member of the group `result`, one by one.
 *
 * Pure and without memory beside compiled policies, so a host farms it out. The words name fields and the values of the
 * group `result`, never a fact. Which text and which revisions count is log-plans.ts's. Spec: docs/spec/record.md, "Auditing".
 */
import type { Facts, Outcome } from '../../model.ts'
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
    if (found.is === 'plan') {
      this.#counts.replayed++
      const derived = found.engine.evaluate(found.plan, one.facts)
      const other = outcomeFault(one, derived.outcome)
      if (other !== null) this.#findings.push({ index, code: 'replay_outcome', message: other })
      for (const message of fieldFaults(one.result, resultOf(derived)))
        this.#findings.push({ index, code: 'replay_field', message })
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

function fieldFaults(recorded: Partial<ResultGroup>, derived: ResultGroup): readonly string[] {
  const faults: string[] = []
  for (const [name, value] of Object.entries(derived)) {
    const said: unknown = recorded[name as keyof ResultGroup]
    if (!sameValue(said, value))
      faults.push(
        `\`${name}\` is recorded as ${shown(said)}; policy and facts give ${shown(value)}`,
      )
  }
  return faults
}

const MAX_SHOWN = 300

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
