/**
 * The keys of a data directory and of its log, together: which private key signs, which public keys others verify with.
 *
 * What the log says of a key counts, and is read anew when somebody asks. Files: key-files.ts. Which key signs:
 * gate/signing.ts.
 */
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import { type LoggedKey, vkeyOf, vkeysInForce } from '../../core/record/key-history.ts'
import { createSigning, type Signing } from '../../gate/signing.ts'
import type { Pepper, RecordSigner } from '../../ports.ts'
import { keysOf, recordKeysOf } from '../sqlite/entries.ts'
import type { Sql } from '../sqlite/sql.ts'
import type { KeyFiles } from './key-files.ts'

export interface StoreKeys {
  /** Of records; another key from one to the next when keys are exchanged. */
  readonly signer: RecordSigner
  readonly pepper: Pepper
  /** Which of the private keys here sign. */
  readonly signing: Signing
  /** Where the private keys are. */
  readonly keyFiles: KeyFiles
  /** Every key of the log, and what has become of it. */
  keys(): readonly LoggedKey[]
  /** Record keys to verify with, for JWKS: retired ones too, revoked ones not. */
  recordKeys(): readonly Ed25519Jwk[]
  /** Verifier keys of the log's checkpoints, one for each key in force, oldest first. */
  vkeys(): readonly string[]
}

/** Keys as they are at this moment; before the log's first entry they are in their files only. */
export interface KeysNow {
  /** Public half of the key records are signed with. */
  readonly recordJwk: Ed25519Jwk
  /** Verifier key of the newest checkpoint key. */
  readonly vkey: string
}

export function createStoreKeys(parts: {
  readonly sql: Sql
  readonly keyFiles: KeyFiles
  readonly origin: string
}): { readonly own: StoreKeys; now(): KeysNow } {
  const { sql, keyFiles, origin } = parts
  const keys = (): readonly LoggedKey[] => keysOf(sql)
  const signing = createSigning({ held: keyFiles.held, history: keys })
  const vkeys = (): readonly string[] => {
    const known = vkeysInForce(keys(), origin)
    const [first] = keyFiles.held().checkpoint
    return known.length > 0 || first === undefined ? known : [vkeyOf(first.x, origin)]
  }
  return {
    own: {
      ...{ signer: signing.signer, pepper: keyFiles.pepper, signing, keyFiles, keys, vkeys },
      recordKeys: () => recordKeysOf(sql).map(jwkOf),
    },
    now() {
      const kid = signing.kids('record').at(-1)
      const { x = '' } = keyFiles.held().record.find((key) => key.kid === kid) ?? {}
      return { recordJwk: jwkOf(x), vkey: vkeys().at(-1) ?? '' }
    },
  }
}

function jwkOf(x: string): Ed25519Jwk {
  return { kty: 'OKP', crv: 'Ed25519', x }
}
