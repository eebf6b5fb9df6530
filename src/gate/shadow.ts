/**
 * A candidate policy in the shadow of the one that decides: answers what was decided once more, and only counts.
 *
 * It sees an answer when that is on its way, as the record has it, so nothing it does can reach an answer, a record or a
 * subject. What it may cost is bounded: so much time of each second, so many decisions waiting; beyond that decisions are
 * passed over and counted. A candidate that throws is counted as well. Compared is text with answer, as if the candidate had
 * been in force all along. Core: core/policy/compare/tally.ts. Spec: docs/spec/policy.md, "Trying a candidate".
 */
import { newlyLacking } from '../core/policy/compare/backtest.ts'
import {
  type ChangeReport,
  createTally,
  rulesBehind,
  type Tally,
} from '../core/policy/compare/tally.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import type { Plan } from '../core/policy/plan.ts'
import { withBucket } from '../core/policy/rollout.ts'
import type { EpochMs } from '../core/time.ts'
import type { Answer, Gate } from '../gate-types.ts'
import type { Clock, Observe } from '../ports.ts'
import type { After } from './context.ts'
import { factsIn } from './disclosed.ts'

export interface ShadowParts {
  readonly clock: Clock
  /** Milliseconds from anywhere, never backwards. */
  readonly elapsed: () => number
  readonly after: After
  readonly observe: Observe
  /** Milliseconds of each second a candidate may cost; 20. */
  readonly budget_ms?: number
}

export interface ShadowReport {
  readonly name: string
  readonly digest: string
  /** Since when this candidate is looked at. */
  readonly since: EpochMs
  /** Decisions it was not asked about, because that would have cost too much. */
  readonly passed_over: number
  /** Decisions it could not be asked about: it threw, or their facts could not be read. */
  readonly failed: number
  /** Facts it lacked that the answer was not short of, by the number of decisions. */
  readonly lacking: Readonly<Record<string, number>>
  readonly compared: ChangeReport
}

export interface Shadow {
  /** Looks at this candidate from now on, and forgets the one before with its counts; the same text changes nothing. */
  use(candidate: Plan): void
  /** Takes note of an answer. Never throws, never waits. */
  saw(answer: Answer): void
  /** Null without a candidate. */
  report(): ShadowReport | null
  stop(): void
}

/** Decisions that wait for their turn. */
const MAX_WAITING = 256
const BUDGET_MS = 20
/** Long enough for an answer to be written first. */
const DELAY_MS = 5
/** At a stretch; others have their turn in between. */
const SLICE_MS = 2

/** What is kept of an answer until its turn. */
type Waiting = Pick<Answer, 'id' | 'decision' | 'openings'>

interface Watched {
  readonly plan: Plan
  readonly since: EpochMs
  readonly tally: Tally
  readonly lacking: Record<string, number>
  passed_over: number
  failed: number
}

export function createShadow(parts: ShadowParts): Shadow {
  const { elapsed, after, observe } = parts
  const budget = createBudget(elapsed, parts.budget_ms ?? BUDGET_MS)
  const queue: Waiting[] = []
  let watched: Watched | null = null
  let cancel: (() => void) | null = null

  function schedule(): void {
    cancel ??= after(DELAY_MS, work)
  }

  function work(): void {
    cancel = null
    const started = elapsed()
    while (elapsed() - started < SLICE_MS) {
      const next = queue.shift()
      if (next === undefined || watched === null) return
      const began = elapsed()
      judge(watched, next)
      budget.spend(elapsed() - began)
      if (!budget.left()) passOver(watched, queue.splice(0).length)
    }
    if (queue.length > 0) schedule()
  }

  function judge(of: Watched, { id, decision, openings }: Waiting): void {
    try {
      const facts = factsIn({ openings })
      if (facts === null) throw new TypeError('an answer without its facts')
      const answer = evaluate(of.plan, withBucket(of.plan, facts))
      const change = of.tally.add({ id, at: facts.at, before: decision, after: answer })
      for (const fact of newlyLacking(decision, answer))
        of.lacking[fact] = (of.lacking[fact] ?? 0) + 1
      const rules = change === null ? [] : rulesBehind(change, decision.rules, answer.rules)
      observe({ type: 'shadowed', change: change ?? 'same', rules })
    } catch {
      failed(of)
    }
  }

  function failed(of: Watched): void {
    of.failed++
    observe({ type: 'shadowed', change: 'failed', rules: [] })
  }

  function passOver(of: Watched, count: number): void {
    of.passed_over += count
    for (let i = 0; i < count; i++) observe({ type: 'shadowed', change: 'passed_over', rules: [] })
  }

  return {
    use(plan) {
      if (watched?.plan.digest === plan.digest) return
      queue.length = 0
      const since = parts.clock.now()
      watched = { plan, since, tally: createTally(), lacking: {}, passed_over: 0, failed: 0 }
    },
    saw({ id, decision, openings, repeated }) {
      if (watched === null || repeated) return
      if (queue.length >= MAX_WAITING || !budget.left()) return passOver(watched, 1)
      queue.push({ id, decision, openings })
      schedule()
    },
    report() {
      if (watched === null) return null
      const { plan, since, tally, lacking, passed_over, failed: threw } = watched
      const { name, digest } = plan
      const counts = { passed_over, failed: threw, lacking: { ...lacking } }
      return { name, digest, since, ...counts, compared: tally.report() }
    },
    stop() {
      queue.length = 0
      cancel?.()
      cancel = null
    },
  }
}

interface Budget {
  left(): boolean
  spend(ms: number): void
}

/** So many milliseconds of each second, saved up for one second; a debt is paid before anything else is spent. */
function createBudget(elapsed: () => number, per_second: number): Budget {
  let saved = per_second
  let last = elapsed()
  return {
    left() {
      const now = elapsed()
      saved = Math.min(per_second, saved + ((now - last) * per_second) / 1000)
      last = now
      return saved > 0
    },
    spend: (ms) => {
      saved -= ms
    },
  }
}

/** The same gate, with a shadow that hears every answer as it leaves. */
export function withShadow(gate: Gate, shadow: Shadow): Gate {
  return {
    ...gate,
    async decide(request) {
      const answer = await gate.decide(request)
      shadow.saw(answer)
      return answer
    },
  }
}
