/**
 * The queue of reviews on the edge: slices of it, each an object, merged by deadline.
 *
 * A slice knows what subjects told it, before an item was asked for and after there was a word: an index that may lag. What counts is
 * the subject's object, which every action goes to. Duties: gate/review-items.ts, `ReviewQueue`.
 */
import type { EpochMs } from '../../core/time.ts'
import type { ReviewQueue, ReviewView } from '../../ports.ts'
import { reviewCursor } from '../sqlite/review-queue.ts'
import { reviewSlices } from './names.ts'
import { opened, type Stubs } from './rpc.ts'

export interface EdgeReviews extends ReviewQueue {
  /** Reviews that wait for a word at `at`, as far as the queue has heard. Rejects while a slice does not answer. */
  open(at: EpochMs): Promise<number>
}

export function createEdgeReviews({ directory }: Pick<Stubs, 'directory'>): EdgeReviews {
  return {
    async open(at) {
      const counts = await Promise.all(
        reviewSlices().map((name) => opened(directory(name).openReviews(at))),
      )
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async list(search) {
      const pages = await Promise.all(
        reviewSlices().map((name) => opened(directory(name).listReviews(search))),
      )
      const all = pages.flatMap(({ items }) => items).sort(soonestFirst)
      const items = all.slice(0, search.limit)
      const last = items.at(-1)
      const more = all.length > items.length || pages.some(({ next }) => next !== null)
      return { items, next: more && last !== undefined ? reviewCursor(last) : null }
    },
  }
}

function soonestFirst(a: ReviewView, b: ReviewView): number {
  return a.by - b.by || (a.id < b.id ? -1 : 1)
}
