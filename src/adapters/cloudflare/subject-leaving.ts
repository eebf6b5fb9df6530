/**
 * How far the erasure of this object's subject has come: one row, which outlives the storage it is about.
 *
 *     begun → (the log has the record) logged → (nothing is left here or elsewhere) vacated → (the log knows) done
 *
 * It knows its subject only until the storage is gone; then it is what the answer says, until nobody asks any more.
 * Next stop: subject-erasing.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import type { SubjectId, Suppression } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Erasure, ErasureChange } from '../../ports.ts'
import { integer, type Sql, text } from '../sqlite/sql.ts'

export type Phase = 'begun' | 'logged' | 'vacated' | 'done'

/** What is kept of an erasure. */
export interface Leaving {
  readonly phase: Phase
  readonly at: EpochMs
  /** Name of this object. */
  readonly object: string
  readonly scope: Erasure['scope']
  readonly counts: Erasure['counts']
  readonly suppressed: number
  /** Id of the record, and its place once the log has it; null for a subject without a chain. */
  readonly record: string | null
  readonly receipt: Erasure['receipt']
  /** What is needed until the storage is gone; null after that. */
  readonly work: LeavingWork | null
}

export interface LeavingWork {
  readonly subject: SubjectId
  /** Records on the chain. */
  readonly seq: number
  readonly jws: string | null
  /** base64url. */
  readonly leaf: string | null
  readonly requires: readonly string[]
  readonly suppressions: readonly Suppression[]
}

/** The table; made when somebody is first erased. */
export const LEAVING_TABLE = `CREATE TABLE leaving (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    phase TEXT NOT NULL,
    at INTEGER NOT NULL,
    doc TEXT NOT NULL
  ) STRICT`

const PUT = 'INSERT OR REPLACE INTO leaving (one, phase, at, doc) VALUES (1, ?, ?, ?)'

export function leavingIn(sql: Sql): Leaving | null {
  const row = sql.get('SELECT phase, at, doc FROM leaving')
  if (row === undefined) return null
  const doc = JSON.parse(text(row, 'doc')) as Omit<Leaving, 'phase' | 'at'>
  return { ...doc, phase: text(row, 'phase') as Phase, at: integer(row, 'at') as EpochMs }
}

/** Inside a transaction only. */
export function putLeaving(sql: Sql, { phase, at, ...doc }: Leaving): void {
  sql.run(PUT, phase, at, JSON.stringify(doc))
}

/** It never was, or nobody asks for it any more. Inside a transaction only. */
export function dropLeaving(sql: Sql): void {
  sql.run('DELETE FROM leaving')
}

/** As it begins. */
export function leavingOf(object: string, change: ErasureChange): Leaving {
  const { at, scope, counts, record, requires, suppressions, subject, expect } = change
  const leaf = record === null ? null : toBase64Url(record.leaf)
  const work = { subject, seq: expect.seq, jws: record?.jws ?? null, leaf, requires, suppressions }
  return {
    phase: record === null ? 'logged' : 'begun',
    ...{ at, object, scope, counts, suppressed: suppressions.length, work },
    ...{ record: record?.id ?? null, receipt: null },
  }
}

/** As it is told. */
export function erasureOf(leaving: Leaving): Erasure {
  const { phase, scope, at, record, receipt, counts, suppressed } = leaving
  const state = phase === 'done' ? 'done' : 'pending'
  return { scope, at, state, record, receipt, counts, suppressed }
}
