import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/core/model.ts'
import { explain } from '../../../src/core/policy/explain.ts'
import { addMs, MINUTE_MS } from '../../../src/core/time.ts'
import { ago, aHost, aStrike, NOW, someFacts } from '../../support/plans.ts'
import { compiled, type Json } from '../../support/policy-arbitraries.ts'

const grave = (more: Json = {}): Json => ({
  id: 'grave',
  outcome: 'deny',
  count: { category: 'terrorism.*' },
  ladder: { 1: '30d', 2: 'forever' },
  ...more,
})
const struck = someFacts({ strikes: [aStrike({ id: 's1', effective_at: ago('10d') })] })
const twice = someFacts({
  strikes: [
    aStrike({ id: 's1', effective_at: ago('10d') }),
    aStrike({ id: 's2', effective_at: ago('1d') }),
  ],
})
const young = someFacts({ facts: { created_at: addMs(NOW, -MINUTE_MS) } })
const appeal = { url: 'https://example.org/appeal', within: '180d' }

interface Case {
  readonly name: string
  readonly rules: readonly Json[]
  readonly facts: Facts
  readonly sentence: Readonly<Record<string, string>>
}

const cases: readonly Case[] = [
  {
    name: 'who may go live is told so',
    rules: [grave()],
    facts: someFacts(),
    sentence: { en: 'You can go live now.' },
  },
  {
    name: 'without words of the author a neutral sentence stands, with the end',
    rules: [grave()],
    facts: struck,
    sentence: {
      en: 'You cannot go live right now. You can go live again from 20 February 2026, 00:00 UTC.',
    },
  },
  {
    name: 'the words of the author come in each language, and an end they tell is not told twice',
    rules: [grave({ because: { en: 'Paused until {until}.', fr: 'En pause.' }, appeal })],
    facts: struck,
    sentence: {
      en: 'Paused until 20 February 2026, 00:00 UTC. You can appeal at https://example.org/appeal until 20 July 2026, 00:00 UTC.',
      fr: "En pause. Vous pourrez de nouveau passer en direct à partir du 20 février 2026, 00:00 UTC. Vous pouvez faire appel sur https://example.org/appeal jusqu'au 20 juillet 2026, 00:00 UTC.",
    },
  },
  {
    name: 'in a language the author forgot the rule has a neutral sentence',
    rules: [
      grave({ because: { en: 'Paused.' } }),
      { id: 'other', when: 'subject.followers < 0', outcome: 'deny', because: { de: 'Nein.' } },
    ],
    facts: { ...struck, hosts: [{ ...struck.hosts[0], facts: { followers: 1 } }] },
    sentence: {
      de: 'Sie können im Moment nicht live gehen. Sie können ab 20. Februar 2026, 00:00 UTC wieder live gehen.',
      en: 'Paused. You can go live again from 20 February 2026, 00:00 UTC.',
    },
  },
  {
    name: 'a language without words of ours has those of the author, and signs',
    rules: [grave({ because: { sv: 'Pausat.' }, appeal: { url: 'https://example.org/a' } })],
    facts: struck,
    sentence: { sv: 'Pausat. → 2026-02-20 00:00 UTC → https://example.org/a' },
  },
  {
    name: 'no end is said to be none',
    rules: [grave({ because: { en: 'Live is withdrawn.' } })],
    facts: twice,
    sentence: { en: 'Live is withdrawn. No end date is set.' },
  },
  {
    name: 'what only a person can release is said to be that',
    rules: [
      {
        id: 'look',
        when: 'subject.open_broadcasts < 1',
        outcome: 'delay',
        review: { queue: 'live', within: '30m', at_deadline: 'deny' },
      },
    ],
    facts: someFacts(),
    sentence: { en: 'A person looks at this before you can go live.' },
  },
  {
    name: 'what is not known is not blamed on a rule',
    rules: [{ id: 'small', when: 'subject.followers < 9', outcome: 'deny', because: 'Too small.' }],
    facts: someFacts(),
    sentence: { en: 'Not everything needed could be checked. Please try again later.' },
  },
  {
    name: 'a hold ends when it ends',
    rules: [
      {
        id: 'young',
        when: 'now - subject.created_at < duration("24h")',
        outcome: 'delay',
        hold: '15m',
      },
    ],
    facts: young,
    sentence: {
      en: 'You cannot go live right now. You can go live again from 31 January 2026, 00:15 UTC.',
    },
  },
  {
    name: 'a warning alone does not keep anybody from going live',
    rules: [grave({ ladder: { 1: 'warn', 2: '9d' }, because: { en: 'This is a warning.' } })],
    facts: struck,
    sentence: { en: 'This is a warning.' },
  },
  {
    name: 'a warning does not stand for what denies',
    rules: [
      grave({ ladder: { 1: 'warn', 2: '9d' }, because: { en: 'This is a warning.' } }),
      { id: 'shut', when: 'subject.open_broadcasts < 1', outcome: 'deny' },
    ],
    facts: struck,
    sentence: { en: 'This is a warning. You cannot go live right now.' },
  },
]

describe('the sentence for the person affected', () => {
  for (const { name, rules, facts, sentence } of cases)
    it(name, () => expect(explain(compiled({ rules }), facts).sentence).toEqual(sentence))
})

describe('of co-hosts', () => {
  const rules = [grave({ because: { en: 'Paused until {until} for {category}.' }, appeal })]
  const other = aHost({
    subject: 'somebody-else',
    strikes: [aStrike({ id: 'theirs', subject: 'somebody-else', effective_at: ago('5d') })],
  })
  const told = (facts: Facts): string => explain(compiled({ rules }), facts).sentence.en ?? ''

  it('nothing is told: no rule, category, end, appeal or id', () => {
    expect(told({ ...someFacts(), hosts: [aHost(), other] })).toBe(
      'This broadcast cannot start with these hosts right now.',
    )
  })

  it('no end is told that theirs may have a part in, beside one’s own words', () => {
    expect(told({ ...struck, hosts: [struck.hosts[0], other] })).toBe(
      'Paused until 20 February 2026, 00:00 UTC for terrorism.link. This broadcast cannot start with these hosts right now. You can appeal at https://example.org/appeal until 20 July 2026, 00:00 UTC.',
    )
  })

  it('their warnings are theirs', () => {
    const warned = [grave({ ladder: { 1: 'warn', 2: '30d' } })]
    const { sentence } = explain(compiled({ rules: warned }), {
      ...twice,
      hosts: [twice.hosts[0], other],
    })
    expect(sentence.en).toBe(
      'You cannot go live right now. You can go live again from 1 March 2026, 00:00 UTC.',
    )
  })

  it('the same is told whatever they did', () => {
    const worse = {
      ...other,
      strikes: [...other.strikes, aStrike({ id: 'x', effective_at: ago('2d') })],
    }
    const [one, two] = [other, worse].map((host) =>
      told({ ...struck, hosts: [struck.hosts[0], host] }),
    )
    expect(two).toBe(one)
  })
})
