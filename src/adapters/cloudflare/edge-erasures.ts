/**
 * The Erasures port of one subject's object.
 *
 * Beginning writes down here what is to be done, then the log gets its record; everything after that goes on by itself, and whoever
 * asks about the subject meanwhile waits for it (edge-ledger.ts). What is forgotten of a subject that stays is logged first, then
 * removed. Duties: gate/erasure-port.ts. Next stop: subject-erasing.ts.
 */

import { toBase64Url } from '../../core/encoding.ts'
import { ERASURE_KNOWN_MS } from '../../core/limits.ts'
import type { SubjectId } from '../../core/model.ts'
import { groupIn } from '../../core/record/cohost-openings.ts'
import { epochMs } from '../../core/time.ts'
import type { After } from '../../gate/context.ts'
import type {
  CommitFailure,
  CommitResult,
  Erasure,
  ErasureChange,
  ErasureCounts,
  Erasures,
  ForgetChange,
  StoredRecord,
} from '../../ports.ts'
import { requireEntry } from '../sqlite/entries.ts'
import { dropLegalHold, legalHoldOf, putLegalHold } from '../sqlite/legal-holds.ts'
import { bytes, integer, integerOrNull, type Sql, textOrNull } from '../sqlite/sql.ts'
import { NOBODY } from '../sqlite/subject-doc.ts'
import { TEND_AFTER_MS } from './edge-ledger.ts'
import { CONTENTS_GONE } from './late-row.ts'
import { recordsOfChain } from './object-directory.ts'
import { opened, type SequencerRpc } from './rpc.ts'
import type { Erasing, ErasingParts } from './subject-erasing.ts'
import { erasureOf, leavingIn, leavingOf, putLeaving } from './subject-leaving.ts'

export interface EdgeErasuresParts extends ErasingParts {
  readonly erasing: Erasing
  readonly log: ErasingParts['log'] & Pick<SequencerRpc, 'forgetStrikes'>
  /** As of the ledger's. */
  readonly has: (requirement: string) => boolean | Promise<boolean>
  readonly after: After
}

export function createEdgeErasures(parts: EdgeErasuresParts): Erasures {
  const { sql, writer, erasing, clock, after } = parts
  /** However long ago. */
  const newest = (): Erasure | null => {
    const leaving = leavingIn(sql)
    // Before the log has its record it may yet turn out not to be.
    return leaving === null || leaving.phase === 'begun' ? null : erasureOf(leaving)
  }
  const find = (): Erasure | null => {
    const erasure = newest()
    const over = erasure !== null && clock.now() - erasure.at >= ERASURE_KNOWN_MS
    return over && erasure.state === 'done' ? null : erasure
  }
  return {
    inventory: (subject) => inventory(parts, subject),
    find,
    begin: (change) => begin(parts, change),
    async finish(_subject, wait_ms) {
      await Promise.race([
        erasing.carryOn().catch(nothing),
        new Promise<void>((resolve) => void after(wait_ms, resolve)),
      ])
      return newest()
    },
    leaves: (_subject, strikes) => strikes.flatMap((strike) => leafOf(sql, strike) ?? []),
    forget: (change) => forget(parts, change),
    legalHold: (subject) => legalHoldOf(sql, subject),
    hold: (hold) => writer.write(() => putLegalHold(sql, hold)),
    async lift(subject) {
      const lifted = await writer.write(() => dropLegalHold(sql, subject))
      // What it has kept may be past its time.
      if (lifted) await parts.alarm.known()
      if (lifted) await parts.alarm.arm(epochMs(clock.now() + TEND_AFTER_MS))
      return lifted
    },
    chain: (_subject, page) => chainOf(parts, page),
  }
}

async function inventory(
  { sql, store, elsewhere }: EdgeErasuresParts,
  subject: SubjectId,
): Promise<ErasureCounts | null> {
  const stream_keys = await elsewhere.keys(subject)
  const entry = store.peek()?.subjects.load(subject)
  const noted = sql.get('SELECT count(*) AS count FROM cohosts')
  const appearances = noted === undefined ? 0 : integer(noted, 'count')
  const there = entry !== undefined && entry.rid !== null
  if (!there && stream_keys === 0 && appearances === 0) return null
  const { seq, strikes, facts, holds, reviews, broadcasts } = entry?.state ?? NOBODY
  return {
    ...{ records: seq, strikes: strikes.length, facts: Object.keys(facts).length },
    ...{ holds: holds.length, reviews: reviews.length, broadcasts: broadcasts.length },
    ...{ appearances, stream_keys },
  }
}

async function refusalOf(
  { store, has, alarm }: EdgeErasuresParts,
  { subject, expect, requires }: Pick<ErasureChange, 'subject' | 'expect' | 'requires'>,
): Promise<CommitFailure | null> {
  for (const name of requires) if (!(await has(name))) return 'requires'
  await alarm.known()
  const { seq, head, version } = store.peek()?.subjects.load(subject).state ?? NOBODY
  const same = expect.seq === seq && expect.head === head && expect.version === version
  return same ? null : 'conflict'
}

async function begin(parts: EdgeErasuresParts, change: ErasureChange): Promise<CommitResult> {
  const { sql, writer, alarm, clock, erasing, object } = parts
  if (change.record !== null) requireEntry(change.record)
  const error = await refusalOf(parts, change)
  if (error !== null) return { ok: false, error }
  // In one turn of the event loop, and so in one commit.
  const armed = alarm.arm(epochMs(clock.now() + TEND_AFTER_MS))
  const noted = writer.write(() => putLeaving(sql, leavingOf(object, change)))
  await Promise.all([armed, noted])
  const refused = await erasing.logged()
  if (refused !== null) return { ok: false, error: refused }
  const receipt = leavingIn(sql)?.receipt ?? null
  // Whoever asks about the subject goes on with it, and so does the alarm.
  erasing.carryOn().catch(nothing)
  return { ok: true, receipt }
}

async function forget(parts: EdgeErasuresParts, change: ForgetChange): Promise<CommitResult> {
  const { sql, writer, store, object, origin, log, elsewhere } = parts
  const { subject, expect, record, requires, strikes } = change
  requireEntry(record)
  const error = await refusalOf(parts, change)
  if (error !== null) return { ok: false, error }
  const chain = store.peek()
  const state = chain?.subjects.load(subject).state ?? NOBODY
  const gone = new Set(strikes)
  const left = state.strikes.filter(({ id }) => !gone.has(id))
  if (chain === null || left.length !== state.strikes.length - gone.size)
    return { ok: false, error: 'conflict' }
  // The record first: an auditor must never meet a strike that is gone without it.
  const asked = { object, seq: expect.seq, record, requires, strikes }
  const logged = await opened(log.forgetStrikes(asked))
  if ('refused' in logged) return { ok: false, error: logged.refused }
  await elsewhere.releaseStrikes(subject, strikes)
  const places = [
    ...strikes.map((strike) => indexOfStrike(sql, strike)),
    ...reversalsOf(sql, strikes),
  ]
  const list = JSON.stringify(strikes)
  const done = await writer.write(() => {
    const next = { ...state, strikes: left, version: state.version + 1 }
    if (!chain.subjects.replace(subject, expect, next)) return false
    for (const idx of places)
      if (idx !== null) sql.run(`UPDATE records SET ${CONTENTS_GONE} WHERE idx = ?`, idx)
    sql.run('DELETE FROM reliance WHERE strike IN (SELECT value FROM json_each(?))', list)
    sql.run('DELETE FROM strikes WHERE id IN (SELECT value FROM json_each(?))', list)
    return true
  })
  if (!done) return { ok: false, error: 'conflict' }
  return { ok: true, receipt: { origin, index: logged.index, leaf: toBase64Url(record.leaf) } }
}

/** Records that reversed one of the strikes; one that cannot be read counts. */
function reversalsOf(sql: Sql, strikes: readonly string[]): readonly number[] {
  return sql
    .all("SELECT idx, openings FROM records WHERE kind = 'reversal' AND openings IS NOT NULL")
    .filter((row) => {
      const openings = JSON.parse(textOrNull(row, 'openings') ?? '{}') as Record<string, string>
      const { strike } = (groupIn(openings, 'facts') ?? {}) as { strike?: string }
      return strike === undefined || strikes.includes(strike)
    })
    .map((row) => integer(row, 'idx'))
}

function leafOf(sql: Sql, strike: string): string | null {
  const idx = indexOfStrike(sql, strike)
  const row = idx === null ? undefined : sql.get('SELECT leaf FROM records WHERE idx = ?', idx)
  return row === undefined ? null : toBase64Url(bytes(row, 'leaf'))
}

function indexOfStrike(sql: Sql, strike: string): number | null {
  const row = sql.get('SELECT idx FROM strikes WHERE id = ?', strike)
  return row === undefined ? null : integerOrNull(row, 'idx')
}

async function chainOf(
  { sql, store, origin }: EdgeErasuresParts,
  { before_seq, limit }: { readonly before_seq: number | null; readonly limit: number },
): Promise<readonly StoredRecord[]> {
  const size = store.peek()?.entries.size() ?? 0
  const newest = Math.min(size, (before_seq ?? size + 1) - 1)
  const seqs = Array.from({ length: Math.max(0, Math.min(limit, newest)) }, (_, i) => newest - i)
  const records: StoredRecord[] = []
  while (records.length < seqs.length) {
    const more = await recordsOfChain({ sql, store, origin }, seqs.slice(records.length))
    if (more.length === 0) break
    records.push(...more)
  }
  return records
}

/** Tried again by whoever asks next, and by the alarm. */
function nothing(): void {}
