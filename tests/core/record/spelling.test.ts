/**
 * The shortcuts of reading accept nothing the long way refuses, and read the same values.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase64Url, textFromBase64Url } from '../../../src/core/encoding.ts'
import { claimCheck } from '../../../src/core/record/claims.ts'
import { parseJson } from '../../../src/core/record/json.ts'
import type { GroupName } from '../../../src/core/record/kinds.ts'
import { parseRecord } from '../../../src/core/record/parse.ts'
import {
  learnResult,
  readAlike,
  readChain,
  readResult,
  readSubject,
} from '../../../src/core/record/spelling.ts'
import { aDecision, testIssuer, testKey } from './samples.ts'

const issue = testIssuer(testKey(1))
const learnt = await issue(aDecision(), { iat_s: 1_769_817_600 })
const next = await issue(aDecision(), { iat_s: 9_769_817_601 })

function payloadOf(jws: string): string {
  return textFromBase64Url(jws.split('.')[1] ?? '') ?? ''
}
const payload = payloadOf(next.jws)
const FIRST =
  '["AAECAwQFBgcICQoLDA0ODw","chain",{"sub":"c3ViamVjdCAwMDAwMDAwMA","seq":1,"prev":null,"at":1769817600000}]'
const LATER = FIRST.replace('"seq":1', '"seq":204').replace(
  'null',
  `"${'abc_-XYZ09'.repeat(4)}abE"`,
)
const ALONE = '["AAECAwQFBgcICQoLDA0ODw","subject",{"subject":"u_81f","cohosts":[]}]'
/** What is learnt is one for all tests of a process: once it is full, one text in 16 is. */
function patiently(teach: () => void): void {
  for (let i = 0; i < 16; i++) teach()
}
patiently(() => parseRecord(learnt.jws))

const RESULT = {
  ...{ mode: null, until: null, not_before: null, review: null, retry_after_s: null },
  ...{ broadcast_delay_s: null, lease_until: 1_769_832_000_000, rules: ['slow'] },
  ...{ restrictions: [], unknown: [], obligations: [{ type: 'label', of: 'x' }] },
  ...{ exemptions: [], holds_opened: [] },
}

/** Of the group `result`. */
function resultText(value: object, salt = 'AAECAwQFBgcICQoLDA0ODw'): string {
  return JSON.stringify([salt, 'result', value])
}
patiently(() => learnResult('decision', resultText(RESULT), RESULT))

/** A text with a few letters changed, left out or put in, mostly ones that mean something. */
function nearly(text: string): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(text.length),
    cut: fc.nat(2),
    put: fc.oneof(
      fc.constantFrom(
        '',
        '0',
        '1',
        '-',
        '9',
        '.',
        'e',
        '"',
        ',',
        ' ',
        '\\',
        'A',
        'B',
        '_',
        '=',
        '{}',
        'é',
        '\n',
        '99999',
      ),
      fc.string({ maxLength: 2 }),
    ),
  })
  return fc
    .array(edit, { minLength: 1, maxLength: 2 })
    .map((edits) =>
      edits.reduce((now, { at, cut, put }) => now.slice(0, at) + put + now.slice(at + cut), text),
    )
}

/** Every single letter of `text` replaced by letters that mean something. */
function* neighbours(text: string): Generator<string> {
  for (let i = 0; i < text.length; i++)
    for (const put of ['', 'A', 'B', '0', '1', '"', '-', ' '])
      yield text.slice(0, i) + put + text.slice(i + 1)
}

const CASES = [
  {
    name: 'a payload',
    texts: [payload],
    read: (text: string) => readAlike('decision', text),
    check: claimCheck('decision', 'public'),
    value: (parsed: unknown) => parsed,
  },
  {
    name: 'a place in a chain',
    texts: [FIRST, LATER],
    read: readChain,
    check: claimCheck('decision', 'chain'),
    value: (parsed: unknown) => groupIn(parsed, 'chain'),
  },
  {
    name: 'a result',
    texts: [
      resultText(RESULT),
      resultText({ ...RESULT, lease_until: 7 }, 'ZZECAwQFBgcICQoLDA0ODw'),
    ],
    read: (text: string) => readResult('decision', text),
    check: claimCheck('decision', 'result'),
    value: (parsed: unknown) => groupIn(parsed, 'result'),
  },
  {
    name: 'somebody alone',
    texts: [ALONE, ALONE.replace('u_81f', 'x'.repeat(256))],
    read: readSubject,
    check: claimCheck('decision', 'subject'),
    value: (parsed: unknown) => groupIn(parsed, 'subject'),
  },
]

/** What a disclosure of that group says, its salt being one. */
function groupIn(parsed: unknown, group: GroupName): unknown {
  const [salt, name, value, ...more] = parsed as readonly unknown[]
  expect(fromBase64Url(String(salt))?.length).toBe(16)
  expect([name, more]).toEqual([group, []])
  return value
}

describe.each(CASES)('$name', ({ texts, read, check, value }) => {
  function agrees(text: string): boolean {
    const short = read(text)
    if (short === undefined) return false
    const long = value(parseJson(text))
    expect(short).toEqual(long)
    expect(Object.keys(short)).toEqual(Object.keys(long as object))
    expect(check(long)).toBeNull()
    return true
  }

  test('is read the short way, as the long way reads it', () => {
    for (const text of texts) expect(agrees(text)).toBe(true)
  })

  test('with any letter changed is refused, or means the same both ways', () => {
    const read = texts.flatMap((text) => [...neighbours(text)].map(agrees))
    expect(read).toContain(true)
    expect(read).toContain(false)
  })

  test('nearly right is refused, or means the same both ways', () => {
    const changed = fc.oneof(...texts.map(nearly))
    fc.assert(
      fc.property(changed, (text) => void agrees(text)),
      { numRuns: 5000 },
    )
  })
})

test('a payload that says anything else is read the long way', () => {
  const other = payload.replace('"outcome":"deny"', '"outcome":"allow"')
  expect(other).not.toBe(payload)
  expect(readAlike('decision', other)).toBeUndefined()
  expect(readAlike('strike', payload)).toBeUndefined()
})

test('a payload is read the short way up to the last second of the year 9999', () => {
  const at = (iat: number): string => payload.replace(/"iat":\d+/, `"iat":${iat}`)
  expect(readAlike('decision', at(253_402_300_799))).toMatchObject({ iat: 253_402_300_799 })
  expect(readAlike('decision', at(253_402_300_800))).toBeUndefined()
})

describe('a result is learnt only where its own lease is all that changes', () => {
  const changed = { ...RESULT, lease_until: RESULT.lease_until + 1 }
  test.each([
    ['without a lease', { ...RESULT, lease_until: null }],
    ['with an obligation that has one too', { ...RESULT, obligations: [{ lease_until: 5 }] }],
    ['that only has one inside', { obligations: [{ lease_until: 5 }] }],
  ])('%s', (_, value) => {
    patiently(() => learnResult('strike', resultText(value), value))
    expect(readResult('strike', resultText(value))).toBeUndefined()
    expect(readResult('strike', resultText({ ...value, lease_until: 5 }))).toBeUndefined()
  })

  test('a text too long to remember is read the long way', () => {
    const value = { ...RESULT, rules: Array(200).fill('a'.repeat(64)) }
    patiently(() => learnResult('review', resultText(value), value))
    expect(readResult('review', resultText(value))).toBeUndefined()
  })

  test('of one kind it says nothing of another', () => {
    expect(readResult('broadcast', resultText(changed))).toBeUndefined()
  })

  test('a word that only looks like one is text', () => {
    const value = { ...RESULT, rules: ['"lease_until":5,'] }
    patiently(() => learnResult('review', resultText(value), value))
    const later = { ...value, lease_until: 9 }
    expect(readResult('review', resultText(later))).toEqual(later)
  })

  test('anything else that differs is read the long way', () => {
    expect(readResult('decision', resultText({ ...changed, rules: [] }))).toBeUndefined()
    expect(readResult('decision', resultText({ ...changed, would: {} }))).toBeUndefined()
    for (const value of [changed, { ...RESULT, lease_until: 1 }])
      expect(readResult('decision', resultText(value))).toEqual(value)
  })
})
