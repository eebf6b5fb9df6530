/**
 * The hash records are committed with: SHA-256, injectable because a host's own is several times faster.
 *
 * Whatever is injected must compute exactly SHA-256; the signed digests and the leaf depend on it.
 */
import { sha256 as portable } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../encoding.ts'

/** SHA-256 of `bytes`: 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** Works in every runtime; about 0.3 µs per 64 bytes. */
export const portableSha256: Sha256 = portable

/** Digest of a disclosure as RFC 9901 section 4.2.3 has it: SHA-256 over its ASCII, base64url. */
export function disclosureDigest(disclosure: string, sha256: Sha256): string {
  return toBase64Url(sha256(utf8(disclosure)))
}

/** Leaf hash of an entry in the log: SHA-256(00 || entry), RFC 9162 section 2.1.1. */
export function leafOf(entry: Uint8Array, sha256: Sha256): Uint8Array {
  const input = new Uint8Array(1 + entry.length)
  input.set(entry, 1)
  return sha256(input)
}
