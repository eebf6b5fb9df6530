/**
 * Records: signed tokens, disclosures, presentations, policy parts, facts, keys.
 */
import fc from 'fast-check'
import { parseGiven } from '../../src/cli/log/given-record.ts'
import {
  fromBase64Url,
  textFromBase64Url,
  textToBase64Url,
  toBase64Url,
} from '../../src/core/encoding.ts'
import { claimCheck } from '../../src/core/record/claims.ts'
import { decodeFacts } from '../../src/core/record/decode-facts.ts'
import { discloseGroup, openDisclosures } from '../../src/core/record/disclosure.ts'
import type { OwnClaims } from '../../src/core/record/groups.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { jwksOf, keyRing, parseJwks } from '../../src/core/record/jwk.ts'
import { keyHistory, keysInForce } from '../../src/core/record/key-history.ts'
import { RECORD_KINDS, typOf } from '../../src/core/record/kinds.ts'
import { parseRecord } from '../../src/core/record/parse.ts'
import { joinPolicyParts, policyDrafts } from '../../src/core/record/policy-parts.ts'
import { parsePresentation } from '../../src/core/record/presentation.ts'
import { verifyRecord } from '../../src/core/record/verify.ts'
import { type Change, changeJson, changeText, placeIn } from './mutate.ts'
import { CORPUS, GOLDEN, KEYS, oracle, RECORDS } from './seeds.ts'
import { changed, damaged, type FuzzTarget, must, requireSame, spelling, target } from './target.ts'

const SIGNED = new Set(GOLDEN.records.map(({ jws }) => jws))

/** Damages the text, or what its header or payload says, written again as a signer would. */
export function changeRecord(jws: string, change: Change): string {
  const parts = jws.split('.')
  const which = change.how % 4
  const part = parts[which === 0 ? 0 : 1]
  const json = which === 3 || part === undefined ? null : textFromBase64Url(part)
  if (json === null || !json.startsWith('{')) return changeText(jws, change)
  const how = placeIn(change.with, 64)
  const changed =
    how % 4 === 0 ? changeText(json, { ...change, how }) : inJson(json, { ...change, how })
  return parts.map((old) => (old === part ? textToBase64Url(changed) : old)).join('.')
}

/** A change may have spoilt the JSON before. */
function inJson(json: string, change: Change): string {
  try {
    return changeJson(json, change)
  } catch {
    return changeText(json, change)
  }
}

/** The token out of what was read. */
function recordAgain(jws: string): string | null {
  const read = parseRecord(jws)
  if (!read.ok) return null
  const { kind, kid, claims, signature, signed } = read.value
  const header = JSON.stringify({ alg: 'Ed25519', typ: typOf(kind), kid })
  const payload = textFromBase64Url(jws.split('.')[1] ?? '') ?? ''
  // The short way of reading must see what the long way sees.
  requireSame('claims', claims, JSON.parse(payload))
  must(claimCheck(kind, 'public')(claims) === null, 'claims that the table does not allow')
  const body = `${textToBase64Url(header)}.${textToBase64Url(JSON.stringify(claims))}`
  requireSame('what is signed', signed, body)
  return `${body}.${toBase64Url(signature)}`
}

interface Opening {
  readonly kind: (typeof RECORD_KINDS)[number]
  readonly text: string
}

const OPENINGS: readonly Opening[] = GOLDEN.records.flatMap(({ kind, openings }) =>
  Object.values(openings).map((text) => ({ kind: kind as Opening['kind'], text })),
)

function changeOpening({ kind, text }: Opening, change: Change): Opening {
  const json = textFromBase64Url(text)
  if (change.how % 8 === 7)
    return { kind: RECORD_KINDS[placeIn(change.with, RECORD_KINDS.length)] ?? kind, text }
  if (json === null || change.how % 4 === 3) return { kind, text: changeText(text, change) }
  return { kind, text: textToBase64Url(inJson(json, { ...change, how: change.how >> 2 })) }
}

/** Committed to, whatever it says: then the claims table alone decides. */
function checkOpening({ kind, text }: Opening): void {
  const record = { kind, digests: [portableHasher.digestText(text)] }
  const opened = openDisclosures(record, [text])
  if (!opened.ok) return
  const [[group, value] = ['', {}]] = Object.entries(opened.value)
  const salt = /^\["([\w-]*)"/.exec(textFromBase64Url(text) ?? '')?.[1] ?? ''
  const again = discloseGroup(group as 'chain', value, fromBase64Url(salt) ?? new Uint8Array(0))
  requireSame('a disclosure', again, text)
}

const PRESENTATIONS = RECORDS.slice(0, 12).map(({ jws, disclosures }) =>
  [jws, ...disclosures, ''].join('~'),
)

/** All the disclosures of a record, one of them damaged: all or nothing. */
function checkPresented(text: string): void {
  const read = parsePresentation(text)
  if (!read.ok) return
  const { jws, disclosures } = read.value
  requireSame(
    'a presentation',
    text.includes('~') ? [jws, ...disclosures, ''].join('~') : jws,
    text,
  )
  const record = parseRecord(jws)
  if (!record.ok) return
  const opened = openDisclosures(record.value, disclosures)
  if (opened.ok) must(Object.keys(opened.value).length === disclosures.length, 'one was not opened')
}

const FACTS = GOLDEN.records.flatMap(({ kind, openings: { facts = '' } }) => {
  const [, , value] = kind === 'decision' ? JSON.parse(textFromBase64Url(facts) ?? '') : []
  return value === undefined ? [] : [JSON.stringify(value)]
})

const POLICY = policyDrafts(new Uint8Array(7_000).fill(0x61)).map(
  ({ claims }) => claims as OwnClaims['policy'],
)

/** A part of a policy text as the claims table lets it through. */
function checkParts(text: string): void {
  const value = JSON.parse(text) as unknown
  if (!Array.isArray(value)) return
  const { iss, jti, iat, engine, log, mmd } = JSON.parse(claimsOf('policy')) as Record<
    string,
    unknown
  >
  const fits = (part: unknown): boolean =>
    claimCheck('policy', 'public')({ iss, jti, iat, engine, log, mmd, ...Object(part) }) === null
  if (!value.every(fits)) return
  const parts = value as OwnClaims['policy'][]
  const joined = joinPolicyParts(parts)
  if (!joined.ok) return
  const drafts = policyDrafts(joined.value).map(
    ({ claims }) => (claims as OwnClaims['policy']).digest,
  )
  must(
    parts.every(({ digest }) => digest === drafts[0]),
    'a text under another digest',
  )
}

function claimsOf(kind: string): string {
  const jws = GOLDEN.records.find((record) => record.kind === kind)?.jws ?? ''
  return textFromBase64Url(jws.split('.')[1] ?? '') ?? ''
}

const JWKS = JSON.stringify(jwksOf([GOLDEN.jwk, { ...GOLDEN.jwk, x: 'A'.repeat(43) }]))

function checkJwks(text: string): void {
  const read = parseJwks(JSON.parse(text))
  if (!read.ok) return
  const ring = keyRing(read.value)
  for (const { public_key, jwk } of ring.values())
    requireSame('a key', toBase64Url(public_key), jwk.x)
}

const KEY_RECORDS = JSON.stringify(
  ['active', 'active', 'retired', 'revoked'].map((status, i) => ({
    ...(JSON.parse(claimsOf('key')) as object),
    ...{ status, use: i === 1 ? 'checkpoint' : 'record' },
  })),
)

/** Histories of records the table lets through: what has ended is not in force. */
function checkHistory(text: string): void {
  const value = JSON.parse(text) as unknown
  if (!Array.isArray(value)) return
  const check = claimCheck('key', 'public')
  const claims = value.filter((one) => check(one) === null) as OwnClaims['key'][]
  const records = claims.map((one, index) => ({ index, iat_s: index, claims: one }))
  const history = keyHistory(records)
  for (const { until } of keysInForce(history, 'record'))
    must(until === null, 'ended, and in force')
}

const json =
  (check: (text: string) => void) =>
  (text: string): void => {
    try {
      JSON.parse(text)
    } catch {
      return
    }
    check(text)
  }

export const RECORD_TARGETS: readonly FuzzTarget[] = [
  spelling(
    'record',
    RECORDS.map(({ jws }) => jws),
    recordAgain,
    changeRecord,
  ),
  target(
    'record-verify',
    damaged(
      GOLDEN.records.map(({ jws }) => jws),
      changeRecord,
    ),
    async (jws) => {
      const read = await verifyRecord(jws, KEYS, { verifyEd25519: oracle })
      if (read.ok) must(SIGNED.has(jws), 'a record that was not signed')
      await verifyRecord(jws, KEYS, { verifyEd25519: () => true, index: 3 })
    },
  ),
  target('disclosure', changed(OPENINGS, changeOpening), checkOpening),
  target('presentation', damaged(PRESENTATIONS), checkPresented),
  target(
    'given-record',
    fc.oneof(
      damaged(PRESENTATIONS),
      damaged(
        CORPUS.flatMap(({ lines }) => lines),
        changeLine,
      ),
    ),
    (text) => {
      const given = parseGiven(text)
      if (given !== null) must(given.jws.split('.').length === 3, 'no token')
    },
  ),
  target(
    'facts',
    damaged(FACTS, inJson),
    json((text) => {
      const read = decodeFacts(JSON.parse(text))
      if (read.ok) must(read.value.hosts.length >= 1, 'facts without a host')
    }),
  ),
  target('policy-parts', damaged([JSON.stringify(POLICY)], inJson), json(checkParts)),
  target('jwks', damaged([JWKS], inJson), json(checkJwks)),
  target('key-history', damaged([KEY_RECORDS], inJson), json(checkHistory)),
]

function changeLine(line: string, change: Change): string {
  return change.how % 2 === 0 ? changeText(line, change) : inJson(line, change)
}
