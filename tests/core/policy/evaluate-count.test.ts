import { describe, expect, it } from 'vitest'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { addMs } from '../../../src/core/time.ts'
import {
  ago,
  aLadder,
  always,
  aStrike,
  contextIn,
  d,
  NOW,
  STRIKES,
  someFacts,
} from '../../support/plans.ts'

import { compiled } from '../../support/policy-arbitraries.ts'
import { counting, NOTHING, strikesAt, table } from '../../support/policy-table.ts'

table('a count without ladder', [
  { name: 'does not match without strikes', rules: [counting({})], expect: NOTHING },
  {
    name: 'counts a strike of this very millisecond',
    rules: [counting({ within: d('90d') })],
    host: strikesAt(NOW),
    expect: { outcome: 'deny', rules: ['r'], until: addMs(NOW, d('90d')) },
  },
  {
    name: 'does not count a strike exactly `within` old',
    rules: [counting({ within: d('90d') })],
    host: strikesAt(ago('90d')),
    expect: NOTHING,
  },
  {
    name: 'counts a strike one millisecond younger than `within`, until the next millisecond',
    rules: [counting({ within: d('90d') })],
    host: strikesAt(ago('90d', 1)),
    expect: { outcome: 'deny', until: addMs(NOW, 1) },
  },
  {
    name: 'does not count a strike in the millisecond of its expiry',
    rules: [counting({})],
    host: { strikes: [aStrike({ id: 's', expires_at: NOW })] },
    expect: NOTHING,
  },
  {
    name: 'counts a strike in the millisecond before its expiry',
    rules: [counting({})],
    host: { strikes: [aStrike({ id: 's', expires_at: addMs(NOW, 1) })] },
    expect: { outcome: 'deny', until: addMs(NOW, 1) },
  },
  {
    name: 'is forever when no strike ever leaves',
    rules: [counting({})],
    plan: { strikes: { ...STRIKES, expire_default: 'never' } },
    host: strikesAt(ago('400d')),
    expect: { outcome: 'deny', until: 'forever' },
  },
  {
    name: 'ends when the first of the needed strikes leaves',
    rules: [counting({ within: d('30d'), at_least: 2 })],
    host: strikesAt(ago('20d'), ago('10d'), ago('1d')),
    expect: { outcome: 'deny', until: addMs(ago('10d'), d('30d')) },
  },
  {
    name: 'needs `at_least`',
    rules: [counting({ at_least: 3 })],
    host: strikesAt(ago('2d'), ago('1d')),
    expect: NOTHING,
  },
  {
    name: 'takes the sum of weights instead when that is asked',
    rules: [counting({ weight_at_least: 5 })],
    host: {
      strikes: [
        aStrike({ id: 'a', weight: 2 }),
        aStrike({ id: 'b', weight: 3, expires_at: addMs(NOW, 9) }),
      ],
    },
    expect: { outcome: 'deny', until: addMs(NOW, 9) },
  },
  {
    name: 'is one short of the sum of weights',
    rules: [counting({ weight_at_least: 6 })],
    host: { strikes: [aStrike({ id: 'a', weight: 2 }), aStrike({ id: 'b', weight: 3 })] },
    expect: NOTHING,
  },
  {
    name: 'counts a strike that takes effect at `since`',
    rules: [counting({ since: ago('5d') })],
    host: strikesAt(ago('5d')),
    expect: { outcome: 'deny' },
  },
  {
    name: 'does not count a strike before `since`',
    rules: [counting({ since: ago('5d') })],
    host: strikesAt(ago('5d', -1)),
    expect: NOTHING,
  },
  {
    name: 'selects by prefix and by exact category',
    rules: [counting({ category: ['hate.*', 'spam.bulk'], at_least: 2 })],
    host: {
      strikes: [
        aStrike({ id: 'a', category: 'hate.slur' }),
        aStrike({ id: 'b', category: 'spam.bulk' }),
        aStrike({ id: 'c', category: 'spam.bulk.more' }),
        aStrike({ id: 'd', category: 'hate' }),
      ],
    },
    expect: { outcome: 'deny', reasons: [{ strikes: ['a', 'b'] }] as never },
  },
  {
    name: 'selects by severity',
    rules: [counting({ severities: new Set(['high', 'critical']) })],
    host: { strikes: [aStrike({ id: 'a', severity: 'medium' })] },
    expect: NOTHING,
  },
  {
    name: 'counts a strike of scope `any` in every scope',
    rules: [counting({ scopes: new Set(['live']) })],
    host: { strikes: [aStrike({ id: 'a', scope: 'any' })] },
    expect: { outcome: 'deny' },
  },
  {
    name: 'does not count a strike of another scope',
    rules: [counting({ scopes: new Set(['live']) })],
    host: { strikes: [aStrike({ id: 'a', scope: 'chat' })] },
    expect: NOTHING,
  },
])

const grouped = { strikes: { ...STRIKES, group_within: d('10m') } }
table('grouping', [
  {
    name: 'counts strikes exactly `group_within` apart as one',
    rules: [counting({ at_least: 2 })],
    plan: grouped,
    host: strikesAt(ago('10m'), NOW),
    expect: NOTHING,
  },
  {
    name: 'counts strikes one millisecond further apart as two',
    rules: [counting({ at_least: 2 })],
    plan: grouped,
    host: strikesAt(ago('10m', -1), NOW),
    expect: { outcome: 'deny' },
  },
  {
    name: 'does not chain: three strikes six minutes apart are two',
    rules: [counting({ at_least: 2 })],
    plan: grouped,
    host: strikesAt(ago('12m'), ago('6m'), NOW),
    expect: { outcome: 'deny' },
  },
  {
    name: 'counts two strikes of one millisecond twice when there is no grouping',
    rules: [counting({ at_least: 2 })],
    host: strikesAt(NOW, NOW),
    expect: { outcome: 'deny' },
  },
  {
    name: 'comes after selection: a strike of another category bridges nothing',
    rules: [counting({ category: ['hate.*'], at_least: 2 })],
    plan: grouped,
    host: {
      strikes: [
        aStrike({ id: 'a', category: 'hate.slur', effective_at: ago('12m') }),
        aStrike({ id: 'b', category: 'spam.bulk', effective_at: ago('6m') }),
        aStrike({ id: 'c', category: 'hate.slur', effective_at: NOW }),
      ],
    },
    expect: { outcome: 'deny' },
  },
])

const oneStrike = counting(
  { within: d('365d') },
  { ladder: aLadder({ 1: '30d', 2: '90d', 4: 'forever' }) },
)
table('a ladder', [
  {
    name: 'opens its first step at the very millisecond of the strike',
    rules: [oneStrike],
    host: strikesAt(NOW),
    expect: { outcome: 'deny', until: addMs(NOW, d('30d')) },
  },
  {
    name: 'is over in the millisecond of its end',
    rules: [oneStrike],
    host: strikesAt(ago('30d')),
    expect: NOTHING,
  },
  {
    name: 'runs one millisecond before its end',
    rules: [oneStrike],
    host: strikesAt(ago('30d', 1)),
    expect: { outcome: 'deny', until: addMs(NOW, 1) },
  },
  {
    name: 'takes the second step from the second strike',
    rules: [oneStrike],
    host: strikesAt(ago('80d'), ago('10d')),
    expect: { outcome: 'deny', until: addMs(ago('10d'), d('90d')) },
  },
  {
    name: 'takes the next lower step where one is missing',
    rules: [oneStrike],
    host: strikesAt(ago('80d'), ago('70d'), ago('10d')),
    expect: { until: addMs(ago('10d'), d('90d')) },
  },
  {
    name: 'ends never on a forever step',
    rules: [oneStrike],
    host: strikesAt(ago('80d'), ago('70d'), ago('10d'), ago('9d')),
    expect: { until: 'forever' },
  },
  {
    name: 'stays on the last step beyond it',
    rules: [counting({}, { ladder: aLadder({ 1: '10d', 2: '20d' }) })],
    host: strikesAt(ago('9d'), ago('8d'), ago('7d'), ago('6d')),
    expect: { until: addMs(ago('6d'), d('20d')) },
  },
  {
    name: 'lets the latest end win, not the latest strike',
    rules: [counting({ within: d('5d') }, { ladder: aLadder({ 1: '1d', 2: '100d' }) })],
    host: strikesAt(ago('50d'), ago('49d'), ago('12h')),
    expect: { until: addMs(ago('49d'), d('100d')), reasons: [{ strikes: ['s1', 's2'] }] as never },
  },
  {
    name: 'names the first opened of restrictions that end together',
    rules: [counting({}, { ladder: aLadder({ 1: 'forever' }) })],
    host: strikesAt(ago('2d'), ago('3d'), ago('1d')),
    expect: { restrictions: [{ opened_by: 's2', until: 'forever' }] as never },
  },
  {
    name: 'is not shortened by an expiry after its opening',
    rules: [counting({}, { ladder: aLadder({ 1: '1d', 2: '100d' }) })],
    host: {
      strikes: [
        aStrike({ id: 'a', effective_at: ago('20d'), expires_at: ago('5d') }),
        aStrike({ id: 'b', effective_at: ago('10d'), expires_at: ago('1d') }),
      ],
    },
    expect: { outcome: 'deny', until: addMs(ago('10d'), d('100d')) },
  },
  {
    name: 'does not count what had expired when a strike took effect',
    rules: [counting({}, { ladder: aLadder({ 1: '30d', 2: '100d' }) })],
    host: {
      strikes: [
        aStrike({ id: 'a', effective_at: ago('20d'), expires_at: ago('10d') }),
        aStrike({ id: 'b', effective_at: ago('10d') }),
      ],
    },
    expect: { until: addMs(ago('10d'), d('30d')) },
  },
  {
    name: 'is recomputed by a reversal',
    rules: [oneStrike],
    host: {
      strikes: [
        aStrike({ id: 'a', effective_at: ago('20d'), status: 'reversed' }),
        aStrike({ id: 'b', effective_at: ago('10d') }),
      ],
    },
    expect: { until: addMs(ago('10d'), d('30d')) },
  },
  {
    name: 'ignores a strike that had expired when it took effect',
    rules: [oneStrike],
    host: { strikes: [aStrike({ id: 'a', effective_at: ago('2d'), expires_at: ago('2d') })] },
    expect: NOTHING,
  },
  {
    name: 'groups the strikes in its window',
    rules: [counting({}, { ladder: aLadder({ 1: '1d', 2: '2d', 3: '3d' }) })],
    plan: grouped,
    host: strikesAt(ago('12m'), ago('6m'), NOW),
    expect: { until: addMs(NOW, d('2d')) },
  },
  {
    name: 'warns without effect while the strike counts',
    rules: [counting({ within: d('90d') }, { ladder: aLadder({ 1: 'warn', 2: '1d' }) })],
    host: strikesAt(ago('80d')),
    expect: {
      outcome: 'allow',
      rules: [],
      restrictions: [],
      reasons: [{ rule: 'r', code: 'warning', strikes: ['s1'] }] as never,
    },
  },
  {
    name: 'no longer warns when the strike has left the window',
    rules: [counting({ within: d('90d') }, { ladder: aLadder({ 1: 'warn', 2: '1d' }) })],
    host: strikesAt(ago('90d')),
    expect: NOTHING,
  },
  {
    name: 'needs its `when` as well',
    rules: [{ ...oneStrike, when: always(false) }],
    host: strikesAt(NOW),
    expect: NOTHING,
  },
])

const newsroom = contextIn('news')
table('unless', [
  {
    name: 'lifts a strike when true',
    rules: [counting({ unless: newsroom })],
    host: { strikes: [aStrike({ id: 'a', context: 'news' })] },
    expect: NOTHING,
  },
  {
    name: 'lifts nothing when unknown, and the fact is reported',
    rules: [counting({ unless: newsroom })],
    host: { strikes: [aStrike({ id: 'a' })] },
    expect: {
      outcome: 'deny',
      rules: ['r'],
      unknown: [{ rule: 'r', host: 0, facts: ['strike.context'] }],
    },
  },
  {
    name: 'is asked per strike',
    rules: [counting({ unless: newsroom, at_least: 2 })],
    host: {
      strikes: [
        aStrike({ id: 'a', context: 'news' }),
        aStrike({ id: 'b', context: 'other' }),
        aStrike({ id: 'c', context: 'other' }),
      ],
    },
    expect: { outcome: 'deny', unknown: [], reasons: [{ strikes: ['b', 'c'] }] as never },
  },
])

describe('an `unless` from a policy file', () => {
  const cases = [
    {
      name: 'tells strikes apart by every member it reads',
      unless: 'strike.source_kind == "model"',
    },
    {
      name: 'may read the subject as well',
      unless: 'subject.verified && strike.source_kind == "model"',
    },
    { name: 'may read two members', unless: 'strike.source_kind == "model" && strike.weight == 1' },
  ]
  const source = (kind: 'model' | 'human') => ({ source: { system: 'coop', kind } })
  const strikes = [
    aStrike({ id: 'a', ...source('model') }),
    aStrike({ id: 'b', ...source('human') }),
    aStrike({ id: 'c', ...source('model') }),
    aStrike({ id: 'd', ...source('human') }),
  ]
  for (const { name, unless } of cases)
    it(name, () => {
      const rules = [{ id: 'r', count: { category: '*' }, unless, outcome: 'deny' }]
      const decision = evaluate(
        compiled({ rules }),
        someFacts({ facts: { verified: true }, strikes }),
      )
      expect(decision.reasons[0]?.strikes).toEqual(['b', 'd'])
    })
})
