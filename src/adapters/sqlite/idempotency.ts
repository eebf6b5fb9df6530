/**
 * Answers given under an Idempotency-Key, found again by the subject's row and a hash of (caller, subject, key).
 *
 * The key itself is never stored. Rows past their time are removed a few at each insert, so there is no sweep that
 * could stall anybody. Scope and meaning: gate.ts. Next stop: directory.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8 } from '../../core/encoding.ts'
import type { EpochMs } from '../../core/time.ts'
import type { IdempotentAnswer } from '../../ports.ts'
import { integer, integerOrNull, type Sql, text } from './sql.ts'

/** Expired rows removed with each new one: more than one, so the table shrinks back after a rush. */
export const SWEPT_PER_INSERT = 4

/** Whose key it is. */
export interface IdempotencyScope {
  /** Row of the subject: its answers lie beside each other, and go with it. */
  readonly rid: number
  readonly caller: string
  readonly subject: string
  readonly key: string
}

/** The stored answer, expired or not. */
export function findAnswer(sql: Sql, scope: IdempotencyScope): IdempotentAnswer | null {
  const row = sql.get('SELECT * FROM idempotency WHERE key = ?', hashOf(scope))
  if (row === undefined) return null
  return {
    caller: scope.caller,
    key: scope.key,
    fingerprint: text(row, 'fingerprint'),
    decision: text(row, 'decision'),
    version: integer(row, 'version'),
    policy: text(row, 'policy'),
    incident: text(row, 'incident'),
    valid_until: integerOrNull(row, 'valid_until') as EpochMs | null,
    expires_at: integer(row, 'expires_at') as EpochMs,
  }
}

const SWEEP = `DELETE FROM idempotency WHERE key IN
  (SELECT key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEPT_PER_INSERT})`
const STORE = `INSERT OR REPLACE INTO idempotency
  (key, fingerprint, decision, version, policy, incident, valid_until, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

/** Stores or replaces the answer of its key, and removes a few expired ones. Inside a transaction only. */
export function storeAnswer(
  sql: Sql,
  answer: {
    readonly rid: number
    readonly subject: string
    readonly at: EpochMs
    readonly given: IdempotentAnswer
  },
): void {
  const { rid, subject, at, given } = answer
  const { caller, key, fingerprint, decision, version, policy, incident } = given
  sql.run(SWEEP, at)
  const hash = hashOf({ rid, caller, subject, key })
  const { valid_until, expires_at } = given
  sql.run(STORE, hash, fingerprint, decision, version, policy, incident, valid_until, expires_at)
}

const DROP = `DELETE FROM idempotency WHERE key IN
  (SELECT key FROM idempotency WHERE key >= ? AND key < ? LIMIT ?) RETURNING key`

/** Removes answers of a subject's row; how many. Inside a transaction only. */
export function dropAnswers(sql: Sql, rid: number, limit: number): number {
  return sql.all(DROP, prefixOf(rid), prefixOf(rid + 1), limit).length
}

/** The place of a subject's answers, then a hash: rows of one that is gone are never taken for those of another. */
function hashOf({ rid, caller, subject, key }: IdempotencyScope): Uint8Array {
  const hash = sha256(utf8(JSON.stringify([caller, subject, key])))
  return concatBytes(prefixOf(rid), hash.subarray(0, 24))
}

function prefixOf(rid: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(rid))
  return bytes
}
