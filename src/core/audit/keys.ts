/**
 * Learns from the log which record key was in force at which index.
 *
 * Entry 0 is the first record key, signed by itself. A later key is announced by a record of a key in force and counts
 * from the next index; a retired key ends with its retirement record; a revoked one ends where the record says, even
 * before it. Today's JWKS plays no part. Spec: docs/spec/record.md, "Keys".
 */
import type { OwnClaims } from '../record/groups.ts'
import { type KeyRing, type RecordKey, recordKey, thumbprint } from '../record/jwk.ts'
import type { Findings } from './findings.ts'
import type { ScannedRecord } from './scan.ts'

type KeyClaims = OwnClaims['key']

/** As stored between two audits. */
export interface KeyState {
  readonly jwk: KeyClaims['jwk']
  readonly from: number
  readonly until: number | null
}

export class KeyBook {
  readonly #keys = new Map<string, RecordKey>()

  constructor(state: readonly KeyState[] = []) {
    for (const { jwk, from, until } of state) {
      const key = recordKey(jwk, from)
      this.#keys.set(key.kid, { ...key, until })
    }
  }

  ring(): KeyRing {
    return this.#keys
  }

  state(): readonly KeyState[] {
    return [...this.#keys.values()].map(({ jwk, from, until }) => ({ jwk, from, until }))
  }

  /** Entry 0 must be an active record key that names itself as its signer. */
  first(record: ScannedRecord, findings: Findings): void {
    const good =
      record.kind === 'key' &&
      record.claims.use === 'record' &&
      record.claims.status === 'active' &&
      thumbprint(record.claims.jwk) === record.kid
    if (!good)
      findings.add(
        'first_not_key',
        0,
        'Entry 0 is not the record key it is signed with, expected a self-signed key record',
      )
    else this.#keys.set(record.kid, recordKey(record.claims.jwk, 0))
  }

  /** A later key record whose own key is in force. Checkpoint keys are the business of whoever holds the vkey. */
  learn(claims: KeyClaims, index: number, findings: Findings): void {
    if (claims.use !== 'record') return
    const kid = thumbprint(claims.jwk)
    const known = this.#keys.get(kid)
    if (claims.from !== undefined && claims.status !== 'revoked')
      findings.add('key_record', index, `Key ${kid} has \`from\` although it is not revoked`)
    if (claims.status === 'active') {
      if (known === undefined) this.#keys.set(kid, recordKey(claims.jwk, index + 1))
      else if (known.until !== null)
        findings.add('key_record', index, `Key ${kid} is activated again after its end`)
      return
    }
    if (known === undefined) {
      findings.add('key_record', index, `Key ${kid} is ${claims.status} but was never active`)
      return
    }
    this.#end(known, claims, index, findings)
  }

  #end(known: RecordKey, claims: KeyClaims, index: number, findings: Findings): void {
    const end = Math.min(index + 1, claims.from ?? index + 1)
    const until = Math.min(end, known.until ?? end)
    if (until <= index && (known.until === null || until < known.until))
      findings.note(
        'key_revoked',
        index,
        `Key ${known.kid} is withdrawn from index ${until} on: its entries from ${until} to ${index} prove nothing by themselves`,
      )
    this.#keys.set(known.kid, { ...known, until })
  }
}
