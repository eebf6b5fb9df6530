/**
 * The report on a candidate: a fold over decisions, exact in its counts, bounded in its examples.
 */
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/core/encoding.ts'
import type { Facts } from '../../../../src/core/model.ts'
import { changeOf, type Said } from '../../../../src/core/policy/compare/changes.ts'
import { createComparison, MAX_EXAMPLES } from '../../../../src/core/policy/compare/tally.ts'
import { compilePolicy } from '../../../../src/core/policy/compile.ts'
import { evaluate } from '../../../../src/core/policy/evaluate.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { epochMs } from '../../../../src/core/time.ts'
import { someFacts } from '../../record/samples.ts'

const T = Date.UTC(2026, 10, 20)

function planOf(rules: string): Plan {
  const compiled = compilePolicy(utf8(`livegate: policy/v1\nname: t\nrules: [${rules}]\n`), {
    file: 'p',
  })
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join('\n'))
  return compiled.value.plan
}

const NOBODY = planOf("{ id: shut, when: 'false', outcome: deny }")
const EVERYBODY = planOf("{ id: shut, when: 'true', outcome: deny }")

const facts = (i: number): Facts => someFacts(epochMs(T + i), [])

describe('a comparison', () => {
  it('counts every decision once, by how it would end otherwise', () => {
    const comparison = createComparison(EVERYBODY)
    for (let i = 0; i < 100; i++)
      comparison.add({ id: `d${i}`, facts: facts(i), before: evaluate(NOBODY, facts(i)) })
    comparison.add({ id: 'same', facts: facts(7), before: evaluate(EVERYBODY, facts(7)) })
    const { decisions, unchanged, changes, rules, from, to, examples } = comparison.report()
    expect({ decisions, unchanged, changes, from, to }).toEqual({
      ...{ decisions: 101, unchanged: 1, changes: { allow_to_deny: 100 } },
      ...{ from: T, to: T + 99 },
    })
    expect(rules).toEqual({ shut: { before: 1, after: 101, gained: 100, lost: 0 } })
    expect(examples).toHaveLength(MAX_EXAMPLES)
    expect(examples[0]).toMatchObject({
      id: 'd0',
      before: { outcome: 'allow' },
      after: { outcome: 'deny' },
    })
  })

  it('of a plan with itself finds nothing', () => {
    const comparison = createComparison(NOBODY)
    expect(
      comparison.add({ id: 'd', facts: facts(0), before: evaluate(NOBODY, facts(0)) }),
    ).toBeNull()
    expect(comparison.report()).toMatchObject({
      decisions: 1,
      unchanged: 1,
      changes: {},
      examples: [],
    })
  })
})

describe('a change', () => {
  const deny: Said = { ...evaluate(EVERYBODY, facts(0)), until: epochMs(T + 1000) }
  const allow: Said = evaluate(NOBODY, facts(0))
  const TABLE: readonly (readonly [string, Said, Said, string | null])[] = [
    ['of nothing is none', deny, deny, null],
    ['of the outcome comes first', allow, deny, 'allow_to_deny'],
    ['of a deny that ends later', deny, { ...deny, until: epochMs(T + 1001) }, 'later'],
    ['of a deny that ends sooner', deny, { ...deny, until: epochMs(T + 999) }, 'sooner'],
    ['of a deny without an end is later', deny, { ...deny, until: null }, 'later'],
    ['of the lease', allow, { ...allow, lease_until: epochMs(T) }, 'terms'],
    [
      'of what must be carried out',
      allow,
      { ...allow, obligations: [{ type: 'x', n: 1 }] },
      'terms',
    ],
  ]
  for (const [name, before, after, expected] of TABLE)
    it(name, () => expect(changeOf(before, after)).toBe(expected))

  it('of the order of parameters is none', () => {
    const [a, b] = [
      { type: 'x', n: 1, m: 2 },
      { m: 2, n: 1, type: 'x' },
    ]
    expect(changeOf({ ...allow, obligations: [a] }, { ...allow, obligations: [b] })).toBeNull()
  })
})
