/**
 * Retention in one subject's object: what is past its time goes when the object's own alarm says so, at most once a day.
 *
 * Nobody can list objects, so each looks after itself: its first record that may ever go sets the alarm, and an object with nothing
 * that expires has none. Openings go here; whether a strike may go is a question of policy (gate/retention.ts). A legal hold puts
 * everything off until its end. Spec: docs/erasure.md, "Retention". From: subject-tending.ts.
 */

import type { SubjectId } from '../../core/model.ts'
import { groupIn } from '../../core/record/cohost-openings.ts'
import { keptFor, type RetainedKind, type RetentionRules } from '../../core/retention.ts'
import { DAY_MS, type EpochMs, epochMs } from '../../core/time.ts'
import type { Retained } from '../../gate/retention.ts'
import type { Change, Clock, Observe } from '../../ports.ts'
import { legalHoldOf } from '../sqlite/legal-holds.ts'
import { integer, integerOrNull, type Sql, text, type Writer } from '../sqlite/sql.ts'
import type { ChainStore } from './chain-store.ts'
import { CONTENTS_GONE } from './late-row.ts'
import type { Elsewhere } from './subject-erasing.ts'
import type { SubjectSaid } from './subject-mentions.ts'

export interface RetentionParts {
  readonly rules: RetentionRules
  readonly sql: Sql
  readonly writer: Writer
  readonly store: ChainStore
  readonly subject: SubjectId
  readonly clock: Clock
  readonly elsewhere: Pick<Elsewhere, 'unhost'>
  /** One step of the gate's, in the subject's turn. */
  readonly retain: () => Promise<Retained>
  readonly observe: Observe
}

export interface SubjectRetention {
  /** When there is something to look at next; null when nothing ever goes. */
  due(): number | null
  /** Removes what is past its time. */
  sweep(): Promise<void>
}

const KINDS: Readonly<Record<string, RetainedKind>> = {
  decision: 'decisions',
  broadcast: 'broadcasts',
  review: 'reviews',
}
/** A strike past its time that still counts is looked at again after this. */
const COUNTS_STILL_MS: number = 7 * DAY_MS
/** Rows of one transaction. */
const ROWS_PER_STEP = 256

const OLDEST = 'SELECT kind, min(at) AS at FROM records WHERE openings IS NOT NULL GROUP BY kind'
const STRIKES = 'SELECT effective_at, doc FROM strikes'
const PAST = `SELECT idx, openings FROM records
  WHERE kind = ? AND at < ? AND openings IS NOT NULL ORDER BY idx LIMIT ${ROWS_PER_STEP}`

/** When what a change writes may go: the object has to wake by then. Null when it never does. */
export function expiryOf(rules: RetentionRules, { at, record, strike }: Change): EpochMs | null {
  const kind = record === null ? undefined : KINDS[record.kind]
  const kept = kind === undefined ? Number.POSITIVE_INFINITY : lengthOf(rules, kind)
  const struck = strike === undefined ? Number.POSITIVE_INFINITY : keptFor(rules, strike.category)
  const ends = Math.min(at + kept, strike === undefined ? struck : strike.effective_at + struck)
  return Number.isFinite(ends) ? dayAfter(ends) : null
}

export function createSubjectRetention(parts: RetentionParts): SubjectRetention {
  const { rules, sql, store, subject, clock } = parts
  const heldUntil = (): number => legalHoldOf(sql, subject)?.until ?? 0

  function due(): number | null {
    if (store.peek() === null) return null
    const now = clock.now()
    const ends = [...openingsEnd(sql, rules)]
    for (const end of strikesEnd(sql, rules)) ends.push(end > now ? end : now + COUNTS_STILL_MS)
    const next = Math.min(...ends)
    return Number.isFinite(next) ? Math.max(dayAfter(next), heldUntil()) : null
  }

  return {
    due,
    async sweep() {
      const now = clock.now()
      if (store.peek() === null || heldUntil() > now) return
      for (const [kind, name] of Object.entries(KINDS)) {
        const length = lengthOf(rules, name)
        if (Number.isFinite(length)) await dropOpenings(parts, { kind, name, before: now - length })
      }
      if (![...strikesEnd(sql, rules)].some((end) => end <= now)) return
      for (let more = true; more; ) {
        const step = await parts.retain()
        if (step.strikes > 0) tell(parts, 'strikes', step.strikes)
        more = step.more
      }
    },
  }
}

function openingsEnd(sql: Sql, rules: RetentionRules): readonly number[] {
  if (Object.keys(rules.kinds).length === 0) return []
  return sql.all(OLDEST).flatMap((row) => {
    const kind = KINDS[text(row, 'kind')]
    const oldest = integerOrNull(row, 'at')
    return kind === undefined || oldest === null ? [] : [oldest + lengthOf(rules, kind)]
  })
}

function strikesEnd(sql: Sql, rules: RetentionRules): readonly number[] {
  if (rules.strikes.size === 0) return []
  return sql.all(STRIKES).map((row) => {
    const { category } = JSON.parse(text(row, 'doc')) as { readonly category: string }
    return integer(row, 'effective_at') + keptFor(rules, category)
  })
}

async function dropOpenings(
  parts: RetentionParts,
  { kind, name, before }: { readonly kind: string; readonly name: string; readonly before: number },
): Promise<void> {
  const { sql, writer, elsewhere, subject } = parts
  for (;;) {
    const rows = sql.all(PAST, kind, before)
    if (rows.length === 0) return
    for (const [cohost, seqs] of namedIn(
      rows.map((row) => [integer(row, 'idx'), text(row, 'openings')]),
    ))
      await elsewhere.unhost(cohost, subject, seqs)
    const places = JSON.stringify(rows.map((row) => integer(row, 'idx')))
    await writer.write(() =>
      sql.run(
        `UPDATE records SET ${CONTENTS_GONE} WHERE idx IN (SELECT value FROM json_each(?))`,
        places,
      ),
    )
    tell(parts, name, rows.length)
  }
}

/** Whom records name, with the `seq` of each. */
function namedIn(
  records: readonly (readonly [idx: number, openings: string])[],
): ReadonlyMap<string, readonly number[]> {
  const named = new Map<string, number[]>()
  for (const [idx, openings] of records) {
    const groups = JSON.parse(openings) as Readonly<Record<string, string>>
    const { cohosts = [] } = (groupIn(groups, 'subject') ?? {}) as SubjectSaid
    for (const cohost of cohosts) named.set(cohost, [...(named.get(cohost) ?? []), idx + 1])
  }
  return named
}

function lengthOf({ kinds }: RetentionRules, kind: RetainedKind): number {
  return kinds[kind] ?? Number.POSITIVE_INFINITY
}

/** All of a day goes together, behind its end: an object wakes once a day at most. */
function dayAfter(at: number): EpochMs {
  return epochMs((Math.floor(at / DAY_MS) + 1) * DAY_MS)
}

function tell({ observe }: RetentionParts, what: string, count: number): void {
  observe({ type: 'retained', what, count })
}
