/**
 * Ed25519 of the platform's WebCrypto, the same in Node and workerd: for the few signatures witnesses send.
 */
import type { VerifyEd25519 } from '../../core/tlog/note.ts'

/** False for a key that is no point. */
export const verifyEd25519: VerifyEd25519 = async (publicKey, message, signature) => {
  try {
    const key = await crypto.subtle.importKey('raw', own(publicKey), 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, own(signature), own(message))
  } catch {
    return false
  }
}

/** In a buffer of its own, as WebCrypto's types want it. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
