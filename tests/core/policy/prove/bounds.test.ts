/** How far a proof looks, and that it says so: sizes, budgets, large and hostile policies, the shipped ones. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../../src/core/policy/compile.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { historiesOf, spaceOf } from '../../../../src/core/policy/prove/histories.ts'
import { prove } from '../../../../src/core/policy/prove/prove.ts'
import { vocabularyOf } from '../../../../src/core/policy/vocabulary.ts'
import { planOf, verdictOf } from './failing.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const POLICIES = readdirSync(join(ROOT, 'policies'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
  .map((name) => join('policies', name))

function shipped(file: string): Plan {
  const compiled = compilePolicy(readFileSync(join(ROOT, file)), { file })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value.plan
}

/** Printed in docs/spec/policy-syntax.md; pages.test.ts compares. */
const EXAMPLE = 'tests/core/policy/example.yaml'

describe('shipped policies, and the example of the spec', () => {
  for (const file of [...POLICIES, EXAMPLE])
    it(`${file}: every property is proved, nothing is left out`, () => {
      const { verdicts } = prove(shipped(file))
      for (const { property, status, not_covered } of verdicts)
        expect({ property, status, not_covered }).toEqual({
          property,
          status: 'proved',
          not_covered: [],
        })
      expect(verdicts.length).toBeGreaterThanOrEqual(5)
    })
})

describe('histories', () => {
  it('are about as many as was said, and hardly any is there twice', () => {
    const plan = planOf(`strikes: { group_within: 10m, expire: 365d }
rules:
  - { id: grave, outcome: deny, count: { category: terrorism.*, within: 90d }, ladder: { 1: 30d, 2: 90d, 7: forever } }`)
    const space = spaceOf([plan], vocabularyOf(plan), 8000)
    const keys = [...historiesOf(space)].map((strikes) =>
      JSON.stringify(strikes.map(({ effective_at, expires_at }) => [effective_at, expires_at])),
    )
    // A block with a strike behind it may be the next block.
    expect(new Set(keys).size).toBeGreaterThan(keys.length * 0.98)
    // Strikes of one instant are written in one order only, so there are somewhat fewer than places times choices.
    expect(keys.length).toBeLessThanOrEqual(space.size)
    expect(keys.length).toBeGreaterThan(space.size * 0.8)
    expect(space.blocks).toEqual([5, 6])
  })
})

describe('a budget', () => {
  const plan = planOf(`strikes: { group_within: 10m }
rules:
  - { id: grave, outcome: deny, count: { category: terrorism.*, within: 90d }, ladder: { 1: 30d, 2: 90d } }`)

  it('that ends too early is said, and nothing is claimed', () => {
    const { verdicts } = prove(plan, { work: 10 })
    const told = verdicts.filter(({ status }) => status === 'not_covered')
    expect(told.length).toBeGreaterThan(0)
    for (const { not_covered } of told) expect(not_covered.join()).toContain('budget of work ended')
    expect(verdicts.filter(({ status }) => status === 'false')).toEqual([])
  })

  it('is kept, told on the way, and gives the same verdicts each time', () => {
    const told: number[] = []
    const first = prove(plan, { work: 20_000, progress: (spent) => told.push(spent) })
    expect(first.work).toBeLessThanOrEqual(20_100)
    expect(told.length).toBeGreaterThan(0)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(prove(plan, { work: 20_000 })).toEqual(first)
  })
})

describe('large policies', () => {
  const many = Array.from(
    { length: 1000 },
    (_, i) => `
  - { id: r${i}, outcome: deny, count: { category: own.c${i}, within: ${(i % 90) + 1}d, at_least: ${(i % 4) + 1} } }`,
  )

  it('of a thousand rules end within the budget', { timeout: 60_000 }, () => {
    const { verdicts, work } = prove(planOf(`rules:${many.join('')}`), { work: 100_000 })
    expect(work).toBeLessThanOrEqual(102_000)
    expect(verdicts.filter(({ status }) => status === 'false')).toEqual([])
  })

  it('with more facts than can be combined say so', () => {
    const atoms = [
      ...['followers', 'open_broadcasts'].map((fact) => `subject.${fact} > 10`),
      ...['age_band', 'id', 'audience', 'category', 'admission'].map((fact, i) =>
        i === 0 ? 'subject.age_band == "18+"' : `stream.${fact} == "x"`,
      ),
      'request.territory == "NZ"',
      'request.ingest == "rtmp"',
      'incident.scope == "NZ"',
      'subject.verified',
      'platform.moderation_available',
    ]
    const labels = Array.from({ length: 16 }, (_, i) => `"l${i}" in subject.labels`)
    const plan = planOf(`rules:
  - { id: much, outcome: deny, when: '${[...atoms, ...labels].join(' || ')}' }`)
    const verdict = verdictOf(prove(plan, { work: 60_000 }), 'one-more-never-milder')
    expect(verdict.status).toBe('not_covered')
    expect(verdict.not_covered.join()).toMatch(/its facts have \d+ combinations/)
  })
})

describe('values that cannot be listed exactly', () => {
  it('are named: facts compared with each other, ids of strikes', () => {
    const proof = prove(
      planOf(`rules:
  - { id: more, outcome: deny, when: subject.followers > subject.open_broadcasts * 3 }
  - { id: one, outcome: deny, count: { category: "*" }, unless: 'strike.id == "s9"' }`),
    )
    const { status, not_covered } = verdictOf(proof, 'one-more-never-milder')
    expect(status).toBe('not_covered')
    expect(not_covered).toEqual([
      'rule `more`: subject.followers is tried only in part, it is compared with other facts',
      'rule `more`: subject.open_broadcasts is tried only in part, it is compared with other facts',
      'rule `one`: strike.id is tried only in part, ids of strikes are not varied',
    ])
  })
})
