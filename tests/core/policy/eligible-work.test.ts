/** The estimate a search is bounded by: what each part of a plan adds to it, for one host with two strikes and for two hosts. */
import { expect, it } from 'vitest'
import { edgesWork, evaluationWork } from '../../../src/core/policy/eligible-work.ts'
import type { Counting, EarlierForm, Inherited, Plan } from '../../../src/core/policy/plan.ts'
import {
  type aCondition,
  aCount,
  ago,
  aHost,
  aLadder,
  always,
  anExemption,
  aPlan,
  aRule,
  aStrike,
  contextIn,
  NOW,
  STRIKES,
  someFacts,
} from '../../support/plans.ts'

const strikes = ['a', 'b'].map((id) => aStrike({ id, effective_at: ago('1d') }))
const one = someFacts({ strikes })
const two = someFacts({}, { hosts: [aHost({ strikes }), aHost({ subject: 'u2' })] })

const calls = { pattern: '*', within: null }
const condition = (counts: number): ReturnType<typeof aCondition> => ({
  ...always(true),
  counts: Array.from({ length: counts }, () => calls),
})
const counting = (part: Parameters<typeof aCount>[0] = {}): Counting => ({
  strikes: STRIKES,
  count: aCount(part),
})
const form = (own: Counting | null): EarlierForm => ({
  ...{ revision: 1, until: NOW, steps: aLadder({ 1: '1d', 2: '2d' }), counting: own },
})
const inherited = (forms: readonly EarlierForm[], milder: Inherited['milder'] = []): Inherited => ({
  ...{ absent: null, forms, milder, from: Number.NEGATIVE_INFINITY },
  before: Number.POSITIVE_INFINITY,
})
const unless = contextIn('news')
const ladder = aRule({ id: 'l', count: aCount(), ladder: aLadder({ 1: '1d', 2: '2d', 3: '3d' }) })
const milder = [{ revision: 1, rule: ladder }]

const cases: readonly {
  readonly name: string
  readonly plan: Partial<Plan>
  /** Of one evaluation for one host, for two, and of collecting the edges of one. */
  readonly work: readonly [one: number, two: number, edges: number]
}[] = [
  { name: 'nothing', plan: {}, work: [16, 16, 0] },
  {
    name: 'a condition',
    plan: { rules: [aRule({ id: 'a', when: condition(0) })] },
    work: [66, 116, 0],
  },
  {
    name: 'a condition that counts, tried both ways',
    plan: { rules: [aRule({ id: 'a', when: condition(1) })] },
    work: [132, 232, 16],
  },
  {
    name: 'one that counts three times, tried eight ways',
    plan: { rules: [aRule({ id: 'a', when: condition(3) })] },
    work: [464, 864, 48],
  },
  {
    name: 'an exemption',
    plan: { exemptions: [anExemption({ id: 'e', rules: ['a'], when: condition(1) })] },
    work: [82, 132, 16],
  },
  { name: 'a ladder of three steps', plan: { rules: [ladder] }, work: [32, 32, 64] },
  {
    name: 'strikes left out one by one',
    plan: { rules: [aRule({ id: 'c', count: aCount({ unless }) })] },
    work: [64, 64, 16],
  },
  {
    name: 'a ladder with an earlier form that counts alike',
    plan: { rules: [{ ...ladder, inherited: inherited([form(null)]) }] },
    work: [64, 64, 96],
  },
  {
    name: 'with one that counts otherwise',
    plan: { rules: [{ ...ladder, inherited: inherited([form(counting())]) }] },
    work: [96, 96, 96],
  },
  {
    name: 'with one that leaves strikes out',
    plan: { rules: [{ ...ladder, inherited: inherited([form(counting({ unless }))]) }] },
    work: [128, 128, 96],
  },
  {
    name: 'with two forms, of which a rule of less is made too',
    plan: {
      rules: [{ ...ladder, inherited: inherited([form(null), form(counting())], milder) }],
    },
    work: [192, 192, 128],
  },
]

for (const { name, plan, work } of cases)
  it(`${name} costs what it says`, () => {
    const made = aPlan(plan)
    expect([evaluationWork(made, one), evaluationWork(made, two), edgesWork(made, one)]).toEqual(
      work,
    )
  })
