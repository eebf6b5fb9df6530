import { describe, expect, it } from 'vitest'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { addMs } from '../../../src/core/time.ts'
import {
  aCondition,
  aCount,
  ago,
  aHost,
  aLadder,
  always,
  anExemption,
  aPlan,
  aRule,
  aStrike,
  d,
  hasLabel,
  NOW,
  someFacts,
  subjectIs,
  t,
  youngerThan,
} from '../../support/plans.ts'

import { compiled } from '../../support/policy-arbitraries.ts'
import { counting, NOTHING, strikesAt, table } from '../../support/policy-table.ts'

const oneStrike = counting(
  { within: d('365d') },
  { ladder: aLadder({ 1: '30d', 2: '90d', 4: 'forever' }) },
)
const young = aRule({ id: 'new', when: youngerThan('24h'), outcome: 'delay', hold: d('15m') })
const verified = aRule({ id: 'v', when: subjectIs('verified', false) })
table('unknown', [
  {
    name: 'makes a restrictive rule retry, and names rule and fact',
    rules: [verified],
    expect: {
      outcome: 'delay',
      mode: 'retry',
      retry_after_s: 30,
      rules: [],
      lease_until: null,
      unknown: [{ rule: 'v', host: 0, facts: ['subject.verified'] }],
      reasons: [{ rule: 'v', code: 'fact_unknown', host: 0 }] as never,
    },
  },
  {
    name: 'denies when the policy says so',
    rules: [verified],
    plan: { on_unknown: { outcome: 'deny' } },
    expect: { outcome: 'deny', until: null },
  },
  {
    name: 'is not waited away by a hold',
    rules: [young],
    host: { holds: [{ rule: 'new', first_asked_at: ago('15m') }] },
    expect: { outcome: 'delay', mode: 'retry', holds_opened: [] },
  },
  {
    name: 'does not matter where the count is not reached',
    rules: [{ ...verified, count: aCount() }],
    expect: { ...NOTHING, unknown: [] },
  },
  {
    name: 'is an evaluation error when no fact is missing',
    rules: [aRule({ id: 'e', when: always('unknown') })],
    expect: { mode: 'retry', unknown: [{ rule: 'e', host: 0, facts: ['evaluation_error'] }] },
  },
  {
    name: 'holds for conditions on an allow as well',
    rules: [{ ...verified, outcome: 'allow', obligations: [{ type: 'no_gifts' }] }],
    expect: { outcome: 'delay', mode: 'retry' },
  },
  {
    name: 'is lifted by a true exemption',
    rules: [verified],
    plan: { exemptions: [anExemption({ id: 'x', rules: ['v'] })] },
    expect: { ...NOTHING, unknown: [], exemptions: ['x'] },
  },
  {
    name: 'stays when a condition with strikes() becomes true by them alone',
    rules: [
      aRule({
        id: 'mix',
        outcome: 'delay',
        broadcast_delay_s: 30,
        when: aCondition(
          ({ countStrikes, subject }) =>
            countStrikes('*', null) >= 1 || (subject.followers === undefined ? 'unknown' : false),
          { facts: ['subject.followers'], counts: [{ pattern: '*', within: null }] },
        ),
      }),
    ],
    host: strikesAt(NOW),
    expect: {
      mode: 'retry',
      broadcast_delay_s: 30,
      rules: ['mix'],
      unknown: [{ rule: 'mix', host: 0, facts: ['subject.followers'] }],
    },
  },
])

describe('doubt that strikes would hide', () => {
  // One strike leaves the division by zero followers in charge, two decide by themselves.
  const when =
    '(strikes("*", "8d") >= 1 && 100 / subject.followers > 20) || strikes("*", "8d") >= 2'
  const rules = [{ id: 'r', when, outcome: 'delay', broadcast_delay: '5s' }]
  const strikes = [aStrike({ id: 'a', effective_at: NOW }), aStrike({ id: 'b', effective_at: NOW })]
  const cases = [
    { name: 'is there with one strike', strikes: 1, followers: 0, mode: 'retry' },
    { name: 'stays with two', strikes: 2, followers: 0, mode: 'retry' },
    { name: 'is none without strikes', strikes: 0, followers: 0, mode: null },
    { name: 'is none when the fact can be used', strikes: 2, followers: 50, mode: 'broadcast' },
  ]
  for (const { name, strikes: count, followers, mode } of cases)
    it(name, () => {
      const facts = someFacts({ facts: { followers }, strikes: strikes.slice(0, count) })
      const decision = evaluate(compiled({ rules }), facts)
      expect(decision.mode).toBe(mode)
      expect(decision.unknown).toEqual(
        mode === 'retry' ? [{ rule: 'r', host: 0, facts: ['evaluation_error'] }] : [],
      )
    })
})

table('exemptions', [
  {
    name: 'lift the rules they name and no other',
    rules: [counting({}), counting({}, { id: 'other' })],
    plan: { exemptions: [anExemption({ id: 'x', rules: ['r'] })] },
    host: strikesAt(NOW),
    expect: { outcome: 'deny', rules: ['other'], exemptions: ['x'] },
  },
  {
    name: 'lift nothing when unknown, and are reported',
    rules: [counting({})],
    plan: { exemptions: [anExemption({ id: 'x', rules: ['r'], when: hasLabel('newsroom') })] },
    host: strikesAt(NOW),
    expect: {
      outcome: 'deny',
      rules: ['r'],
      exemptions: [],
      unknown: [{ rule: 'x', host: 0, facts: ['subject.labels'] }],
    },
  },
  {
    name: 'are not asked while none of their rules matches',
    rules: [counting({})],
    plan: { exemptions: [anExemption({ id: 'x', rules: ['r'], when: hasLabel('newsroom') })] },
    expect: { ...NOTHING, unknown: [], exemptions: [] },
  },
  {
    name: 'leave no restriction, no warning and no hold behind',
    rules: [
      { ...oneStrike, id: 'a' },
      { ...young, id: 'b', when: always(true) },
    ],
    plan: { exemptions: [anExemption({ id: 'x', rules: ['a', 'b'] })] },
    host: strikesAt(NOW),
    expect: { ...NOTHING, restrictions: [], holds_opened: [], exemptions: ['x'] },
  },
])

const created = { facts: { created_at: ago('1h') } }
table('a hold', [
  {
    name: 'opens at the first ask',
    rules: [young],
    host: created,
    expect: {
      outcome: 'delay',
      mode: 'hold',
      not_before: addMs(NOW, d('15m')),
      holds_opened: [{ host: 0, rule: 'new' }],
      lease_until: null,
    },
  },
  {
    name: 'is not shortened by asking again',
    rules: [young],
    host: { ...created, holds: [{ rule: 'new', first_asked_at: ago('10m') }] },
    expect: { mode: 'hold', not_before: addMs(NOW, d('5m')), holds_opened: [] },
  },
  {
    name: 'still runs one millisecond before its end',
    rules: [young],
    host: { ...created, holds: [{ rule: 'new', first_asked_at: ago('15m', 1) }] },
    expect: { mode: 'hold', not_before: addMs(NOW, 1) },
  },
  {
    name: 'is satisfied at its end, and the rule matches no longer',
    rules: [young],
    host: { ...created, holds: [{ rule: 'new', first_asked_at: ago('15m') }] },
    expect: { ...NOTHING, not_before: null, holds_opened: [] },
  },
  {
    name: 'is usable in the last millisecond of the hour after its end',
    rules: [young],
    host: { ...created, holds: [{ rule: 'new', first_asked_at: ago('75m', 1) }] },
    expect: NOTHING,
  },
  {
    name: 'starts anew when that hour is over',
    rules: [young],
    host: { ...created, holds: [{ rule: 'new', first_asked_at: ago('75m') }] },
    expect: {
      mode: 'hold',
      not_before: addMs(NOW, d('15m')),
      holds_opened: [{ host: 0, rule: 'new' }],
    },
  },
  {
    name: 'of another rule does not help',
    rules: [young],
    host: { ...created, holds: [{ rule: 'other', first_asked_at: ago('15m') }] },
    expect: { mode: 'hold' },
  },
  {
    name: 'once satisfied leaves the other wishes of its rule in force',
    rules: [{ ...young, obligations: [{ type: 'no_gifts' }], lease_ms: d('10m') }],
    host: { ...created, holds: [{ rule: 'new', first_asked_at: ago('15m') }] },
    expect: {
      outcome: 'allow',
      rules: ['new'],
      obligations: [{ type: 'no_gifts' }],
      lease_until: addMs(NOW, d('10m')),
      reasons: [{ code: 'condition' }] as never,
    },
  },
  {
    name: 'of two rules ends with the later',
    rules: [young, { ...young, id: 'newer', hold: d('20m') }],
    host: created,
    expect: { not_before: addMs(NOW, d('20m')), rules: ['new', 'newer'] },
  },
])

const reviewed = aRule({
  id: 'rev',
  when: always(true),
  outcome: 'delay',
  review: { queue: 'live', within: d('30m'), at_deadline: 'deny' },
})
table('a review', [
  {
    name: 'is asked with a queue and a deadline',
    rules: [reviewed],
    expect: {
      outcome: 'delay',
      mode: 'review',
      review: { queue: 'live', by: addMs(NOW, d('30m')), at_deadline: 'deny' },
      reasons: [{ code: 'review_required' }] as never,
    },
  },
  {
    name: 'that released lets the rule go',
    rules: [reviewed],
    host: { reviews: [{ rule: 'rev', result: 'released', at: NOW }] },
    expect: NOTHING,
  },
  {
    name: 'that refused denies',
    rules: [reviewed],
    host: { reviews: [{ rule: 'rev', result: 'refused', at: ago('1m') }] },
    expect: { outcome: 'deny', until: null, reasons: [{ code: 'review_refused' }] as never },
  },
  {
    name: 'takes the latest word',
    rules: [reviewed],
    host: {
      reviews: [
        { rule: 'rev', result: 'released', at: ago('1m') },
        { rule: 'rev', result: 'refused', at: ago('2m') },
      ],
    },
    expect: NOTHING,
  },
  {
    name: 'refuses when two words fall into one millisecond',
    rules: [reviewed],
    host: {
      reviews: [
        { rule: 'rev', result: 'refused', at: ago('1m') },
        { rule: 'rev', result: 'released', at: ago('1m') },
      ],
    },
    expect: { outcome: 'deny' },
  },
  {
    name: 'with a deny at its deadline wins over one with an allow',
    rules: [
      reviewed,
      { ...reviewed, id: 'soft', review: { queue: 'a', within: d('5m'), at_deadline: 'allow' } },
    ],
    expect: { review: { queue: 'live', by: addMs(NOW, d('30m')), at_deadline: 'deny' } },
  },
  {
    name: 'with an allow at its deadline takes the later deadline',
    rules: [
      { ...reviewed, review: { queue: 'b', within: d('9m'), at_deadline: 'allow' } },
      { ...reviewed, id: 'soft', review: { queue: 'a', within: d('5m'), at_deadline: 'allow' } },
    ],
    expect: { review: { queue: 'b', by: addMs(NOW, d('9m')), at_deadline: 'allow' } },
  },
])

const tape = aRule({ id: 'tape', when: always(true), outcome: 'delay', broadcast_delay_s: 30 })
const capped = aRule({
  id: 'cap',
  when: always(true),
  outcome: 'allow',
  obligations: [{ type: 'audience_cap', viewers: 500 }],
})
table('tape delay, obligations and lease', [
  {
    name: 'a tape delay may start now',
    rules: [tape, { ...tape, id: 'longer', broadcast_delay_s: 60 }],
    expect: {
      outcome: 'delay',
      mode: 'broadcast',
      broadcast_delay_s: 60,
      lease_until: addMs(NOW, d('4h')),
    },
  },
  {
    name: 'an allow that asks for nothing says why all the same',
    rules: [aRule({ id: 'seen', when: always(true), outcome: 'allow' })],
    expect: {
      outcome: 'allow',
      rules: ['seen'],
      reasons: [{ rule: 'seen', code: 'condition', host: 0 }] as never,
    },
  },
  {
    name: 'an allow can carry conditions',
    rules: [
      capped,
      {
        ...capped,
        id: 'cap2',
        lease_ms: d('1h'),
        obligations: [{ type: 'audience_cap', viewers: 90 }],
      },
    ],
    expect: {
      outcome: 'allow',
      mode: null,
      obligations: [{ type: 'audience_cap', viewers: 90 }],
      lease_until: addMs(NOW, d('1h')),
      rules: ['cap', 'cap2'],
    },
  },
  {
    name: 'an obligation the caller cannot carry out holds, without end when nothing ends by itself',
    rules: [capped, young],
    host: created,
    facts: { supports: [] },
    expect: { outcome: 'delay', mode: 'hold', not_before: null, lease_until: null },
  },
  {
    name: 'a tape delay the caller cannot carry out holds until its strikes are gone',
    rules: [
      counting({}, { outcome: 'delay', broadcast_delay_s: 5, ladder: aLadder({ 1: '30d' }) }),
    ],
    host: strikesAt(NOW),
    facts: { supports: ['audience_cap'] },
    expect: {
      mode: 'hold',
      not_before: addMs(NOW, d('30d')),
      holds_opened: [],
      reasons: [{ code: 'unsupported_condition' }] as never,
    },
  },
  {
    name: 'a tape delay as long as the caller can make it is carried out',
    rules: [
      counting({}, { outcome: 'delay', broadcast_delay_s: 5, ladder: aLadder({ 1: '30d' }) }),
    ],
    host: strikesAt(NOW),
    facts: { supports: ['broadcast_delay:5'] },
    expect: { mode: 'broadcast', broadcast_delay_s: 5, lease_until: addMs(NOW, d('4h')) },
  },
  {
    name: 'a tape delay longer than the caller can make it holds',
    rules: [
      counting({}, { outcome: 'delay', broadcast_delay_s: 6, ladder: aLadder({ 1: '30d' }) }),
    ],
    host: strikesAt(NOW),
    facts: { supports: ['broadcast_delay:5'] },
    expect: {
      mode: 'hold',
      broadcast_delay_s: 6,
      not_before: addMs(NOW, d('30d')),
      lease_until: null,
      reasons: [{ code: 'unsupported_condition' }] as never,
    },
  },
  {
    name: 'an unsupported condition denies when the policy says so',
    rules: [capped],
    plan: { unsupported: 'deny' },
    facts: { supports: [] },
    expect: { outcome: 'deny', rules: ['cap'] },
  },
])

table('the join', [
  {
    name: 'an empty policy allows for its lease',
    rules: [],
    expect: { ...NOTHING, lease_until: addMs(NOW, d('4h')) },
  },
  {
    name: 'a default deny takes part and gives its reason',
    rules: [],
    plan: { default: 'deny' },
    expect: {
      outcome: 'deny',
      until: null,
      rules: [],
      reasons: [{ rule: 'default', code: 'default' }] as never,
    },
  },
  {
    name: 'deny comes before retry, and every matching rule is a reason',
    rules: [counting({}), verified, reviewed, tape],
    host: strikesAt(NOW),
    expect: {
      outcome: 'deny',
      mode: null,
      retry_after_s: 30,
      broadcast_delay_s: 30,
      lease_until: null,
      rules: ['r', 'rev', 'tape'],
      reasons: [{ rule: 'r' }, { rule: 'rev' }, { rule: 'tape' }, { rule: 'v' }] as never,
    },
  },
  { name: 'retry comes before review', rules: [verified, reviewed], expect: { mode: 'retry' } },
  {
    name: 'review comes before hold',
    rules: [reviewed, young],
    host: created,
    expect: { mode: 'review', not_before: addMs(NOW, d('15m')) },
  },
  {
    name: 'hold comes before tape delay',
    rules: [tape, young],
    host: created,
    expect: { mode: 'hold' },
  },
  {
    name: 'the latest known end wins, and a deny without an end does not hide it',
    rules: [aRule({ id: 'w', when: always(true) }), oneStrike],
    host: strikesAt(NOW),
    expect: { outcome: 'deny', until: addMs(NOW, d('30d')), rules: ['r', 'w'] },
  },
])

describe('co-hosts', () => {
  const facts = someFacts(
    {},
    {
      hosts: [
        aHost(),
        aHost({ subject: 'u2', strikes: [aStrike({ id: 'z', effective_at: NOW })] }),
      ],
    },
  )

  it('are joined, and the reason says whose rule it was', () => {
    const decision = evaluate(aPlan({ rules: [oneStrike] }), facts)
    expect(decision).toMatchObject({ outcome: 'deny', reasons: [{ host: 1, rule: 'r' }] })
    expect(decision.restrictions).toMatchObject([{ subject: 'u2', opened_by: 'z' }])
  })

  it('are exempted one by one', () => {
    const when = aCondition(({ subject }) => subject.verified === true)
    const plan = aPlan({
      rules: [tape],
      exemptions: [anExemption({ id: 'x', rules: ['tape'], when })],
    })
    const hosts = [aHost({ facts: { verified: true } }), aHost({ subject: 'u2' })] as const
    const decision = evaluate(plan, someFacts({}, { hosts }))
    expect(decision).toMatchObject({ mode: 'broadcast', exemptions: ['x'], reasons: [{ host: 1 }] })
  })

  it('are counted by stream.hosts', () => {
    const when = aCondition(({ stream }) => stream.hosts > 1)
    expect(evaluate(aPlan({ rules: [aRule({ id: 'r', when })] }), facts).outcome).toBe('deny')
  })
})

describe('a reason', () => {
  const rule = counting(
    { within: d('365d') },
    {
      ladder: aLadder({ 1: '30d' }),
      ground: 'law',
      clause: 'Art. 1',
      reference: 'Act',
      jurisdiction: 'FR',
      because: {
        en: 'Paused until {until} after {count} for {category}.',
        fr: "Jusqu'au {until}.",
      },
      appeal: { within: d('180d'), url: 'https://example.org/appeal' },
    },
  )
  const strike = aStrike({
    id: 's1',
    effective_at: t('2026-01-20T12:00:30Z'),
    notified_at: t('2026-01-21T00:00:00Z'),
  })

  it('says all of it', () => {
    const decision = evaluate(aPlan({ rules: [rule] }), someFacts({ strikes: [strike] }))
    expect(decision.reasons).toEqual([
      {
        rule: 'r',
        code: 'restriction_active',
        host: 0,
        ground: 'law',
        clause: 'Art. 1',
        reference: 'Act',
        jurisdiction: 'FR',
        until: t('2026-02-19T12:00:30Z'),
        restriction: decision.restrictions[0]?.id,
        strikes: ['s1'],
        text: {
          en: 'Paused until 19 February 2026, 12:01 UTC after 1 for terrorism.link.',
          fr: "Jusqu'au 19 février 2026, 12:01 UTC.",
        },
        appeal: {
          url: 'https://example.org/appeal',
          until: t('2026-07-20T00:00:00Z'),
        },
      },
    ])
    expect(decision.restrictions).toEqual([
      {
        id: 'r_RLVKECkOCIqzBLRDm4SSEa',
        subject: 'u1',
        rule: 'r',
        from: strike.effective_at,
        until: t('2026-02-19T12:00:30Z'),
        opened_by: 's1',
        strikes: ['s1'],
      },
    ])
  })

  it('counts the time to appeal from the issue when no notice is known', () => {
    const { notified_at: _, ...silent } = strike
    const decision = evaluate(aPlan({ rules: [rule] }), someFacts({ strikes: [silent] }))
    expect(decision.reasons[0]?.appeal?.until).toBe(t('2026-07-19T12:00:30Z'))
  })
})

describe('evaluation does not alter its input', () => {
  it('works on frozen facts', () => {
    const strikes = Object.freeze([
      aStrike({ id: 'b', effective_at: NOW }),
      aStrike({ id: 'a', effective_at: ago('1d') }),
    ])
    const facts = Object.freeze(someFacts({ strikes }))
    expect(evaluate(aPlan({ rules: [oneStrike] }), facts).outcome).toBe('deny')
  })
})
