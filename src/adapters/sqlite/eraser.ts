/**
 * Removes what is left of erased subjects: row by row in small transactions, then the bytes.
 *
 * A step is a few milliseconds, so decisions go on beside it; where it got is in the same transaction, so it goes on after
 * a crash. A chain is walked from its newest record; the openings of records that name the subject as a co-host lose what
 * names it. When no row is left the host makes room (`vacate`): only then is nothing left in free pages and journals.
 * Spec: docs/spec/storage.md, "Erasure". Next stop: erasure-rows.ts.
 */
import { groupIn, withoutCohosts } from '../../core/record/cohost-openings.ts'
import { appearancesOf, dropAppearances } from './cohosts.ts'
import {
  moveCursor,
  nextPurging,
  type Purging,
  setDone,
  setVacating,
  vacatingIds,
} from './erasure-rows.ts'
import { dropAnswers } from './idempotency.ts'
import { integerOrNull, type Row, type Sql, text, textOrNull, type Writer } from './sql.ts'
import { dropLetters } from './webhook-outbox.ts'

export interface EraserParts {
  readonly sql: Sql
  readonly writer: Writer
  /** Makes every byte that was freed before the call unreadable; false when something was in the way: asked again. */
  readonly vacate: () => Promise<boolean>
  readonly after: (delay_ms: number, fire: () => void) => () => void
  /** A step failed and will be tried again. */
  readonly onError: (error: unknown) => void
  /** Erasures whose last byte is gone, by the instants they began. */
  readonly onDone?: (began: readonly number[]) => void
}

export interface Eraser {
  /** Something is to be removed: goes on until nothing is. */
  poke(): void
  /** Resolves the next time nothing is left to remove, or after `wait_ms`. */
  turned(wait_ms: number): Promise<void>
  /** Ends after the step under way; what is left is done when the store opens again. */
  stop(): Promise<void>
}

/** Rows one step touches: some 5 ms. */
export const ROWS_PER_STEP = 128
/** When something was in the way, or failed: then twice as long each time, because a log that has halted stays so. */
const RETRY_MS = 200
const LONGEST_RETRY_MS = 60_000

export function createEraser(parts: EraserParts): Eraser {
  const { sql, writer, after, onError } = parts
  const waiting = new Set<() => void>()
  let running: Promise<void> | null = null
  let cancel = (): void => {}
  let stopped = false
  /** Tried again later. */
  let planned = false
  /** Steps that failed in a row. */
  let failed = 0

  async function step(): Promise<'more' | 'idle' | 'later'> {
    const purging = nextPurging(sql)
    if (purging !== null) {
      await writer.write(() => purge(sql, purging), 64 * 1024)
      return 'more'
    }
    const ids = vacatingIds(sql)
    if (ids.length === 0) return 'idle'
    if (!(await parts.vacate())) return 'later'
    const began = await writer.write(() => setDone(sql, ids))
    if (began.length > 0) parts.onDone?.(began)
    return 'more'
  }

  async function tried(): Promise<'more' | 'idle' | 'later'> {
    try {
      const next = await step()
      failed = 0
      return next
    } catch (error) {
      failed++
      if (!stopped) onError(error)
      return 'later'
    }
  }

  async function run(): Promise<void> {
    for (let next = await tried(); !stopped; next = await tried()) {
      if (next === 'later') return again()
      if (next === 'more') continue
      for (const tell of [...waiting]) tell()
      return
    }
  }

  function again(): void {
    const delay_ms = Math.min(RETRY_MS * 2 ** Math.max(0, failed - 1), LONGEST_RETRY_MS)
    planned = true
    cancel = after(delay_ms, poke)
  }

  function poke(): void {
    if (running !== null || stopped) return
    cancel()
    planned = false
    running = run().finally(() => {
      running = null
      // Somebody may have begun while the last look was on its way; what failed waits for its time.
      if (!stopped && !planned && nextPurging(sql) !== null) poke()
    })
  }

  return {
    poke,
    turned: (wait_ms) =>
      new Promise((resolve) => {
        const tell = (): void => {
          cancelTimer()
          waiting.delete(tell)
          resolve()
        }
        const cancelTimer = after(wait_ms, tell)
        waiting.add(tell)
      }),
    async stop() {
      stopped = true
      cancel()
      for (const tell of [...waiting]) tell()
      await running
    },
  }
}

/** One bounded step. Inside a transaction only. */
export function purge(sql: Sql, purging: Purging): void {
  const { id, subject, rid, cursor, bound } = purging
  if (cursor !== null) {
    moveCursor(sql, id, purgeRecords(sql, cursor))
    return
  }
  const appearances = appearancesOf(sql, subject, { below: bound, limit: ROWS_PER_STEP })
  for (const idx of appearances) purgeAppearance(sql, subject, idx)
  if (appearances.length > 0) return
  if (rid !== null && dropAnswers(sql, rid, ROWS_PER_STEP) > 0) return
  setVacating(sql, id)
}

const RECORD = `SELECT r.prev_idx, r.outcome, e.openings FROM records r JOIN entries e ON e.idx = r.idx
  WHERE r.idx = ?`

/** From one record back along its chain; where to go on, null at its beginning. */
function purgeRecords(sql: Sql, from: number): number | null {
  let idx: number | null = from
  for (let n = 0; n < ROWS_PER_STEP && idx !== null; n++) {
    const row = sql.get(RECORD, idx)
    if (row === undefined) return null
    stripRecord(sql, row, idx)
    sql.run('DELETE FROM records WHERE idx = ?', idx)
    idx = integerOrNull(row, 'prev_idx')
  }
  return idx
}

/** Takes the openings of a record, given its row's `outcome` and `openings`. Inside a transaction only. */
export function stripRecord(sql: Sql, row: Row, idx: number): void {
  purgeNamed(sql, row, idx)
  dropLetters(sql, idx)
  sql.run('UPDATE entries SET openings = NULL WHERE idx = ?', idx)
}

/** What says of others that this record is about them too. */
function purgeNamed(sql: Sql, row: Row, idx: number): void {
  const openings = openingsIn(row)
  const { cohosts = [] } = (groupIn(openings, 'subject') ?? {}) as { cohosts?: readonly string[] }
  if (cohosts.length === 0) return
  dropAppearances(sql, cohosts, idx)
  if (textOrNull(row, 'outcome') === null) return
  const { hosts = [] } = (groupIn(openings, 'facts') ?? {}) as {
    hosts?: readonly { readonly strikes: readonly { readonly id: string }[] }[]
  }
  const strikes = hosts.slice(1).flatMap((host) => host.strikes.map(({ id }) => id))
  dropReliance(sql, strikes, idx)
}

function dropReliance(sql: Sql, strikes: readonly string[], idx: number): void {
  if (strikes.length === 0) return
  sql.run(
    'DELETE FROM reliance WHERE idx = ? AND strike IN (SELECT value FROM json_each(?))',
    idx,
    JSON.stringify(strikes),
  )
}

/** A record of somebody else's keeps the groups that do not name the subject. */
function purgeAppearance(sql: Sql, subject: string, idx: number): void {
  const row = sql.get('SELECT openings FROM entries WHERE idx = ?', idx)
  if (row !== undefined && textOrNull(row, 'openings') !== null) {
    const left = JSON.stringify(withoutCohosts(openingsIn(row)))
    sql.run('UPDATE entries SET openings = ? WHERE idx = ?', left, idx)
  }
  dropAppearances(sql, [subject], idx)
  dropLetters(sql, idx)
}

function openingsIn(row: Row): Readonly<Record<string, string>> {
  const openings = textOrNull(row, 'openings')
  return openings === null ? {} : (JSON.parse(text(row, 'openings')) as Record<string, string>)
}
