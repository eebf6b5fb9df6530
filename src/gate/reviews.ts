/**
 * What people say about broadcasts they were asked about: claimed, released, refused; and what counts when nobody does.
 *
 * A word is a record on the subject's chain, durable before it is answered, and the next decision sees it (G2). A deadline is kept
 * by instant: whoever decides about a subject first writes down what is overdue there, as said by `livegate`; nothing has to run
 * for it. A refusal of something that runs looks at it again at once. Spec: docs/spec/policy.md, "Delay"; docs/spec/api.md, "Reviews".
 */
import { LivegateError } from '../core/errors.ts'
import type { SubjectId } from '../core/model.ts'
import { reviewDraft } from '../core/record/drafts.ts'
import { type EpochMs, epochMs } from '../core/time.ts'
import type { Directory, Receipt, SubjectState } from '../ports.ts'
import {
  advance,
  type Context,
  change,
  type Effects,
  instantFor,
  named,
  nextPlace,
} from './context.ts'
import { disclosedText } from './disclosed.ts'
import { recheckMarked } from './recheck.ts'
import {
  CLAIM_MS,
  isOverdue,
  partsOfId,
  type ReviewItem,
  type ReviewView,
  stateOfItem,
} from './review-items.ts'

export interface ReviewRequest {
  /** Of the item. */
  readonly id: string
  readonly action: 'claim' | 'release' | 'refuse'
  /** For the record. */
  readonly reason?: string
  readonly decided_by?: string
  /** API key id. */
  readonly caller: string
  /** Whose the item is, where the host knows. */
  readonly subject?: SubjectId
}

export interface ReviewAnswer {
  readonly item: ReviewView
  /** False when it was so already. */
  readonly changed: boolean
  /** Of the record; null when none was made. */
  readonly receipt: Receipt | null
  /** Broadcasts that a refusal stops, as far as known when it is answered. */
  readonly revoked: readonly string[]
}

/** @throws LivegateError `not_found`; `conflict` while somebody else has claimed it, or for a claim of what has a word. */
export async function review(context: Context, request: ReviewRequest): Promise<ReviewAnswer> {
  const subject = request.subject ?? (await subjectOfItem(context, request.id))
  const done = await context.turns.run(subject, () => reviewInTurn(context, subject, request))
  const refused = done.changed && request.action === 'refuse' && done.runs
  const revoked = refused ? await recheckMarked(context, subject, 'review') : []
  return { item: done.item, changed: done.changed, receipt: done.receipt, revoked }
}

const UNKNOWN = new LivegateError('not_found', 'Cannot review: there is no item of this id')

/** The decision that asked names its hosts. */
export async function subjectOfItem(
  { directory }: { readonly directory: Pick<Directory, 'record'> },
  id: string,
): Promise<SubjectId> {
  const parts = partsOfId(id)
  const record = parts === null ? null : await directory.record(parts.decision)
  if (parts === null || record === null) throw UNKNOWN
  if (parts.host === 0) return record.subject
  const { cohosts = [] } = (disclosedText(record, 'subject') ?? {}) as {
    readonly cohosts?: readonly string[]
  }
  const cohost = cohosts[parts.host - 1]
  if (cohost === undefined) throw UNKNOWN
  return cohost
}

interface Reviewed {
  readonly item: ReviewView
  readonly changed: boolean
  readonly receipt: Receipt | null
  readonly runs: boolean
}

async function reviewInTurn(
  context: Context,
  subject: SubjectId,
  request: ReviewRequest,
): Promise<Reviewed> {
  const state = await dueReviews(context, subject, await context.ledger.load(subject))
  const at = instantFor(context, state)
  const item = state.review_items?.find(({ id }) => id === request.id)
  if (item === undefined) throw UNKNOWN
  requireUnclaimed(item, request, at)
  const same = { item: { ...item, subject }, changed: false, receipt: null, runs: false }
  if (request.action === 'claim') return claim(context, { subject, state, item, at, request })
  const result = request.action === 'release' ? 'released' : 'refused'
  if (item.result?.result === result) return same
  const { reason, decided_by, caller } = request
  const why = reason === undefined ? {} : { reason }
  const who = decided_by === undefined ? {} : { decided_by }
  const word: Word = { item, result, caller, ...why, ...who }
  const said = await say(context, { subject, state, at }, word)
  const item_now = { ...closed(word, at), subject }
  const runs = state.broadcasts.length > 0
  return { item: item_now, changed: true, receipt: said.receipt, runs }
}

function requireUnclaimed(item: ReviewItem, { caller, action }: ReviewRequest, at: EpochMs): void {
  const { claim: held, result } = item
  if (action === 'claim' && result !== undefined)
    throw new LivegateError('conflict', `Cannot claim the review: it is ${stateOfItem(item)}`)
  if (held === undefined || held.by === caller || held.until <= at) return
  if (result !== undefined) return
  throw new LivegateError('conflict', `Cannot ${action} the review: somebody else has claimed it`, {
    retry_after_s: Math.ceil((held.until - at) / 1000),
  })
}

/** Not logged: it says nothing about the person. */
async function claim(
  context: Context,
  input: {
    readonly subject: SubjectId
    readonly state: SubjectState
    readonly item: ReviewItem
    readonly at: EpochMs
    readonly request: ReviewRequest
  },
): Promise<Reviewed> {
  const { subject, state, item, at, request } = input
  const until = epochMs(Math.min(at + CLAIM_MS, item.by))
  const claimed = { ...item, claim: { by: request.caller, until } }
  const effects: Effects = { bumps_version: false, review_items: [claimed] }
  await change(context, { subject, state, at, effects })
  return { item: { ...claimed, subject }, changed: true, receipt: null, runs: false }
}

interface Word {
  readonly item: ReviewItem
  readonly result: 'released' | 'refused'
  readonly caller: string
  readonly reason?: string
  readonly decided_by?: string
}

type Local = Omit<Context, 'cohosts'>

async function say(
  context: Local,
  now: { readonly subject: SubjectId; readonly state: SubjectState; readonly at: EpochMs },
  word: Word,
): Promise<{ readonly receipt: Receipt }> {
  const { subject, at } = now
  const state = named(context, now.state)
  const { item, result, caller, reason, decided_by } = word
  const { stream, rule, decision } = item
  const { pseudonym, chain } = nextPlace(context, state, at)
  const draft = reviewDraft({
    ...{ chain, subject, rule, result, decision, request: { caller } },
    ...(stream === '' ? {} : { stream }),
    ...(reason === undefined ? {} : { reason }),
    ...(decided_by === undefined ? {} : { decided_by }),
  })
  const effects: Effects = {
    bumps_version: true,
    reviews: [{ stream, rule, result, at }],
    review_items: [closed(word, at)],
    ...(result === 'refused' ? { rechecks: 'review' as const } : {}),
  }
  const id = context.newRecordId(at)
  return advance(context, { subject, state, at, id, pseudonym, draft, requires: [], effects })
}

function closed({ item, result, caller }: Word, at: EpochMs): ReviewItem {
  const { claim: _claim, ...rest } = item
  return { ...rest, result: { result, at, by: caller } }
}

/** Who says what nobody said in time. */
const NOBODY_SAID = 'livegate'

/**
 * Writes down what is overdue, and gives the state after it. In the subject's turn; every one is durable when it resolves.
 * Nothing is written for a subject that is asked nothing.
 */
export async function dueReviews(
  context: Local,
  subject: SubjectId,
  state: SubjectState,
): Promise<SubjectState> {
  let now = state
  for (;;) {
    const at = instantFor(context, now)
    const item = now.review_items?.find((one) => isOverdue(one, at))
    if (item === undefined) return now
    const result = item.at_deadline === 'allow' ? 'released' : 'refused'
    const word = { item, result, caller: NOBODY_SAID, reason: 'deadline' } as const
    await say(context, { subject, state: now, at }, word)
    now = await context.ledger.load(subject)
  }
}
