/**
 * A secret a media server shows or signs with, kept so that it can be compared and never printed.
 *
 * Of a shown one only its SHA-256 stays in memory, of a signing one its key; text, JSON and inspection all say
 * `[secret]`. Where it was written (file, environment) is servers-file.ts.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes, equalText, utf8 } from '../../core/encoding.ts'
import { type Hasher, portableHasher } from '../../core/record/hashing.ts'
import { MIN_SECRET_CHARS } from '../../scrub.ts'

/** Characters of a secret at most; at least: MIN_SECRET_CHARS, where 16 random base64 characters are 96 bits, more than can be tried over a network. */
export const MAX_SECRET_CHARS = 256

/** RFC 6750 `b64token`: what may follow `Bearer `. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** Why `text` cannot be a secret, without repeating it; null when it can. */
export function secretFault(text: string): string | null {
  if (text.length < MIN_SECRET_CHARS || text.length > MAX_SECRET_CHARS)
    return `has ${text.length} characters, expected ${MIN_SECRET_CHARS} to ${MAX_SECRET_CHARS}`
  return TOKEN.test(text)
    ? null
    : 'has a character that cannot stand in a Bearer header, expected letters, digits and ._~+/-='
}

export class ServerSecret {
  readonly #digest: string
  readonly #key: Uint8Array

  /** `key`: what it signs with, for servers that sign. */
  constructor(text: string, key: Uint8Array = new Uint8Array(0)) {
    this.#digest = portableHasher.digestText(text)
    this.#key = key
  }

  /** True when `presented` is this secret; takes the same time for every answer of the same length. */
  matches(presented: string, { digestText }: Pick<Hasher, 'digestText'> = portableHasher): boolean {
    return equalText(this.#digest, digestText(presented))
  }

  /** True when `signature` is this secret's HMAC of `message`. */
  signed(hash: 'sha1' | 'sha256', message: Uint8Array, signature: Uint8Array): boolean {
    return equalBytes(hmac(hash === 'sha1' ? sha1 : sha256, this.#key, message), signature)
  }

  /** 32 bytes that follow from the signing key and a purpose, and lead back to neither. */
  derived(purpose: string): Uint8Array {
    return hmac(sha256, this.#key, utf8(purpose))
  }

  /** True when both hold the same text. */
  equals(other: ServerSecret): boolean {
    return equalText(this.#digest, other.#digest)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }
}

const BEARER = /^Bearer ([A-Za-z0-9._~+/-]{1,256}=*)$/i

/** The token of an `Authorization: Bearer` header; empty when there is none that could be right. */
export function bearerOf(header: string | null): string {
  const token = header === null || header.length > 300 ? null : BEARER.exec(header)
  return token?.[1] ?? ''
}
