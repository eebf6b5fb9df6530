/**
 * Answers given under an Idempotency-Key, found again by a hash of (caller, subject, key).
 *
 * The key itself is never stored. Rows past their time are removed a few at each insert, so there is no sweep that
 * could stall anybody. Scope and meaning: gate.ts. Next stop: directory.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8 } from '../../core/encoding.ts'
import type { EpochMs } from '../../core/time.ts'
import type { IdempotentAnswer } from '../../ports.ts'
import { integer, integerOrNull, type Sql, text } from './sql.ts'

/** Expired rows removed with each new one: more than one, so the table shrinks back after a rush. */
export const SWEPT_PER_INSERT = 4

/** Whose key it is. */
export interface IdempotencyScope {
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
  answer: { readonly subject: string; readonly at: EpochMs; readonly given: IdempotentAnswer },
): void {
  const { subject, at, given } = answer
  const { caller, key, fingerprint, decision, version, policy, incident } = given
  sql.run(SWEEP, at)
  const hash = hashOf({ caller, subject, key })
  const { valid_until, expires_at } = given
  sql.run(STORE, hash, fingerprint, decision, version, policy, incident, valid_until, expires_at)
}

function hashOf({ caller, subject, key }: IdempotencyScope): Uint8Array {
  return sha256(utf8(JSON.stringify([caller, subject, key])))
}
