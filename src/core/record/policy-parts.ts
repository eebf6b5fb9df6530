/**
 * Policy text in the log: split into records before a revision's first use, put together again by the auditor.
 *
 * A part holds at most 3,072 bytes, because its base64url is encoded once more by the JWS. The digest is over the exact
 * bytes of the file, so nothing is trimmed or normalised. Spec: docs/spec/record.md, "Policy text".
 */
import { concatBytes, fromBase64Url, toBase64Url } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { MAX_POLICY_BYTES, POLICY_PART_BYTES } from '../limits.ts'
import { err, ok, type Result } from '../result.ts'
import type { RecordDraft } from './drafts.ts'
import type { OwnClaims } from './groups.ts'
import { type Hasher, portableHasher } from './hashing.ts'

type PolicyPart = OwnClaims['policy']

/** `sha256-` + base64url over the exact bytes of a policy file. */
export function policyDigest(bytes: Uint8Array, hasher: Hasher = portableHasher): string {
  return `sha256-${toBase64Url(hasher.digest(bytes))}`
}

/** The drafts of all parts, in order; one part for an empty file. Throws above 256 KiB. */
export function policyDrafts(bytes: Uint8Array): readonly RecordDraft[] {
  if (bytes.length > MAX_POLICY_BYTES)
    throw new LivegateError(
      'internal',
      `Cannot log a policy: it has ${bytes.length} bytes, expected at most ${MAX_POLICY_BYTES}`,
    )
  const digest = policyDigest(bytes)
  const of = Math.max(1, Math.ceil(bytes.length / POLICY_PART_BYTES))
  return Array.from({ length: of }, (_, i) => {
    const slice = bytes.subarray(i * POLICY_PART_BYTES, (i + 1) * POLICY_PART_BYTES)
    const claims: PolicyPart = { digest, part: i + 1, of, text: toBase64Url(slice) }
    return { kind: 'policy', claims, groups: null }
  })
}

export type PolicyPartsFault = 'parts_missing' | 'parts_differ' | 'text_malformed' | 'digest_wrong'

/**
 * The policy text out of its parts, given in any order; identical repeats are ignored. The digest has been checked
 * against the text when this succeeds.
 */
export function joinPolicyParts(
  parts: Iterable<PolicyPart>,
  hasher: Hasher = portableHasher,
): Result<Uint8Array, PolicyPartsFault> {
  const texts = new Map<number, string>()
  let first: PolicyPart | undefined
  for (const part of parts) {
    first ??= part
    const known = texts.get(part.part)
    if (part.digest !== first.digest || part.of !== first.of || part.part > part.of)
      return err('parts_differ')
    if (known !== undefined && known !== part.text) return err('parts_differ')
    texts.set(part.part, part.text)
  }
  if (first === undefined || texts.size !== first.of) return err('parts_missing')
  const chunks: Uint8Array[] = []
  for (let i = 1; i <= first.of; i++) {
    const chunk = fromBase64Url(texts.get(i) ?? '!')
    if (chunk === null) return err('text_malformed')
    chunks.push(chunk)
  }
  const bytes = concatBytes(...chunks)
  return policyDigest(bytes, hasher) === first.digest ? ok(bytes) : err('digest_wrong')
}
