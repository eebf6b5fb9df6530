/** What a value is told apart by without being kept: a connection, a question, a person in a room. */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../../core/encoding.ts'

/** SHA-256 of its JSON text, as 43 characters of base64url. */
export function digestOf(value: unknown): string {
  return toBase64Url(sha256(utf8(JSON.stringify(value))))
}
