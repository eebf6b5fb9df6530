/**
 * What each refusal says, whole: an auditor reads these words, and a person has to act on them.
 */
import { describe, expect, test } from 'vitest'
import { textToBase64Url, toBase64Url } from '../../../src/core/encoding.ts'
import type { LivegateError } from '../../../src/core/errors.ts'
import { MAX_POLICY_BYTES } from '../../../src/core/limits.ts'
import { discloseGroup, openDisclosures } from '../../../src/core/record/disclosure.ts'
import { erasureDraft, heartbeatDraft, keyDraft } from '../../../src/core/record/drafts.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { ed25519Jwk, keyRing, parseJwks, recordKey } from '../../../src/core/record/jwk.ts'
import { parseRecord } from '../../../src/core/record/parse.ts'
import { joinPolicyParts, policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { parsePresentation, presentation } from '../../../src/core/record/presentation.ts'
import { expectedKey, signatureHolds, verifyRecord } from '../../../src/core/record/verify.ts'
import { aDecision, nodeVerify, POLICY_DIGEST, testIssuer, testKey } from './samples.ts'

const key = testKey(1)
const { kid } = key.signer
const issue = testIssuer(key)
const record = await issue(aDecision(), { iat_s: 1 })
const [header = '', payload = '', signature = ''] = record.jws.split('.')
const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>

const head = (more: object): string =>
  textToBase64Url(JSON.stringify({ alg: 'Ed25519', typ: 'livegate-decision+jwt', kid, ...more }))
const body = (more: object): string => textToBase64Url(JSON.stringify({ ...claims, ...more }))
const said = (jws: string): string => {
  const read = parseRecord(jws)
  return read.ok ? 'read' : read.error.message
}

describe('a record that cannot be read', () => {
  test.each([
    ['x'.repeat(7169), 'Cannot read a record: it has more than 7168 bytes'],
    ['x'.repeat(7168), 'Cannot read a record: expected header.payload.signature'],
    [
      `${header}..${payload}.${signature}`,
      'Cannot read a record: expected header.payload.signature',
    ],
    [`=.${payload}.${signature}`, 'Cannot read a record: its header is not canonical base64url'],
    [
      `${header}.${payload}.${signature.slice(4)}`,
      'Cannot read a record: expected a signature of 64 bytes in base64url',
    ],
    [`${header}.=.${signature}`, 'Cannot read a record: its payload is not canonical base64url'],
    [
      `${textToBase64Url('[]')}.${payload}.${signature}`,
      'Cannot read a record: its header is not a JSON object in its one spelling',
    ],
    [
      `${head({ alg: 'none' })}.${payload}.${signature}`,
      'Cannot read a record: expected alg Ed25519 and no other',
    ],
    [
      `${head({ typ: 'JWT' })}.${payload}.${signature}`,
      'Cannot read a record: its typ names no known kind',
    ],
    [
      `${head({ typ: 7 })}.${payload}.${signature}`,
      'Cannot read a record: its typ names no known kind',
    ],
    [
      `${head({ kid: 'short' })}.${payload}.${signature}`,
      'Cannot read a record: its kid is not a thumbprint',
    ],
    [
      `${head({ kid: 7 })}.${payload}.${signature}`,
      'Cannot read a record: its kid is not a thumbprint',
    ],
    [
      `${head({ crit: [] })}.${payload}.${signature}`,
      'Cannot read a record: expected exactly alg, typ and kid in its header',
    ],
    [
      `${header}.${textToBase64Url('{"a": 1}')}.${signature}`,
      'Cannot read a record: its payload is not JSON in its one spelling',
    ],
    [
      `${header}.${body({ ['x'.repeat(200)]: 1 })}.${signature}`,
      `Cannot read claim \`${'x'.repeat(128)}\` of a decision record: it is not classified`,
    ],
    [
      `${header}.${body({ iat: undefined })}.${signature}`,
      'Cannot read claim `iat` of a decision record: missing',
    ],
    [
      `${header}.${body({ iat: -1 })}.${signature}`,
      'Cannot read claim `iat` of a decision record: malformed, expected an integer of 0 to 253402300799',
    ],
    [
      `${header}.${body({ _sd: (claims._sd as string[]).toReversed() })}.${signature}`,
      'Cannot read claim `_sd`: expected sorted, distinct digests',
    ],
  ])('%.40s says why', (jws, message) => expect(said(jws)).toBe(message))

  test('is not read the second time either, and one with the same header is', () => {
    const forged = `${head({ alg: 'none' })}.${payload}.${signature}`
    expect([said(forged), said(forged)]).toEqual(Array(2).fill(said(forged)))
    expect([said(record.jws), said(record.jws)]).toEqual(['read', 'read'])
  })

  test('says nothing of a payload whose header is wrong', () => {
    expect(said(`${head({ alg: 'none' })}.=.${signature}`)).toContain('alg Ed25519')
  })
})

describe('a record that does not verify', () => {
  const keys = keyRing([key.jwk])
  const [known = recordKey(key.jwk, 0)] = keys.values()
  const told = (
    ring: typeof keys,
    expectations: Parameters<typeof expectedKey>[2] = {},
  ): string => {
    const found = expectedKey({ kid, claims: { iss: 'i', log: 'l' } }, ring, expectations)
    return found.ok ? 'ok' : `${found.error.code}: ${found.error.message}`
  }
  const between = new Map([[kid, { ...known, from: 3, until: 7 }]])

  test.each([
    [told(keys, { issuer: 'i', log: 'l', index: 0 }), 'ok'],
    [
      told(keys, { issuer: 'j' }),
      'issuer: Cannot verify a record: its issuer is not the expected one',
    ],
    [told(keys, { log: 'm' }), 'log: Cannot verify a record: it belongs to another log'],
    [told(new Map()), `key_unknown: Cannot verify a record: key ${kid} is not known`],
    ...[2, 7].map((index) => [
      told(between, { index }),
      `key_not_in_force: Cannot verify a record: key ${kid} is not in force at index ${index}`,
    ]),
    ...[3, 6].map((index) => [told(between, { index }), 'ok']),
  ])('%s', (message, expected) => expect(message).toBe(expected))

  test('by its signature says so, whoever verifies', async () => {
    const other = (await issue(aDecision(), { iat_s: 2 })).jws.split('.')[2]
    const forged = `${header}.${payload}.${other}`
    const message = 'Cannot verify a record: the signature is not by its key over its bytes'
    for (const verifyEd25519 of [undefined, nodeVerify])
      expect(await verifyRecord(forged, keys, verifyEd25519 ? { verifyEd25519 } : {})).toEqual({
        ok: false,
        error: { code: 'signature', message },
      })
  })

  test('is judged by the Ed25519 that is handed in, and by that alone', async () => {
    const read = parseRecord(record.jws)
    if (!read.ok) throw new Error(read.error.message)
    const seen: string[] = []
    const no = (_: Uint8Array, message: Uint8Array): boolean => {
      seen.push(Buffer.from(message).toString())
      return false
    }
    expect(await signatureHolds(read.value, known, no)).toBe(false)
    expect(seen).toEqual([`${header}.${payload}`])
    expect(await signatureHolds(read.value, known)).toBe(true)
  })
})

describe('a disclosure that cannot be opened', () => {
  const salt = new Uint8Array(16)
  const text = (json: string): string => textToBase64Url(json)
  const opened = (disclosure: string, kind: 'decision' | 'strike' | 'key' = 'decision'): string => {
    const digests = [portableHasher.digestText(disclosure)]
    const read = openDisclosures({ kind, digests }, [disclosure])
    return read.ok ? 'opened' : read.error.message
  }
  const place = { sub: 'A'.repeat(22), seq: 1, prev: null, at: 5 }

  test.each([
    ['=', 'Cannot read a disclosure: expected [salt, group, object]'],
    [text('["a","b"]'), 'Cannot read a disclosure: expected [salt, group, object]'],
    [text('["AAAA","chain",{}]'), 'Cannot read a disclosure: expected a salt of 16 bytes'],
    [text('[7,"chain",{}]'), 'Cannot read a disclosure: expected a salt of 16 bytes'],
    [
      text(`["${'A'.repeat(22)}","extra",{}]`),
      'Cannot open a disclosure: expected one of the groups chain, result, subject, request, facts',
    ],
    [
      discloseGroup('chain', { ...place, name: 'x' }, salt),
      'Cannot open group chain: claim chain.name is not known',
    ],
    [
      discloseGroup('chain', { sub: place.sub }, salt),
      'Cannot open group chain: claim chain.seq is missing',
    ],
    [
      discloseGroup('chain', { ...place, seq: 0 }, salt),
      `Cannot open group chain: claim chain.seq is malformed, expected an integer of 1 to ${Number.MAX_SAFE_INTEGER}`,
    ],
    [
      discloseGroup('chain', [], salt),
      'Cannot open group chain: claim chain is malformed, expected an object',
    ],
    [
      discloseGroup('chain', { ...place, seq: 2 }, salt),
      'Cannot open group chain: prev is null exactly at seq 1',
    ],
    [discloseGroup('chain', place, salt), 'opened'],
  ])('%.30s says why', (disclosure, message) => expect(opened(disclosure)).toBe(message))

  test('of a kind without chains is not read the short way', () => {
    expect(opened(discloseGroup('chain', place, salt), 'key')).toBe(
      'Cannot open group chain: claim chain.sub is not known',
    )
  })

  test('says which group is given twice, is not committed to, or contradicts another', () => {
    const one = discloseGroup('chain', place, salt)
    const facts = discloseGroup('facts', { strike: 's', reason: '', at: 6 }, salt)
    const digests = [one, facts].map((disclosure) => portableHasher.digestText(disclosure))
    const told = (texts: string[], of: readonly string[] = digests): unknown => {
      const read = openDisclosures({ kind: 'reversal', digests: of }, texts)
      return read.ok ? read.value : read.error.message
    }
    expect(told([one, one])).toBe('Cannot open group chain: it is given twice')
    expect(told([one], [])).toBe('Cannot open group chain: its digest is not in the record')
    expect(told([one, facts])).toBe('Cannot open groups chain and facts: they differ in `at`')
    expect(told([facts])).toEqual({ facts: { strike: 's', reason: '', at: 6 } })
  })
})

describe('a presentation', () => {
  test.each([
    [`${record.jws}~a`, 'Cannot read a presentation: expected `~` at its end'],
    [`${record.jws}${'~a'.repeat(6)}~`, 'Cannot read a presentation: more disclosures than groups'],
  ])('%.0s that cannot be read says: %s', (text, message) => {
    const read = parsePresentation(text)
    expect(read.ok ? '' : read.error.message).toBe(message)
  })

  test('holds as many disclosures as there are groups, or none', () => {
    expect(parsePresentation(`j${'~a'.repeat(5)}~`)).toEqual({
      ok: true,
      value: { jws: 'j', disclosures: Array(5).fill('a') },
    })
    expect(parsePresentation('j')).toEqual({ ok: true, value: { jws: 'j', disclosures: [] } })
    expect(presentation('j', { facts: 'f', chain: 'c' }, ['chain', 'facts'])).toBe('j~c~f~')
    expect(() => presentation('j', {}, ['facts'])).toThrow(
      'Cannot present group facts: its opening is missing',
    )
  })
})

describe('what cannot be issued', () => {
  const thrown = async (act: () => unknown): Promise<string> => {
    try {
      await act()
      return 'done'
    } catch (error) {
      return `${(error as LivegateError).code}: ${(error as Error).message}`
    }
  }
  const decision = aDecision()
  const heartbeat = { from_index: 0, to_index: 1, totals: {}, shed: 0 }

  test.each([
    [
      () => issue({ ...decision, groups: null }, { iat_s: 1 }),
      'internal: Cannot issue a decision record: its groups are missing',
    ],
    [
      () => issue({ ...heartbeatDraft(heartbeat), groups: decision.groups }, { iat_s: 1 }),
      'internal: Cannot issue a heartbeat record: it has no groups',
    ],
    [
      () => issue({ ...decision, claims: { ...decision.claims, more: 1 } as never }, { iat_s: 1 }),
      'internal: Cannot issue a decision record: claim `more` (public) is not classified',
    ],
    [
      () => issue({ ...decision, claims: { policy: POLICY_DIGEST } as never }, { iat_s: 1 }),
      'internal: Cannot issue a decision record: claim `outcome` (public) is missing',
    ],
    [
      () => issue(heartbeatDraft({ ...heartbeat, shed: -1 }), { iat_s: 1 }),
      `internal: Cannot issue a heartbeat record: claim \`shed\` (public) is malformed, expected an integer of 0 to ${Number.MAX_SAFE_INTEGER}`,
    ],
    [
      () =>
        issue(
          { ...decision, claims: { ...decision.claims, ['y'.repeat(200)]: 1 } as never },
          { iat_s: 1 },
        ),
      `internal: Cannot issue a decision record: claim \`${'y'.repeat(128)}\` (public) is not classified`,
    ],
    [
      () => ed25519Jwk(new Uint8Array(31)),
      'internal: Cannot use a public key of 31 bytes, expected 32',
    ],
    [
      () => recordKey({ ...key.jwk, x: 'AAAA' }, 0),
      'internal: Cannot use a key: `x` is not 32 bytes in base64url',
    ],
    [
      () => policyDrafts(new Uint8Array(MAX_POLICY_BYTES + 1)),
      'internal: Cannot log a policy: it has 262145 bytes, expected at most 262144',
    ],
    [() => policyDrafts(new Uint8Array(MAX_POLICY_BYTES)), 'done'],
  ])('is refused in words, case %#', async (act, message) =>
    expect(await thrown(act)).toBe(message),
  )

  test('is measured before it is signed', async () => {
    const counts = Object.fromEntries(
      Array.from({ length: 32 }, (_, i) => [
        'abcdefghijklmnopqrstuvwxyz'.charAt(i % 26).repeat(1 + i),
        i,
      ]),
    )
    const strikes = Array.from({ length: 64 }, () => 'A'.repeat(43))
    const draft = erasureDraft({
      ...{ sub: 'A'.repeat(64), scope: 'full', basis: 'é'.repeat(256), counts, strikes },
    })
    const issued = await issue(draft, { iat_s: 1 })
    expect(issued.bytes.length).toBe(issued.jws.length)
    expect(issued.jws.length).toBeLessThanOrEqual(7168)
  })
})

describe('a set of keys', () => {
  const other = testKey(2).jwk

  test.each<[unknown, unknown]>([
    [null, 'Cannot read a JWKS: expected an object with `keys`'],
    [{ keys: {} }, 'Cannot read a JWKS: expected an object with `keys`'],
    [
      { keys: [{ ...other, x: 'AAAA' }] },
      'Cannot read a JWKS: an Ed25519 key has no `x` of 32 bytes',
    ],
    [{ keys: [{ ...other, x: 7 }] }, 'Cannot read a JWKS: an Ed25519 key has no `x` of 32 bytes'],
    [{ keys: [null, { ...other, crv: 'X25519' }, { ...other, kty: 'EC' }] }, []],
    [{ keys: [{ ...other, use: 'sig' }] }, [other]],
  ])('%j', (value, expected) => {
    const read = parseJwks(value)
    expect(read.ok ? read.value : read.error).toEqual(expected)
  })

  test('opens with keys that are in force everywhere', () => {
    expect([...keyRing([key.jwk]).values()]).toMatchObject([{ kid, from: 0, until: null }])
    expect(keyDraft({ jwk: key.jwk, use: 'record', status: 'active' }).claims).not.toHaveProperty(
      'from',
    )
  })
})

describe('parts of a policy', () => {
  const parts = policyDrafts(new Uint8Array(7000).fill(97)).map(
    ({ claims }) => claims,
  ) as Parameters<typeof joinPolicyParts>[0] as readonly {
    digest: string
    part: number
    of: number
    text: string
  }[]
  const [first, second, third] = parts as [(typeof parts)[0], (typeof parts)[0], (typeof parts)[0]]

  test.each([
    [[], 'parts_missing'],
    [[first, second], 'parts_missing'],
    [[first, second, { ...third, part: 4 }], 'parts_differ'],
    [[first, { ...second, of: 4 }], 'parts_differ'],
    [[first, { ...second, digest: POLICY_DIGEST }], 'parts_differ'],
    [[first, { ...first, text: 'AAAA' }], 'parts_differ'],
    [[first, second, { ...third, part: 2 }], 'parts_differ'],
    [[{ ...first, part: 0 }, second, third], 'text_malformed'],
    [[first, second, { ...third, text: 'A' }], 'text_malformed'],
    [[first, second, { ...third, text: toBase64Url(new Uint8Array(3)) }], 'digest_wrong'],
  ])('that do not fit are refused, case %#: %s', (given, error) =>
    expect(joinPolicyParts(given)).toEqual({ ok: false, error }),
  )

  test('are joined in any order, repeats left out; an empty text is one part', () => {
    expect(joinPolicyParts([third, first, first, second])).toEqual({
      ok: true,
      value: new Uint8Array(7000).fill(97),
    })
    const empty = policyDrafts(new Uint8Array(0)).map(({ claims }) => claims) as typeof parts
    expect(empty).toMatchObject([{ part: 1, of: 1, text: '' }])
    expect(joinPolicyParts(empty)).toEqual({ ok: true, value: new Uint8Array(0) })
  })
})
