/**
 * Other people's verifiers accept and open what livegate issues.
 */
import { createHash, verify } from 'node:crypto'
import { SDJwtInstance } from '@sd-jwt/core'
import { compactVerify, createLocalJWKSet } from 'jose'
import { expect, test } from 'vitest'
import { jwksOf } from '../../../src/core/record/jwk.ts'
import { presentation } from '../../../src/core/record/presentation.ts'
import { aDecision, DENY, someFacts, testIssuer, testKey } from './samples.ts'

const key = testKey(1)

test('@sd-jwt/core verifies a record and opens exactly the groups presented', async () => {
  const record = await testIssuer(key)(aDecision(), { iat_s: 1_769_817_600 })
  const sdjwt = new SDJwtInstance({
    verifier: async (data, signature) =>
      verify(null, Buffer.from(data), key.publicKey, Buffer.from(signature, 'base64url')),
    hasher: (data) =>
      new Uint8Array(
        createHash('sha256')
          .update(Buffer.from(data as string))
          .digest(),
      ),
    hashAlg: 'sha-256',
  })
  const all = presentation(record.jws, record.openings, [
    'chain',
    'result',
    'subject',
    'request',
    'facts',
  ])
  const { payload, header } = await sdjwt.verify(all)
  expect(header).toMatchObject({ alg: 'Ed25519', typ: 'livegate-decision+jwt' })
  expect(payload).toMatchObject({ outcome: DENY.outcome, facts: someFacts(), chain: { seq: 1 } })

  const part = await sdjwt.getClaims(presentation(record.jws, record.openings, ['result']))
  expect(part).toMatchObject({ result: { rules: DENY.rules } })
  expect(part).not.toHaveProperty('facts')
  await expect(
    sdjwt.verify(all.replace(record.jws, `${record.jws.slice(0, -3)}AAA`)),
  ).rejects.toThrow()
})

test('jose verifies a record against our JWKS', async () => {
  const record = await testIssuer(key)(aDecision(), { iat_s: 1_769_817_600 })
  const keys = createLocalJWKSet({ keys: [...jwksOf([testKey(2).jwk, key.jwk]).keys] })
  const { protectedHeader } = await compactVerify(record.jws, keys, { algorithms: ['Ed25519'] })
  expect(protectedHeader.kid).toBe(key.signer.kid)
})
