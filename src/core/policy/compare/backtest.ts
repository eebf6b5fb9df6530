/**
 * Recorded decisions answered by a candidate, one by one: what would have been otherwise, and what cannot be told.
 *
 * A decision counts only if the policy that was in force gives what its record says (the baseline), and if the candidate
 * does not lack a fact nobody had asked for; all others are left out, with why. Told about policies and activations in the
 * order of the log, before the decisions that rely on them. Spec: docs/cli.md, "policy backtest".
 */
import { LivegateError } from '../../errors.ts'
import type { Activation, Decision, Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { latestOf } from '../activation.ts'
import { evaluate } from '../evaluate.ts'
import { planInForce } from '../in-force.ts'
import type { Plan } from '../plan.ts'
import { withBucket } from '../rollout.ts'
import { changeOf, type Said } from './changes.ts'
import { type ChangeReport, createTally, type TallyPart } from './tally.ts'

/** What a record says of a decision, opened. */
export interface Recorded {
  readonly id: string
  /** Digest and number of the policy it was made under; null where no number is recorded. */
  readonly policy: string
  readonly revision: number | null
  readonly facts: Facts
  readonly said: Said & Pick<Decision, 'unknown'>
}

/** Why a decision is not compared. The first four are for whoever opens records to find. */
export type LeftOut =
  | 'no_disclosure'
  | 'erased'
  | 'unreadable'
  | 'other_engine'
  /** The policy that was in force, evaluated anew, gives another answer than the record says. */
  | 'not_reproduced'
  /** The candidate answers otherwise because of facts that no caller supplied then. */
  | 'facts_lacking'

export interface BacktestOptions {
  readonly candidate: Plan
  /** Null: as if the candidate had been in force all along, whatever was promised before. */
  readonly activated_at: EpochMs | null
  /** First and last instant of decisions looked at. */
  readonly from: EpochMs | null
  readonly to: EpochMs | null
  /** Only decisions in which this rule has a say, before or with the candidate. */
  readonly rule: string | null
  /** True: what the candidate answers without a fact counts as well. */
  readonly count_lacking: boolean
}

export interface BacktestPart {
  /** Decisions met, wherever they ended. */
  readonly decisions: number
  /** Not looked at because of --from, --to, --rule, or before the candidate would have been activated. */
  readonly filtered: number
  readonly left_out: Readonly<Partial<Record<LeftOut, number>>>
  /** Ids of decisions that were not reproduced. */
  readonly not_reproduced: readonly string[]
  /** Compared, although no text of the policy in force is there to reproduce them. */
  readonly unchecked: number
  /** Decisions left out, or counted, by a fact the candidate lacked. */
  readonly lacking: Readonly<Record<string, number>>
  readonly compared: TallyPart
}

export interface BacktestReport extends Omit<BacktestPart, 'compared'> {
  readonly compared: ChangeReport
}

export interface Backtest {
  /** A policy's text, compiled; null when it does not compile any more. */
  learnText(digest: string, plan: Plan | null): void
  learnActivation(activation: Activation): void
  /** @throws LivegateError `conflict` when the candidate cannot keep what earlier revisions promised. */
  judge(recorded: Recorded): void
  leaveOut(why: LeftOut): void
  /** What was counted since the last call. */
  take(): BacktestPart
}

export interface BacktestTotal {
  merge(part: BacktestPart): void
  report(): BacktestReport
}

/** Ids shown of decisions that were not reproduced. */
const MAX_NAMED = 10

export function createBacktest(options: BacktestOptions): Backtest {
  const { from, to, rule, count_lacking } = options
  const policies = createPolicies(options)
  let part = createPart()

  /** Null: nobody can say. */
  function isReproduced({ policy, revision, facts, said }: Recorded): boolean | null {
    const plan = policies.inForce(policy, revision)
    if (plan === null) return null
    const again = evaluate(plan, facts)
    return changeOf(said, again) === null && sameRules(said.rules, again.rules)
  }

  /** Null: it was compared. */
  function judge(recorded: Recorded): LeftOut | 'filtered' | null {
    const { id, facts, said } = recorded
    const { at } = facts
    const candidate = policies.candidate(at)
    if (candidate === null || (from !== null && at < from) || (to !== null && at > to))
      return 'filtered'
    const after = evaluate(candidate, withBucket(candidate, facts))
    if (rule !== null && !said.rules.includes(rule) && !after.rules.includes(rule))
      return 'filtered'
    const reproduced = isReproduced(recorded)
    if (reproduced === false) return 'not_reproduced'
    const lacking = changeOf(said, after) === null ? [] : newlyLacking(said, after)
    part.lack(lacking)
    if (lacking.length > 0 && !count_lacking) return 'facts_lacking'
    part.compare({ id, at, before: said, after }, reproduced === true)
    return null
  }

  return {
    learnText: policies.learnText,
    learnActivation: policies.learnActivation,
    judge(recorded) {
      part.meet()
      const why = judge(recorded)
      if (why === 'filtered') part.filter()
      else if (why !== null) part.leaveOut(why, recorded.id)
    },
    leaveOut(why) {
      part.meet()
      part.leaveOut(why)
    },
    take() {
      const taken = part.take()
      part = createPart()
      return taken
    },
  }
}

interface PoliciesThen {
  learnText(digest: string, plan: Plan | null): void
  learnActivation(activation: Activation): void
  /** The plan a decision was made under; null when its text is not there. */
  inForce(digest: string, revision: number | null): Plan | null
  /** Null before the candidate is activated. */
  candidate(at: EpochMs): Plan | null
}

function createPolicies({ candidate, activated_at }: BacktestOptions): PoliciesThen {
  const texts = new Map<string, Plan | null>()
  const made = new Map<string, Plan | null>()
  let activations: readonly Activation[] = []
  let activated: Plan | null = null
  const planOf = (digest: string): Plan | null => texts.get(digest) ?? null

  function forget(): void {
    made.clear()
    activated = null
  }

  function make(digest: string, revision: number | null): Plan | null {
    const plan = planOf(digest)
    const one = activations.find((other) => other.revision === revision && other.digest === digest)
    if (plan === null || revision === null) return plan
    const inForce = one === undefined ? null : planInForce(activations, one, { plan, planOf })
    return inForce?.ok === true ? inForce.value : null
  }

  return {
    learnText(digest, plan) {
      texts.set(digest, plan)
      forget()
    },
    learnActivation(activation) {
      if (activations.some(({ revision }) => revision === activation.revision)) return
      activations = [...activations, activation]
      forget()
    },
    inForce(digest, revision) {
      const key = revision === null ? digest : `${digest} ${revision}`
      let plan = made.get(key)
      if (plan === undefined) {
        plan = make(digest, revision)
        made.set(key, plan)
      }
      return plan
    },
    candidate(at) {
      if (activated_at === null) return candidate
      if (at < activated_at) return null
      activated ??= activate(candidate, activated_at, { activations, planOf })
      return activated
    },
  }
}

/** The candidate as if it had been activated then, with all it would have had to keep. */
function activate(
  plan: Plan,
  at: EpochMs,
  known: {
    readonly activations: readonly Activation[]
    readonly planOf: (digest: string) => Plan | null
  },
): Plan {
  const before = known.activations.filter(({ active_from }) => active_from < at)
  const one: Activation = {
    revision: (latestOf(before)?.revision ?? 0) + 1,
    ...{ digest: plan.digest, name: plan.name, active_from: at, scheduled: true, previous: null },
    ...{ cause: 'activation', source: 'api', by: 'backtest', note: null },
  }
  const made = planInForce([...before, one], one, { plan, planOf: known.planOf })
  if (made.ok) return made.value
  const [problem] = made.error
  throw new LivegateError('conflict', problem?.message ?? 'Cannot activate the candidate', {
    ...(problem === undefined ? {} : { hint: problem.hint }),
  })
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i])
}

type Unknown = Pick<Decision, 'unknown'>

/** Facts `after` lacked that the answer `before` was not short of. */
export function newlyLacking(before: Unknown, after: Unknown): readonly string[] {
  if (after.unknown.length === 0) return []
  const known = new Set(before.unknown.flatMap(({ facts }) => facts))
  const lacking = after.unknown.flatMap(({ facts }) => facts)
  return [...new Set(lacking)].filter((fact) => !known.has(fact))
}

interface Part {
  meet(): void
  filter(): void
  leaveOut(why: LeftOut, id?: string): void
  lack(facts: readonly string[]): void
  compare(judged: Parameters<ReturnType<typeof createTally>['add']>[0], checked: boolean): void
  merge(part: BacktestPart): void
  take(): BacktestPart
}

function createPart(): Part {
  const tally = createTally()
  const left_out: Partial<Record<LeftOut, number>> = {}
  const lacking: Record<string, number> = {}
  const named: string[] = []
  let [decisions, filtered, unchecked] = [0, 0, 0]

  function leaveOut(why: LeftOut, by = 1): void {
    left_out[why] = (left_out[why] ?? 0) + by
  }
  function lack(fact: string, by: number): void {
    lacking[fact] = (lacking[fact] ?? 0) + by
  }
  return {
    meet: () => void decisions++,
    filter: () => void filtered++,
    leaveOut(why, id) {
      leaveOut(why)
      if (why === 'not_reproduced' && id !== undefined && named.length < MAX_NAMED) named.push(id)
    },
    lack: (facts) => {
      for (const fact of facts) lack(fact, 1)
    },
    compare(judged, checked) {
      tally.add(judged)
      if (!checked) unchecked++
    },
    merge(part) {
      decisions += part.decisions
      filtered += part.filtered
      unchecked += part.unchecked
      for (const [why, n] of Object.entries(part.left_out)) leaveOut(why as LeftOut, n)
      for (const [fact, n] of Object.entries(part.lacking)) lack(fact, n)
      named.push(...part.not_reproduced.slice(0, MAX_NAMED - named.length))
      tally.merge(part.compared)
    },
    take: () => ({
      ...{ decisions, filtered, left_out, not_reproduced: named, unchecked },
      ...{ lacking, compared: tally.part() },
    }),
  }
}

/** Puts parts together, in the order they are given in. */
export function createTotal(): BacktestTotal {
  const part = createPart()
  const tally = createTally()
  return {
    merge(more) {
      part.merge(more)
      tally.merge(more.compared)
    },
    report: () => ({ ...part.take(), compared: tally.report() }),
  }
}
