/** Signatures of media servers and tokens for them, inside workerd: the same bytes as on Node. */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { expect, it } from 'vitest'
import { generic } from '../../src/adapters/media/generic.ts'
import { mintToken, tokenKeys } from '../../src/adapters/media/media-token.ts'
import { ome } from '../../src/adapters/media/ome.ts'
import { ServerSecret } from '../../src/adapters/media/server-secret.ts'
import { toBase64, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { epochMs } from '../../src/core/time.ts'

const NOW = epochMs(1_790_000_000_000)
const TEXT = 'a-secret-that-nobody-can-try-at-home'

async function mac(hash: 'SHA-1' | 'SHA-256', key: Uint8Array, text: string): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash }
  const made = await crypto.subtle.importKey('raw', new Uint8Array(key), algorithm, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', made, new Uint8Array(utf8(text))))
}

function call(body: string, headers: Readonly<Record<string, string>>) {
  const header = (name: string): string | null => headers[name] ?? null
  return { method: 'POST', query: '', content_type: null, body: utf8(body), header }
}

it('OvenMediaEngine is known by its HMAC', async () => {
  const body = JSON.stringify({ request: { time: new Date(NOW).toISOString() } })
  const secret = new ServerSecret(TEXT, utf8(TEXT))
  const signature = toBase64Url(await mac('SHA-1', utf8(TEXT), body))
  const signed = call(body, { 'x-ome-signature': signature })
  expect(ome.authenticate?.(signed, secret, NOW).ok).toBe(true)
  expect(ome.authenticate?.({ ...signed, body: utf8(`${body} `) }, secret, NOW).ok).toBe(false)
})

it('a generic hook is known by its HMAC', async () => {
  const key = new Uint8Array(32).fill(9)
  const secret = new ServerSecret('x', generic.signingKey?.(toBase64(key)) ?? undefined)
  const stamp = String(NOW / 1000)
  const signature = `v1,${toBase64(await mac('SHA-256', key, `m.${stamp}.{}`))}`
  const headers = {
    'webhook-id': 'm',
    'webhook-timestamp': stamp,
    'webhook-signature': signature,
  }
  expect(generic.authenticate?.(call('{}', headers), secret, NOW).ok).toBe(true)
  expect(generic.authenticate?.(call('{ }', headers), secret, NOW).ok).toBe(false)
})

it('a token is made and checked, by a key that is the same on every host', async () => {
  const secret = new ServerSecret(TEXT, utf8(TEXT))
  const claims = { sub: 's', aud: 'edge', jti: 'd', mediamtx_permissions: [] }
  const { token } = await mintToken(secret, claims, NOW)
  const keys = (await tokenKeys(secret)) as JSONWebKeySet
  const checked = await jwtVerify(token, createLocalJWKSet(keys), { currentDate: new Date(NOW) })
  expect(checked.payload).toMatchObject(claims)
  expect(keys.keys[0]?.kid).toBe('K6BEB_q0YiZi0aKSXaynRlyQphFXbT1Z40Nj7RUuAqY')
})
