/**
 * Policy texts out of the log: every revision that was ever logged whole, newest first, its exact bytes by digest.
 *
 * The log is the only copy; there is no second one that could differ. A text is checked against its digest whenever it
 * is read.
 */
import { textFromBase64Url } from '../../core/encoding.ts'
import type { OwnClaims } from '../../core/record/groups.ts'
import { joinPolicyParts } from '../../core/record/policy-parts.ts'
import { type EpochMs, epochMs } from '../../core/time.ts'
import { type Sql, text } from './sql.ts'

export interface LoggedPolicy {
  readonly digest: string
  /** When its first part was signed, to the second. */
  readonly logged_at: EpochMs
}

export interface PolicyTexts {
  list(): readonly LoggedPolicy[]
  /** Null when the log does not hold the whole text. */
  text(digest: string): Uint8Array | null
}

export function createPolicyTexts(sql: Sql): PolicyTexts {
  return {
    list: () =>
      sql
        .all(
          `SELECT r.name, e.jws FROM log_requirements r JOIN entries e ON e.idx = r.idx
           WHERE r.name LIKE 'sha256-%' AND r.part = 1 ORDER BY r.idx DESC`,
        )
        .map((row) => ({
          digest: text(row, 'name'),
          logged_at: epochMs(1000 * claimsOf(text(row, 'jws')).iat),
        })),
    text(digest) {
      const rows = sql.all(
        'SELECT e.jws FROM log_requirements r JOIN entries e ON e.idx = r.idx WHERE r.name = ?',
        digest,
      )
      const joined = joinPolicyParts(rows.map((row) => claimsOf(text(row, 'jws'))))
      return joined.ok ? joined.value : null
    },
  }
}

type PolicyClaims = OwnClaims['policy'] & { readonly iat: number }

function claimsOf(jws: string): PolicyClaims {
  return JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? 'null') as PolicyClaims
}
