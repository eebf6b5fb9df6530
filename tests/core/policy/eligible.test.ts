import { describe, expect, it } from 'vitest'
import type { Facts, HostFacts } from '../../../src/core/model.ts'
import { eligibleAt } from '../../../src/core/policy/eligible.ts'
import type { Plan, RulePlan } from '../../../src/core/policy/plan.ts'
import { addMs, formatInstant } from '../../../src/core/time.ts'
import {
  aCondition,
  aCount,
  ago,
  aLadder,
  always,
  anExemption,
  aPlan,
  aRule,
  aStrike,
  contextIn,
  d,
  hasLabel,
  NOW,
  STRIKES,
  someFacts,
  subjectIs,
  youngerThan,
} from '../../support/plans.ts'
import { compiled } from '../../support/policy-arbitraries.ts'

const ladder = aRule({ id: 'l', count: aCount(), ladder: aLadder({ 1: '30d', 2: 'forever' }) })
const young = aRule({ id: 'y', when: youngerThan('24h'), outcome: 'delay', hold: d('15m') })
const strike = aStrike({ id: 's', effective_at: ago('10d') })
const later = (length: string) => addMs(NOW, d(length))

const cases: readonly {
  name: string
  rules: readonly RulePlan[]
  plan?: Partial<Plan>
  host?: Partial<HostFacts>
  facts?: Partial<Facts>
  at: number | null
  reason?: string
}[] = [
  { name: 'now, when nothing stands in the way', rules: [ladder], at: NOW },
  {
    name: 'at the end of a restriction',
    rules: [ladder],
    host: { strikes: [strike] },
    at: later('20d'),
  },
  {
    name: 'never, after a restriction without end',
    rules: [ladder],
    host: { strikes: [strike, { ...strike, id: 's2' }] },
    at: null,
    reason: 'restricted without end: l',
  },
  {
    name: 'when a needed strike leaves the window',
    rules: [aRule({ id: 'c', count: aCount({ within: d('30d'), at_least: 2 }) })],
    host: { strikes: [strike, aStrike({ id: 's2', effective_at: ago('1d') })] },
    at: later('20d'),
  },
  {
    name: 'when a strike expires by itself',
    rules: [aRule({ id: 'c', count: aCount() })],
    host: { strikes: [{ ...strike, expires_at: later('3d') }] },
    at: later('3d'),
  },
  {
    name: 'at the end of the hold that this ask opens',
    rules: [{ ...young, when: always(true) }],
    at: later('15m'),
  },
  {
    name: 'when the account is old enough, if that comes before the hold ends',
    rules: [young],
    host: { facts: { created_at: ago('1430m') } },
    at: later('10m'),
  },
  {
    name: 'a hold after a restriction, because it can only be waited out from an ask',
    rules: [ladder, { ...young, when: always(true) }],
    host: { strikes: [strike] },
    at: addMs(later('20d'), d('15m')),
  },
  {
    name: 'not while a fact is missing',
    rules: [aRule({ id: 'v', when: subjectIs('verified', false) })],
    at: null,
    reason: 'depends on facts: subject.verified',
  },
  {
    name: 'not while a fact says no',
    rules: [aRule({ id: 'v', when: subjectIs('verified', false) })],
    host: { facts: { verified: false } },
    at: null,
    reason: 'depends on facts of rules: v',
  },
  {
    name: 'not without the reviewer',
    rules: [
      aRule({
        id: 'rev',
        when: always(true),
        outcome: 'delay',
        review: { queue: 'q', within: d('1h'), at_deadline: 'allow' },
      }),
    ],
    at: null,
    reason: 'depends on a review',
  },
  {
    name: 'not with a caller that cannot carry the condition out',
    rules: [aRule({ id: 'b', when: always(true), outcome: 'delay', broadcast_delay_s: 5 })],
    facts: { supports: [] },
    at: null,
    reason: 'depends on what the caller supports: broadcast_delay',
  },
  {
    name: 'not under a default deny',
    rules: [],
    plan: { default: 'deny' },
    at: null,
    reason: 'denied by default',
  },
  {
    name: 'without regard to a strike that does not exist yet',
    rules: [ladder],
    host: { strikes: [strike, { ...strike, id: 's2', effective_at: later('1d') }] },
    at: later('20d'),
  },
]

describe('eligible_at is', () => {
  for (const { name, rules, plan, host, facts, at, reason = null } of cases)
    it(name, () =>
      expect(eligibleAt(aPlan({ rules, ...plan }), someFacts(host, facts))).toEqual({ at, reason }),
    )

  it('the end of the longer of two holds, the shorter being asked for anew in between', () => {
    const rules = [
      { ...young, id: 'short', when: always(true), hold: d('1m') },
      { ...young, id: 'long', when: always(true), hold: d('2h') },
    ]
    expect(eligibleAt(aPlan({ rules }), someFacts()).at).toBe(later('2h'))
    const holds = [{ rule: 'short', first_asked_at: ago('30m') }]
    expect(eligibleAt(aPlan({ rules }), someFacts({ holds })).at).toBe(later('2h'))
  })

  it('when time alone makes an `unless` true, before the count would end', () => {
    const unless = 'now - strike.issued_at > duration("15d")'
    const rules = [{ id: 'c', count: { category: '*', within: '30d' }, unless, outcome: 'deny' }]
    const facts = someFacts({ strikes: [strike] })
    expect(eligibleAt(compiled({ rules }), facts).at).toBe(addMs(later('5d'), 1))
  })

  it('found in few evaluations after four thousand strikes', () => {
    const strikes = Array.from({ length: 4096 }, (_, i) =>
      aStrike({ id: `s${i}`, effective_at: addMs(ago('30d'), i * 1000) }),
    )
    const rules = [aRule({ id: 'c', count: aCount({ within: d('60d') }) })]
    const plan = aPlan({ rules, strikes: { ...STRIKES, group_within: d('1m') } })
    expect(eligibleAt(plan, someFacts({ strikes })).at).toBe(addMs(later('30d'), 4095 * 1000))
  })

  describe('found with bounded work', () => {
    const many = (length: string): HostFacts['strikes'] =>
      Array.from({ length: 4096 }, (_, i) =>
        aStrike({ id: `s${i}`, effective_at: addMs(ago(length), i * 60_000) }),
      )
    /** Counts evaluations: a rule without effect that is asked in each. */
    function counting(rules: readonly RulePlan[]): { plan: Plan; evaluations: () => number } {
      let asked = 0
      const when = aCondition(() => {
        asked++
        return false
      })
      const plan = aPlan({ rules: [...rules, aRule({ id: 'z', when })] })
      return { plan, evaluations: () => asked }
    }
    const count = aCount({ within: d('60d') })

    it('by halving, where an exemption that might come true forbids to leap', () => {
      const { plan, evaluations } = counting([aRule({ id: 'c', count })])
      const lifted = anExemption({ id: 'e', rules: ['c'], when: hasLabel('x') })
      const exempted = {
        ...plan,
        exemptions: [{ ...lifted, when: { ...lifted.when, facts: ['now'] } }],
      }
      const facts = someFacts({ strikes: many('30d'), facts: { labels: [] } })
      expect(eligibleAt(exempted, facts).at).toBe(addMs(later('30d'), 4095 * 60_000))
      expect(evaluations()).toBeLessThan(20)
    })

    it('and no instant is told that is only known to be late enough', () => {
      const idle = { count: aCount({ category: ['none.*'], within: d('1d') }) }
      const heavy = Array.from({ length: 14 }, (_, i) => aRule({ id: `n${i}`, ...idle }))
      const { plan } = counting([aRule({ id: 'c', count }), ...heavy])
      const lifted = anExemption({ id: 'e', rules: ['c'], when: hasLabel('x') })
      const exemptions = [{ ...lifted, when: { ...lifted.when, facts: ['now'] } }]
      const facts = someFacts({ strikes: many('30d'), facts: { labels: [] } })
      const { at, reason } = eligibleAt({ ...plan, exemptions }, facts)
      expect([at, reason]).toEqual([null, expect.stringMatching(/^not before .*: too much/)])
    })

    it('in one leap, where labels alone could lift the rule', () => {
      const { plan, evaluations } = counting([aRule({ id: 'c', count })])
      const exemptions = [anExemption({ id: 'e', rules: ['c'], when: hasLabel('x') })]
      const facts = someFacts({ strikes: many('30d'), facts: { labels: [] } })
      const { at } = eligibleAt({ ...plan, exemptions }, facts)
      expect(at).toBe(addMs(later('30d'), 4095 * 60_000))
      expect(evaluations()).toBe(2)
    })

    it('and otherwise says what is certain', () => {
      const offsets = Array.from({ length: 64 }, (_, i) => d(`${i + 1}d`))
      const unless = {
        ...contextIn('news'),
        facts: ['now', 'strike.issued_at'],
        strike_only: false,
        edges: offsets.map((offset_ms) => ({ path: 'strike.issued_at', offset_ms })),
      }
      const { plan, evaluations } = counting([
        aRule({ id: 'c', count: aCount({ within: d('60d'), unless }) }),
        aRule({ id: 'd', count: aCount({ within: d('45d') }) }),
      ])
      const facts = someFacts({ strikes: many('30d') })
      expect(eligibleAt(plan, facts)).toEqual({
        at: null,
        reason: `not before ${formatInstant(addMs(later('15d'), 4095 * 60_000))}: too much changes until then to search on`,
      })
      expect(evaluations()).toBe(1)
    })
  })
})
