import { describe, expect, it } from 'vitest'
import type { Strike } from '../../../src/core/model.ts'
import type { StrikesPlan } from '../../../src/core/policy/plan.ts'
import { expireLength, standing } from '../../../src/core/standing/standing.ts'
import { addMs } from '../../../src/core/time.ts'
import { ago, aStrike, d, NOW, STRIKES } from '../../support/plans.ts'

const ids = (strikes: readonly Strike[], plan: StrikesPlan = STRIKES): string[] =>
  standing(strikes, NOW, plan).strikes.map(({ id }) => id)

describe('which strikes stand', () => {
  const old = { ...STRIKES, ignore_content_older_than: d('90d') }
  const made = (length: string, plus = 0) =>
    aStrike({ id: 'a', effective_at: ago('1d'), content_created_at: addMs(ago(length), plus) })
  const cases: readonly {
    name: string
    strikes: readonly Strike[]
    plan?: StrikesPlan
    expect: readonly string[]
  }[] = [
    { name: 'no strike, no standing', strikes: [], expect: [] },
    {
      name: 'a strike of this very millisecond exists',
      strikes: [aStrike({ id: 'a', effective_at: NOW })],
      expect: ['a'],
    },
    {
      name: 'a strike of the next millisecond does not exist yet',
      strikes: [aStrike({ id: 'a', effective_at: addMs(NOW, 1) })],
      expect: [],
    },
    {
      name: 'a reversed strike is gone',
      strikes: [aStrike({ id: 'a', status: 'reversed' }), aStrike({ id: 'b' })],
      expect: ['b'],
    },
    {
      name: 'an id seen twice counts once',
      strikes: [aStrike({ id: 'a' }), aStrike({ id: 'b' }), aStrike({ id: 'a' })],
      expect: ['a', 'b'],
    },
    {
      name: 'a reversal is not undone by an older copy of the strike',
      strikes: [aStrike({ id: 'a', status: 'reversed' }), aStrike({ id: 'a' })],
      expect: [],
    },
    {
      name: 'strikes are in order of effect, then of id',
      strikes: [
        aStrike({ id: 'c', effective_at: ago('1d') }),
        aStrike({ id: 'b', effective_at: ago('1d') }),
        aStrike({ id: 'z', effective_at: ago('2d') }),
      ],
      expect: ['z', 'b', 'c'],
    },
    {
      name: 'content exactly as old as allowed still counts',
      strikes: [made('91d')],
      plan: old,
      expect: ['a'],
    },
    {
      name: 'content one millisecond older does not',
      strikes: [made('91d', -1)],
      plan: old,
      expect: [],
    },
    {
      name: 'content of unknown age counts',
      strikes: [aStrike({ id: 'a' })],
      plan: old,
      expect: ['a'],
    },
    { name: 'without a limit old content counts', strikes: [made('3650d')], expect: ['a'] },
  ]
  for (const { name, strikes, plan, expect: expected } of cases)
    it(name, () => expect(ids(strikes, plan)).toEqual(expected))

  it('does not depend on which of two differing copies of an id arrived first', () => {
    const copies = [
      aStrike({ id: 'a', category: 'hate.slur' }),
      aStrike({ id: 'a', category: 'hate.speech' }),
      aStrike({ id: 'a', source: { system: 'coop', kind: 'human' } }),
    ]
    expect(standing(copies, NOW, STRIKES)).toEqual(standing(copies.toReversed(), NOW, STRIKES))
  })
})

it('a severity that is no known word belongs to every severity', () => {
  const strange = JSON.parse(JSON.stringify({ ...aStrike({ id: 'a' }), severity: 'grave' }))
  expect([...standing([strange], NOW, STRIKES).severity]).toEqual([0xff])
})

describe('when a strike expires', () => {
  const plan: StrikesPlan = {
    ...STRIKES,
    expire_exact: new Map([['terrorism.link', d('10d')]]),
    expire_prefix: [
      ['terrorism.video.', 'never'],
      ['terrorism.', d('20d')],
    ],
  }
  const cases = [
    { name: 'the exact category before any prefix', category: 'terrorism.link', expect: d('10d') },
    { name: 'the longest prefix', category: 'terrorism.video.live', expect: Infinity },
    { name: 'a shorter prefix', category: 'terrorism.content', expect: d('20d') },
    { name: 'a prefix needs its dot', category: 'terrorism', expect: d('365d') },
    { name: 'the default', category: 'spam.bulk', expect: d('365d') },
  ]
  for (const { name, category, expect: expected } of cases)
    it(`takes ${name}`, () => expect(expireLength(plan, category)).toBe(expected))

  it('takes the strike’s own end before everything', () => {
    const strike = aStrike({ id: 'a', expires_at: addMs(NOW, 5) })
    expect([...standing([strike], NOW, plan).expiry]).toEqual([NOW + 5])
  })
})
