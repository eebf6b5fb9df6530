/**
 * Names and keys of those who sign notes, and how a verifier key is written down.
 *
 * `name+id+key`: the name of the signer, the key's short id in hex, and base64 of type and public key. The id is the
 * first four bytes of SHA-256(name || LF || type || key): a label that may collide, never a proof of identity.
 * Spec: C2SP signed-note, "Signatures" and "Verifier keys". Next stop: note.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, fromBase64, toBase64, utf8 } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'

/** Ed25519 over the note's body. */
export const NOTE_ED25519 = 0x01
/** Ed25519 over a time and the body (cosignature.ts). */
export const NOTE_COSIGNATURE_V1 = 0x04

export type NoteKeyType = typeof NOTE_ED25519 | typeof NOTE_COSIGNATURE_V1

/** A public key under a name. */
export interface NoteKey {
  /** Not empty; no blank of any script, no `+`, no control character. */
  readonly name: string
  readonly type: NoteKeyType
  /** 32 bytes of Ed25519. */
  readonly publicKey: Uint8Array
}

/** Why text is not a verifier key. */
export type VkeyFault = 'vkey_malformed' | 'key_type_unknown' | 'key_id_mismatch'

export const ED25519_KEY_BYTES = 32
export const ED25519_SIGNATURE_BYTES = 64

/** The key's id, 0 to 2^32 - 1; `type` may be any byte and the key of any length. */
export function noteKeyId(key: {
  readonly name: string
  readonly type: number
  readonly publicKey: Uint8Array
}): number {
  const head = utf8(`${key.name}\n`)
  const digest = sha256(concatBytes(head, Uint8Array.of(key.type), key.publicKey))
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0)
}

/** The verifier key as text. Throws `internal` for a name or key that cannot be written. */
export function formatVkey(key: NoteKey): string {
  if (!isKeyName(key.name) || key.publicKey.length !== ED25519_KEY_BYTES)
    throw new LivegateError(
      'internal',
      `Cannot write verifier key of \`${key.name}\`: expected a name without blank or plus and a 32-byte key`,
    )
  const material = toBase64(concatBytes(Uint8Array.of(key.type), key.publicKey))
  return `${key.name}+${keyIdHex(noteKeyId(key))}+${material}`
}

const VKEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u

/** Reads a verifier key of type 01 or 04; the text must be exactly what `formatVkey` writes. */
export function parseVkey(text: string): Result<NoteKey, VkeyFault> {
  const [, name, id, base64] = VKEY.exec(text) ?? []
  if (name === undefined || base64 === undefined || !isKeyName(name)) return err('vkey_malformed')
  const material = fromBase64(base64)
  if (material === null || material.length < 2) return err('vkey_malformed')
  const type = material[0]
  if (type !== NOTE_ED25519 && type !== NOTE_COSIGNATURE_V1) return err('key_type_unknown')
  if (material.length !== 1 + ED25519_KEY_BYTES) return err('vkey_malformed')
  const key: NoteKey = { name, type, publicKey: material.slice(1) }
  return keyIdHex(noteKeyId(key)) === id ? ok(key) : err('key_id_mismatch')
}

/** True for a name a signature line can carry. */
export function isKeyName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: notes hold no control characters.
  return name.isWellFormed() && /^[^\p{White_Space}+\x00-\x1f]+$/u.test(name)
}

/** Eight lower-case hex digits. */
export function keyIdHex(keyId: number): string {
  return keyId.toString(16).padStart(8, '0')
}
