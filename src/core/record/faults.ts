/**
 * Why a record or a disclosure is refused: one closed list of codes, so that a test, an auditor and a script can tell
 * a forgery from a typing error. Spec: docs/spec/record.md, "Verification".
 */
import { err } from '../result.ts'

export const RECORD_FAULT_CODES = [
  'too_large', // more than 7,168 bytes
  'malformed', // not three canonical base64url parts, or not UTF-8
  'json', // not a JSON object in its one spelling; a member given twice
  'algorithm', // `alg` is not exactly Ed25519
  'type_unknown', // `typ` names no kind of record
  'header', // a header member more, fewer, or in another spelling
  'claim_unclassified', // a claim the table does not know for this kind
  'claim_missing',
  'claim_malformed', // a claim of the wrong type or out of range
  'issuer', // another `iss` than expected
  'log', // another log than expected
  'key_unknown', // `kid` names no key known to the verifier
  'key_not_in_force', // the key was not, or no longer, in force at this index
  'signature', // the signature is not this key's over these bytes
  'disclosure_malformed', // not [salt, group, object] in its one spelling, or a salt that is not 16 bytes
  'group_unknown',
  'disclosure_repeated', // the same group twice
  'disclosure_unmatched', // its digest is not in `_sd`
  'groups_disagree', // two opened groups contradict each other
] as const
export type RecordFaultCode = (typeof RECORD_FAULT_CODES)[number]

/** A refusal; `message` names the place and never holds a disclosed value. */
export interface RecordFault {
  readonly code: RecordFaultCode
  readonly message: string
}

/** A refusal as a Result. */
export function refuse(
  code: RecordFaultCode,
  message: string,
): { readonly ok: false; readonly error: RecordFault } {
  return err({ code, message })
}
