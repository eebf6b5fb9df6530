/**
 * Reviews that people are asked for: what one is, and how it changes. Part of the ports (ports.ts hands it on).
 *
 * An item is of one subject, stream and rule, from the first decision that asked for a person until there is a word. Its deadline is
 * that of the first ask, so asking again moves nothing; it is over by its instant, whatever anybody has written. Pure.
 * Spec: docs/spec/policy.md, "Delay". Next stop: reviews.ts.
 */
import type { Decision, ReviewFact, SubjectId } from '../core/model.ts'
import type { Plan } from '../core/policy/plan.ts'
import { addMs, type EpochMs } from '../core/time.ts'
import type { SubjectState } from '../ports.ts'

export interface ReviewItem {
  /** Of the decision that asked first, whose host's, and which of its rules: `<decision>.<host>.<place>`. */
  readonly id: string
  readonly stream: string
  readonly rule: string
  readonly queue: string
  /** The decision that asked first. */
  readonly decision: string
  readonly opened_at: EpochMs
  /** The deadline. */
  readonly by: EpochMs
  /** What counts from the deadline on, if nobody has said anything. */
  readonly at_deadline: 'deny' | 'allow'
  /** Somebody looks at it; counts until `until`. */
  readonly claim?: { readonly by: string; readonly until: EpochMs }
  /** The last word. */
  readonly result?: {
    readonly result: 'released' | 'refused'
    readonly at: EpochMs
    readonly by: string
  }
}

/** An item and whose it is. */
export interface ReviewView extends ReviewItem {
  readonly subject: SubjectId
}

export const REVIEW_STATES = ['open', 'released', 'refused'] as const
export type ReviewState = (typeof REVIEW_STATES)[number]

export interface ReviewSearch {
  readonly queue?: string
  readonly state?: ReviewState
  /** From `next`. */
  readonly cursor?: string
  /** 1 to 200. */
  readonly limit: number
}

/** The queue: what is durable, soonest deadline first. An index, which may lag: the subject's own state is what counts. */
export interface ReviewQueue {
  list(
    search: ReviewSearch,
  ): Promise<{ readonly items: readonly ReviewView[]; readonly next: string | null }>
}

/** Items kept a subject: 16 streams of 4 rules; those with a word go first, the oldest of them. */
export const MAX_REVIEW_ITEMS = 64
/** Words kept a subject, one for each stream and rule. */
export const MAX_REVIEWS = 256
/** How long a claim counts: a person has looked by then, or gone for lunch. */
export const CLAIM_MS: number = 15 * 60_000
/** How long an item is listed after the word on it, or after its deadline. */
export const CLOSED_KEPT_MS: number = 7 * 86_400_000

export function stateOfItem({ result }: Pick<ReviewItem, 'result'>): ReviewState {
  return result === undefined ? 'open' : result.result
}

/** Nobody said anything in time. */
export function isOverdue(item: ReviewItem, at: EpochMs): boolean {
  return item.result === undefined && item.by <= at
}

/** The state as it is once what is overdue has been written down: for questions without effect. */
export function asIfDue(state: SubjectState, at: EpochMs): SubjectState {
  const said = (state.review_items ?? [])
    .filter((item) => isOverdue(item, at))
    .map(({ stream, rule, at_deadline }) => ({
      ...{ stream, rule, at },
      result: at_deadline === 'allow' ? ('released' as const) : ('refused' as const),
    }))
  return said.length === 0 ? state : { ...state, reviews: nextReviews(state.reviews, said) }
}

/** Whose it is: the place of the host in its decision, 0 for who asked. Null for an id that is none of ours. */
export function partsOfId(id: string): { readonly decision: string; readonly host: number } | null {
  const [, decision, host] = /^([A-Za-z0-9_-]{22,64})\.(\d{1,2})\.\d{1,4}$/.exec(id) ?? []
  return decision === undefined || host === undefined ? null : { decision, host: Number(host) }
}

/** What a decision asks people about one host, as far as that is not asked already. */
export function itemsAsked(input: {
  readonly plan: Plan
  readonly decision: Decision
  readonly id: string
  readonly at: EpochMs
  readonly stream: string
  readonly host: number
}): readonly ReviewItem[] {
  const { plan, decision, id, at, stream, host } = input
  const rules = decision.reasons
    .filter((reason) => reason.code === 'review_required' && reason.host === host)
    .map((reason) => reason.rule)
  return [...new Set(rules)].flatMap((rule, place): ReviewItem[] => {
    const review = plan.rules.find((one) => one.id === rule)?.review ?? null
    if (review === null) return []
    const { queue, within, at_deadline } = review
    const asked = { id: `${id}.${host}.${place}`, stream, rule, queue, decision: id }
    return [{ ...asked, opened_at: at, by: addMs(at, within), at_deadline }]
  })
}

/** Of these, what a subject in this state is not being asked about already. */
export function newItems(
  state: Pick<SubjectState, 'review_items'>,
  asked: readonly ReviewItem[],
): readonly ReviewItem[] {
  const open = (state.review_items ?? []).filter(({ result }) => result === undefined)
  return asked.filter(
    (one) => !open.some(({ stream, rule }) => stream === one.stream && rule === one.rule),
  )
}

/** The items of a state after a change. */
export function nextItems(
  items: readonly ReviewItem[],
  changed: readonly ReviewItem[] = [],
): readonly ReviewItem[] {
  if (changed.length === 0) return items
  const kept = items.filter(({ id }) => !changed.some((one) => one.id === id))
  const all = [...kept, ...changed].sort((a, b) => a.opened_at - b.opened_at)
  const spare = all.length - MAX_REVIEW_ITEMS
  if (spare <= 0) return all
  const gone = new Set(all.filter(({ result }) => result !== undefined).slice(0, spare))
  return all.filter((one) => !gone.has(one)).slice(-MAX_REVIEW_ITEMS)
}

type StreamReview = ReviewFact & { readonly stream: string }

/** The words of a state after a change: the last one of each stream and rule, the newest of all. */
export function nextReviews(
  reviews: readonly StreamReview[],
  said: readonly StreamReview[] = [],
): readonly StreamReview[] {
  if (said.length === 0) return reviews
  const kept = reviews.filter(
    (one) => !said.some(({ stream, rule }) => stream === one.stream && rule === one.rule),
  )
  return [...kept, ...said].slice(-MAX_REVIEWS)
}

/** What a delay asks people about one host: of a refusal nobody is asked, as no word would help. */
export function reviewsAsked(
  plan: Plan,
  asked: {
    readonly id: string
    readonly decision: Decision
    readonly at: EpochMs
    readonly stream: string
    readonly host: number
  },
): readonly ReviewItem[] {
  const { decision } = asked
  if (decision.outcome !== 'delay' || decision.review === null) return []
  return itemsAsked({ plan, ...asked })
}

/** The effect of asking; none when nothing new is asked. */
export function askedItems(
  state: Pick<SubjectState, 'review_items'>,
  asked: readonly ReviewItem[],
): { readonly review_items?: readonly ReviewItem[] } {
  const fresh = newItems(state, asked)
  return fresh.length === 0 ? {} : { review_items: fresh }
}
