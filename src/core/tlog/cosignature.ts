/**
 * Cosignatures v1: a witness states when it saw a checkpoint as the newest consistent one.
 *
 * The signed message is `cosignature/v1`, `time <seconds>` and the checkpoint's body; the line carries the time before
 * the signature. It covers extension lines but not the witness's name: one key, one witness. Asking witnesses is not
 * done here. Spec: C2SP tlog-cosignature, "Ed25519 signed message".
 */
import { concatBytes, utf8 } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import { isCount } from './arithmetic.ts'
import type { NoteVerifier, VerifyEd25519 } from './note.ts'
import {
  ED25519_SIGNATURE_BYTES,
  NOTE_COSIGNATURE_V1,
  noteKeyId,
  parseVkey,
  type VkeyFault,
} from './note-key.ts'

/** What follows the key id on a cosignature line. */
export interface Cosignature {
  /** POSIX seconds, from 1 to 2^53 - 1. */
  readonly timeS: number
  /** 64 bytes of Ed25519. */
  readonly signature: Uint8Array
}

const TIME_BYTES = 8

/** Bytes a witness signs; `body` is the checkpoint's body with its final LF. */
export function cosignatureMessage(timeS: number, body: Uint8Array): Uint8Array {
  return concatBytes(utf8(`cosignature/v1\ntime ${timeS}\n`), body)
}

/** Time in eight bytes, big-endian, then the signature. */
export function encodeCosignature(cosignature: Cosignature): Uint8Array {
  const { timeS, signature } = cosignature
  if (!isCount(timeS) || timeS === 0 || signature.length !== ED25519_SIGNATURE_BYTES)
    throw new LivegateError(
      'internal',
      `Cannot write cosignature: time ${timeS} with ${signature.length} bytes, expected seconds from 1 and 64 bytes`,
    )
  const time = new Uint8Array(TIME_BYTES)
  new DataView(time.buffer).setBigUint64(0, BigInt(timeS))
  return concatBytes(time, signature)
}

/** Takes a cosignature apart; null for another length or a time no witness may state (0, or beyond 2^53 - 1). */
export function decodeCosignature(bytes: Uint8Array): Cosignature | null {
  if (bytes.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return null
  const timeS = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0))
  if (!isCount(timeS) || timeS === 0) return null
  return { timeS, signature: bytes.slice(TIME_BYTES) }
}

/** Verifier for a witness's key of type 04, for use among the verifiers of a note. The time is not judged. */
export function cosignatureVerifier(
  vkey: string,
  verifyEd25519: VerifyEd25519,
): Result<NoteVerifier, VkeyFault> {
  const key = parseVkey(vkey)
  if (!key.ok) return key
  const { name, type, publicKey } = key.value
  if (type !== NOTE_COSIGNATURE_V1) return err('key_type_unknown')
  return ok({
    name,
    keyId: noteKeyId(key.value),
    verify: (body, bytes) => {
      const cosignature = decodeCosignature(bytes)
      if (cosignature === null) return false
      const message = cosignatureMessage(cosignature.timeS, body)
      return verifyEd25519(publicKey, message, cosignature.signature)
    },
  })
}
