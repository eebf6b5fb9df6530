import { describe, expect, it } from 'vitest'
import { readAccepted, writeAccepted } from '../../../../src/core/policy/diff/accepted.ts'
import { diffPlans } from '../../../../src/core/policy/diff/compare.ts'
import { planOf } from '../prove/failing.ts'

const RULE =
  'rules:\n  - { id: grave, outcome: deny, count: { category: terrorism.* }, ladder: { 1: 30d } }'

describe('a list of accepted differences', () => {
  it('is read back as it was written', () => {
    const { differences } = diffPlans(planOf(RULE), planOf(RULE.replace('30d', '31d')))
    expect(differences.length).toBeGreaterThan(0)
    const read = readAccepted(writeAccepted(differences))
    expect(read).toEqual({ ok: true, value: new Set(differences.map(({ id }) => id)) })
  })

  it('can be empty', () => {
    expect(readAccepted(writeAccepted([]))).toEqual({ ok: true, value: new Set() })
  })

  const REFUSED: readonly (readonly [string, RegExp])[] = [
    ['', /expected `livegate: accepted\/v1`/],
    ['livegate: accepted/v2', /expected `livegate: accepted\/v1`/],
    ['livegate: accepted/v1\naccepted: d_abcd', /no list/],
    ['livegate: accepted/v1\naccepted: [{ says: x }]', /entry 1 has no id/],
    ['livegate: accepted/v1\naccepted: [{ id: d_abcdef }, { id: ../x }]', /entry 2 has no id/],
    ['livegate: accepted/v1\naccepted: [null]', /entry 1 has no id/],
    ['livegate: [', /./],
    ['a: &x [1]\nb: [*x, *x, *x]', /./],
  ]
  for (const [text, why] of REFUSED)
    it(`is refused as ${JSON.stringify(text)}`, () => {
      const read = readAccepted(text)
      expect(read.ok ? 'read' : read.error).toMatch(why)
    })
})
