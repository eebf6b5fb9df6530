/** A record signed anew says what it said, verifies under the other key, and opens as before. */
import { expect, test } from 'vitest'
import { textToBase64Url, utf8 } from '../../../src/core/encoding.ts'
import { openDisclosures } from '../../../src/core/record/disclosure.ts'
import type { Openings } from '../../../src/core/record/groups.ts'
import { keyRing } from '../../../src/core/record/jwk.ts'
import { renewRecord } from '../../../src/core/record/renew.ts'
import { verifyRecord } from '../../../src/core/record/verify.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import { AT, aDecision, countedRandom, testIssuer, testKey } from './samples.ts'

const [old, next] = [testKey(1), testKey(5)]
const PREV = `${'B'.repeat(42)}E`
const options = { signer: next.signer, random: countedRandom('again') }
const issued = await testIssuer(old)(aDecision(), { iat_s: AT / 1000 })
const later = aDecision()
const second = await testIssuer(old)(
  {
    ...later,
    groups: { ...groupsOf(), chain: { ...groupsOf().chain, seq: 2, prev: `${'A'.repeat(42)}E` } },
  },
  { iat_s: AT / 1000 },
)

function groupsOf() {
  if (later.groups === null) throw new Error('a decision without groups')
  return later.groups
}

/** Verified under the new key, and everything in it. */
async function read(record: { readonly jws: string; readonly openings: Openings }) {
  const verified = await verifyRecord(record.jws, keyRing([next.jwk]))
  if (!verified.ok) throw new Error(verified.error.message)
  const { kind, claims, digests } = verified.value
  const opened = openDisclosures({ kind, digests }, Object.values(record.openings))
  if (!opened.ok) throw new Error(opened.error.message)
  return { kind, claims, groups: opened.value }
}

test('the first of those that wait keeps every byte of what it says', async () => {
  const renewed = await renewRecord(issued, null, options)
  expect(renewed.jws.split('.')[1]).toBe(issued.jws.split('.')[1])
  expect(renewed.jws.split('.')[0]).not.toBe(issued.jws.split('.')[0])
  expect(renewed.openings).toEqual(issued.openings)
  expect(renewed.leaf).toEqual(leafHash(utf8(renewed.jws)))
  expect((await read(renewed)).groups).toMatchObject({ chain: { seq: groupsOf().chain.seq } })
  expect((await verifyRecord(renewed.jws, keyRing([old.jwk]))).ok).toBe(false)
})

test('one behind it differs in the record before, under a fresh salt, and in nothing else', async () => {
  const renewed = await renewRecord(second, PREV, options)
  const { claims, groups } = await read(renewed)
  const again = await read(await renewRecord(second, null, options))
  expect(groups).toEqual({ ...again.groups, chain: { ...again.groups.chain, prev: PREV } })
  const { chain, ...others } = renewed.openings
  expect(others).toEqual({ ...second.openings, chain: undefined, ...others })
  expect(chain?.slice(0, 24)).not.toBe(second.openings.chain?.slice(0, 24))
  const digests = (of: typeof claims) => [...((of as { _sd?: readonly string[] })._sd ?? [])]
  expect(digests(claims)).toEqual(digests(claims).sort())
  expect({ ...claims, _sd: [] }).toEqual({ ...again.claims, _sd: [] })
})

for (const [name, record] of [
  ['a payload that is no JSON', { ...second, jws: 'e30.e30x.AA' }],
  ['no commitment to its place', { ...second, jws: `e30.${textToBase64Url('{"_sd":[]}')}.AA` }],
  ['a place that is not disclosed', { ...second, openings: {} }],
  ['a header that is a list', { ...second, jws: `${textToBase64Url('[]')}.e30.AA` }],
] as const)
  test(`what no issuer of ours has made is not signed: ${name}`, async () => {
    await expect(renewRecord(record, PREV, options)).rejects.toMatchObject({ code: 'internal' })
  })
