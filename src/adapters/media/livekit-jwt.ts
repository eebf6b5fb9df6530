/**
 * JSON Web Tokens as LiveKit has them: HS256 with the API secret, for publishers, for its API, and from its webhooks.
 *
 * What is issued goes through jose; what arrives is checked here, because a hook is proven before anything waits. A publisher's
 * token opens a door for a minute and says what was decided; nothing takes it back, so what it let in is removed instead.
 * Spec: docs/media/livekit.md. From: livekit.ts, livekit-control.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { SignJWT } from 'jose'
import {
  equalBytes,
  fromBase64,
  fromBase64Url,
  textFromBase64Url,
  utf8,
} from '../../core/encoding.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ControlAuth } from './control-auth.ts'
import { fieldsOf, type JsonFields } from './json-fields.ts'
import type { ServerSecret } from './server-secret.ts'

/** From the answer to the platform until the publisher has joined. */
export const JOIN_MS = 60_000
/** Clocks of the two machines. */
const SKEW_S = 60
/** A webhook's token lives five minutes; one that lives longer is none. */
const MAX_WEBHOOK_S = 900

/** Signs `claims` for `life_ms`. `user` of the credential is the API key. */
export function signLiveKit(
  auth: Pick<ControlAuth, 'user' | 'reveal'>,
  claims: JsonFields & { readonly sub?: string },
  { now, life_ms }: { readonly now: EpochMs; readonly life_ms: number },
): Promise<string> {
  const iat = Math.floor(now / 1000)
  return new SignJWT({
    ...claims,
    iss: auth.user ?? '',
    nbf: iat - SKEW_S,
    exp: iat + life_ms / 1000,
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(utf8(auth.reveal()))
}

/** Until when a webhook's token counts, once; null when it does not prove these bytes. */
export function webhookProof(
  header: string,
  body: Uint8Array,
  { secret, now }: { readonly secret: ServerSecret; readonly now: EpochMs },
): { readonly id: string; readonly until_s: number } | null {
  const [head = '', payload = '', signature = '', more] =
    header.length > 4_096 ? [] : header.split('.')
  const given = fromBase64Url(signature) ?? new Uint8Array(0)
  const signed = secret.signed('sha256', utf8(`${head}.${payload}`), given)
  if (!signed || more !== undefined || objectIn(head)?.alg !== 'HS256') return null
  const claims = objectIn(payload)
  const [digest, exp, nbf] = [claims?.sha256, claims?.exp, claims?.nbf ?? 0]
  if (typeof digest !== 'string' || typeof exp !== 'number' || typeof nbf !== 'number') return null
  const now_s = now / 1000
  if (exp < now_s - SKEW_S || exp > now_s + MAX_WEBHOOK_S || nbf > now_s + SKEW_S) return null
  return equalBytes(fromBase64(digest) ?? new Uint8Array(0), sha256(body))
    ? { id: signature, until_s: exp + SKEW_S }
    : null
}

function objectIn(part: string): JsonFields | null {
  const text = textFromBase64Url(part)
  if (text === null) return null
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    return null
  }
}
