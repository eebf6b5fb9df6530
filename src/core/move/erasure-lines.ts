/**
 * The lines of a moving deployment that are about erasure: what outlived one, and what stands before one.
 *
 * Part of lines.ts, checked as closed as everything there. Spec: docs/spec/storage.md, "Moving".
 */
import type { SubjectId, Suppression } from '../model.ts'
import { ID, RULE, SUBJECT_ID } from '../record/decode-facts.ts'
import { type Check, either, instant, object, oneOf, required, text } from '../record/shape.ts'
import type { EpochMs } from '../time.ts'

/** A restriction that outlived an erasure; `key` is `Pepper.hash('subject', subject)`, so the pepper moves too, and an object is named so. */
export interface MovedSuppression extends Suppression {
  readonly key: string
}

/** A legal hold (gate/erasure-port.ts). */
export interface MovedLegalHold {
  readonly subject: SubjectId
  readonly until: EpochMs
  readonly basis: string
  readonly by: string
  readonly set_at: EpochMs
}

/** `Pepper.hash`: 32 bytes in base64url. */
const KEYED_HASH = text(43, { pattern: /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ })

export const ERASURE_CHECKS: Readonly<Record<'suppression' | 'legal_hold', Check>> = {
  suppression: object({
    key: required(KEYED_HASH),
    id: required(ID),
    rule: required(RULE),
    from: required(instant),
    until: required(either(oneOf(['forever']), instant)),
  }),
  legal_hold: object({
    subject: required(SUBJECT_ID),
    until: required(instant),
    basis: required(text(256)),
    by: required(text(256)),
    set_at: required(instant),
  }),
}
