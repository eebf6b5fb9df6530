/**
 * Which keys a log says its checkpoints are signed with, and whether the one at hand is.
 *
 * An auditor who holds one verifier key learns the next from the log: a record key in force has signed its record, and a
 * checkpoint under the known key covers it. While both are in force either will do. Signatures on notes are checked
 * where there is an Ed25519 for it; here only whose they are. Spec: docs/spec/log.md, "Checkpoint keys".
 */
import type { OwnClaims } from '../record/groups.ts'
import type { RecordKey } from '../record/jwk.ts'
import { vkeyOf } from '../record/key-history.ts'
import type { Findings } from './findings.ts'
import { KeyBook, type KeyState } from './keys.ts'
import type { SignedHead } from './tree.ts'

export class CheckpointKeys {
  readonly #origin: string
  readonly #book: KeyBook
  /** False after a state that did not follow them. */
  readonly #whole: boolean

  constructor(
    origin: string,
    state: { readonly checkpoint_keys?: readonly KeyState[] } | undefined,
  ) {
    this.#origin = origin
    this.#whole = state === undefined || state.checkpoint_keys !== undefined
    this.#book = new KeyBook(state?.checkpoint_keys, { use: 'checkpoint', whole: this.#whole })
  }

  keys(): readonly RecordKey[] {
    return [...this.#book.ring().values()]
  }

  /** Every key the log ever named. */
  vkeys(): readonly string[] {
    return this.keys().map(({ jwk }) => vkeyOf(jwk.x, this.#origin))
  }

  /** A key record whose own key is in force. */
  learn(claims: OwnClaims['key'], index: number, findings: Findings): void {
    const before = this.#book.ring().size
    this.#book.learn(claims, index, findings)
    if (claims.use === 'checkpoint' && before > 0 && this.#book.ring().size > before)
      findings.note(
        'checkpoint_key_new',
        index,
        `Another key signs checkpoints from here on: ${vkeyOf(claims.jwk.x, this.#origin)}`,
      )
  }

  /** After the last entry. */
  finish({ size, signed_by, spoiled_by = [] }: SignedHead, findings: Findings): void {
    for (const key of this.keys())
      if (spoiled_by.includes(key.jwk.x))
        findings.add(
          'checkpoint_key',
          null,
          `The signature of checkpoint key ${key.kid} on the checkpoint is not over its text`,
        )
    if (signed_by === undefined || !this.#whole || this.keys().length === 0) return
    const inForce = this.keys().some(
      ({ jwk, from, until }) =>
        signed_by.includes(jwk.x) && size >= from && (until === null || size <= until),
    )
    if (!inForce)
      findings.add(
        'checkpoint_key',
        null,
        `The checkpoint of ${size} entries is signed by no checkpoint key the log names as in force`,
      )
  }

  state(): { readonly checkpoint_keys?: readonly KeyState[] } {
    return this.#whole ? { checkpoint_keys: this.#book.state() } : {}
  }
}
