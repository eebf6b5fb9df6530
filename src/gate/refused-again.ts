/**
 * Memory of refusals that were asked for again: encoders come back every few seconds, and each time the answer is the same.
 *
 * What was judged is kept with the very state it was judged in. A ledger gives another state after every change of the
 * subject (a strike, a reversal, facts, a word of a reviewer, an erasure, a decision), and then nothing is found here: no
 * cache to empty, so none that is emptied too late (G2). What else an evaluation sees (policy, incident, platform, the
 * question) is compared, and what only the clock changes ends it (core/policy/unchanged-until.ts). Next stop: ../gate.ts.
 */
import { IDEMPOTENCY_TTL_MS } from '../core/limits.ts'
import type { Facts } from '../core/model.ts'
import type { Plan } from '../core/policy/plan.ts'
import { unchangedUntil } from '../core/policy/unchanged-until.ts'
import type { EpochMs } from '../core/time.ts'
import type { Answer, DecideRequest } from '../gate-types.ts'
import type { SubjectState } from '../ports.ts'
import type { Context } from './context.ts'
import type { Standing } from './repeat.ts'
import { isOverdue } from './review-items.ts'
import { standingNow } from './standing-now.ts'

/**
 * States in one of two generations: when it is full the older one goes. Ten thousand encoders fit into one, so that none of
 * them is moved from one to the other all the time. 24,576 answers without record and openings are at most some 75 MB at
 * 3 KB each, and one goes as soon as the ledger lets go of its state.
 */
const GENERATION = 12_288
/** Streams of one subject. */
const MAX_STREAMS = 4

/** What is asked, in what state, and around it. */
interface Now {
  readonly request: DecideRequest
  readonly state: SubjectState
  readonly standing: Standing
}

export interface RefusedAgain {
  /** The answer as it was given before, without record and openings; null when it has to be decided. */
  find(now: Now): Answer | null
  /** `answer` was judged to be the answer now. What may not be kept is not. */
  keep(
    now: Now,
    judged: {
      readonly answer: Answer
      readonly facts: Facts
      readonly plan: Plan
      readonly facts_max_age_ms: number
    },
  ): void
}

interface Kept {
  readonly question: string
  readonly policy: string
  readonly incident: string
  readonly from: EpochMs
  readonly until: number
  readonly answer: Answer
}

export function createRefusedAgain(generation: number = GENERATION): RefusedAgain {
  let young = new WeakMap<SubjectState, readonly Kept[]>()
  let old: typeof young = new WeakMap()
  let count = 0

  function put(state: SubjectState, kept: readonly Kept[]): void {
    if (!young.has(state)) {
      if (count >= generation) {
        old = young
        young = new WeakMap()
        count = 0
      }
      count++
    }
    young.set(state, kept)
  }

  return {
    find({ request, state, standing }) {
      if (!isPlain(request)) return null
      const kept = young.get(state) ?? old.get(state)
      if (kept === undefined) return null
      const question = questionOf(request)
      const same = kept.find((one) => one.question === question)
      if (same === undefined || !holds(same, standing)) return null
      if (!young.has(state)) put(state, kept)
      return same.answer
    },
    keep({ request, state, standing }, { answer, facts, plan, facts_max_age_ms }) {
      // Which of the running ones it would replace depends on the session that asks.
      if (!isPlain(request) || state.broadcasts.length > 0) return
      const until = Math.min(
        unchangedUntil(plan, facts, facts_max_age_ms),
        answer.decision.review?.by ?? Number.POSITIVE_INFINITY,
        answer.decided_at + IDEMPOTENCY_TTL_MS,
        ...(state.suppressions ?? []).map(({ from }) => (from > standing.at ? from : Infinity)),
      )
      if (until <= standing.at) return
      const question = questionOf(request)
      const { policy, incident, at: from } = standing
      const one = { question, policy, incident, from, until, answer: withoutProof(answer) }
      const others = (young.get(state) ?? old.get(state) ?? []).filter(
        (other) => other.question !== question,
      )
      put(state, [one, ...others.slice(0, MAX_STREAMS - 1)])
    },
  }
}

/**
 * The answer where nothing has to be waited for; null where it does, or has to be decided. Nobody has the subject's turn, so
 * what is in memory is what the turn would read, and nothing comes between reading and answering.
 */
export function refusedAtOnce(context: Context, request: DecideRequest): Answer | null {
  const { turns, ledger, refusedAgain } = context
  if (ledger.peek === undefined || !isPlain(request) || turns.busy(request.subject)) return null
  const state = ledger.peek(request.subject)
  if (state === null) return null
  const { standing } = standingNow(context, state)
  if (state.review_items?.some((item) => isOverdue(item, standing.at))) return null
  return refusedAgain.find({ request, state, standing })
}

/** Asked about nobody else, with nothing given, by somebody who shows no proof. */
function isPlain({ terse, idempotency, stream, facts, in_place, ungated }: DecideRequest): boolean {
  if (terse !== true || idempotency !== undefined) return false
  if (in_place !== undefined || ungated !== undefined) return false
  return (stream.hosts ?? []).length === 0 && Object.keys(facts).length === 0
}

function questionOf({ caller, stream, request, supports, enforce }: DecideRequest): string {
  return JSON.stringify([caller, stream, request, supports, enforce])
}

function holds(kept: Kept, { policy, incident, at }: Standing): boolean {
  return kept.policy === policy && kept.incident === incident && at >= kept.from && at < kept.until
}

function withoutProof(answer: Answer): Answer {
  return { ...answer, jws: '', openings: {} }
}
