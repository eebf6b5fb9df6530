/**
 * Strikes and their reversal: the two writes that change what everybody's next decision says.
 *
 * Both are answered only when durable in the log and visible to every later decision (G2); there is no cache to wait
 * for, because decisions take the same turn and read the same ledger. Repeating one is harmless: the id decides.
 */
import { LivegateError } from '../core/errors.ts'
import { MAX_STRIKE_FUTURE_MS, MAX_STRIKES_PER_SUBJECT } from '../core/limits.ts'
import type { Strike, SubjectId } from '../core/model.ts'
import { isKnownCategory } from '../core/policy/categories.ts'
import { reversalDraft, strikeDraft } from '../core/record/drafts.ts'
import { type EpochMs, epochMs, formatInstant } from '../core/time.ts'
import type { ReversalAnswer, ReversalRequest, StrikeAnswer, StrikeRequest } from '../gate-types.ts'
import type { SubjectState } from '../ports.ts'
import { advance, type Context, type Effects, instantFor, named, nextPlace } from './context.ts'
import { hasMarked, recheckMarked } from './recheck.ts'
import { restrictionsOf } from './subjects.ts'

/** Records a violation. The same strike again is answered with the first; the same id with other content is refused. */
export async function recordStrike(
  context: Context,
  request: StrikeRequest,
): Promise<StrikeAnswer> {
  const latest = context.clock.now() + MAX_STRIKE_FUTURE_MS
  if (request.issued_at > latest)
    throw new LivegateError(
      'invalid_request',
      'Cannot record the strike: issued_at lies in the future',
      {
        faults: [
          { pointer: '/issued_at', detail: `expected at most ${formatInstant(epochMs(latest))}` },
        ],
        hint: 'send the strike when it is issued, and check the clock of the sending machine',
      },
    )
  const { subject } = request
  const { runs, ...done } = await context.turns.run(subject, () => strikeInTurn(context, request))
  return { ...done, revoked: runs ? await recheckMarked(context, subject, 'strike') : [] }
}

/** `runs`: something may have to stop. */
type Struck = Omit<StrikeAnswer, 'revoked'> & { readonly runs: boolean }

async function strikeInTurn(context: Context, request: StrikeRequest): Promise<Struck> {
  const { subject } = request
  const state = named(context, await context.ledger.load(subject))
  const at = instantFor(context, state)
  const existing = state.strikes.find((strike) => strike.id === request.id)
  const known_category = isKnownCategory(request.category)
  const runs = hasMarked(state)
  if (existing !== undefined) {
    assertSameContent(existing, request)
    const restrictions = restrictionsOf(context, subject, state, at)
    return { strike: existing, created: false, known_category, restrictions, receipt: null, runs }
  }
  if (state.strikes.length >= MAX_STRIKES_PER_SUBJECT)
    throw new LivegateError('conflict', 'Cannot record the strike: the subject has 4,096 already')
  const strike = strikeOf(request, at)
  const { pseudonym, chain } = nextPlace(context, state, at)
  const draft = strikeDraft({
    chain,
    strike,
    received_at: at,
    request: { caller: request.caller ?? 'livegate' },
  })
  const effects: Effects = { bumps_version: true, strike, rechecks: 'strike' }
  const id = context.newRecordId(at)
  const { receipt } = await advance(context, {
    subject,
    state,
    at,
    id,
    pseudonym,
    draft,
    requires: [],
    effects,
  })
  context.observe({
    type: 'strike_recorded',
    category: known_category ? request.category : 'unknown',
    known_category,
  })
  const restrictions = restrictionsOf(context, subject, withStrike(state, strike), at)
  return { strike, created: true, known_category, restrictions, receipt, runs }
}

/** An appeal was upheld: the strike counts for nothing from now on. */
export async function reverseStrike(
  context: Context,
  request: ReversalRequest,
): Promise<ReversalAnswer> {
  const subject = await context.directory.subjectOfStrike(request.strike)
  if (subject === null)
    throw new LivegateError('not_found', 'Cannot reverse the strike: there is none with this id')
  const done = await context.turns.run(subject, () => reverseInTurn(context, subject, request))
  // Outside the turn, of every host: no decision that starts later can rely on the strike.
  const decisions = await context.directory.decisionsRelyingOn(request.strike)
  return { ...done, decisions }
}

async function reverseInTurn(
  context: Context,
  subject: SubjectId,
  request: ReversalRequest,
): Promise<Omit<ReversalAnswer, 'decisions'>> {
  const state = await context.ledger.load(subject)
  const at = instantFor(context, state)
  const strike = state.strikes.find((candidate) => candidate.id === request.strike)
  if (strike === undefined)
    throw new LivegateError('not_found', 'Cannot reverse the strike: its subject no longer has it')
  if (strike.status === 'reversed') {
    const restrictions = restrictionsOf(context, subject, state, at)
    return { strike, created: false, receipt: null, restrictions }
  }
  const reversed: Strike = { ...strike, status: 'reversed' }
  const { pseudonym, chain } = nextPlace(context, state, at)
  const { caller = 'livegate', ...content } = request
  const draft = reversalDraft({ chain, subject, ...content, request: { caller } })
  const effects = { bumps_version: true, reverses: strike.id }
  const id = context.newRecordId(at)
  const { receipt } = await advance(context, {
    subject,
    state,
    at,
    id,
    pseudonym,
    draft,
    requires: [],
    effects,
  })
  context.observe({ type: 'strike_reversed' })
  const restrictions = restrictionsOf(context, subject, withStrike(state, reversed), at)
  return { strike: reversed, created: true, receipt, restrictions }
}

function strikeOf(request: StrikeRequest, received_at: EpochMs): Strike {
  const { caller: _caller, ...content } = request
  return {
    ...content,
    weight: request.weight ?? 1,
    scope: request.scope ?? 'any',
    effective_at: epochMs(Math.min(request.issued_at, received_at)),
    status: 'active',
  }
}

function withStrike(state: SubjectState, strike: Strike): SubjectState {
  const others = state.strikes.filter((other) => other.id !== strike.id)
  return { ...state, strikes: [...others, strike] }
}

function assertSameContent(existing: Strike, request: StrikeRequest): void {
  const { effective_at, status, ...had } = existing
  const { effective_at: _at, status: _status, ...given } = strikeOf(request, effective_at)
  if (canonical(had) === canonical(given)) return
  throw new LivegateError(
    'conflict',
    'Cannot record the strike: its id was used with other content',
    {
      hint: 'a strike does not change; reverse it and record a new one under a new id',
    },
  )
}

function canonical(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
