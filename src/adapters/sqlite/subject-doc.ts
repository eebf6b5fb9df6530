/**
 * The JSON part of a subject's row, and how one change turns a state into the next.
 *
 * Pure. Lists stay short, so the row stays small whatever happens: ended leases go, refusals and holds keep their
 * newest. A hold that is forgotten starts anew, which is stricter, never milder. Next stop: subjects.ts.
 */
import type { HoldFact, ReviewFact, Strike } from '../../core/model.ts'
import { endOf } from '../../gate/broadcast-port.ts'
import { nextItems, nextReviews } from '../../gate/review-items.ts'
import type {
  Change,
  LastRefusal,
  OpenBroadcast,
  RecheckCause,
  ReviewItem,
  StoredFacts,
  SubjectState,
} from '../../ports.ts'

/** Last refusals kept a subject, by stream. */
export const MAX_REFUSALS = 16
/** Holds kept a subject: 16 streams with 16 rules each. */
export const MAX_HOLDS = 256

/** A subject never seen. */
export const NOBODY: SubjectState = {
  pseudonym: null,
  seq: 0,
  head: null,
  last_at: null,
  version: 0,
  strikes: [],
  facts: {},
  holds: [],
  reviews: [],
  broadcasts: [],
  refusals: [],
}

interface Doc {
  readonly facts?: StoredFacts
  readonly holds?: readonly (HoldFact & { readonly stream: string })[]
  readonly reviews?: readonly (ReviewFact & { readonly stream: string })[]
  readonly review_items?: readonly ReviewItem[]
  readonly broadcasts?: readonly OpenBroadcast[]
  readonly refusals?: readonly LastRefusal[]
}

/** Members of a state that live in `doc`; empty ones are left out. */
export function encodeDoc(state: SubjectState): string {
  const doc: { -readonly [K in keyof Doc]: Doc[K] } = {}
  if (Object.keys(state.facts).length > 0) doc.facts = state.facts
  if (state.holds.length > 0) doc.holds = state.holds
  if (state.reviews.length > 0) doc.reviews = state.reviews
  if (state.review_items !== undefined) doc.review_items = state.review_items
  if (state.broadcasts.length > 0) doc.broadcasts = state.broadcasts
  if (state.refusals.length > 0) doc.refusals = state.refusals
  return JSON.stringify(doc)
}

/** What `encodeDoc` wrote; the database is trusted to hold nothing else. */
export function decodeDoc(
  text: string,
): Pick<SubjectState, 'facts' | 'holds' | 'reviews' | 'review_items' | 'broadcasts' | 'refusals'> {
  const doc = JSON.parse(text) as Doc
  return {
    facts: doc.facts ?? {},
    holds: doc.holds ?? [],
    reviews: doc.reviews ?? [],
    ...(doc.review_items === undefined ? {} : { review_items: doc.review_items }),
    broadcasts: doc.broadcasts ?? [],
    refusals: doc.refusals ?? [],
  }
}

/** The state after `change`; `head` is the base64url leaf hash of its record, if it has one. */
export function nextState(state: SubjectState, change: Change, head: string | null): SubjectState {
  const logged = change.record !== null
  return {
    pseudonym: state.pseudonym ?? (logged ? change.pseudonym : null),
    seq: state.seq + (logged ? 1 : 0),
    head: logged ? head : state.head,
    last_at: logged ? change.at : state.last_at,
    version: state.version + (change.bumps_version ? 1 : 0),
    strikes: nextStrikes(state.strikes, change),
    facts: change.facts ?? state.facts,
    holds: nextHolds(state.holds, change),
    reviews: nextReviews(state.reviews, change.reviews),
    ...itemsOf(state, change),
    broadcasts: nextBroadcasts(state.broadcasts, change),
    refusals: nextRefusals(state.refusals, change),
    ...(state.suppressions === undefined ? {} : { suppressions: state.suppressions }),
  }
}

function itemsOf(state: SubjectState, change: Change): Pick<SubjectState, 'review_items'> {
  const items = nextItems(state.review_items ?? [], change.review_items)
  return items.length === 0 ? {} : { review_items: items }
}

function nextStrikes(strikes: readonly Strike[], change: Change): readonly Strike[] {
  const { strike, reverses } = change
  if (strike === undefined && reverses === undefined) return strikes
  const kept = strikes.map((s) => (s.id === reverses ? { ...s, status: 'reversed' as const } : s))
  return strike === undefined ? kept : [...kept, strike]
}

function nextHolds(holds: SubjectState['holds'], change: Change): SubjectState['holds'] {
  const added = change.holds ?? []
  if (added.length === 0) return holds
  const kept = holds.filter((h) => !added.some((a) => a.stream === h.stream && a.rule === h.rule))
  return [...kept, ...added].sort((a, b) => a.first_asked_at - b.first_asked_at).slice(-MAX_HOLDS)
}

function nextBroadcasts(
  broadcasts: readonly OpenBroadcast[],
  change: Change,
): readonly OpenBroadcast[] {
  const { opens, ends, at, rechecks } = change
  const kept = broadcasts.filter(
    (b) =>
      b.id !== ends &&
      b.id !== opens?.id &&
      endOf(b) > at &&
      !(b.session !== undefined && b.server === opens?.server && b.session === opens?.session),
  )
  const marked = rechecks === undefined ? kept : kept.map((b) => withMark(b, rechecks))
  if (opens !== undefined) return [...marked, opens]
  return kept.length === broadcasts.length && rechecks === undefined ? broadcasts : marked
}

/** What is being cut is not looked at again. */
function withMark(open: OpenBroadcast, recheck: RecheckCause): OpenBroadcast {
  return open.cutting === undefined ? { ...open, recheck } : open
}

function nextRefusals(refusals: readonly LastRefusal[], change: Change): readonly LastRefusal[] {
  const { refusal } = change
  if (refusal === undefined) return refusals
  return [...refusals.filter((r) => r.stream !== refusal.stream), refusal].slice(-MAX_REFUSALS)
}
