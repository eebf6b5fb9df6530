/**
 * The name of a policy revision: the hash of the very bytes of its file.
 *
 * No canonical form on purpose: an auditor hashes what the log holds and needs no YAML parser.
 * Spec: docs/spec/policy-syntax.md, "Digest".
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url } from '../encoding.ts'

/** `sha256-` and the base64url of SHA-256 over the exact bytes. */
export function policyDigest(bytes: Uint8Array): string {
  return `sha256-${toBase64Url(sha256(bytes))}`
}
