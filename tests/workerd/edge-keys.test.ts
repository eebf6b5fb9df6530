/** Keys out of secrets: what is accepted, what is refused without showing anything, and that they sign. */
import { describe, expect, it } from 'vitest'
import {
  createCheckpointSigner,
  createRecordSigner,
} from '../../src/adapters/cloudflare/edge-keys.ts'
import { fromBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { thumbprint } from '../../src/core/record/jwk.ts'
import { ed25519Verifier, signNote, verifyNote } from '../../src/core/tlog/note.ts'

const SEED = toBase64Url(Uint8Array.from({ length: 32 }, (_, i) => i))
/** Public half of that seed, from RFC 8032's algorithm by another program. */
const X = 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg'
const JWK = { kty: 'OKP', crv: 'Ed25519', d: SEED, x: X }

async function verifies(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) {
  const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, [
    'verify',
  ])
  return crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message)
}

describe('the record key', () => {
  for (const [name, text] of [
    ['a seed', SEED],
    ['a seed with a line end', `${SEED}\n`],
    ['a private JWK', JSON.stringify(JWK)],
    ['a private JWK without its public half', JSON.stringify({ ...JWK, x: undefined })],
  ] as const)
    it(`is read from ${name}, and signs`, async () => {
      const { signer, jwk } = await createRecordSigner(text)
      expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: X })
      expect(signer.kid).toBe(thumbprint(jwk))
      const message = utf8('a record').subarray(2)
      const signature = await signer.sign(message)
      expect(signature).toHaveLength(64)
      expect(await verifies(fromBase64Url(X) ?? new Uint8Array(), message, signature)).toBe(true)
    })

  for (const [name, text] of [
    ['nothing', ''],
    ['a seed that is too short', SEED.slice(4)],
    ['padding', `${SEED}=`],
    ['half a JWK', '{"kty":"OKP"'],
    ['a JWK of another curve', JSON.stringify({ ...JWK, crv: 'X25519' })],
    ['a public JWK', JSON.stringify({ ...JWK, d: undefined })],
    ['the public half of another key', JSON.stringify({ ...JWK, x: SEED })],
  ] as const)
    it(`is refused, and not shown: ${name}`, async () => {
      const error = await createRecordSigner(text).catch((e: unknown) => e)
      expect(String(error)).toContain('Cannot read LIVEGATE_RECORD_KEY')
      expect(JSON.stringify(error) + String(error)).not.toContain(SEED.slice(4, 20))
    })
})

describe('the checkpoint key of a log', () => {
  it('signs what its verifier key checks', async () => {
    const { signer, vkey } = await createCheckpointSigner(SEED, 'gate.example/log/0')
    const text = await signNote({ body: 'gate.example/log/0\n0\n', signers: [signer] })
    const verifier = ed25519Verifier(vkey, verifies)
    if (!verifier.ok) throw new Error('not a key')
    expect(await verifyNote({ text, verifiers: [verifier.value] })).toMatchObject({ ok: true })
  })

  it('is the same again, and another one for another log', async () => {
    const [a, again, b] = await Promise.all(
      ['log/0', 'log/0', 'log/1'].map((origin) => createCheckpointSigner(SEED, origin)),
    )
    expect(a?.vkey).toBe(again?.vkey)
    expect(a?.vkey.split('+')[2]).not.toBe(b?.vkey.split('+')[2])
  })

  it('is not made from a seed of another length', async () => {
    await expect(createCheckpointSigner(SEED.slice(1), 'log/0')).rejects.toThrow(
      'Cannot read LIVEGATE_CHECKPOINT_SEED: it is not 32 bytes',
    )
  })
})
