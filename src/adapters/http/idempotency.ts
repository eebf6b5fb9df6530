/**
 * Reads the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header-07).
 *
 * The header is an RFC 8941 string (`"8e03…"`); the bare spelling many clients send is accepted too, and both name the
 * same key. What a key does is the gate's. Spec: docs/spec/api.md, "Idempotency-Key".
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { MAX_IDEMPOTENCY_KEY_CHARS } from '../../core/limits.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { DecideRequest } from '../../gate-types.ts'

const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/
/** RFC 9110 token characters: no blank, comma or semicolon, so that two headers never read as one key. */
const BARE = /^[A-Za-z0-9!#$%&'*+.^_`|~:/=-]+$/

/** The key a header names, or what is wrong with it. */
export function parseIdempotencyKey(header: string): Result<string, string> {
  if (header.length > 2 * MAX_IDEMPOTENCY_KEY_CHARS + 2) return err(TOO_LONG)
  const quoted = QUOTED.exec(header)
  const key = quoted === null ? bare(header) : (quoted[1] ?? '').replaceAll(/\\(["\\])/g, '$1')
  if (key === null) return err('it is neither a quoted string nor a token')
  if (key === '') return err('it is empty')
  return key.length <= MAX_IDEMPOTENCY_KEY_CHARS ? ok(key) : err(TOO_LONG)
}

const TOO_LONG = `it is too long, expected at most ${MAX_IDEMPOTENCY_KEY_CHARS} characters`

function bare(header: string): string | null {
  return BARE.test(header) ? header : null
}

/** Key and fingerprint for the gate; undefined without the header. Throws `invalid_request` for a malformed one. */
export function idempotencyOf(
  header: string | null,
  body: Uint8Array,
): DecideRequest['idempotency'] {
  if (header === null) return undefined
  const key = parseIdempotencyKey(header)
  if (!key.ok)
    throw new LivegateError('invalid_request', `Cannot use Idempotency-Key: ${key.error}`)
  return { key: key.value, fingerprint: toBase64Url(sha256(body)) }
}
