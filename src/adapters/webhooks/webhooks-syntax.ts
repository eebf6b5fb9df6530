/**
 * Shapes of the webhooks file. Form only; secrets and what belongs together are webhooks-file.ts's.
 */
import { isScalar } from 'yaml'
import { type At, list, type Shape, scalar, spanOf, text, word } from '../../core/policy/shape.ts'
import { object, optional, required } from '../../core/policy/shape-object.ts'
import { WEBHOOK_TYPES, type WebhookType } from '../../gate/webhooks/port.ts'

export interface EndpointSource {
  readonly id: At<string>
  readonly url: At<string>
  readonly types: At<readonly At<WebhookType>[]>
  readonly secrets: At<readonly At<SecretSource>[]>
  readonly private?: At<string | number | boolean>
}

export interface SecretSource {
  readonly env?: At<string | null>
  readonly file?: At<string | null>
}

export interface WebhooksSource {
  readonly endpoints: At<readonly At<EndpointSource>[]>
}

/** Each has eight requests under way at most. */
const MAX_ENDPOINTS = 16
/** The one in use, and one or two that are being exchanged. */
const MAX_SECRETS = 3

/** Reports nothing itself: a report would quote what may be a secret in the wrong place. Null when it is not text. */
const QUIET: Shape<string | null> = {
  expected: 'text',
  schema: { type: 'string' },
  read: (node, outer) => {
    const value = isScalar(node) && typeof node.value === 'string' ? node.value : null
    return { value, ...spanOf(node, outer) }
  },
}

const SECRET = object<SecretSource>({
  name: 'a secret',
  members: {
    env: optional(QUIET, 'Environment variable that holds it.'),
    file: optional(QUIET, 'File that holds it, beside this one.'),
  },
})

const ENDPOINT = object<EndpointSource>({
  name: 'an endpoint',
  members: {
    id: required(
      text({
        max: 64,
        pattern: /^[a-z0-9][a-z0-9_-]*$/,
        expected: 'an id of lower-case letters, digits, `-` and `_`',
      }),
      'Name of the endpoint: its place in the log is kept under it.',
    ),
    url: required(
      text({
        max: 1000,
        pattern: /^https?:\/\/[^\s<>"@?#]+$/,
        expected: 'an http address without user, query and fragment',
      }),
      'Where messages are posted. https unless `private`.',
    ),
    types: required(
      list(word(...WEBHOOK_TYPES), { min: 1, max: WEBHOOK_TYPES.length }),
      'What it is told of.',
    ),
    secrets: required(
      list(SECRET, { min: 1, max: MAX_SECRETS }),
      'Keys that sign, the newest first: whsec_… (HMAC-SHA256) or whsk_… (Ed25519).',
    ),
    private: optional(
      scalar(),
      'true: it may be in a private network, and be reached without TLS. false unless given.',
    ),
  },
})

/** A webhooks file. */
export const WEBHOOKS_FILE: Shape<WebhooksSource> = object<WebhooksSource>({
  name: 'a webhooks file',
  members: {
    endpoints: required(list(ENDPOINT, { min: 0, max: MAX_ENDPOINTS }), 'Who is told.'),
  },
})
