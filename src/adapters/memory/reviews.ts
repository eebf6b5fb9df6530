/**
 * Reviews in maps, written independently of the SQL ones: what a change makes of them, and the queue.
 */
import { LivegateError } from '../../core/errors.ts'
import type { ReviewFact } from '../../core/model.ts'
import type { Change, ReviewItem, ReviewQueue, SubjectState } from '../../ports.ts'

const MAX_REVIEWS = 256
const MAX_REVIEW_ITEMS = 64

/** The last word of each stream and rule. */
export function said(state: SubjectState, { reviews = [] }: Change): SubjectState['reviews'] {
  const same = (a: ReviewFact & { stream: string }, b: ReviewFact & { stream: string }): boolean =>
    a.stream === b.stream && a.rule === b.rule
  const before = state.reviews.filter((one) => !reviews.some((other) => same(one, other)))
  return reviews.length === 0 ? state.reviews : [...before, ...reviews].slice(-MAX_REVIEWS)
}

/** Those with a word go first, the oldest of them. */
export function asked(state: SubjectState, { review_items = [] }: Change): readonly ReviewItem[] {
  const items = new Map((state.review_items ?? []).map((item) => [item.id, item]))
  for (const item of review_items) items.set(item.id, item)
  const all = [...items.values()].sort((a, b) => a.opened_at - b.opened_at)
  while (all.length > MAX_REVIEW_ITEMS)
    all.splice(
      Math.max(
        0,
        all.findIndex((item) => item.result !== undefined),
      ),
      1,
    )
  return all
}

/** The queue over the states of all subjects. */
export function createMemoryReviews(states: ReadonlyMap<string, SubjectState>): ReviewQueue {
  return {
    async list({ queue, state = 'open', cursor, limit }) {
      if (cursor !== undefined && !/^-?\d+:[\w.-]+$/.test(cursor))
        throw new LivegateError(
          'invalid_request',
          'Cannot go on listing: the cursor is not one of ours',
        )
      const all = [...states].flatMap(([subject, { review_items = [] }]) =>
        review_items.map((item) => ({ ...item, subject })),
      )
      const [due, id = ''] = cursor?.split(':') ?? []
      const found = all
        .filter((item) => (item.result?.result ?? 'open') === state)
        .filter((item) => queue === undefined || item.queue === queue)
        .sort((a, b) => a.by - b.by || (a.id < b.id ? -1 : 1))
        .filter((item) => due === undefined || item.by > +due || (item.by === +due && item.id > id))
      const items = found.slice(0, limit)
      const last = items.at(-1)
      const more = items.length === limit && last !== undefined
      return { items, next: more ? `${last.by}:${last.id}` : null }
    },
  }
}
