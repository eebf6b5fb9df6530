/**
 * The pepper of an edge deployment: a keyed hash of names nobody outside may guess.
 *
 * HMAC-SHA256 as on Node, computed in the isolate because the platform's own is asynchronous; some 5 µs a hash.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../../core/encoding.ts'
import type { Pepper } from '../../ports.ts'

/** The secret's two blocks are hashed once. */
export function createPepper(secret: Uint8Array): Pepper {
  const keyed = hmac.create(sha256, secret)
  return {
    hash: (what, text) =>
      toBase64Url(
        keyed
          .clone()
          .update(utf8(`${what} ${text}`))
          .digest(),
      ),
  }
}
