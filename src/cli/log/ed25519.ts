/**
 * Ed25519, SHA-256 and base64url by the host: the fast halves of everything verified on the command line.
 */
import { isAscii } from 'node:buffer'
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { fromUtf8, toBase64Url } from '../../core/encoding.ts'
import type { Hasher } from '../../core/record/hashing.ts'
import type { VerifyEd25519 } from '../../core/record/verify.ts'

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const keys = new Map<string, KeyObject | null>()

/** True exactly when the signature holds; false for a key that is no point. Keys are decoded once. */
export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) =>
  verifyWith(ed25519Key(publicKey), message, signature)

/** As `verifyEd25519`, with a key out of `ed25519Key`. */
export function verifyWith(
  key: KeyObject | null,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return key !== null && verify(null, message, key, signature)
  } catch {
    return false
  }
}

/** The host's form of a key; null for bytes that are none. */
export function ed25519Key(publicKey: Uint8Array): KeyObject | null {
  const name = toBase64Url(publicKey)
  const known = keys.get(name)
  if (known !== undefined) return known
  if (keys.size > 256) keys.clear()
  const key = decodeKey(Buffer.concat([SPKI_PREFIX, publicKey]))
  keys.set(name, key)
  return key
}

function decodeKey(der: Buffer): KeyObject | null {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch {
    return null
  }
}

/** Two to three times faster than the portable one. */
export const nodeHasher: Hasher = {
  // As text and back: a buffer of its own costs Node as much as the hash of a record.
  digest: (bytes) => Buffer.from(hash('sha256', bytes, 'binary'), 'latin1'),
  digestText: (text) => hash('sha256', text, 'base64url'),
  textOf,
  asciiOf: (bytes) =>
    isAscii(bytes)
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
      : null,
}

const brief = Buffer.alloc(32)

/** As `nodeHasher`, for who copies a digest at once: the next one is written over it. */
export const briefHasher: Hasher = {
  ...nodeHasher,
  digest: (bytes) => {
    brief.write(hash('sha256', bytes, 'binary'), 'latin1')
    return brief
  },
}

/** Last characters that leave no bit over, by how many characters there are beyond fours. */
const LAST = ['', null, 'AQgw', 'AEIMQUYcgkosw048'] as const

/**
 * The host passes over whatever is no letter, which leaves fewer bytes than that many characters are, and takes the other
 * alphabet, too.
 */
function textOf(text: string): string | null {
  const last = LAST[text.length % 4]
  if (typeof last !== 'string') return null
  if (last !== '' && !last.includes(text.charAt(text.length - 1))) return null
  if (text.includes('+') || text.includes('/')) return null
  const bytes = text.length > room.length ? Buffer.from(text, 'base64url') : room
  const count = bytes === room ? room.write(text, 'base64url') : bytes.length
  if (count !== Math.floor((text.length * 3) / 4)) return null
  const read = bytes.toString('utf8', 0, count)
  // Every byte a letter, and none put in place of what is no UTF-8: ASCII.
  if (read.length === count && !read.includes(REPLACEMENT)) return read
  return fromUtf8(bytes.subarray(0, count))
}

const REPLACEMENT = '\ufffd'

/** A buffer of its own costs as much as what is written into it. */
const room = Buffer.allocUnsafeSlow(64 * 1024)
