/**
 * LiveKit: nobody is asked at the door, so the gate decides when the token is made, and watches who comes in.
 *
 * The platform asks for its user and gets a token for one room. LiveKit's webhooks say who joined and published: what has
 * no lease is decided late, what was revoked is removed again, because a token it has once accepted cannot be taken back.
 * Identities are accounts: the platform has checked them. Set-up for people: docs/media/livekit.md. Next:
 * livekit-jwt.ts, livekit-control.ts.
 */
import { utf8 } from '../../core/encoding.ts'
import { MAX_HANDLE_CHARS } from '../../core/limits.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type EpochMs, epochMs, formatInstant } from '../../core/time.ts'
import type {
  HookCall,
  MediaDialect,
  MediaEvent,
  Proof,
  Reply,
  SignedAt,
  SignedCall,
  StartEvent,
  Verdict,
} from './dialect.ts'
import { digestOf } from './digest.ts'
import { renderGeneric } from './generic.ts'
import { fieldsOf, type JsonFields, readObject, textOf } from './json-fields.ts'
import { JOIN_MS, signLiveKit, webhookProof } from './livekit-jwt.ts'
import { jsonReply } from './replies.ts'
import { bearerOf, type ServerSecret } from './server-secret.ts'

export const livekit: MediaDialect = {
  kind: 'livekit',
  ingest: 'webrtc',
  capabilities: {
    style: 'token',
    proof: 'signature',
    hold_max_ms: 25_000,
    rename: false,
    late: 'no',
    lifetime: false,
    reason_to_client: false,
    poll: false,
    cut: 'api',
    when_down: 'deny',
    max_credential_bytes: 256,
    supports: [],
  },
  signingKey: utf8,
  authenticate,
  parse,
  render: (verdict) =>
    verdict.type === 'admit'
      ? renderGeneric({ type: 'refused', why: 'unavailable', retry_after_s: 1 })
      : renderGeneric(verdict),
  complete,
  handleOf: ({ app, name }) => liveKitHandle(app, name),
}

const WEBHOOK = 'application/webhook+json'

/** LiveKit signs its webhooks; the platform, which has the secret to make tokens with, shows it. */
function authenticate(call: SignedCall, secret: ServerSecret, now: EpochMs): Proof {
  const authorization = call.header('authorization') ?? ''
  if (typeOf(call) !== WEBHOOK)
    return secret.matches(bearerOf(authorization)) ? { ok: true, once: null } : { ok: false }
  const proof = webhookProof(authorization, call.body, { secret, now })
  if (proof === null) return { ok: false }
  return { ok: true, once: { id: proof.id, until: epochMs(Math.ceil(proof.until_s * 1000)) } }
}

function parse(call: HookCall): Result<MediaEvent, string> {
  if (call.method !== 'POST') return err('method is not POST')
  const fields = readObject(call.body)
  if (fields === null) return err('body is not a JSON object')
  return typeOf(call) === WEBHOOK ? webhookEvent(fields) : platformEvent(fields)
}

function platformEvent(fields: JsonFields): Result<MediaEvent, string> {
  const start = startOf(textOf(fields, 'room'), textOf(fields, 'identity'))
  if (start === null) return err('room or identity is missing or not clean text')
  const event = textOf(fields, 'event')
  if (event === 'start') return ok(start)
  return event === 'end' ? ok({ kind: 'end', session: start.session }) : err('unknown event')
}

const MACHINES: ReadonlySet<unknown> = new Set(['EGRESS', 'AGENT', 2, 4])

/** Participants that broadcast nothing of their own. */
export function isMachine({ kind }: JsonFields): boolean {
  return MACHINES.has(kind)
}

/** What is false is left out of LiveKit's JSON; without permissions nothing is known. */
function mayPublish({ permission }: JsonFields): boolean {
  const given = fieldsOf(permission)
  return given === null || (given.canPublish ?? given.can_publish) === true
}

/** The identity has joined once more; what is over is the earlier connection. */
const DUPLICATE: ReadonlySet<unknown> = new Set(['DUPLICATE_IDENTITY', 2])

function webhookEvent(fields: JsonFields): Result<MediaEvent, string> {
  const event = textOf(fields, 'event')
  if (event === null) return err('unknown event')
  if (!['participant_joined', 'track_published', 'participant_left'].includes(event))
    return ok({ kind: 'other' })
  const participant = fieldsOf(fields.participant)
  const start = startOf(textOf(fieldsOf(fields.room), 'name'), textOf(participant, 'identity'))
  if (participant === null || start === null) return err('room or participant is missing')
  if (isMachine(participant)) return ok({ kind: 'other' })
  const { session } = start
  if (event === 'participant_left')
    return DUPLICATE.has(participant.disconnectReason ?? participant.disconnect_reason)
      ? ok({ kind: 'other' })
      : ok({ kind: 'end', session })
  return event === 'track_published' || mayPublish(participant)
    ? ok({ kind: 'poll', session, start })
    : ok({ kind: 'other' })
}

function startOf(room: string | null, identity: string | null): StartEvent | null {
  if (!room || !identity || room.length > 256 || identity.length > 256) return null
  // Who cannot be named to the API cannot be put out either.
  if (liveKitHandle(room, identity) === '') return null
  const session = liveKitSession(room, identity)
  const nobody = { args: [], client_ip: '' }
  return { kind: 'start', session, connection: session, app: room, name: identity, ...nobody }
}

/** One identity can be in a room once. */
export function liveKitSession(room: string, identity: string): string {
  return `lk_${digestOf([room, identity]).slice(0, 22)}`
}

/** Where its API finds the participant; empty for names too long to be kept. */
export function liveKitHandle(room: string, identity: string): string {
  const handle = `${encodeURIComponent(room)}/${encodeURIComponent(identity)}`
  return handle.length > MAX_HANDLE_CHARS ? '' : handle
}

async function complete(
  verdict: Verdict,
  event: MediaEvent,
  { server, now }: SignedAt,
): Promise<Reply> {
  if (verdict.type !== 'admit' || event.kind !== 'start') return livekit.render(verdict, event)
  if (server.control_auth === null) throw new RangeError('Cannot make a token: there is no API key')
  const { decision } = verdict
  const { app: room, name: identity } = event
  const claims = {
    ...{ sub: identity, jti: decision, metadata: JSON.stringify({ decision }) },
    video: { roomJoin: true, room, canPublish: true, canSubscribe: true },
  }
  const token = await signLiveKit(server.control_auth, claims, { now, life_ms: JOIN_MS })
  const expires_at = formatInstant(epochMs(Math.floor(now / 1000) * 1000 + JOIN_MS))
  return jsonReply(200, { allowed: true, decision, room, identity, token, expires_at })
}

function typeOf({ content_type }: HookCall): string {
  return (content_type ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
