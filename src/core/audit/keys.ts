/**
 * Learns from the log which key was in force at which index: record keys, and in a book of their own checkpoint keys.
 *
 * Entry 0 is the first record key, signed by itself. A later key is announced by a record of a key in force and counts
 * from the next index; a retired key ends with its retirement record; a revoked one ends where the record says, even
 * before it. Today's JWKS plays no part. A checkpoint's key is in force at the size of its tree. Spec: docs/spec/record.md, "Keys".
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
  /** It did not end in peace. */
  readonly revoked?: true
}

export class KeyBook {
  readonly #keys = new Map<string, RecordKey>()

  readonly #use: KeyClaims['use']
  /** False when the records before are not known: then nothing follows from a key that is missing. */
  readonly #whole: boolean

  constructor(
    state: readonly KeyState[] = [],
    { use = 'record', whole = true }: { use?: KeyClaims['use']; whole?: boolean } = {},
  ) {
    this.#use = use
    this.#whole = whole
    for (const { jwk, from, until, revoked } of state) {
      const key = { ...recordKey(jwk, from), until }
      this.#keys.set(key.kid, revoked === true ? { ...key, revoked } : key)
    }
  }

  ring(): KeyRing {
    return this.#keys
  }

  state(): readonly KeyState[] {
    return [...this.#keys.values()].map(({ jwk, from, until, revoked }) => ({
      ...{ jwk, from, until },
      ...(revoked === true ? { revoked } : {}),
    }))
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

  /** A later key record whose own key is in force; those of another use are another book's. */
  learn(claims: KeyClaims, index: number, findings: Findings): void {
    if (claims.use !== this.#use) return
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
      if (!this.#whole) return
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
        this.#use === 'record'
          ? `Key ${known.kid} is withdrawn from index ${until} on: its entries from ${until} to ${index} prove nothing by themselves`
          : `Checkpoint key ${known.kid} is withdrawn from size ${until} on: checkpoints of ${until} to ${index} entries that it alone has signed prove nothing by themselves`,
      )
    const revoked = claims.status === 'revoked' ? ({ revoked: true } as const) : {}
    this.#keys.set(known.kid, { ...known, until, ...revoked })
  }
}
