/**
 * HMAC-SHA-256 of short texts by two one-shot hashes (RFC 2104): making Node's Hmac object costs as much as both of them
 * together, and every start at a media server takes one. From: keys.ts.
 */
import { createHmac, createSecretKey, hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const INNER = 0x36
const OUTER = 0x5c
/** Bytes of UTF-8 a UTF-16 unit takes at most. */
const UNIT_BYTES = 3
/** Longer ones are Node's. */
const MAX_CHARS = 512

/** As unpadded base64url, of the UTF-8 bytes of a text; `secret` has at most 64 bytes, so that it is its own key. */
export function createTextHmac(secret: Uint8Array): (text: string) => string {
  if (secret.length > BLOCK_BYTES) throw new RangeError('Cannot key a hash: more than 64 bytes')
  const key = createSecretKey(secret)
  // Whatever is hashed follows its padded key in the same room: nothing here waits, so nobody else writes meanwhile.
  const inner = padded(secret, INNER, MAX_CHARS * UNIT_BYTES)
  const outer = padded(secret, OUTER, DIGEST_BYTES)
  return (text) => {
    if (text.length > MAX_CHARS) return createHmac('sha256', key).update(text).digest('base64url')
    const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES)
    outer.write(hash('sha256', inner.subarray(0, end), 'hex'), BLOCK_BYTES, 'hex')
    return hash('sha256', outer, 'base64url')
  }
}

function padded(secret: Uint8Array, pad: number, more: number): Buffer {
  const room = Buffer.alloc(BLOCK_BYTES + more, pad)
  for (const [i, byte] of secret.entries()) room[i] = byte ^ pad
  return room
}
