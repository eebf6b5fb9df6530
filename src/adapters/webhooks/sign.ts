/**
 * Signatures of the Standard Webhooks specification: HMAC-SHA256 (`v1`) and Ed25519 (`v1a`).
 *
 * Secrets say by their prefix what they are, `whsec_` or `whsk_`. Several sign side by side while they are exchanged, the
 * newest first. A secret's text goes no further than this file. Spec: standardwebhooks.com, "Signature scheme".
 */
import { Webhook } from 'standardwebhooks'
import { concatBytes, fromBase64, fromHex, toBase64, utf8 } from '../../core/encoding.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { WebhookEndpoint } from '../../gate/webhooks/port.ts'

export type Sign = WebhookEndpoint['sign']

/** The specification asks for 24 to 64 bytes. */
const [MIN_SECRET_BYTES, MAX_SECRET_BYTES] = [24, 64]
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420') ?? new Uint8Array(0)

/** What signs with one secret; the error is a fixed phrase that repeats nothing of it. */
export async function signerOf(secret: string): Promise<Result<Sign, string>> {
  if (secret.startsWith('whsec_')) return hmacSigner(secret)
  if (secret.startsWith('whsk_')) return ed25519Signer(secret.slice('whsk_'.length))
  return err('does not begin with whsec_ or whsk_')
}

/** The signatures of all, as one header. */
export function together(signers: readonly Sign[]): Sign {
  return async (...said) =>
    (await Promise.all(signers.map(async (sign) => sign(...said)))).join(' ')
}

function hmacSigner(secret: string): Result<Sign, string> {
  const key = fromBase64(secret.slice('whsec_'.length))
  if (key === null || key.length < MIN_SECRET_BYTES || key.length > MAX_SECRET_BYTES)
    return err('is not base64 of 24 to 64 bytes behind whsec_')
  const webhook = new Webhook(secret)
  return ok((id, timestamp_s, body) => webhook.sign(id, new Date(timestamp_s * 1000), body))
}

/** Of a seed of 32 bytes, or of a seed with its public key behind. */
async function ed25519Signer(text: string): Promise<Result<Sign, string>> {
  const bytes = fromBase64(text)
  if (bytes === null || (bytes.length !== 32 && bytes.length !== 64))
    return err('is not base64 of 32 or 64 bytes behind whsk_')
  const pkcs8 = new Uint8Array(concatBytes(PKCS8_PREFIX, bytes.slice(0, 32)))
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
  return ok(async (id, timestamp_s, body) => {
    const signed = new Uint8Array(utf8(`${id}.${timestamp_s}.${body}`))
    return `v1a,${toBase64(new Uint8Array(await crypto.subtle.sign('Ed25519', key, signed)))}`
  })
}
