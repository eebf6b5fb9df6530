/**
 * A hook for everything else: JSON in plain words, signed as Standard Webhooks says, answered in JSON.
 *
 * For servers and services without a dialect of their own, with a few lines of somebody's in between. The signature
 * (HMAC-SHA256, `v1,`) covers id, instant and raw body and is checked first; the same signed bytes count once.
 * Format for people: docs/media/generic.md; who uses it for what: docs/media/recipes.md.
 */
import { concatBytes, fromBase64, toBase64Url, utf8 } from '../../core/encoding.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type EpochMs, epochMs } from '../../core/time.ts'
import type {
  HookCall,
  MediaDialect,
  MediaEvent,
  Proof,
  Reply,
  SignedCall,
  StartEvent,
  Verdict,
} from './dialect.ts'
import { type JsonFields, readObject, textOf } from './json-fields.ts'
import { jsonReply, plainName, REFUSAL_STATUS, retryAfter, wordFor } from './replies.ts'
import type { ServerSecret } from './server-secret.ts'

export const generic: MediaDialect = {
  kind: 'generic',
  ingest: 'app',
  capabilities: {
    style: 'hook',
    proof: 'signature',
    hold_max_ms: 25_000,
    rename: true,
    late: 'no',
    lifetime: true,
    reason_to_client: false,
    poll: true,
    cut: 'poll',
    when_down: 'deny',
    max_credential_bytes: 2_048,
    supports: [],
  },
  signingKey: (secret) => {
    const key = fromBase64(secret.replace(/^whsec_/, ''))
    return key !== null && key.length >= 24 && key.length <= 64 ? key : null
  },
  authenticate,
  parse: parseGeneric,
  render: renderGeneric,
  handleOf: () => '',
}

/** As the Standard Webhooks libraries have it. */
export const GENERIC_SKEW_MS: number = 5 * 60_000
/** A sender that changes its secret signs with the old one as well. */
const MAX_SIGNATURES = 4

function authenticate(call: SignedCall, secret: ServerSecret, now: EpochMs): Proof {
  const [id, stamp, header] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => call.header(name) ?? '',
  ) as [string, string, string]
  if (!/^[\x21-\x2d\x2f-\x7e]{1,256}$/.test(id) || !/^[0-9]{1,12}$/.test(stamp))
    return { ok: false }
  const message = concatBytes(utf8(`${id}.${stamp}.`), call.body)
  const [right] = signaturesOf(header).filter((one) => secret.signed('sha256', message, one))
  const at = Number(stamp) * 1000
  if (right === undefined || Math.abs(now - at) > GENERIC_SKEW_MS) return { ok: false }
  // Not the id, which another sender may use as well.
  return { ok: true, once: { id: toBase64Url(right), until: epochMs(at + GENERIC_SKEW_MS) } }
}

/** At least one, so that a call without any takes as long. */
function signaturesOf(header: string): readonly Uint8Array[] {
  const words = header.length > 1_024 ? [] : header.split(' ').slice(0, MAX_SIGNATURES)
  const found = words.flatMap((word) => {
    const bytes = word.startsWith('v1,') ? fromBase64(word.slice(3)) : null
    return bytes === null ? [] : [bytes]
  })
  return found.length === 0 ? [new Uint8Array(0)] : found
}

const WORD = /^[a-z0-9_-]{1,32}$/

export function parseGeneric(call: HookCall): Result<MediaEvent, string> {
  if (call.method !== 'POST') return err('method is not POST')
  const fields = readObject(call.body)
  if (fields === null) return err('body is not a JSON object')
  const session = textOf(fields, 'session') ?? ''
  if (!/^[\x21-\x7e]{1,256}$/.test(session)) return err('session is not an id')
  const event = textOf(fields, 'event')
  if (event === 'end') return ok({ kind: event, session })
  if (event === 'poll' && !Object.hasOwn(fields, 'name')) return ok({ kind: event, session })
  if (event !== 'start' && event !== 'poll') return err('unknown event')
  const start = startOf(fields, session)
  return start.ok && event === 'poll' ? ok({ kind: event, session, start: start.value }) : start
}

function startOf(fields: JsonFields, session: string): Result<StartEvent, string> {
  const name = textOf(fields, 'name')
  if (!name) return err('name is missing or not clean text')
  const app = optionalText(fields, 'app')
  const key = optionalText(fields, 'key')
  const ip = optionalText(fields, 'client_ip')
  const protocol = optionalText(fields, 'protocol')
  if (app === null || key === null || ip === null)
    return err('app, key or client_ip is not clean text')
  if (protocol === null || (protocol !== '' && !WORD.test(protocol)))
    return err('protocol is not a word')
  return ok({
    kind: 'start',
    session,
    connection: JSON.stringify([session, ip]),
    app,
    name,
    args: [],
    client_ip: ip,
    credential: key || null,
    ...(protocol === '' ? {} : { protocol, ingest: protocol }),
  })
}

/** Empty where it is not given; null where it is given wrongly. */
function optionalText(fields: JsonFields, name: string): string | null {
  return Object.hasOwn(fields, name) ? textOf(fields, name) : ''
}

export function renderGeneric(verdict: Verdict): Reply {
  switch (verdict.type) {
    case 'admit': {
      const { decision, playback_name, lifetime_ms } = verdict
      const name = playback_name === null ? {} : { playback_name: plainName(playback_name) }
      const lifetime = lifetime_ms === undefined ? {} : { lifetime_ms: Math.floor(lifetime_ms) }
      return jsonReply(200, { allowed: true, decision, ...name, ...lifetime })
    }
    case 'noted':
      return jsonReply(200, { allowed: true })
    case 'deny': {
      const { outcome, decision, retry_after_s } = verdict
      return jsonReply(403, { allowed: false, outcome, decision }, retryAfter(retry_after_s))
    }
    case 'refused':
      return jsonReply(
        REFUSAL_STATUS[verdict.why],
        { allowed: false, refused: wordFor(verdict.why) },
        retryAfter(verdict.retry_after_s),
      )
  }
}
