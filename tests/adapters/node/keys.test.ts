/** The three key files: what they look like, what they sign, and what is no key. */
import { createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { generateKeys, type KeyTexts, readKeys } from '../../../src/adapters/node/keys.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { thumbprint } from '../../../src/core/record/jwk.ts'
import { openCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { ed25519Verifier, signNote } from '../../../src/core/tlog/note.ts'

const ORIGIN = 'example.org/livegate/test'
/** The log key of the worked example made with golang.org/x/mod: seed 00..1f. */
const EXAMPLE: KeyTexts = {
  ...generateKeys(ORIGIN),
  checkpoint: `PRIVATE+KEY+${ORIGIN}+a7ce74b9+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n`,
}

describe('keys', () => {
  it('give the verifier key and the signature other tools give for the same checkpoint key', async () => {
    const { vkey, checkpointSigner } = readKeys(EXAMPLE, ORIGIN)
    expect(vkey).toBe(`${ORIGIN}+a7ce74b9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4`)
    const body = `${ORIGIN}\n3\n5Q/4pV5zSus9vTj5OYj0aSu82VET8suSb4UVt2N/y1M=\n`
    const note = await signNote({ body, signers: [checkpointSigner] })
    expect(note).toBe(
      `${body}\n— ${ORIGIN} p850uRMBwlTr/P4jcirzk6he2o6J1HFMPd/rYU4/SH8sFLwprdSZNfgWKFhCJ0xXs3fk2Ol2uOA9lp3e2+uLZf7KIAQ=\n`,
    )
  })

  it('sign records and checkpoints under the public halves they state', async () => {
    const texts = generateKeys(ORIGIN)
    const { signer, recordJwk, vkey, checkpointSigner } = readKeys(texts, ORIGIN)
    const message = utf8('a record')
    const publicKey = createPublicKey(createPrivateKey(texts.record))
    expect(verify(null, message, publicKey, await signer.sign(message))).toBe(true)
    expect(publicKey.export({ format: 'jwk' })).toMatchObject(recordJwk)
    expect(signer.kid).toBe(thumbprint(recordJwk))
    const verifier = ed25519Verifier(vkey, (raw, signed, signature) => {
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }
      return verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), signature)
    })
    const body = `${ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`
    const note = await signNote({ body, signers: [checkpointSigner] })
    const verifiers = verifier.ok ? [verifier.value] : []
    expect(await openCheckpoint({ note, origin: ORIGIN, verifiers })).toMatchObject({ ok: true })
  })

  it('hash with the pepper: the same text alike, under another pepper otherwise', () => {
    const [one, other] = [readKeys(EXAMPLE, ORIGIN), readKeys(generateKeys(ORIGIN), ORIGIN)]
    expect(one.pepper.hash('stream_key', 'key')).toMatch(/^[\w-]{43}$/)
    expect(one.pepper.hash('stream_key', 'key')).toBe(
      readKeys(EXAMPLE, ORIGIN).pepper.hash('stream_key', 'key'),
    )
    expect(one.pepper.hash('stream_key', 'key')).not.toBe(other.pepper.hash('stream_key', 'key'))
    expect(one.pepper.hash('stream_key', 'key')).not.toBe(one.pepper.hash('stream_key', 'kez'))
  })

  const spoiled: readonly {
    readonly name: string
    readonly texts: Partial<KeyTexts>
    readonly message: string
  }[] = [
    { name: 'a record key that is no PEM', texts: { record: 'x' }, message: 'keys/record.key' },
    {
      name: 'a checkpoint key with another id',
      texts: { checkpoint: EXAMPLE.checkpoint.replace('a7ce74b9', 'a7ce74b8') },
      message: 'keys/checkpoint.key: it is not a key that has its id',
    },
    {
      name: 'a checkpoint key of another name',
      texts: { checkpoint: EXAMPLE.checkpoint.replace('/test', '/best') },
      message: 'keys/checkpoint.key: it is not the key of',
    },
    {
      name: 'a checkpoint key of another type',
      texts: { checkpoint: EXAMPLE.checkpoint.replace('+AQAB', '+BAAB') },
      message: 'keys/checkpoint.key: it is not the private key text',
    },
    {
      name: 'a pepper that is too short',
      texts: { pepper: 'ab'.repeat(31) },
      message: 'keys/pepper',
    },
  ]
  for (const { name, texts, message } of spoiled)
    it(`refuse ${name}, showing nothing of it`, () => {
      expect(() => readKeys({ ...EXAMPLE, ...texts }, ORIGIN)).toThrow(message)
    })
})
