import { describe, expect, it } from 'vitest'
import type { Obligation } from '../../../src/core/model.ts'
import { mergeObligations } from '../../../src/core/policy/join-obligations.ts'

describe('merging obligations', () => {
  const cap = (viewers: number): Obligation => ({ type: 'audience_cap', viewers })
  const cases: readonly {
    name: string
    all: readonly Obligation[]
    expect: readonly Obligation[]
  }[] = [
    { name: 'takes the smaller audience', all: [cap(500), cap(90)], expect: [cap(90)] },
    {
      name: 'takes the longer latency',
      all: [
        { type: 'latency', seconds: 5 },
        { type: 'latency', seconds: 30 },
      ],
      expect: [{ type: 'latency', seconds: 30 }],
    },
    {
      name: 'knows ceilings and floors of other types by name',
      all: [
        { type: 'own', max_rate: 5, min_age: 16 },
        { type: 'own', max_rate: 3, min_age: 13 },
      ],
      expect: [{ type: 'own', max_rate: 3, min_age: 16 }],
    },
    {
      name: 'keeps both where a parameter has no strict direction',
      all: [
        { type: 'banner', text: 'b' },
        { type: 'banner', text: 'a' },
      ],
      expect: [
        { type: 'banner', text: 'a' },
        { type: 'banner', text: 'b' },
      ],
    },
    {
      name: 'lets a parameter that one of them lacks stay',
      all: [{ type: 'audience_cap' }, cap(7)],
      expect: [cap(7)],
    },
    {
      name: 'does not merge a number with a text',
      all: [cap(7), { type: 'audience_cap', viewers: '5' }],
      expect: [{ type: 'audience_cap', viewers: '5' }, cap(7)],
    },
    {
      name: 'keeps types apart, sorted',
      all: [{ type: 'no_recording' }, { type: 'no_gifts' }, { type: 'no_recording' }],
      expect: [{ type: 'no_gifts' }, { type: 'no_recording' }],
    },
  ]
  for (const { name, all, expect: expected } of cases)
    it(name, () => {
      expect(mergeObligations(all)).toEqual(expected)
      expect(mergeObligations(all.toReversed())).toEqual(expected)
    })
})
