/**
 * What may be issued: only classified claims, only entries the log can hold.
 */
import { calculateJwkThumbprint } from 'jose'
import { expect, test } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import { MAX_ENTRY_BYTES, MAX_POLICY_BYTES } from '../../../src/core/limits.ts'
import { CLAIMS } from '../../../src/core/record/claims.ts'
import { keyDraft, type RecordDraft } from '../../../src/core/record/drafts.ts'
import type { GroupValues, OwnClaims } from '../../../src/core/record/groups.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { createIssuer } from '../../../src/core/record/issue.ts'
import { ed25519Jwk, jwksOf, keyRing, parseJwks, thumbprint } from '../../../src/core/record/jwk.ts'
import { GROUP_NAMES, isChainKind, RECORD_KINDS } from '../../../src/core/record/kinds.ts'
import {
  joinPolicyParts,
  policyDigest,
  policyDrafts,
} from '../../../src/core/record/policy-parts.ts'
import { verifyRecord } from '../../../src/core/record/verify.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import {
  AT,
  aDecision,
  aStrike,
  countedRandom,
  LOG,
  someFacts,
  testIssuer,
  testKey,
} from './samples.ts'

const key = testKey(1)
const issue = testIssuer(key)
const draft = aDecision()
const groups = draft.groups as GroupValues
const with_ = (more: Partial<Record<keyof GroupValues, object>>): RecordDraft =>
  ({ ...draft, groups: { ...groups, ...more } }) as RecordDraft

const refused: readonly { name: string; draft: RecordDraft; message: RegExp }[] = [
  {
    name: 'an unclassified public claim',
    draft: { ...draft, claims: { ...draft.claims, mood: 1 } },
    message: /claim `mood` \(public\) is not classified/,
  },
  {
    name: 'a subject in public',
    draft: { ...draft, claims: { ...draft.claims, subject: 'u' } },
    message: /claim `subject` \(public\) is not classified/,
  },
  {
    name: 'a missing public claim',
    draft: { ...draft, claims: { outcome: 'deny' } },
    message: /claim `policy` \(public\) is missing/,
  },
  {
    name: 'an unclassified claim in a group',
    draft: with_({ chain: { ...groups.chain, name: 'x' } }),
    message: /claim `name` \(chain\) is not classified/,
  },
  {
    name: 'an unclassified fact deep inside',
    draft: with_({ facts: someFacts(AT, [{ ...aStrike('s_1'), note: 'x' } as never]) }),
    message: /claim `hosts\.0\.strikes\.0\.note` \(facts\) is not classified/,
  },
  {
    name: 'a malformed claim',
    draft: with_({ request: { caller: '' } }),
    message: /claim `caller` \(request\) is malformed, expected a text/,
  },
  {
    name: 'a chain record without groups',
    draft: { ...draft, groups: null },
    message: /its groups are missing/,
  },
  {
    name: 'a deployment record with groups',
    draft: { ...draft, kind: 'heartbeat' },
    message: /it has no groups/,
  },
]
test.each(refused)('$name cannot be issued', async ({ draft, message }) => {
  await expect(issue(draft, { iat_s: 1 })).rejects.toThrow(message)
})

test('the leaf is that of the log, the bytes are the JWS, the id may be chosen', async () => {
  const record = await issue(draft, { iat_s: 1, jti: 'AAAAAAAAAAAAAAAAAAAAAA' })
  expect(record.leaf).toEqual(leafHash(record.bytes))
  expect(record.bytes).toEqual(utf8(record.jws))
  expect(record).toMatchObject({ kind: 'decision', jti: 'AAAAAAAAAAAAAAAAAAAAAA', iat: 1 })
  expect(Object.keys(record.openings)).toEqual([...GROUP_NAMES])
})

test('the size of a record does not grow with what it commits to', async () => {
  const many = Array.from({ length: 4096 }, (_, i) => aStrike(`s_${i}`))
  const [few, lots] = await Promise.all([
    issue(draft, { iat_s: 1 }),
    issue(aDecision({}, someFacts(AT, many)), { iat_s: 1 }),
  ])
  expect(lots?.bytes.length).toBe(few?.bytes.length)
  expect(few?.bytes.length).toBeLessThan(1200)
})

test('a record above 7,168 bytes is refused, a full policy part with the longest names fits', async () => {
  const text = new Uint8Array(3 * 3072).fill(0x80)
  const long = createIssuer({
    issuer: 'i'.repeat(256),
    engine: 'e'.repeat(64),
    log: 'l'.repeat(256),
    signer: key.signer,
    random: countedRandom(),
  })
  for (const part of policyDrafts(text)) {
    const record = await long(part, { iat_s: 253_402_300_799 })
    expect(record.bytes.length).toBeLessThanOrEqual(MAX_ENTRY_BYTES)
  }
  const [first] = policyDrafts(text)
  const claims = { ...(first?.claims as OwnClaims['policy']), text: 'A'.repeat(5462) }
  const large: RecordDraft = { kind: 'policy', claims, groups: null }
  await expect(long(large, { iat_s: 1 })).rejects.toThrow(/expected at most 7168/)
})

test('every claim has one place per kind, and only chain kinds have groups', () => {
  for (const kind of RECORD_KINDS) {
    const mine = CLAIMS.filter((row) => row.kinds.includes(kind))
    const places = mine.map((row) => `${row.where} ${row.name}`)
    expect(new Set(places).size, kind).toBe(places.length)
    expect(
      mine.some((row) => row.where !== 'public'),
      kind,
    ).toBe(isChainKind(kind))
    // A disclosed group must never be shadowed by, or shadow, a public claim (RFC 9901 section 7.1).
    expect(
      mine.some((row) => row.where === 'public' && GROUP_NAMES.some((g) => g === row.name)),
    ).toBe(false)
  }
})

const partsOf = (bytes: Uint8Array): OwnClaims['policy'][] =>
  policyDrafts(bytes).map((draft) => draft.claims as OwnClaims['policy'])

test('policy text comes back from its parts in any order, byte for byte', () => {
  for (const length of [0, 1, 3071, 3072, 3073, 10_000, MAX_POLICY_BYTES]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
    const parts = partsOf(bytes)
    expect(parts.length).toBe(Math.max(1, Math.ceil(length / 3072)))
    const joined = joinPolicyParts([...parts.toReversed(), ...parts])
    expect(joined.ok && joined.value).toEqual(bytes)
  }
  expect(() => policyDrafts(new Uint8Array(MAX_POLICY_BYTES + 1))).toThrow(/262145 bytes/)
})

test('parts that are missing, differ, or do not make the digest are refused', () => {
  const bytes = new Uint8Array(7000).fill(65)
  const [a, b, c] = partsOf(bytes) as [
    OwnClaims['policy'],
    OwnClaims['policy'],
    OwnClaims['policy'],
  ]
  const code = (parts: readonly OwnClaims['policy'][]): string => {
    const joined = joinPolicyParts(parts)
    return joined.ok ? 'ok' : joined.error
  }
  expect(code([a, b, c])).toBe('ok')
  expect(code([])).toBe('parts_missing')
  expect(code([a, c])).toBe('parts_missing')
  expect(code([a, b, { ...c, of: 4 }])).toBe('parts_differ')
  expect(code([a, b, { ...c, digest: policyDigest(utf8('x')) }])).toBe('parts_differ')
  expect(code([a, { ...a, text: b.text.slice(4) }])).toBe('parts_differ')
  expect(code([a, b, { ...c, part: 4 }])).toBe('parts_differ')
  expect(code([a, b, { ...c, text: 'A' }])).toBe('text_malformed')
  expect(code([a, b, { ...c, text: c.text.slice(4) }])).toBe('digest_wrong')
})

test('thumbprints are those of RFC 8037 appendix A.3 and of jose', async () => {
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
  expect(thumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe(
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  )
  expect(await calculateJwkThumbprint({ ...key.jwk })).toBe(key.signer.kid)
})

test('a JWKS gives back its Ed25519 keys and refuses a malformed one', async () => {
  const jwks = jwksOf([key.jwk, testKey(2).jwk])
  const read = parseJwks(
    JSON.parse(JSON.stringify({ keys: [{ kty: 'RSA', n: 'x' }, ...jwks.keys] })),
  )
  expect(read).toEqual({ ok: true, value: [key.jwk, testKey(2).jwk] })
  const record = await issue(keyDraft({ jwk: key.jwk, use: 'record', status: 'active' }), {
    iat_s: 1,
  })
  expect(
    (await verifyRecord(record.jws, keyRing(read.ok ? read.value : []), { log: LOG })).ok,
  ).toBe(true)
  for (const value of [
    null,
    {},
    { keys: 'x' },
    { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA' }] },
  ])
    expect(parseJwks(value).ok).toBe(false)
  expect(() => ed25519Jwk(new Uint8Array(31))).toThrow(/31 bytes/)
  expect(portableHasher.digestText('')).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
})
