/**
 * What operators send to change the keys of a deployment, and what they get: the schemas behind `/v1/keys`.
 *
 * Beside schemas.ts and answers.ts, in their ways. Private halves never travel: a host makes them, or was given them.
 */
import * as v from 'valibot'
import type { Shape } from './answers.ts'
import { closed, integer, matching, may, type Reader } from './atoms.ts'

export interface RotationBody {
  readonly use: 'record' | 'checkpoint'
  readonly step?: 'begin' | 'finish'
}

export interface RevocationBody {
  readonly kid: string
  readonly from?: number
  readonly log?: string
}

const use = v.picklist(['record', 'checkpoint'], 'expected `record` or `checkpoint`')
const kid = matching(/^[A-Za-z0-9_-]{43}$/, 43, 'the thumbprint of a key, 43 characters')
const origin = matching(/^[\x21-\x2a\x2c-\x7e]{1,256}$/, 256, 'the name of a log')

/** `POST /v1/keys/rotation`. */
export const ROTATION_BODY: Reader<RotationBody> = closed<RotationBody>({
  use,
  step: may(v.picklist(['begin', 'finish'], 'expected `begin` or `finish`')),
})

/** `POST /v1/keys/revocation`. */
export const REVOCATION_BODY: Reader<RevocationBody> = closed<RevocationBody>({
  kid,
  from: may(integer(0)),
  log: may(origin),
})

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const anyText = v.string()
const keys = v.array(
  v.strictObject({
    log: anyText,
    kid: anyText,
    use,
    status: v.picklist(['active', 'retired', 'revoked']),
    from: count,
    until: v.optional(count),
    signs: v.boolean(),
    vkey: v.optional(anyText),
  }),
)

export const KEYS_ANSWER: Shape = v.strictObject({ keys })
export const KEY_CHANGE_ANSWER: Shape = v.strictObject({ changed: v.boolean(), keys })
