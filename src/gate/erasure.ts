/**
 * Erasing a subject: one durable step after which it is a stranger, then waiting for its bytes to be gone.
 *
 * The log keeps what it has (commitments without openings) and gets one record that says that the chain ends here. What
 * runs against the subject goes on as suppressions unless the erasure is `full`, so erasing oneself is no way around a
 * ban. Asked for again, whoever asks gets the same answer; nobody can tell a subject that was erased from one that never
 * was. Duties of the store: ports.ts, `Erasures`. Meaning: docs/erasure.md. Next stop: erasure-desk.ts.
 */
import { LivegateError } from '../core/errors.ts'
import { ERASURE_KNOWN_MS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import { suppressionsOf } from '../core/policy/suppressions.ts'
import { erasureDraft } from '../core/record/drafts.ts'
import { type EpochMs, formatInstant } from '../core/time.ts'
import type {
  ChainKind,
  CommitFailure,
  DeploymentKind,
  Erasure,
  ErasureCounts,
  ErasureScope,
  Erasures,
  OpenBroadcast,
  SignedRecord,
  SubjectState,
} from '../ports.ts'
import { endWithCohosts } from './cohosts.ts'
import type { Context } from './context.ts'
import { disclosedCohosts } from './disclosed.ts'
import { decider } from './in-force.ts'
import { factsOf } from './subjects.ts'

/** A gate's context where its host can forget. */
export type ErasureContext = Context & { readonly erasures: Erasures }

export interface ErasureRequest {
  readonly subject: SubjectId
  readonly scope: ErasureScope
  /** Why, for everybody who reads the log: no personal data. 1 to 256 characters. */
  readonly basis: string
}

/** `nothing_left`: nothing is stored, whether or not there ever was anything. */
export interface ErasureAnswer {
  readonly state: 'nothing_left' | Erasure['state']
  readonly erasure: Erasure | null
}

/** How long an answer waits for the bytes to be gone; the erasure itself is durable long before. */
export const ERASURE_WAIT_MS = 1_500

/** Erases; resolves when that is durable and, within ERASURE_WAIT_MS, done. */
export async function eraseSubject(
  context: ErasureContext,
  request: ErasureRequest,
): Promise<ErasureAnswer> {
  const { subject, basis } = request
  if (subject.length >= 4 && folded(basis).includes(folded(subject)))
    throw new LivegateError('invalid_request', 'Cannot erase: the basis names the subject', {
      faults: [{ pointer: '/basis', detail: 'expected no personal data: the log shows it' }],
    })
  await requireNoHold(context, subject)
  await leaveCohosts(context, subject)
  const known = await context.turns.run(subject, () => beginInTurn(context, request))
  if (!known) return { state: 'nothing_left', erasure: null }
  const erasure = await context.erasures.finish(subject, ERASURE_WAIT_MS)
  return erasure === null ? { state: 'nothing_left', erasure } : { state: erasure.state, erasure }
}

/** Another spelling of a name is the name to whoever reads it. */
function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/** @throws LivegateError `conflict` while a legal hold keeps everything as it is. */
export async function requireNoHold(
  context: Pick<ErasureContext, 'clock' | 'erasures'>,
  subject: SubjectId,
): Promise<void> {
  const hold = await context.erasures.legalHold(subject)
  if (hold === null || hold.until <= context.clock.now()) return
  throw new LivegateError(
    'conflict',
    `Cannot erase: a legal hold keeps the subject until ${formatInstant(hold.until)}`,
    { hint: 'lift the hold first, if whoever ordered it agrees' },
  )
}

/** Broadcasts that others joined end there too. What cannot be ended now ends with its lease. */
async function leaveCohosts(context: ErasureContext, subject: SubjectId): Promise<void> {
  const { broadcasts } = await context.ledger.load(subject)
  for (const { id } of broadcasts.filter(isHosted))
    try {
      const record = await context.directory.record(id)
      if (record !== null) await endWithCohosts(context, disclosedCohosts(record), id)
    } catch {
      context.observe({ type: 'left_to_lease', what: 'cohost' })
    }
}

function isHosted({ role }: OpenBroadcast): boolean {
  return role === 'host'
}

/** True when there is an erasure to tell about: this one, or the one before that did the same. */
async function beginInTurn(context: ErasureContext, request: ErasureRequest): Promise<boolean> {
  const { subject, scope } = request
  const { erasures } = context
  await requireNoHold(context, subject)
  const state = await context.ledger.load(subject)
  const inventory = await erasures.inventory(subject)
  const lifts = scope === 'full' && (state.suppressions ?? []).length > 0
  if (inventory === null && !lifts) return isKnown(context, subject)
  const counts = inventory ?? {}
  const { plan, at } = decider(context, state)
  const suppressions =
    scope === 'full' ? [] : suppressionsOf(plan, factsOf(context, plan, { subject, state, at }))
  const signed = await recordOf(context, { request, state, counts, at })
  const begun = await erasures.begin({
    ...{ subject, at, expect: expectedOf(state), scope, counts, suppressions },
    ...(signed ?? { record: null, requires: [] }),
  })
  if (!begun.ok) throw eraseError(begun.error)
  context.observe({ type: 'erased', scope, suppressed: suppressions.length })
  return true
}

/** Nothing is left: a day later nobody can tell that there was something. A hold that is over names the subject, so it goes. */
async function isKnown({ clock, erasures }: ErasureContext, subject: SubjectId): Promise<boolean> {
  if ((await erasures.legalHold(subject)) !== null) await erasures.lift(subject)
  const erasure = await erasures.find(subject)
  if (erasure === null) return false
  return erasure.state !== 'done' || clock.now() - erasure.at < ERASURE_KNOWN_MS
}

/** Nothing to say about a chain that never was: stored facts alone are in no log. */
async function recordOf(
  context: ErasureContext,
  given: {
    readonly request: ErasureRequest
    readonly state: SubjectState
    readonly counts: ErasureCounts
    readonly at: EpochMs
  },
): Promise<SignedErasure | null> {
  const { request, state, counts, at } = given
  const { pseudonym: sub, seq } = state
  if (sub === null || seq === 0) return null
  const { scope, basis } = request
  const draft = erasureDraft({ sub, last_seq: seq, scope, basis, counts })
  return signErasure(context, draft, at)
}

/** A record, and what the log has to hold before it. */
export interface SignedErasure {
  readonly record: SignedRecord
  readonly requires: readonly string[]
}

/** Signs an erasure record. */
export async function signErasure(
  context: Pick<Context, 'newRecordId' | 'issuer'>,
  draft: ReturnType<typeof erasureDraft>,
  at: EpochMs,
): Promise<SignedErasure> {
  const id = context.newRecordId(at)
  const issued = await context.issuer.issue(draft, { jti: id, iat_s: Math.floor(at / 1000) })
  const kind = draft.kind as ChainKind | DeploymentKind
  const record = { id, kind, jws: issued.jws, leaf: issued.leaf, openings: {} }
  return { record, requires: [issued.kid] }
}

/** For the compare-and-swap of `begin` and `forget`. */
export function expectedOf({ seq, head, version }: SubjectState): {
  readonly seq: number
  readonly head: string | null
  readonly version: number
} {
  return { seq, head, version }
}

/** A commit of the store's that did not happen. */
export function eraseError(failure: CommitFailure): LivegateError {
  const why =
    failure === 'requires'
      ? 'the record key is not in the log yet'
      : 'the subject changed meanwhile'
  return new LivegateError('log_unavailable', `Cannot erase: ${why}`, { retry_after_s: 1 })
}
