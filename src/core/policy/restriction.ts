/**
 * The name of a restriction: the same strike, rule and subject always give the same id, on any machine.
 *
 * A restriction is stored nowhere; its id is what a statement of reasons, an appeal and a later decision agree on.
 * Spec: docs/spec/policy.md, "Restrictions".
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../encoding.ts'
import type { SubjectId } from '../model.ts'

const ID_CHARS = 22

export interface RestrictionKey {
  readonly subject: SubjectId
  readonly rule: string
  /** Id of the strike that opened it. */
  readonly opened_by: string
}

/** `r_` and 22 characters (132 bits) of base64url(SHA-256 of the NUL-separated key). */
export function restrictionId(key: RestrictionKey): string {
  const text = `livegate-restriction\0${key.subject}\0${key.rule}\0${key.opened_by}`
  return `r_${toBase64Url(sha256(utf8(text))).slice(0, ID_CHARS)}`
}
