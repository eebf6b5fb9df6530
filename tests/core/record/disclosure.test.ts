/**
 * Groups open exactly as they were committed to, and in no other way.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { textFromBase64Url, textToBase64Url } from '../../../src/core/encoding.ts'
import type { Facts } from '../../../src/core/model.ts'
import {
  type Commitment,
  discloseGroup,
  evaluatedFacts,
  openDisclosures,
} from '../../../src/core/record/disclosure.ts'
import {
  decisionDraft,
  renewalDraft,
  reversalDraft,
  strikeDraft,
} from '../../../src/core/record/drafts.ts'
import type { RecordFaultCode } from '../../../src/core/record/faults.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { GROUP_NAMES, type GroupName } from '../../../src/core/record/kinds.ts'
import { parseRecord } from '../../../src/core/record/parse.ts'
import { parsePresentation, presentation } from '../../../src/core/record/presentation.ts'
import { epochMs } from '../../../src/core/time.ts'
import {
  AT,
  aDecision,
  aStrike,
  countedRandom,
  DENY,
  POLICY_DIGEST,
  REQUEST,
  SUB,
  someFacts,
  testIssuer,
  testKey,
  WHO,
} from './samples.ts'

const issue = testIssuer(testKey(1))
const record = await issue(aDecision(), { iat_s: 1 })
const other = await issue(aDecision({ seq: 2, prev: 'A'.repeat(43) }), { iat_s: 1 })
const opening = (group: GroupName): string => record.openings[group] ?? ''
const commitment = committed(record.jws)

function committed(jws: string): Commitment {
  const parsed = parseRecord(jws)
  if (!parsed.ok) throw new Error(parsed.error.message)
  return parsed.value
}

/** A commitment to exactly these values, honest or not. */
function commitTo(values: Partial<Record<GroupName, unknown>>): [Commitment, string[]] {
  const random = countedRandom('forged')
  const texts = Object.entries(values).map(([group, value]) =>
    discloseGroup(group as GroupName, value as object, random(16)),
  )
  return [{ kind: 'decision', digests: texts.map(portableHasher.digestText) }, texts]
}

test('any selection of groups opens to the values committed to', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...GROUP_NAMES]), (groups) => {
      const text = presentation(record.jws, record.openings, groups)
      const parsed = parsePresentation(text)
      if (!parsed.ok) throw new Error(parsed.error.message)
      expect(parsed.value.jws).toBe(record.jws)
      const opened = openDisclosures(commitment, parsed.value.disclosures)
      expect(opened.ok && Object.keys(opened.value).toSorted()).toEqual(groups.toSorted())
      if (opened.ok && groups.includes('facts')) expect(opened.value.facts).toEqual(someFacts())
    }),
    { numRuns: 40 },
  )
})

test('of disclosures that are not all its own, those of another record refuse all, or are passed over and told', () => {
  const foreign = other.openings.chain ?? ''
  const given = [foreign, opening('facts'), 'not even a disclosure', opening('chain')]
  expect(openDisclosures(commitment, given)).toMatchObject({
    ok: false,
    error: { code: 'disclosure_unmatched' },
  })
  let passed = 0
  const opened = openDisclosures(commitment, given, portableHasher, () => passed++)
  expect(opened.ok && Object.keys(opened.value)).toEqual(['facts', 'chain'])
  expect(passed).toBe(2)
})

test('each record of a log opens to what it says, however many like it were read', async () => {
  for (let i = 0; i < 40; i++) {
    const decision = { ...DENY, lease_until: epochMs(1_769_817_600_000 + i) }
    const draft = decisionDraft({
      ...{ chain: { sub: SUB, seq: 1, prev: null }, policy: POLICY_DIGEST, subject: WHO },
      ...{ facts: someFacts(), decision, request: REQUEST },
    })
    const one = await issue(draft, { iat_s: i })
    const disclosures = GROUP_NAMES.map((group) => one.openings[group] ?? '')
    const opened = openDisclosures(committed(one.jws), disclosures)
    for (const [at, group] of GROUP_NAMES.entries()) {
      const [, name, value] = JSON.parse(textFromBase64Url(disclosures[at] ?? '') ?? '')
      expect(name).toBe(group)
      expect(opened.ok && opened.value[group]).toEqual(value)
    }
  }
})

test('strikes, reversals and renewals open to what they say', async () => {
  const chain = { sub: SUB, seq: 1, prev: null, at: AT }
  const strike = aStrike('s_7')
  const drafts = [
    strikeDraft({ chain, strike, received_at: AT, request: { caller: 'key_1' } }),
    reversalDraft({ chain, subject: 'u_81f', strike: 's_7', reason: 'appeal', request: REQUEST }),
    renewalDraft({
      chain,
      policy: POLICY_DIGEST,
      broadcast: SUB,
      subject: WHO,
      facts: someFacts(),
      decision: DENY,
      request: REQUEST,
    }),
  ]
  const facts = [
    { strike: { ...strike, subject: SUB }, received_at: AT },
    { strike: 's_7', reason: 'appeal', at: AT },
    { event: 'renewed', broadcast: SUB, facts: someFacts() },
  ]
  for (const [i, draft] of drafts.entries()) {
    const issued = await issue(draft, { iat_s: 1 })
    const commitment = committed(issued.jws)
    const opened = openDisclosures(commitment, Object.values(issued.openings))
    expect(opened).toMatchObject({ ok: true, value: { facts: facts[i], chain } })
    if (opened.ok && i === 2) expect(evaluatedFacts('broadcast', opened.value)).toEqual(someFacts())
  }
})

const facts = someFacts()
const chain = { sub: SUB, seq: 1, prev: null, at: AT }
const subject = { subject: 'u_81f', cohosts: ['ü_9 🎥'] }
const chainJson = textFromBase64Url(opening('chain')) ?? ''
const cases: readonly {
  name: string
  given: readonly [Commitment, readonly string[]]
  expect: RecordFaultCode
  /** In its message. */
  says?: string
}[] = [
  {
    name: 'a disclosure of another record',
    given: [commitment, [other.openings.chain ?? '']],
    expect: 'disclosure_unmatched',
  },
  {
    name: 'a disclosure under a kind without groups',
    given: [{ kind: 'key', digests: [] }, [opening('chain')]],
    expect: 'claim_unclassified',
  },
  {
    name: 'a group whose digest is missing',
    given: [{ ...commitment, digests: [] }, [opening('chain')]],
    expect: 'disclosure_unmatched',
  },
  {
    name: 'the same disclosure twice',
    given: [commitment, [opening('chain'), opening('chain')]],
    expect: 'disclosure_repeated',
  },
  { name: 'two values of one group', given: commitPair(), expect: 'disclosure_repeated' },
  {
    name: 'a respelled disclosure',
    given: [commitment, [textToBase64Url(chainJson.replace(',', ', '))]],
    expect: 'disclosure_malformed',
  },
  {
    name: 'a member given twice',
    given: [commitment, [textToBase64Url(chainJson.replace('"seq":1', '"seq":2,"seq":1'))]],
    expect: 'disclosure_malformed',
  },
  {
    name: 'padding',
    given: [commitment, [`${opening('chain')}=`]],
    expect: 'disclosure_malformed',
  },
  { name: 'an empty disclosure', given: [commitment, ['']], expect: 'disclosure_malformed' },
  {
    name: 'an array element disclosure',
    given: [commitment, [textToBase64Url('["AAAAAAAAAAAAAAAAAAAAAA",{}]')]],
    expect: 'disclosure_malformed',
  },
  {
    name: 'a short salt',
    given: [commitment, [textToBase64Url('["AAAA","chain",{}]')]],
    expect: 'disclosure_malformed',
  },
  {
    name: 'an unknown group',
    given: [commitment, [textToBase64Url('["AAAAAAAAAAAAAAAAAAAAAA","extra",{}]')]],
    expect: 'group_unknown',
  },
  {
    name: 'the group __proto__',
    given: [commitment, [textToBase64Url('["AAAAAAAAAAAAAAAAAAAAAA","__proto__",{}]')]],
    expect: 'group_unknown',
  },
  {
    name: 'an unclassified claim',
    given: commitTo({ chain: { ...chain, name: 'x' } }),
    expect: 'claim_unclassified',
  },
  { name: 'a missing claim', given: commitTo({ chain: { sub: SUB } }), expect: 'claim_missing' },
  {
    name: 'a seq of zero',
    given: commitTo({ chain: { ...chain, seq: 0 } }),
    expect: 'claim_malformed',
  },
  { name: 'a group that is a list', given: commitTo({ chain: [] }), expect: 'claim_malformed' },
  {
    name: 'a later link without prev',
    given: commitTo({ chain: { ...chain, seq: 2 } }),
    expect: 'groups_disagree',
  },
  {
    name: 'a first link with prev',
    given: commitTo({ chain: { ...chain, prev: 'A'.repeat(43) } }),
    expect: 'groups_disagree',
  },
  {
    name: 'another instant in facts',
    given: commitTo({ chain, facts: someFacts(epochMs(AT + 1)) }),
    expect: 'groups_disagree',
  },
  {
    name: 'another pseudonym in facts',
    given: commitTo({
      chain: { ...chain, sub: 'B'.repeat(22), seq: 2, prev: 'A'.repeat(43) },
      facts,
    }),
    expect: 'groups_disagree',
    says: 'chain and facts: they differ in `sub`',
  },
  {
    name: 'a co-host too few',
    given: commitTo({ facts, subject: { ...subject, cohosts: [] } }),
    expect: 'groups_disagree',
    says: 'subject and facts: they differ in hosts',
  },
]

function commitPair(): [Commitment, string[]] {
  const [one, texts] = commitTo({ chain })
  const [two, more] = commitTo({ subject, chain: { ...chain, seq: 1 } })
  return [
    { kind: 'decision', digests: [...one.digests, ...two.digests] },
    [...texts, more[1] ?? ''],
  ]
}

test.each(cases)('$name is refused', ({ given: [record, texts], expect: code, says = '' }) => {
  const opened = openDisclosures(record, texts)
  expect(opened.ok ? 'ok' : opened.error.code).toBe(code)
  expect(opened.ok ? 'ok' : opened.error.message).toContain(says)
})

test('every single changed byte of a disclosure is refused', () => {
  for (const group of GROUP_NAMES) {
    const text = opening(group)
    for (let i = 0; i < text.length; i++) {
      const changed = text.slice(0, i) + (text[i] === 'Q' ? 'R' : 'Q') + text.slice(i + 1)
      expect(openDisclosures(commitment, [changed]).ok, `${group} byte ${i}`).toBe(false)
    }
  }
})

test('a presentation without final tilde, or with a key binding, is refused', () => {
  for (const text of [`${record.jws}~${opening('chain')}`, `${record.jws}~a.b.c`]) {
    const parsed = parsePresentation(text)
    expect(parsed.ok ? 'ok' : parsed.error.code).toBe('malformed')
  }
  const many = parsePresentation(`${record.jws}~${`${opening('chain')}~`.repeat(6)}`)
  expect(many.ok ? 'ok' : many.error.code).toBe('disclosure_repeated')
  expect(() => presentation(record.jws, {}, ['chain'])).toThrow(
    /group chain: its opening is missing/,
  )
})

test('facts that differ anywhere from the model are refused, never repaired', () => {
  const host = facts.hosts[0]
  const strike = aStrike('s_1')
  const broken: readonly unknown[] = [
    { ...facts, hosts: [] },
    { ...facts, hosts: [{ ...host, mood: 'good' }] },
    { ...facts, hosts: [{ ...host, facts: { followers: '120' } }] },
    { ...facts, hosts: [{ ...host, facts: { verified: null } }] },
    { ...facts, hosts: [{ ...host, strikes: [{ ...strike, weight: 0 }] }] },
    { ...facts, hosts: [{ ...host, strikes: [{ ...strike, severity: 'huge' }] }] },
    { ...facts, hosts: [{ ...host, strikes: [{ ...strike, note: '' }] }] },
    { ...facts, supports: 'all' },
    { ...facts, at: 1.5 },
    (({ incident: _, ...rest }: Facts) => rest)(facts),
  ]
  for (const value of broken) {
    const [record, texts] = commitTo({ facts: value })
    const opened = openDisclosures(record, texts)
    expect(opened.ok ? 'ok' : opened.error.code, JSON.stringify(value)).toMatch(/^claim_/)
  }
})
