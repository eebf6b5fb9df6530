/**
 * OvenMediaEngine's AdmissionWebhooks: signed questions, and answers that rename a stream and end it in time.
 *
 * Each call is signed over its raw bytes, so the signature is checked before anything is read; the instant inside is what
 * makes an old call old. Only status 200 with a boolean `allowed` is understood. The server waits for each answer in a
 * socket worker, so none is held back. Sessions stand for the address and port of the connection, which its API repeats.
 * Set-up for people: docs/media/ovenmediaengine.md. Next: ome-control.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '../../core/encoding.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type EpochMs, epochMs, parseInstant } from '../../core/time.ts'
import type {
  HookCall,
  MediaDialect,
  MediaEvent,
  Proof,
  Reply,
  SignedCall,
  Verdict,
} from './dialect.ts'
import { argsOf, fieldsOf, type JsonFields, readObject, textOf } from './json-fields.ts'
import { jsonReply, plainName, REFUSAL_STATUS, retryAfter } from './replies.ts'
import type { ServerSecret } from './server-secret.ts'

export const ome: MediaDialect = {
  kind: 'ovenmediaengine',
  ingest: 'rtmp',
  capabilities: {
    style: 'hook',
    proof: 'signature',
    hold_max_ms: 0,
    rename: true,
    late: 'move',
    lifetime: true,
    reason_to_client: false,
    poll: false,
    cut: 'api',
    when_down: 'deny',
    max_credential_bytes: 512,
    supports: [],
  },
  signingKey: utf8,
  authenticate,
  parse,
  render,
  handleOf: (event, playback, late_app) => {
    const name = playback ?? event.name
    const places = late_app == null ? [event.app] : [event.app, late_app]
    return places.map((app) => omeHandle(app, name)).join(' ')
  },
}

/** How far the server's clock may be off. */
export const OME_SKEW_MS = 60_000

const MAX_HANDLE = 512

/** Where the REST API finds a stream; empty for names too long to be kept, which then nobody can cut. */
export function omeHandle(app: string, name: string): string {
  const handle = `${encodeURIComponent(app)}/${encodeURIComponent(name)}`
  return handle.length > MAX_HANDLE ? '' : handle
}

function authenticate(call: SignedCall, secret: ServerSecret, now: EpochMs): Proof {
  const header = call.header('x-ome-signature') ?? ''
  const signature = header.length > 64 ? null : fromBase64Url(header)
  if (!secret.signed('sha1', call.body, signature ?? new Uint8Array(0))) return { ok: false }
  const time = textOf(fieldsOf(readObject(call.body)?.request), 'time')
  const at = parseInstant(time ?? '')
  if (!at.ok || Math.abs(now - at.value) > OME_SKEW_MS) return { ok: false }
  return { ok: true, once: { id: header, until: epochMs(at.value + OME_SKEW_MS) } }
}

function parse(call: HookCall): Result<MediaEvent, string> {
  if (call.method !== 'POST') return err('method is not POST')
  const body = readObject(call.body)
  const [client, request] = [fieldsOf(body?.client), fieldsOf(body?.request)]
  if (client === null || request === null) return err('client or request is missing')
  const direction = textOf(request, 'direction')
  if (direction === 'outgoing') return ok({ kind: 'other' })
  if (direction !== 'incoming') return err('unknown direction')
  const session = sessionOf(client)
  if (session === null) return err('client has no address and port')
  const status = textOf(request, 'status')
  if (status === 'closing') return ok({ kind: 'end', session })
  return status === 'opening' ? startOf(call, { client, request, session }) : err('unknown status')
}

/** The connection at the end of a `sourceUrl`, as a session. A digest, because records need not hold people's addresses. */
export function omeSession(connection: string): string {
  return toBase64Url(sha256(utf8(`ovenmediaengine ${connection}`))).slice(0, 22)
}

function sessionOf(client: JsonFields): string | null {
  const address = textOf(client, 'address') ?? ''
  const { port } = client
  if (!/^[0-9A-Fa-f.:]{2,45}$/.test(address)) return null
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) return null
  return omeSession(`${address.includes(':') ? `[${address}]` : address}:${port}`)
}

const URL_PARTS =
  /^([a-z]{2,8}:\/\/[^/?#@\s]{1,255}\/)(?!\.{1,2}\/)([^/?#%\s]{1,128})\/(?!\.{1,2}(?:[/?]|$))([^/?#%\s]{1,255})((?:\/[^?#\s]*)?(?:\?([^#\s]*))?)$/i

function startOf(
  call: HookCall,
  parts: { readonly client: JsonFields; readonly request: JsonFields; readonly session: string },
): Result<MediaEvent, string> {
  const { client, request, session } = parts
  const url = textOf(request, 'url') ?? ''
  const [, , app, name, , query = ''] = URL_PARTS.exec(url) ?? []
  if (app === undefined || name === undefined) return err('url has no application and stream')
  const protocol = textOf(request, 'protocol') ?? ''
  if (!/^[a-z0-9]{1,16}$/.test(protocol)) return err('unknown protocol')
  return ok({
    kind: 'start',
    session,
    // No call is sent twice, so each is a connection of its own.
    connection: fromUtf8(call.body) ?? '',
    app,
    name,
    args: argsOf(query),
    client_ip: textOf(client, 'address') ?? '',
    url,
    protocol,
    ingest: protocol,
  })
}

function render(verdict: Verdict, event?: MediaEvent): Reply {
  switch (verdict.type) {
    case 'admit': {
      const { lifetime_ms, decision, playback_name, app } = verdict
      const url = playback_name === null ? {} : { new_url: renamed(event, playback_name, app) }
      const lifetime = lifetime_ms === undefined ? {} : { lifetime: Math.floor(lifetime_ms) }
      return jsonReply(
        200,
        { allowed: true, ...url, ...lifetime },
        { 'livegate-decision': decision },
      )
    }
    case 'noted':
      // To an end it needs nothing; viewers need a yes.
      return jsonReply(200, event?.kind === 'end' ? {} : { allowed: true })
    case 'deny':
      return jsonReply(
        200,
        { allowed: false, reason: verdict.outcome },
        {
          'livegate-decision': verdict.decision,
          ...retryAfter(verdict.retry_after_s),
        },
      )
    case 'refused':
      return jsonReply(
        REFUSAL_STATUS[verdict.why],
        { allowed: false, reason: 'refused' },
        retryAfter(verdict.retry_after_s),
      )
  }
}

/** The publisher's address with another stream name, perhaps in another application; everything else must stay as it is. */
function renamed(event: MediaEvent | undefined, name: string, moved_to?: string): string {
  const url = event?.kind === 'start' ? event.url : undefined
  const [, origin, app, , rest] = URL_PARTS.exec(url ?? '') ?? []
  if (origin === undefined) throw new RangeError('Cannot rename a stream: its address is not known')
  return `${origin}${moved_to ?? app}/${plainName(name)}${rest}`
}
