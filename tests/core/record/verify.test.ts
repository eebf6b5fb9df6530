/**
 * Prove, then corrupt: a record verifies, and every way of changing it is refused with its own code.
 */
import { expect, test } from 'vitest'
import {
  textFromBase64Url,
  textToBase64Url,
  toBase64Url,
  utf8,
} from '../../../src/core/encoding.ts'
import { heartbeatDraft } from '../../../src/core/record/drafts.ts'
import type { RecordFaultCode } from '../../../src/core/record/faults.ts'
import { keyRing, recordKey } from '../../../src/core/record/jwk.ts'
import { RECORD_KINDS } from '../../../src/core/record/kinds.ts'
import { type Expectations, verifyRecord } from '../../../src/core/record/verify.ts'
import { aDecision, ISSUER, LOG, nodeVerify, testIssuer, testKey } from './samples.ts'

const key = testKey(1)
const other = testKey(2)
const keys = keyRing([key.jwk])
const record = await testIssuer(key)(aDecision(), { iat_s: 1_769_817_600 })
const [header = '', payload = '', signature = ''] = record.jws.split('.')
const claims = JSON.parse(textFromBase64Url(payload) ?? '') as Record<string, unknown>
const KID = key.signer.kid

/** A JWS over arbitrary header and payload text, correctly signed: only our own checks can refuse it. */
async function forged(headerText: string, payloadText: string, by = key): Promise<string> {
  const signed = `${textToBase64Url(headerText)}.${textToBase64Url(payloadText)}`
  return `${signed}.${toBase64Url(await by.signer.sign(utf8(signed)))}`
}

const goodHeader = `{"alg":"Ed25519","typ":"livegate-decision+jwt","kid":"${KID}"}`
const goodPayload = JSON.stringify(claims)

async function codeOf(jws: string, expectations: Expectations = {}): Promise<string> {
  const plain = await verifyRecord(jws, keys, expectations)
  const fast = await verifyRecord(jws, keys, { ...expectations, verifyEd25519: nodeVerify })
  const codes = [plain, fast].map((result) => (result.ok ? 'ok' : result.error.code))
  expect(codes[0], 'jose and the injected Ed25519 agree').toBe(codes[1])
  return codes[0] ?? ''
}

test('a record verifies by jose and by an injected Ed25519, with its claims', async () => {
  expect(await codeOf(record.jws, { issuer: ISSUER, log: LOG, index: 7 })).toBe('ok')
  const result = await verifyRecord(record.jws, keys)
  expect(result).toMatchObject({
    ok: true,
    value: { kind: 'decision', kid: KID, claims: { outcome: 'deny', iss: ISSUER, log: LOG } },
  })
  expect(await forged(goodHeader, goodPayload)).toBe(record.jws)
})

const headers: readonly { name: string; header: string; expect: RecordFaultCode }[] = [
  { name: 'alg none', header: goodHeader.replace('Ed25519', 'none'), expect: 'algorithm' },
  { name: 'HS256', header: goodHeader.replace('Ed25519', 'HS256'), expect: 'algorithm' },
  { name: 'the name EdDSA', header: goodHeader.replace('Ed25519', 'EdDSA'), expect: 'algorithm' },
  {
    name: 'a lower-case alg',
    header: goodHeader.replace('Ed25519', 'ed25519'),
    expect: 'algorithm',
  },
  {
    name: 'typ JWT',
    header: goodHeader.replace('livegate-decision+jwt', 'JWT'),
    expect: 'type_unknown',
  },
  {
    name: 'an unknown kind',
    header: goodHeader.replace('decision', 'pardon'),
    expect: 'type_unknown',
  },
  { name: 'no kid', header: '{"alg":"Ed25519","typ":"livegate-decision+jwt"}', expect: 'header' },
  {
    name: 'a kid that is no thumbprint',
    header: goodHeader.replace(KID, 'key-1'),
    expect: 'header',
  },
  { name: 'another kid', header: goodHeader.replace(KID, other.signer.kid), expect: 'key_unknown' },
  ...['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'cty', '__proto__'].map((name) => ({
    name: `a header member ${name}`,
    header: goodHeader.replace('}', `,"${name}":"x"}`),
    expect: 'header' as const,
  })),
  {
    name: 'members in another order',
    header: `{"typ":"livegate-decision+jwt","alg":"Ed25519","kid":"${KID}"}`,
    expect: 'header',
  },
  { name: 'a blank', header: goodHeader.replace(':', ': '), expect: 'json' },
  { name: 'alg given twice', header: goodHeader.replace('{', '{"alg":"none",'), expect: 'json' },
  { name: 'a header that is a list', header: '["Ed25519"]', expect: 'json' },
  { name: 'a header that is null', header: 'null', expect: 'json' },
]
test.each(headers)('$name in the header is refused', async ({ header: text, expect: code }) => {
  expect(await codeOf(await forged(text, goodPayload))).toBe(code)
})

const change = (more: object): string => JSON.stringify({ ...claims, ...more })
const without = (name: string): string =>
  JSON.stringify(Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name)))
const digests = claims._sd as readonly string[]
const payloads: readonly { name: string; payload: string; expect: RecordFaultCode }[] = [
  {
    name: 'an unclassified claim',
    payload: change({ subject: 'u_81f' }),
    expect: 'claim_unclassified',
  },
  { name: 'a claim of another kind', payload: change({ shed: 0 }), expect: 'claim_unclassified' },
  {
    name: 'a group in the clear',
    payload: change({ chain: { sub: 'x' } }),
    expect: 'claim_unclassified',
  },
  ...Object.keys(claims).map((name) => ({
    name: `a record without ${name}`,
    payload: without(name),
    expect: 'claim_missing' as const,
  })),
  {
    name: 'an outcome nobody knows',
    payload: change({ outcome: 'maybe' }),
    expect: 'claim_malformed',
  },
  { name: 'a fractional iat', payload: change({ iat: 1.5 }), expect: 'claim_malformed' },
  { name: 'a textual iat', payload: change({ iat: '1769817600' }), expect: 'claim_malformed' },
  { name: 'a short jti', payload: change({ jti: 'abc' }), expect: 'claim_malformed' },
  { name: 'another hash', payload: change({ _sd_alg: 'sha-1' }), expect: 'claim_malformed' },
  { name: 'four digests', payload: change({ _sd: digests.slice(1) }), expect: 'claim_malformed' },
  {
    name: 'six digests',
    payload: change({ _sd: [...digests, digests[0]] }),
    expect: 'claim_malformed',
  },
  {
    name: 'a digest twice',
    payload: change({ _sd: [digests[0], ...digests.slice(0, 4)] }),
    expect: 'claim_malformed',
  },
  {
    name: 'digests out of order',
    payload: change({ _sd: digests.toReversed() }),
    expect: 'claim_malformed',
  },
  { name: 'an origin with a plus', payload: change({ log: 'a+b' }), expect: 'claim_malformed' },
  {
    name: 'a claim given twice',
    payload: goodPayload.replace('{', '{"outcome":"allow",'),
    expect: 'json',
  },
  { name: 'a blank after a comma', payload: goodPayload.replace(',', ', '), expect: 'json' },
  { name: 'a respelled number', payload: goodPayload.replace('86400', '8.64e4'), expect: 'json' },
  { name: 'a needless escape', payload: goodPayload.replace('deny', '\\u0064eny'), expect: 'json' },
  { name: 'text after the object', payload: `${goodPayload} `, expect: 'json' },
  { name: 'a payload that is no object', payload: '[]', expect: 'claim_malformed' },
]
test.each(payloads)('$name is refused although signed', async ({ payload: text, expect: code }) => {
  expect(await codeOf(await forged(goodHeader, text))).toBe(code)
})

const spellings: readonly { name: string; jws: string; expect: RecordFaultCode }[] = [
  { name: 'two parts', jws: `${header}.${payload}`, expect: 'malformed' },
  { name: 'four parts', jws: `${record.jws}.`, expect: 'malformed' },
  { name: 'no text', jws: '', expect: 'malformed' },
  { name: 'a header that is not base64url', jws: `=.${payload}.${signature}`, expect: 'malformed' },
  { name: 'a payload that is not base64url', jws: `${header}.=.${signature}`, expect: 'malformed' },
  { name: 'padding', jws: `${record.jws}==`, expect: 'malformed' },
  { name: 'a final line break', jws: `${record.jws}\n`, expect: 'malformed' },
  {
    name: 'the alphabet of base64',
    jws: `${header}.${payload}.${signature.slice(0, -2)}+/`,
    expect: 'malformed',
  },
  {
    name: 'stray bits in the last character',
    jws: `${record.jws.slice(0, -1)}${stray(signature.slice(-1))}`,
    expect: 'malformed',
  },
  {
    name: 'a short signature',
    jws: `${header}.${payload}.${signature.slice(0, -4)}`,
    expect: 'malformed',
  },
  { name: 'the unsecured form', jws: `${header}.${payload}.`, expect: 'malformed' },
  {
    name: 'a signature of zeros',
    jws: `${header}.${payload}.${'A'.repeat(86)}`,
    expect: 'signature',
  },
  { name: 'more than 7,168 bytes', jws: 'a'.repeat(7169), expect: 'too_large' },
]
test.each(spellings)('$name is refused', async ({ jws, expect: code }) => {
  expect(await codeOf(jws)).toBe(code)
})

/** The character after `last` in the alphabet: the same bits but for the two or four unused ones. */
function stray(last: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(last) + 1] ?? ''
}

test('every single changed byte of a record is refused', async () => {
  for (let i = 0; i < record.jws.length; i++) {
    const at = record.jws[i]
    const jws = record.jws.slice(0, i) + (at === 'A' ? 'B' : 'A') + record.jws.slice(i + 1)
    const result = await verifyRecord(jws, keys, { verifyEd25519: nodeVerify })
    expect(result.ok, `byte ${i}`).toBe(false)
    if (!result.ok && i > header.length + payload.length + 2)
      expect(['signature', 'malformed']).toContain(result.error.code)
  }
})

test('a record signed by another key under our kid is refused', async () => {
  expect(await codeOf(await forged(goodHeader, goodPayload, other))).toBe('signature')
})

test('issuer, log and the interval of the key must be the expected ones', async () => {
  expect(await codeOf(record.jws, { issuer: 'https://other.example' })).toBe('issuer')
  expect(await codeOf(record.jws, { log: `${LOG}1` })).toBe('log')
  const ring = new Map([[KID, { ...recordKey(key.jwk, 5), until: 9 }]])
  const at = async (index: number): Promise<string> => {
    const result = await verifyRecord(record.jws, ring, { index })
    return result.ok ? 'ok' : result.error.code
  }
  expect([await at(4), await at(5), await at(8), await at(9)]).toEqual([
    'key_not_in_force',
    'ok',
    'ok',
    'key_not_in_force',
  ])
})

test('every kind is known to the verifier, and a record of one kind is not one of another', async () => {
  const heartbeat = await testIssuer(key)(
    heartbeatDraft({ from_index: 0, to_index: 3, totals: { key: 1, decision: 2 }, shed: 0 }),
    { iat_s: 1 },
  )
  expect(await codeOf(heartbeat.jws)).toBe('ok')
  const text = textFromBase64Url(heartbeat.jws.split('.')[1] ?? '') ?? ''
  for (const kind of RECORD_KINDS) {
    const jws = await forged(goodHeader.replace('decision', kind), text)
    expect(await codeOf(jws), kind).toMatch(kind === 'heartbeat' ? /^ok$/ : /^claim_/)
  }
})
