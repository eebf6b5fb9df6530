import { describe, expect, it } from 'vitest'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { explain } from '../../../src/core/policy/explain.ts'
import { addMs } from '../../../src/core/time.ts'
import {
  aCount,
  ago,
  aLadder,
  always,
  anExemption,
  aPlan,
  aRule,
  aStrike,
  d,
  NOW,
  someFacts,
  subjectIs,
} from '../../support/plans.ts'

const strikes = [
  aStrike({ id: 'b', effective_at: ago('5d'), weight: 2 }),
  aStrike({ id: 'a', effective_at: ago('90d'), expires_at: ago('1d') }),
]
const hold = { outcome: 'delay', hold: d('1m'), when: always(true) } as const
const plan = aPlan({
  rules: [
    aRule({ id: 'ladder', count: aCount(), ladder: aLadder({ 1: '1d', 2: '9d' }) }),
    aRule({ id: 'many', count: aCount({ at_least: 3 }) }),
    aRule({ id: 'unsure', when: subjectIs('verified', false) }),
    aRule({ id: 'lifted', when: always(true) }),
    aRule({ id: 'held', ...hold }),
  ],
  exemptions: [
    anExemption({ id: 'x', rules: ['lifted'] }),
    anExemption({ id: 'off', rules: ['many'], when: always(false) }),
  ],
})
const facts = someFacts({ strikes, holds: [{ rule: 'held', first_asked_at: ago('2m') }] })
const { decision, trace, eligible_at } = explain(plan, facts)
const of = (rule: string) => trace.find((entry) => entry.rule === rule)

describe('an explanation', () => {
  it('holds the very decision of evaluate', () => expect(decision).toEqual(evaluate(plan, facts)))

  const states = {
    ladder: 'matched',
    many: 'not_matched',
    unsure: 'unknown',
    lifted: 'lifted',
    held: 'satisfied',
  }
  for (const [rule, state] of Object.entries(states))
    it(`says that rule ${rule} is ${state}`, () => expect(of(rule)?.state).toBe(state))

  it('names what was lacking and what lifted', () => {
    expect(of('unsure')?.missing).toEqual(['subject.verified'])
    expect(of('lifted')?.exemptions).toEqual(['x'])
    expect(of('many')?.exemptions).toEqual([])
  })

  it('shows what counts now against what is needed', () => {
    expect(of('many')?.count).toEqual({
      strikes: ['b'],
      n: 1,
      weight: 2,
      at_least: 3,
      weight_at_least: null,
      next_step: null,
    })
  })

  it('shows what the next strike would open', () => {
    expect(of('ladder')?.count?.next_step).toEqual({ n: 2, length: d('9d') })
  })

  it('answers when going live is possible again, the used-up hold asked for anew', () => {
    expect(eligible_at).toEqual({ at: null, reason: 'depends on facts: subject.verified' })
    const known = { ...facts, hosts: [{ ...facts.hosts[0], facts: { verified: true } }] as const }
    expect(explain(plan, known).eligible_at.at).toBe(addMs(NOW, d('4d') + d('1m')))
  })
})
