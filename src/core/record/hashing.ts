/**
 * The hash records are committed with: SHA-256, injectable because a host's own is several times faster.
 *
 * Whatever is injected must compute exactly SHA-256; the signed digests and the leaf depend on it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../encoding.ts'

/** SHA-256, of bytes and of text, and what else of opening a record a host may do faster. */
export interface Hasher {
  /** 32 bytes. */
  digest(bytes: Uint8Array): Uint8Array
  /** Of the UTF-8 bytes of `text`, as unpadded base64url: of its ASCII a disclosure's digest (RFC 9901 section 4.2.3). */
  digestText(text: string): string
  /** Exactly `textFromBase64Url`; that one unless given. */
  readonly textOf?: (text: string) => string | null
  /** Exactly `fromAscii`; that one unless given. */
  readonly asciiOf?: (bytes: Uint8Array) => string | null
}

/** Works in every runtime; about 0.3 µs per 64 bytes, a host's own is several times faster. */
export const portableHasher: Hasher = {
  digest: (bytes) => sha256(bytes),
  digestText: (text) => toBase64Url(sha256(utf8(text))),
}

/** Leaf hash of an entry in the log: SHA-256(00 || entry), RFC 9162 section 2.1.1. */
export function leafOf(entry: Uint8Array, hasher: Hasher): Uint8Array {
  const input = new Uint8Array(1 + entry.length)
  input.set(entry, 1)
  return hasher.digest(input)
}

const encoder = new TextEncoder()

/** Room for a leaf's input (its first byte is the 00) of `ascii` and `more` bytes after it. */
export function leafInput(ascii: string, more: number): Uint8Array {
  const input = new Uint8Array(1 + ascii.length + more)
  encoder.encodeInto(ascii, input.subarray(1))
  return input
}
