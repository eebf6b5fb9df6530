/** What a decision lists is in an order of its own, each thing once: not as rules, hosts and strikes happened to come. */
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/core/model.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import type { StrikeCondition } from '../../../src/core/policy/plan.ts'
import { standing } from '../../../src/core/standing/standing.ts'
import { addMs } from '../../../src/core/time.ts'
import {
  ago,
  aHost,
  aLadder,
  always,
  anExemption,
  aPlan,
  aRule,
  aStrike,
  contextIn,
  d,
  NOW,
  STRIKES,
  someFacts,
  subjectIs,
} from '../../support/plans.ts'
import { counting } from '../../support/policy-table.ts'

const hosts = [aHost(), aHost({ subject: 'u2' })] as const

describe('a decision lists', () => {
  it('what is unknown by rule, then by host', () => {
    const rules = ['b', 'a'].map((id) => aRule({ id, when: subjectIs('verified', true) }))
    const { unknown } = evaluate(aPlan({ rules }), someFacts({}, { hosts }))
    expect(unknown.map(({ rule, host }) => `${rule}${host}`)).toEqual(['a0', 'a1', 'b0', 'b1'])
  })

  it('holds that open by rule, then by host', () => {
    const rules = ['b', 'a'].map((id) =>
      aRule({ id, when: always(true), outcome: 'delay', hold: d('1m') }),
    )
    const { holds_opened } = evaluate(aPlan({ rules }), someFacts({}, { hosts }))
    expect(holds_opened.map(({ rule, host }) => `${rule}${host}`)).toEqual(['a0', 'a1', 'b0', 'b1'])
  })

  it('reasons by rule, host and code', () => {
    const rules = ['b', 'a'].map((id) =>
      aRule({ id, when: always(true), outcome: 'delay', hold: d('1m'), broadcast_delay_s: 1 }),
    )
    const { reasons } = evaluate(aPlan({ rules }), someFacts({}, { hosts, supports: [] }))
    const both = ['hold_running', 'unsupported_condition']
    expect(reasons.map(({ rule, host, code }) => `${rule}${host} ${code}`)).toEqual(
      ['a0', 'a1', 'b0', 'b1'].flatMap((one) => both.map((code) => `${one} ${code}`)),
    )
  })

  it('an unknown exemption of several rules once', () => {
    const rules = ['a', 'b'].map((id) => aRule({ id, when: always(true) }))
    const exempt = anExemption({
      ...{ id: 'x', rules: ['a', 'b'] },
      when: subjectIs('verified', true),
    })
    const { unknown } = evaluate(aPlan({ rules, exemptions: [exempt] }), someFacts())
    expect(unknown).toEqual([{ rule: 'x', host: 0, facts: ['subject.verified'] }])
  })

  it('exemptions, and rules, by name', () => {
    const rules = ['a', 'b', 'c'].map((id) => aRule({ id, when: always(true) }))
    const exemptions = ['y', 'x'].map((id) => anExemption({ id, rules: ['b'] }))
    expect(evaluate(aPlan({ rules, exemptions }), someFacts())).toMatchObject({
      ...{ rules: ['a', 'c'], exemptions: ['x', 'y'] },
    })
  })

  it('restrictions by id, each once however many reasons it gives', () => {
    const ladder = aLadder({ 1: '30d' })
    const rules = ['a', 'b', 'c', 'd'].map((id) =>
      counting(
        {},
        { ...{ id, ladder, outcome: 'delay', hold: d('1m') }, ...{ broadcast_delay_s: 1 } },
      ),
    )
    const facts = someFacts({ strikes: [aStrike({ id: 's' })] }, { supports: [] })
    const decision = evaluate(aPlan({ rules }), facts)
    const ids = decision.restrictions.map(({ id }) => id)
    expect(decision.reasons).toHaveLength(8)
    expect(ids).toHaveLength(4)
    expect(ids).toEqual([...new Set(ids)].sort())
  })
})

describe('the strikes a reason relies on', () => {
  const strikesOf = ({ reasons }: Decision): readonly string[] => reasons[0]?.strikes ?? []

  for (const many of [3, 8, 9, 20])
    it(`are sorted by id, also when ${many} came in another order and some are of no concern`, () => {
      const name = (i: number): string => `s${String((i * 7) % many).padStart(2, '0')}`
      const struck = Array.from({ length: many }, (_, i) =>
        aStrike({ id: name(i), effective_at: ago('2d', i) }),
      )
      const other = aStrike({ id: 's', category: 'spam.bulk', effective_at: ago('1d') })
      const facts = someFacts({ strikes: [...struck, other] })
      const rule = counting({ category: ['terrorism.*'] })
      const wanted = struck.map(({ id }) => id).sort()
      expect(strikesOf(evaluate(aPlan({ rules: [rule] }), facts))).toEqual(wanted)
    })
})

describe('the facts that were lacking', () => {
  it('are those of the count and those of the condition together, sorted', () => {
    const rule = counting({ unless: contextIn('news') }, { when: subjectIs('verified', true) })
    const facts = someFacts({ strikes: [aStrike({ id: 's' })] })
    const { unknown } = evaluate(aPlan({ rules: [rule] }), facts)
    expect(unknown.map((one) => one.facts)).toEqual([['strike.context', 'subject.verified']])
  })

  it('are told in order, whichever strike lacked which', () => {
    const unless: StrikeCondition = {
      ...contextIn('news'),
      strike_only: false,
      evaluate: () => 'unknown',
      missing: (_, { id }) => [`strike.${id}`],
    }
    const strikes = [
      aStrike({ id: 'b', effective_at: ago('2d') }),
      aStrike({ id: 'a', effective_at: ago('1d') }),
    ]
    const { unknown } = evaluate(aPlan({ rules: [counting({ unless })] }), someFacts({ strikes }))
    expect(unknown.map((one) => one.facts)).toEqual([['strike.a', 'strike.b']])
  })
})

describe('a standing', () => {
  it('names each category once, in order of first appearance', () => {
    const strikes = ['b', 'a', 'b'].map((category, i) =>
      aStrike({ id: `s${i}`, category, effective_at: addMs(ago('3d'), i) }),
    )
    const { categories, category } = standing(strikes, NOW, STRIKES)
    expect(categories).toEqual(['b', 'a'])
    expect([...category]).toEqual([0, 1, 0])
  })

  it('chooses between two contents of one id without regard to the order of members', () => {
    const one = aStrike({ id: 's', category: 'a', severity: 'high' })
    const two = aStrike({ id: 's', category: 'b', severity: 'critical' })
    const turned = <T extends object>(value: T): T =>
      Object.fromEntries(Object.entries(value).reverse()) as T
    for (const pair of [
      [one, two],
      [two, one],
      [turned(one), two],
      [turned(two), turned(one)],
    ])
      expect(standing(pair, NOW, STRIKES).categories).toEqual(['a'])
  })
})
