/** Evidence is checked by the library as it is exported, with nothing but what a browser has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  cosignatureVerifier,
  ed25519Verifier,
  type NoteVerifier,
  type VerifyEd25519,
  verifyEvidence,
} from '../../../src/index.ts'

const VECTOR = join(import.meta.dirname, '../../vectors/evidence')

const webCrypto: VerifyEd25519 = async (publicKey, message, signature) => {
  const key = await crypto.subtle.importKey('raw', publicKey.slice(), 'Ed25519', false, ['verify'])
  return crypto.subtle.verify('Ed25519', key, signature.slice(), message.slice())
}

function opened(made: ReturnType<typeof ed25519Verifier>): NoteVerifier {
  if (made.ok) return made.value
  throw new Error('no verifier key')
}

test('the vector holds under Web Crypto, and is found out when a letter of it is changed', async () => {
  const bytes = new Uint8Array(readFileSync(join(VECTOR, 'decision.json')))
  const reader = JSON.parse(readFileSync(join(VECTOR, 'reader.json'), 'utf8'))
  const request = {
    ...{ origin: reader.origin, quorum: 1, verifyEd25519: webCrypto },
    verifiers: [opened(ed25519Verifier(reader.vkey, webCrypto))],
    witnesses: [opened(cosignatureVerifier(reader.witness, webCrypto))],
  }
  const report = await verifyEvidence({ ...request, bytes })
  expect([report.verdict, report.proves]).toEqual(['holds', reader.proves])
  const text = Buffer.from(bytes)
    .toString()
    .replace(/"proof":\["./, '"proof":["_')
  const altered = await verifyEvidence({ ...request, bytes: new TextEncoder().encode(text) })
  expect(altered.verdict).toBe('altered')
})
