import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/core/model.ts'
import { applyChange } from '../../../src/core/policy/counterfactual/apply.ts'
import { createJudge } from '../../../src/core/policy/counterfactual/judge.ts'
import type { Change, Counterfactual } from '../../../src/core/policy/counterfactual/types.ts'
import { MAX_SETTLES_LISTED } from '../../../src/core/policy/counterfactual/unknown.ts'
import {
  CHANGE_ORDER,
  counterfactual,
  MAX_CHANGES_LISTED,
} from '../../../src/core/policy/counterfactual.ts'
import { evaluationWork } from '../../../src/core/policy/eligible-work.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { addMs, DAY_MS, formatInstant, MINUTE_MS } from '../../../src/core/time.ts'
import { ago, aHost, aStrike, NOW, someFacts } from '../../support/plans.ts'
import { compiled, type Json } from '../../support/policy-arbitraries.ts'

const THREE: Json = {
  rules: [
    { id: 'third', outcome: 'deny', count: { category: 'spam.*', within: '90d', at_least: 3 } },
  ],
}
const LADDER: Json = {
  rules: [
    {
      id: 'grave',
      outcome: 'deny',
      count: { category: 'terrorism.*', severity: 'high..' },
      ladder: { 1: '30d', 2: 'forever' },
    },
  ],
}
const YOUNG: Json = {
  rules: [
    {
      id: 'young',
      when: 'now - subject.created_at < duration("24h")',
      outcome: 'delay',
      hold: '15m',
    },
  ],
}
const SMALL: Json = {
  rules: [{ id: 'small', when: 'subject.followers < 1000', outcome: 'deny' }],
}
const PRESS: Json = {
  rules: [
    {
      id: 'grave',
      outcome: 'deny',
      count: { category: 'terrorism.*' },
      ladder: { 1: '30d' },
      unless: 'strike.context in ["news"]',
    },
  ],
}
const LABELS: Json = {
  rules: [{ id: 'shut', when: 'incident.active', outcome: 'deny' }],
  exempt: [{ id: 'newsroom', rules: ['shut'], when: 'subject.labels.exists(l, l == "newsroom")' }],
}

/** A change and what it gives, in one line. */
function said(found: Counterfactual): string[] {
  return found.changes.map(({ change, answer }) => {
    const { outcome, until } = answer
    const end = until === null ? '' : until === 'forever' ? ' forever' : ` ${formatInstant(until)}`
    return `${changed(change)}: ${outcome}${end}`
  })
}

function changed(change: Change): string {
  switch (change.kind) {
    case 'later':
      return `at ${formatInstant(change.at)}`
    case 'reversed':
      return `without ${change.strike} of ${change.host}`
    case 'struck':
      return `${change.strike.category} ${change.strike.severity} more`
    case 'fact':
      return `${change.fact} of ${change.host} ${String(change.to)}`
  }
}

const spam = (id: string, length: string) =>
  aStrike({ id, category: 'spam.scam', severity: 'low', effective_at: ago(length) })
const LATER = formatInstant(addMs(NOW, 60 * DAY_MS))

const cases: readonly {
  readonly name: string
  readonly policy: Json
  readonly facts: Facts
  readonly changes: readonly string[]
}[] = [
  {
    name: 'of a clean person one strike of each kind that matters',
    policy: LADDER,
    facts: someFacts(),
    changes: [`terrorism.content high more: deny ${formatInstant(addMs(NOW, 30 * DAY_MS))}`],
  },
  {
    name: 'of two strikes of three the third',
    policy: THREE,
    facts: someFacts({ strikes: [spam('a', '30d'), spam('b', '1d')] }),
    changes: [`spam.bulk low more: deny ${LATER}`],
  },
  {
    name: 'of three strikes of three each of them, its going, and one more',
    policy: THREE,
    facts: someFacts({ strikes: [spam('a', '30d'), spam('b', '1d'), spam('c', '2d')] }),
    changes: [
      `at ${LATER}: allow`,
      'without b of 0: allow',
      'without c of 0: allow',
      'without a of 0: allow',
      `spam.bulk low more: deny ${formatInstant(addMs(NOW, 88 * DAY_MS))}`,
    ],
  },
  {
    name: 'of a restriction without end the reversal of either strike, time never',
    policy: LADDER,
    facts: someFacts({
      strikes: [
        aStrike({ id: 'old', effective_at: ago('100d') }),
        aStrike({ id: 'new', effective_at: ago('1d') }),
      ],
    }),
    changes: [
      `without new of 0: allow`,
      `without old of 0: deny ${formatInstant(addMs(NOW, 29 * DAY_MS))}`,
    ],
  },
  {
    name: 'of a young account the quarter of an hour it asks for',
    policy: YOUNG,
    facts: someFacts({ facts: { created_at: addMs(NOW, -DAY_MS + 20 * MINUTE_MS) } }),
    changes: [
      `at ${formatInstant(addMs(NOW, 15 * MINUTE_MS))}: allow`,
      `subject.created_at of 0 ${NOW - DAY_MS}: allow`,
    ],
  },
  {
    name: 'of an account 14 minutes short of a day the 14 minutes, which are sooner than the hold',
    policy: YOUNG,
    facts: someFacts({ facts: { created_at: addMs(NOW, -DAY_MS + 14 * MINUTE_MS) } }),
    changes: [
      `at ${formatInstant(addMs(NOW, 14 * MINUTE_MS))}: allow`,
      `subject.created_at of 0 ${NOW - DAY_MS}: allow`,
    ],
  },
  {
    name: 'of a number the nearest on the other side',
    policy: SMALL,
    facts: someFacts({ facts: { followers: 12 } }),
    changes: ['subject.followers of 0 1000: allow'],
  },
  {
    name: 'of a number above the nearest below',
    policy: SMALL,
    facts: someFacts({ facts: { followers: 5000 } }),
    changes: ['subject.followers of 0 999: deny'],
  },
  {
    name: 'of co-hosts each its own',
    policy: SMALL,
    facts: someFacts(
      {},
      {
        hosts: [
          aHost({ facts: { followers: 2000 } }),
          aHost({ subject: 'u2', facts: { followers: 7 } }),
        ],
      },
    ),
    changes: ['subject.followers of 1 1000: allow'],
  },
  {
    name: 'of labels one more, and of an incident its end',
    policy: LABELS,
    facts: someFacts({ facts: { labels: ['vip'] } }, { incident: { active: true } }),
    changes: ['incident.active of 0 false: allow', 'subject.labels of 0 vip,newsroom: allow'],
  },
]

describe('single changes that change an answer', () => {
  for (const { name, policy, facts, changes } of cases)
    it(name, () => {
      const plan = compiled(policy)
      const found = counterfactual(plan, facts, evaluate(plan, facts))
      expect(said(found)).toEqual(changes)
      expect(found.incomplete).toEqual([])
    })

  it('come from the smallest kind to the largest', () => {
    const plan = compiled({ rules: [...(THREE.rules as []), ...(SMALL.rules as [])] })
    const strikes = [spam('a', '30d'), spam('b', '1d'), spam('c', '2d')]
    const facts = someFacts({ strikes, facts: { followers: 2000 } })
    const found = counterfactual(plan, facts, evaluate(plan, facts))
    const kinds = [...new Set(found.changes.map(({ change }) => change.kind))]
    expect(kinds).toEqual(CHANGE_ORDER.filter((kind) => kinds.includes(kind)))
    expect(kinds.length).toBeGreaterThan(2)
  })
})

describe('rules that nearly match', () => {
  const near = (policy: Json, facts: Facts): Counterfactual['near'] => {
    const plan = compiled(policy)
    return counterfactual(plan, facts, evaluate(plan, facts)).near
  }

  it('say how many strikes of how many there are', () => {
    const facts = someFacts({ strikes: [spam('a', '30d'), spam('b', '1d')] })
    expect(near(THREE, facts)).toMatchObject([
      { rule: 'third', away: 'strike', have: 2, need: 3, matches: true },
    ])
  })

  it('are silent two strikes away', () => {
    expect(near(THREE, someFacts({ strikes: [spam('a', '30d')] }))).toEqual([])
  })

  it('weigh where weights count', () => {
    const count = { category: 'spam.*', weight_at_least: 5 }
    const facts = someFacts({ strikes: [aStrike({ id: 'a', category: 'spam.scam', weight: 3 })] })
    expect(near({ rules: [{ id: 'w', outcome: 'deny', count }] }, facts)).toMatchObject([
      { rule: 'w', have: 3, need: 5, change: { strike: { weight: 2 } } },
    ])
  })

  it('tell the next step of a ladder that runs', () => {
    const facts = someFacts({ strikes: [aStrike({ id: 'a' })] })
    expect(near(LADDER, facts)).toMatchObject([{ rule: 'grave', away: 'step', have: 1, need: 2 }])
  })

  it('tell when the clock alone ends them', () => {
    const facts = someFacts({ facts: { created_at: addMs(NOW, -DAY_MS + 14 * MINUTE_MS) } })
    expect(near(YOUNG, facts)).toEqual([
      {
        rule: 'young',
        host: 0,
        away: 'time',
        change: { kind: 'later', at: addMs(NOW, 14 * MINUTE_MS) },
        have: null,
        need: null,
        matches: false,
        edge: { fact: 'subject.created_at', offset_ms: DAY_MS },
      },
    ])
  })

  it('tell the comparison they are away', () => {
    const facts = someFacts({ facts: { followers: 5000 } })
    expect(near(SMALL, facts)).toMatchObject([
      { rule: 'small', away: 'fact', change: { from: 5000, to: 999 } },
    ])
  })
})

describe('what is unknown', () => {
  const settles = (policy: Json, facts: Facts): Counterfactual['settles'] => {
    const plan = compiled(policy)
    return counterfactual(plan, facts, evaluate(plan, facts)).settles
  }

  it('is settled each way by the fact', () => {
    expect(settles(SMALL, someFacts())).toMatchObject([
      {
        fact: 'subject.followers',
        rules: ['small'],
        ways: [
          { value: 0, answer: { outcome: 'deny' } },
          { value: 1000, answer: { outcome: 'allow' } },
        ],
      },
    ])
  })

  it('names the exemption that lacks it', () => {
    const facts = someFacts({}, { incident: { active: true } })
    expect(settles(LABELS, facts)).toMatchObject([{ fact: 'subject.labels', rules: ['newsroom'] }])
  })

  it('is asked of each strike that lacks it', () => {
    const facts = someFacts({
      strikes: [aStrike({ id: 'a' }), aStrike({ id: 'b', context: 'other' })],
    })
    expect(settles(PRESS, facts)).toMatchObject([
      { strike: 'a', ways: [{ value: 'news', answer: { outcome: 'deny' } }] },
    ])
    const lone = someFacts({ strikes: [aStrike({ id: 'a' })] })
    expect(settles(PRESS, lone)).toMatchObject([
      {
        fact: 'strike.context',
        strike: 'a',
        rules: ['grave'],
        ways: [
          { value: 'news', answer: { outcome: 'allow' } },
          { value: 'other', answer: { outcome: 'deny' } },
        ],
      },
    ])
  })
})

describe('the work', () => {
  const plan = compiled(THREE)
  const many = Array.from({ length: 4096 }, (_, i) => spam(`s${i}`, `${i + 1}m`))
  const host = (i: number) =>
    aHost({ subject: `u${i}`, strikes: many.map((one) => ({ ...one, id: `${i}${one.id}` })) })
  const crowd = someFacts(
    {},
    { hosts: [host(0), ...Array.from({ length: 16 }, (_, i) => host(i + 1))] },
  )

  it('ends a share of it, and says so by null', () => {
    const facts = someFacts({ strikes: many })
    const cost = evaluationWork(plan, facts)
    const judge = createJudge(plan, facts, evaluate(plan, facts), 4 * cost)
    const asked = (n: number): number =>
      Array.from({ length: n }, () => judge.judge(facts)).filter((one) => one !== null).length
    expect(judge.share(2, () => asked(9))).toBe(2)
    expect(judge.share(1, () => asked(9))).toBe(2)
    expect(judge.spend(1)).toBe(false)
  })

  it('is bounded for 4,096 strikes of one person: what was left out is said, what is said is true', () => {
    const facts = someFacts({ strikes: many })
    const decision = evaluate(plan, facts)
    const found = counterfactual(plan, facts, decision, 40 * evaluationWork(plan, facts))
    expect(found.incomplete).toContainEqual({ kind: 'reversed', why: 'work' })
    for (const { change, answer } of found.changes)
      expect(evaluate(plan, applyChange(plan, facts, change))).toMatchObject(answer)
    expect(found.changes.some(({ change }) => change.kind === 'later')).toBe(true)
  })

  it('is bounded for 17 hosts of 4,096 strikes: nothing is looked through, and every kind says so', () => {
    const decision = evaluate(plan, crowd)
    const found = counterfactual(plan, crowd, decision, 1_000)
    expect(found).toMatchObject({ near: [], settles: [], changes: [] })
    expect(found.incomplete).toEqual(
      ['later', 'reversed', 'struck'].map((kind) => ({ kind, why: 'work' })),
    )
  })

  it('lists some unknown facts of strikes where many lack one, and says that there are more', () => {
    const press = compiled({
      rules: [
        {
          id: 'spam',
          outcome: 'deny',
          count: { category: 'spam.*' },
          unless: 'strike.context in ["news"]',
        },
      ],
    })
    const facts = someFacts({ strikes: many.slice(0, MAX_SETTLES_LISTED + 1) })
    const found = counterfactual(press, facts, evaluate(press, facts), 1e8)
    expect(found.settles).toHaveLength(MAX_SETTLES_LISTED)
    expect(found.incomplete).toEqual([{ kind: 'unknown', why: 'listed' }])
  })

  it('of a number that a condition computes with is its neighbourhood, and says so', () => {
    const odd = compiled({
      rules: [{ id: 'odd', when: 'subject.followers % 3 == 1', outcome: 'deny' }],
    })
    const facts = someFacts({ facts: { followers: 301 } })
    const found = counterfactual(odd, facts, evaluate(odd, facts))
    expect(said(found)).toEqual(['subject.followers of 0 300: allow'])
    expect(found.incomplete).toEqual([{ kind: 'fact', why: 'work' }])
  })

  it('lists no more than there is room for, and says that there is more', () => {
    const policy = {
      rules: [{ id: 'all', outcome: 'deny', count: { category: 'spam.*', at_least: 20 } }],
    }
    const tight = compiled(policy)
    const facts = someFacts({ strikes: many.slice(0, 20) })
    const found = counterfactual(tight, facts, evaluate(tight, facts))
    const reversed = found.changes.filter(({ change }) => change.kind === 'reversed')
    expect(reversed).toHaveLength(MAX_CHANGES_LISTED)
    expect(found.incomplete).toEqual([{ kind: 'reversed', why: 'listed' }])
  })

  it('of kinds of strikes in a policy that tells very many apart is that of each rule alone', () => {
    const rules = Array.from({ length: 60 }, (_, i) => ({
      id: `r${i}`,
      outcome: 'deny',
      count: { category: `own.c${i}`, severity: 'low..', scope: `s${i}` },
      unless: `strike.context in ["a${i}"]`,
    }))
    const large = compiled({ rules })
    const facts = someFacts()
    const found = counterfactual(large, facts, evaluate(large, facts), 1e8)
    expect(found.incomplete).toEqual([{ kind: 'struck', why: 'work' }])
    expect(found.near).toHaveLength(60)
  })
})
