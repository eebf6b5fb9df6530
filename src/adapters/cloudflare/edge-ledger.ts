/**
 * The Ledger port where every subject is an object of its own and the log is elsewhere.
 *
 * A change is committed here first, with its record (sqlite/ledger.ts applies it); then the outbox brings the record into
 * the log, and only with the place it got is there a receipt. When the log does not answer, what happened is unknown and
 * nothing is promised: the next load tells the truth, the alarm goes on trying, and a broadcast that may be open
 * without anybody having heard of it is shortened. Duties: ports.ts, `Ledger`. Next stop: outbox.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { Strike, SubjectId } from '../../core/model.ts'
import type { RetentionRules } from '../../core/retention.ts'
import { type EpochMs, epochMs } from '../../core/time.ts'
import { endOf } from '../../gate/broadcast-port.ts'
import { disclosedCohosts } from '../../gate/disclosed.ts'
import type {
  Change,
  Clock,
  CommitFailure,
  CommitResult,
  Ledger,
  Random,
  Receipt,
  ReviewItem,
  SignedRecord,
  SubjectState,
} from '../../ports.ts'
import { requireEntry } from '../sqlite/entries.ts'
import { findAnswer } from '../sqlite/idempotency.ts'
import { applyChange } from '../sqlite/ledger.ts'
import type { Sql, Writer } from '../sqlite/sql.ts'
import { NOBODY } from '../sqlite/subject-doc.ts'
import { suppressionsUnder } from '../sqlite/suppressions.ts'
import { shorten } from '../sqlite/unconfirmed.ts'
import type { Chain, ChainStore } from './chain-store.ts'
import { jittered } from './jitter.ts'
import { entryOfChange } from './outbox.ts'
import { isSession, type Session } from './session.ts'
import type { Alarm } from './subject-alarm.ts'
import { expiryOf } from './subject-retention.ts'
import { MAX_OPENINGS_CHARS } from './subject-schema.ts'

/** After a write for which somebody else waits the alarm looks after what is left to do; every write until then shares it. */
export const TEND_AFTER_MS = 7_000
/** When the log did not answer, sooner. */
export const RETRY_AFTER_MS = 1_000

export interface EdgeLedgerParts {
  readonly sql: Sql
  readonly writer: Writer
  readonly store: ChainStore
  /** Name of this subject's object. */
  readonly object: string
  readonly alarm: Alarm
  readonly clock: Clock
  readonly random: Random
  /** Name of the log. */
  readonly origin: string
  /** Resolves when the log is ready for records under the active policy; rejects as `load` may. */
  readonly ready: () => Promise<void>
  /** True when the log has a policy's text or a key, by digest or thumbprint. */
  readonly has: (requirement: string) => boolean | Promise<boolean>
  readonly claims: Claims
  /** Resolves when no erasure is under way here; rejects when one cannot go on now. */
  readonly erased: () => Promise<void>
  /** How long contents are kept; for ever unless given. */
  readonly retention?: RetentionRules
}

/** What must be known elsewhere before it is true here. */
export interface Claims {
  /** `taken` when another subject has the id. */
  strike(strike: Strike): Promise<'ok' | 'taken'>
  /**
   * The record of `host` at `seq` is going to name them, as `record` says they were; false when one of them has been erased
   * since.
   */
  names(naming: {
    readonly cohosts: readonly SubjectId[]
    readonly host: SubjectId
    readonly seq: number
    readonly record: Pick<SignedRecord, 'openings'>
  }): Promise<boolean>
  openSession(subject: SubjectId, broadcast: Session): Promise<void>
  /** Lists what people are asked about, or what has become of it. */
  queueReviews(subject: SubjectId, items: readonly ReviewItem[], at: EpochMs): Promise<void>
  /** As far as that is possible now; one that stays leads to a broadcast that is not open. */
  closeSession(broadcast: Session): void
}

export function createEdgeLedger(parts: EdgeLedgerParts): Ledger {
  const { sql, store, ready, erased, object } = parts
  return {
    async load(subject) {
      await ready()
      await erased()
      const chain = store.peek()
      if (chain === null) return nobodyIn(sql, object)
      await chain.outbox.drain()
      return chain.subjects.load(subject).state
    },
    async commit(change) {
      if (change.record !== null) requireRoom(change.record)
      const refusal = await refusalOf(parts, change)
      if (refusal !== null) return { ok: false, error: refusal }
      return committed(parts, change)
    },
    idempotent(caller, subject, key) {
      const rid = store.peek()?.subjects.load(subject).rid ?? null
      return rid === null ? null : findAnswer(sql, { rid, caller, subject, key })
    },
  }
}

/** A subject never seen, but for what goes on of an earlier chain. */
function nobodyIn(sql: Sql, object: string): SubjectState {
  const suppressions = suppressionsUnder(sql, object)
  return suppressions.length === 0 ? NOBODY : { ...NOBODY, suppressions }
}

/** Throws for a record no log can hold (`internal`), or no row of an object (`conflict`). */
function requireRoom(record: SignedRecord): void {
  requireEntry(record)
  const length = jsonLength(record.openings)
  if (length <= MAX_OPENINGS_CHARS) return
  throw new LivegateError(
    'conflict',
    `Cannot log record: its disclosures have ${length} characters, expected at most ${MAX_OPENINGS_CHARS}`,
  )
}

/** Characters of base64url texts as a JSON object: nothing in them is escaped. */
function jsonLength(texts: Readonly<Record<string, string>>): number {
  let length = 1
  for (const [name, value] of Object.entries(texts)) length += name.length + value.length + 6
  return Math.max(2, length)
}

/** What speaks against it, asked in the order in which an answer leaves the least behind. */
async function refusalOf(parts: EdgeLedgerParts, change: Change): Promise<CommitFailure | null> {
  const { store, has, claims } = parts
  for (const name of change.requires) if (!(await has(name))) return 'requires'
  const { strike, opens, subject, expect, cohosts = [], review_items = [] } = change
  const asked = review_items.filter(({ claim, result }) => claim === undefined && !result)
  const nothing = cohosts.length === 0 && asked.length === 0
  if (strike === undefined && !isSession(opens) && nothing) return null
  const { seq, head, version } = store.peek()?.subjects.load(subject).state ?? NOBODY
  if (expect.seq !== seq || expect.head !== head || expect.version !== version) return 'conflict'
  if (strike !== undefined && (await claims.strike(strike)) === 'taken') return 'strike_taken'
  if (isSession(opens)) await claims.openSession(subject, opens)
  // Before it is true here: somebody has to find it.
  if (asked.length > 0) await claims.queueReviews(subject, asked, change.at)
  if (cohosts.length === 0 || change.record === null) return null
  const naming = { cohosts, host: subject, seq: seq + 1, record: change.record }
  return (await claims.names(naming)) ? null : 'conflict'
}

async function committed(parts: EdgeLedgerParts, change: Change): Promise<CommitResult> {
  const { store, alarm, claims } = parts
  const watched = watchedFrom(parts, change)
  if (watched !== null) await alarm.known()
  const chain = store.open()
  const before = chain.subjects.load(change.subject).state.broadcasts
  // In one turn of the event loop, and so in one commit.
  const armed = watched === null ? undefined : alarm.arm(watched)
  const result = await write(parts, chain, change)
  await armed
  if (!result.ok) return result
  const { receipt } = result
  if (receipt !== null) await logged(parts, chain, change)
  const after = chain.subjects.load(change.subject).state.broadcasts
  for (const open of before)
    if (isSession(open) && !after.some(({ id }) => id === open.id)) claims.closeSession(open)
  await requeued(claims, change)
  return { ok: true, receipt: receipt === null ? null : located(parts, chain, receipt) }
}

/** What has become of items, as far as that can be told now: one that stays listed leads to what counts, which is here. */
async function requeued(claims: Claims, { subject, review_items = [], at }: Change): Promise<void> {
  const changed = review_items.filter(({ claim, result }) => claim !== undefined || result)
  if (changed.length > 0) await claims.queueReviews(subject, changed, at).catch(() => {})
}

/**
 * When this object has to wake by itself should it die before the answer, or forget something later. A plain decision needs
 * none of that: if nobody was told of it nobody waits for it, and whoever asks next finds its record and sends it first.
 */
function watchedFrom(
  parts: Pick<EdgeLedgerParts, 'clock' | 'retention'>,
  change: Change,
): EpochMs | null {
  const { record, decision, opens, idempotency, rechecks } = change
  const times: EpochMs[] = []
  // Co-hosts would count the broadcast for its whole lease, until somebody asks here.
  const shared = opens !== undefined && record !== null && disclosedCohosts(record).length > 0
  if (shared || (record !== null && decision === undefined)) times.push(due(parts, TEND_AFTER_MS))
  // What it marks has to be looked at whether or not this object lives on.
  if (rechecks !== undefined) times.push(due(parts, TEND_AFTER_MS))
  if (isSession(opens)) times.push(endOf(opens))
  if (idempotency !== undefined) times.push(idempotency.expires_at)
  const expiry = parts.retention === undefined ? null : expiryOf(parts.retention, change)
  if (expiry !== null) times.push(expiry)
  return times.length === 0 ? null : epochMs(Math.min(...times))
}

async function write(
  { sql, writer, object }: EdgeLedgerParts,
  chain: Chain,
  change: Change,
): Promise<CommitResult> {
  const { entries, subjects, outbox, insertRow } = chain
  const parts = { sql, writer, subjects, entries, insertRow }
  const result = await writer.write(() => applyChange(parts, change))
  if (result.ok && result.receipt !== null && change.record !== null) {
    const { record } = change
    outbox.hold(entryOfChange(object, change, { seq: result.receipt.index + 1, record }))
  }
  return result
}

/** Resolves when the log has the change's record. */
async function logged(parts: EdgeLedgerParts, chain: Chain, change: Change): Promise<void> {
  try {
    await chain.outbox.drain()
    if (!isAsSigned(parts, chain, change)) throw signedAnew()
  } catch (error) {
    await unanswered(parts, chain, change)
    throw error
  }
}

/** False once other bytes stand for the change's record (outbox-renewal.ts): what was about to be answered is in no log. */
function isAsSigned(
  { sql }: EdgeLedgerParts,
  { subjects }: Chain,
  { subject, record }: Change,
): boolean {
  if (record === null) return true
  if (subjects.load(subject).state.head === toBase64Url(record.leaf)) return true
  return sql.get('SELECT idx FROM records WHERE leaf = ?', record.leaf) !== undefined
}

function signedAnew(): LivegateError {
  return new LivegateError(
    'log_unavailable',
    'Cannot log: the key of the record ended meanwhile; it was signed anew',
    { retry_after_s: 1 },
  )
}

/** Nobody was told of it and nobody may be: what it opened must not count for a whole lease. */
async function unanswered(parts: EdgeLedgerParts, chain: Chain, change: Change): Promise<void> {
  const { sql, writer, alarm } = parts
  const { opens } = change
  await alarm.known()
  const soon = alarm.arm(due(parts, jittered(parts.random, RETRY_AFTER_MS)))
  if (opens === undefined) return soon
  await Promise.all([
    writer.write(() => shorten(sql, 'subject', { whose: change.subject, id: opens.id })),
    soon,
  ])
  chain.subjects.aborted()
}

function located({ origin }: EdgeLedgerParts, chain: Chain, receipt: Receipt): Receipt {
  const index = chain.places.of(receipt.index)
  if (index === null)
    throw new LivegateError('internal', 'Cannot give a receipt: the record has no place in the log')
  return { ...receipt, origin, index }
}

function due({ clock }: Pick<EdgeLedgerParts, 'clock'>, delay_ms: number): EpochMs {
  return epochMs(clock.now() + delay_ms)
}
