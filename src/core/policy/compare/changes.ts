/**
 * What a candidate would have decided otherwise: a fold over decisions, with counts and a few examples.
 *
 * Fed with the facts of each decision and what was said on them, recorded or evaluated by whoever asks. Holds nothing but
 * counts and examples, so it may be fed a whole log. Used before an activation and by `livegate policy backtest`.
 */
import type { Decision, DelayMode, Facts, Outcome, Until } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan } from '../plan.ts'

/** The part of a decision that is compared; a `Decision` is one, and so is what a record discloses. */
export type Said = Pick<
  Decision,
  | 'outcome'
  | 'mode'
  | 'until'
  | 'not_before'
  | 'lease_until'
  | 'retry_after_s'
  | 'broadcast_delay_s'
  | 'rules'
  | 'obligations'
>

export interface Compared {
  /** Id of the decision. */
  readonly id: string
  readonly facts: Facts
  readonly before: Said
}

/** How a decision would end otherwise. */
export interface Side {
  readonly outcome: Outcome
  readonly mode: DelayMode | null
  readonly until: Until | null
  readonly rules: readonly string[]
}

export interface ChangeExample {
  readonly id: string
  readonly at: EpochMs
  readonly change: Change
  readonly before: Side
  readonly after: Side
}

/** `allow_to_deny` and so on; `later` and `sooner` are denies that end otherwise, `terms` what else the caller must do. */
export type Change = `${Outcome}_to_${Outcome}` | 'later' | 'sooner' | 'terms'

/** Decisions in which a rule had a say, before and with the candidate. */
export interface RuleCount {
  readonly before: number
  readonly after: number
  /** With the candidate but not before, and the other way round. */
  readonly gained: number
  readonly lost: number
}

export interface ChangeReport {
  /** Decisions looked at, and the time between the first and the last of them. */
  readonly decisions: number
  readonly from: EpochMs | null
  readonly to: EpochMs | null
  readonly unchanged: number
  /** How many of each; those that did not occur are left out. */
  readonly changes: Readonly<Partial<Record<Change, number>>>
  /** By rule id, sorted; rules that had no say are left out. */
  readonly rules: Readonly<Record<string, RuleCount>>
  /** The first ones of each change, fairly shared. */
  readonly examples: readonly ChangeExample[]
}

export interface Comparison {
  /** What the candidate says instead; null when it says the same. */
  add(compared: Compared): Change | null
  report(): ChangeReport
}

/** Examples of all changes together, and of one. */
export const MAX_EXAMPLES = 20
const MAX_EXAMPLES_OF_ONE = 5

/** An empty comparison with `candidate`. Costs one evaluation for each decision. */
export function createComparison(candidate: Plan): Comparison {
  const changes = new Map<Change, number>()
  const rules = new Map<string, { before: number; after: number; gained: number; lost: number }>()
  const examples: ChangeExample[] = []
  const spare: ChangeExample[] = []
  let decisions = 0
  let unchanged = 0
  let from: EpochMs | null = null
  let to: EpochMs | null = null

  function countRules(before: readonly string[], after: readonly string[]): void {
    for (const id of new Set([...before, ...after])) {
      const count = rules.get(id) ?? { before: 0, after: 0, gained: 0, lost: 0 }
      const [was, is] = [before.includes(id), after.includes(id)]
      count.before += Number(was)
      count.after += Number(is)
      count.gained += Number(is && !was)
      count.lost += Number(was && !is)
      rules.set(id, count)
    }
  }

  return {
    add({ id, facts, before }) {
      const after = evaluate(candidate, facts)
      const { at } = facts
      decisions++
      from = from === null || at < from ? at : from
      to = to === null || at > to ? at : to
      countRules(before.rules, after.rules)
      const change = changeOf(before, after)
      if (change === null) {
        unchanged++
        return null
      }
      const seen = changes.get(change) ?? 0
      changes.set(change, seen + 1)
      const example = { id, at, change, before: sideOf(before), after: sideOf(after) }
      if (seen < MAX_EXAMPLES_OF_ONE) examples.push(example)
      else if (spare.length < MAX_EXAMPLES) spare.push(example)
      return change
    },
    report: () => ({
      ...{ decisions, from, to, unchanged },
      changes: Object.fromEntries([...changes].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      rules: Object.fromEntries([...rules].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      examples: [...examples, ...spare].slice(0, MAX_EXAMPLES),
    }),
  }
}

/** How `after` differs from `before`; null when it does not. */
export function changeOf(before: Said, after: Said): Change | null {
  if (before.outcome !== after.outcome) return `${before.outcome}_to_${after.outcome}`
  if (before.outcome === 'deny' && before.until !== after.until)
    return endOf(after.until) > endOf(before.until) ? 'later' : 'sooner'
  return termsOf(before) === termsOf(after) ? null : 'terms'
}

/** No end that is known counts as the longest: waiting does not help. */
function endOf(until: Until | null): number {
  return until === null || until === 'forever' ? Number.POSITIVE_INFINITY : until
}

function termsOf(said: Said): string {
  const { mode, not_before, lease_until, retry_after_s, broadcast_delay_s, obligations } = said
  const duties = obligations.map((duty) => JSON.stringify(Object.entries(duty).sort())).sort()
  return JSON.stringify([mode, not_before, lease_until, retry_after_s, broadcast_delay_s, duties])
}

function sideOf({ outcome, mode, until, rules }: Said): Side {
  return { outcome, mode, until, rules }
}
