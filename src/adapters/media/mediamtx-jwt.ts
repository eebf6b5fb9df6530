/**
 * MediaMTX with `authMethod: jwt`: it asks nobody, and lets in who shows a token that we made after an allow.
 *
 * The platform asks in the words of the generic hook, and hands the token to the publisher. The gate is in no way of the
 * server's: when it is down nobody new gets a token, and what runs goes on. A token names one path, lives a minute, and is
 * checked at the start only, so a strike ends streams by the control API, which tells connections by the token's `sub`.
 * Set-up for people: docs/media/mediamtx.md. Next: media-token.ts, mediamtx-jwt-control.ts.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { epochMs, formatInstant } from '../../core/time.ts'
import type { HookCall, MediaDialect, MediaEvent, Reply, SignedAt, Verdict } from './dialect.ts'
import { parseGeneric, renderGeneric } from './generic.ts'
import { mintToken, tokenKeys } from './media-token.ts'
import { jsonReply } from './replies.ts'

/** Publishers see what it signs and can try secrets against it: 32 characters cannot be tried. */
const MIN_SIGNING_CHARS = 32

export const mediamtxJwt: MediaDialect = {
  kind: 'mediamtx-jwt',
  ingest: 'app',
  capabilities: {
    style: 'token',
    proof: 'header',
    hold_max_ms: 25_000,
    rename: true,
    late: 'no',
    lifetime: false,
    reason_to_client: false,
    poll: false,
    cut: 'api',
    when_down: 'deny',
    // Nothing of the publisher's reaches the gate; the token fits a stream id of SRT (512) and a URL.
    max_credential_bytes: 512,
    supports: [],
  },
  signingKey: (secret) =>
    secret.length < MIN_SIGNING_CHARS ? null : new TextEncoder().encode(secret),
  parse,
  render: (verdict) =>
    verdict.type === 'admit'
      ? renderGeneric({ type: 'refused', why: 'unavailable', retry_after_s: 1 })
      : renderGeneric(verdict),
  complete,
  keys: async (secret) => jsonReply(200, await tokenKeys(secret)),
  handleOf: () => '',
}

/** A plain path: one that begins with `~` would be a pattern, and an empty one every path. */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/

function parse(call: HookCall): Result<MediaEvent, string> {
  const event = parseGeneric(call)
  if (!event.ok || event.value.kind !== 'start') return event
  const { app } = event.value
  return app === '' || app.split('/').every((one) => SEGMENT.test(one))
    ? ok(event.value)
    : err('app is not a plain path')
}

async function complete(
  verdict: Verdict,
  event: MediaEvent,
  { server, now }: SignedAt,
): Promise<Reply> {
  if (verdict.type !== 'admit' || event.kind !== 'start') return mediamtxJwt.render(verdict, event)
  const { decision } = verdict
  const name = verdict.playback_name ?? event.name
  if (!SEGMENT.test(name)) throw new RangeError('Cannot make a token: the name is not a plain path')
  const path = event.app === '' ? name : `${event.app}/${name}`
  const claims = {
    sub: event.session,
    aud: server.id,
    jti: decision,
    mediamtx_permissions: [{ action: 'publish', path }],
  } as const
  const { token, expires_at } = await mintToken(server.secret, claims, now)
  const expires = formatInstant(epochMs(expires_at))
  return jsonReply(200, { allowed: true, decision, path, token, expires_at: expires })
}
