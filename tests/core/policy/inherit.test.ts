import { describe, expect, it } from 'vitest'
import type { Decision, Strike } from '../../../src/core/model.ts'
import { affected } from '../../../src/core/policy/affected.ts'
import { eligibleAt } from '../../../src/core/policy/eligible.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { explain } from '../../../src/core/policy/explain.ts'
import { inherit, type Revision } from '../../../src/core/policy/inherit.ts'
import { keptText } from '../../../src/core/policy/inherit-explain.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { addMs, DAY_MS, type EpochMs, formatDuration } from '../../../src/core/time.ts'
import { ago, aStrike, d, NOW, someFacts } from '../../support/plans.ts'
import { compiled, type Json } from '../../support/policy-arbitraries.ts'

const WORD = { why: 'the law of 2026 says so' }
const COUNT = { category: 'terrorism.*', within: '365d' }

function ladder(steps: Json, part: Json = {}, strikes: Json = {}): Plan {
  return compiled({
    strikes,
    rules: [{ id: 'r', count: COUNT, ladder: steps, outcome: 'deny', ...part }],
  })
}
const WITHOUT = compiled({ rules: [{ id: 'other', when: 'incident.active', outcome: 'deny' }] })

/** The first from ever, the last `last` ago, others a day apart before it. */
function revisions(plans: readonly Plan[], last = '10d'): readonly Revision[] {
  const end = plans.length - 1
  return plans.map((plan, i) => {
    return { plan, revision: i + 1, from: addMs(ago(last), (i - end) * DAY_MS) }
  })
}

function inForce(all: readonly Revision[]): Plan {
  const active = all.at(-1)
  if (active === undefined) throw new Error('there is a revision')
  const made = inherit(active, all.slice(0, -1))
  if (!made.ok) throw new Error(made.error.map(({ message }) => message).join())
  return made.value
}

/** Length of the restriction of strike `a`. */
function lengthOf(decision: Decision, strike: Strike): string {
  if (decision.until === 'forever') return 'forever'
  if (decision.until === null) return 'none'
  return formatDuration((decision.until - strike.effective_at) as ReturnType<typeof d>)
}

describe('a strike of an earlier revision', () => {
  const old = aStrike({ id: 'a', effective_at: ago('20d') })
  const cases: readonly {
    readonly name: string
    readonly plans: readonly Plan[]
    readonly costs: string
    readonly strikes?: readonly Strike[]
  }[] = [
    {
      name: 'keeps its length when the next revision gives more',
      plans: [ladder({ 1: '25d' }), ladder({ 1: '90d' })],
      costs: '25d',
    },
    {
      name: 'gets the shorter one of a milder revision at once',
      plans: [ladder({ 1: '90d' }), ladder({ 1: '25d' })],
      costs: '25d',
    },
    {
      name: 'gets the longer one when the rule says `retroactive`',
      plans: [ladder({ 1: '25d' }), ladder({ 1: '90d' }, { retroactive: WORD })],
      costs: '90d',
    },
    {
      name: 'keeps what a revision between was milder by',
      plans: [ladder({ 1: '90d' }), ladder({ 1: '25d' }), ladder({ 1: '60d' })],
      costs: '25d',
    },
    {
      name: 'keeps what the word lengthened when the word goes',
      plans: [
        ladder({ 1: '25d' }),
        ladder({ 1: '90d' }, { retroactive: WORD }),
        ladder({ 1: '90d' }),
      ],
      costs: '90d',
    },
    {
      name: 'gains by what is milder after the word',
      plans: [
        ladder({ 1: '25d' }),
        ladder({ 1: '90d' }, { retroactive: WORD }),
        ladder({ 1: '40d' }),
      ],
      costs: '40d',
    },
    {
      name: 'opens nothing by a rule that was not there',
      plans: [WITHOUT, ladder({ 1: '90d' })],
      costs: 'none',
    },
    {
      name: 'opens nothing by a rule that was gone for a while',
      plans: [ladder({ 1: '90d' }), WITHOUT, ladder({ 1: '90d' })],
      costs: 'none',
    },
    {
      name: 'opens nothing by a rule that only counted then',
      plans: [
        compiled({ rules: [{ id: 'r', count: COUNT, outcome: 'deny' }] }),
        ladder({ 1: '90d' }),
      ],
      costs: 'none',
    },
    {
      name: 'opens what the word says by a rule that was not there',
      plans: [WITHOUT, ladder({ 1: '90d' }, { retroactive: WORD })],
      costs: '90d',
    },
    {
      name: 'costs nothing more once a revision lets its category go',
      plans: [ladder({ 1: '25d' }), ladder({ 1: '90d' }, { count: { category: 'hate.*' } })],
      costs: 'none',
    },
    {
      name: 'costs nothing if its category was not counted then',
      plans: [ladder({ 1: '25d' }, { count: { category: 'hate.*' } }), ladder({ 1: '90d' })],
      costs: 'none',
    },
    {
      name: 'knows no end under neither revision',
      plans: [ladder({ 1: 'forever' }), ladder({ 1: 'forever' }, { clause: 'new words' })],
      costs: 'forever',
    },
    {
      name: 'keeps a step that only warned',
      plans: [ladder({ 1: 'warn', 2: '30d' }), ladder({ 1: '90d' })],
      costs: 'none',
    },
    {
      name: 'is numbered as its revision counted: two in one group were one',
      plans: [
        ladder({ 1: '25d', 2: '60d' }, {}, { group_within: '2d' }),
        ladder({ 1: '25d', 2: '60d' }),
      ],
      strikes: [aStrike({ id: 'z', effective_at: ago('21d') })],
      costs: '25d',
    },
    {
      name: 'is numbered as its revision counted: one had expired',
      plans: [ladder({ 1: '25d', 2: '60d' }, {}, { expire: '5d' }), ladder({ 1: '25d', 2: '60d' })],
      strikes: [aStrike({ id: 'z', effective_at: ago('30d') })],
      costs: '25d',
    },
    {
      name: 'is numbered in the window of its revision',
      plans: [
        ladder({ 1: '25d', 2: '60d' }, { count: { ...COUNT, within: '5d' } }),
        ladder({ 1: '25d', 2: '60d' }),
      ],
      strikes: [aStrike({ id: 'z', effective_at: ago('30d') })],
      costs: '25d',
    },
    {
      name: 'is numbered beyond the last step the rule has now',
      plans: [ladder({ 1: '21d', 3: '40d' }), ladder({ 1: '60d' })],
      strikes: ['y', 'z'].map((id) => aStrike({ id, effective_at: ago('30d') })),
      costs: '40d',
    },
    {
      name: 'keeps a ladder that gave less for its number only',
      plans: [ladder({ 1: '25d' }), ladder({ 1: '5d', 3: '60d' })],
      strikes: ['y', 'z'].map((id) => aStrike({ id, effective_at: ago('30d') })),
      costs: '25d',
    },
    {
      name: 'costs nothing if it was not grave enough then',
      plans: [
        ladder({ 1: '60d' }, { count: { ...COUNT, severity: 'critical' } }),
        ladder({ 1: '25d' }),
        ladder({ 1: '60d' }),
      ],
      costs: 'none',
    },
    {
      name: 'costs nothing if it was of another feature then',
      plans: [ladder({ 1: '60d' }, { count: { ...COUNT, scope: 'chat' } }), ladder({ 1: '60d' })],
      costs: 'none',
    },
    {
      name: 'costs nothing if it was from before `since` then',
      plans: [
        ladder({ 1: '60d' }, { count: { ...COUNT, since: '2026-01-20' } }),
        ladder({ 1: '60d' }),
      ],
      costs: 'none',
    },
    {
      name: 'does not count for content its revision held too old',
      plans: [
        ladder({ 1: '60d' }, {}, { ignore_content_older_than: '1d' }),
        ladder({ 1: '60d' }, {}, { ignore_content_older_than: '90d' }),
      ],
      costs: 'none',
    },
    {
      name: 'is lifted by an `unless` of its revision',
      plans: [
        ladder({ 1: '60d' }, { unless: 'strike.context == "news"' }),
        ladder({ 1: '60d' }, { unless: 'strike.context == "research"' }),
      ],
      costs: 'none',
    },
    {
      name: 'is lifted by an earlier `unless` by the facts of now',
      plans: [ladder({ 1: '60d' }, { unless: 'subject.verified' }), ladder({ 1: '60d' })],
      costs: 'none',
    },
    {
      name: 'is not lifted by an earlier `unless` that cannot be known',
      plans: [ladder({ 1: '60d' }, { unless: 'subject.followers > 9' }), ladder({ 1: '60d' })],
      costs: '60d',
    },
  ]
  const told: Strike = {
    ...{ ...old, context: 'news', content_created_at: ago('25d') },
    scope: 'live',
  }
  for (const { name, plans, costs, strikes = [] } of cases)
    it(name, () => {
      const facts = someFacts({ facts: { verified: true }, strikes: [...strikes, told] })
      expect(lengthOf(evaluate(inForce(revisions(plans)), facts), told)).toBe(costs)
    })

  it('reports what an earlier `unless` lacked', () => {
    const plans = [ladder({ 1: '60d' }, { unless: 'subject.followers > 9' }), ladder({ 1: '60d' })]
    const { unknown } = evaluate(inForce(revisions(plans)), someFacts({ strikes: [old] }))
    expect(unknown).toEqual([{ rule: 'r', host: 0, facts: ['subject.followers'] }])
  })

  it('is of the revision in force at its millisecond', () => {
    const all = revisions([ladder({ 1: '25d' }), ladder({ 1: '90d' })])
    const plan = inForce(all)
    const at = (plus: number): string => {
      const strike = aStrike({ id: 'a', effective_at: ago('10d', plus) })
      return lengthOf(evaluate(plan, someFacts({ strikes: [strike] })), strike)
    }
    expect([at(-1), at(0), at(1)]).toEqual(['25d', '90d', '90d'])
  })

  it('opens nothing up to the millisecond before the rule was there', () => {
    const plan = inForce(revisions([WITHOUT, ladder({ 1: '90d' })]))
    const at = (plus: number): string => {
      const strikes = [aStrike({ id: 'a', effective_at: ago('10d', plus) })]
      return evaluate(plan, someFacts({ strikes })).outcome
    }
    expect([at(-1), at(0)]).toEqual(['allow', 'deny'])
  })

  it('neither warns by a rule that was not there, however long ago', () => {
    const steps = { 1: 'warn', 2: '1h' }
    const plans = [WITHOUT, ladder(steps), ladder(steps, { clause: 'new words' })]
    expect(evaluate(inForce(revisions(plans)), someFacts({ strikes: [old] })).reasons).toEqual([])
    expect(evaluate(ladder(steps), someFacts({ strikes: [old] })).reasons).toHaveLength(1)
  })

  it('is named by the number its revision gave it, and opened by the first of one instant', () => {
    const because = { because: 'Number {count}.' }
    const plans = [
      ladder({ 1: '25d' }, because, { group_within: '2d' }),
      ladder({ 1: '60d' }, because),
    ]
    const twin = { ...old, id: 'b' }
    const decision = evaluate(inForce(revisions(plans)), someFacts({ strikes: [twin, old] }))
    expect(decision.reasons.map(({ text }) => text)).toEqual([{ en: 'Number 1.' }])
    expect(decision.restrictions).toMatchObject([{ opened_by: 'a', strikes: ['a', 'b'] }])
  })

  it('counts for the number of a later one, which is no strike of an earlier time', () => {
    const plan = inForce(revisions([ladder({ 1: '25d' }), ladder({ 1: '25d', 2: '90d' })]))
    const later = aStrike({ id: 'b', effective_at: ago('5d') })
    const decision = evaluate(plan, someFacts({ strikes: [old, later] }))
    expect(lengthOf(decision, later)).toBe('90d')
    expect(decision.restrictions.map(({ opened_by }) => opened_by)).toEqual(['b'])
  })

  it('relies on every strike any revision counted', () => {
    const plans = [
      ladder({ 1: '25d', 2: '60d' }, { count: { category: '*' } }),
      ladder({ 1: '25d', 2: '90d' }),
    ]
    const hate = aStrike({ id: 'z', category: 'hate.speech', effective_at: ago('30d') })
    const decision = evaluate(inForce(revisions(plans)), someFacts({ strikes: [hate, old] }))
    expect(decision.restrictions).toMatchObject([{ strikes: ['a', 'z'] }])
    expect(lengthOf(decision, old)).toBe('25d')
  })
})

describe('a rule that asked for less then', () => {
  const tape = { outcome: 'delay', broadcast_delay: '30s' }
  const plans = [ladder({ 1: '40d' }, tape), ladder({ 1: '60d' })]
  const old = aStrike({ id: 'a', effective_at: ago('20d') })

  it('goes on asking for that, for as long as it did', () => {
    const decision = evaluate(inForce(revisions(plans)), someFacts({ strikes: [old] }))
    expect(decision).toMatchObject({ outcome: 'delay', mode: 'broadcast', broadcast_delay_s: 30 })
    expect(decision.rules).toEqual(['r'])
    expect(decision.restrictions).toMatchObject([{ until: addMs(old.effective_at, d('40d')) }])
  })

  it('denies for a strike since, and both stand side by side', () => {
    const later = aStrike({ id: 'b', effective_at: ago('5d') })
    const decision = evaluate(inForce(revisions(plans)), someFacts({ strikes: [old, later] }))
    expect(decision).toMatchObject({ outcome: 'deny', broadcast_delay_s: 30, rules: ['r'] })
    expect(decision.restrictions).toHaveLength(2)
    expect(decision.until).toBe(addMs(later.effective_at, d('60d')))
  })

  it('denies from the first millisecond of the revision on', () => {
    const outcomeAt = (plus: number): string => {
      const strikes = [aStrike({ id: 'a', effective_at: ago('10d', plus) })]
      return evaluate(inForce(revisions(plans)), someFacts({ strikes })).outcome
    }
    expect([outcomeAt(-1), outcomeAt(0)]).toEqual(['delay', 'deny'])
  })

  it('asks for one thing for one strike: the least, as last written', () => {
    const gifts = { outcome: 'allow', obligations: [{ type: 'no_gifts' }] }
    const longer = { outcome: 'delay', broadcast_delay: '60s' }
    const all = [gifts, tape, longer, {}].map((part) => ladder({ 1: '40d' }, part))
    const plan = inForce(revisions(all))
    const told = (length: string): Decision =>
      evaluate(plan, someFacts({ strikes: [aStrike({ id: 'a', effective_at: ago(length) })] }))
    expect(told('20d')).toMatchObject({ outcome: 'allow', broadcast_delay_s: null })
    expect(told('20d').obligations).toEqual([{ type: 'no_gifts' }])
    expect(told('11d')).toMatchObject({ outcome: 'delay', broadcast_delay_s: 60, obligations: [] })
    expect(told('12d')).toMatchObject({ outcome: 'delay', broadcast_delay_s: 60, obligations: [] })
    expect(told('9d')).toMatchObject({ outcome: 'deny', broadcast_delay_s: null })
  })

  it('denies by the word', () => {
    const word = [plans[0] as Plan, ladder({ 1: '60d' }, { retroactive: WORD })]
    const decision = evaluate(inForce(revisions(word)), someFacts({ strikes: [old] }))
    expect(lengthOf(decision, old)).toBe('60d')
  })

  it('is lifted under its id, and unknown once', () => {
    const when = { when: 'subject.followers > 9' }
    const unsure = [ladder({ 1: '40d' }, tape), ladder({ 1: '60d' }, when)]
    const later = aStrike({ id: 'b', effective_at: ago('5d') })
    const decision = evaluate(inForce(revisions(unsure)), someFacts({ strikes: [old, later] }))
    expect(decision.unknown).toEqual([{ rule: 'r', host: 0, facts: ['subject.followers'] }])
    expect(decision.reasons.map(({ code }) => code)).toEqual(['fact_unknown'])
  })
})

describe('eligible_at of a plan that keeps something', () => {
  const old = aStrike({ id: 'a', effective_at: ago('20d') })
  const other = { id: 'q', count: { category: '*' }, ladder: { 1: '22d' }, outcome: 'deny' }
  const withOther = (part: Json): Plan =>
    compiled({
      rules: [other, { id: 'r', count: COUNT, ladder: { 1: '40d' }, outcome: 'deny', ...part }],
    })
  const cases: readonly (readonly [string, readonly Plan[], number])[] = [
    ['is its end', [ladder({ 1: '25d' }), ladder({ 1: '90d' })], addMs(NOW, d('5d'))],
    [
      'is the end of the hold a rule asked for then',
      [ladder({ 1: '40d' }, { outcome: 'delay', hold: '1h' }), ladder({ 1: '60d' })],
      addMs(NOW, d('1h')),
    ],
    [
      'waits for no tape delay a rule asked for then',
      [withOther({ outcome: 'delay', broadcast_delay: '30s' }), withOther({})],
      addMs(NOW, d('2d')),
    ],
    [
      'is when an `unless` of then comes true',
      [
        ladder({ 1: '60d' }, { unless: 'now - strike.issued_at > duration("22d")' }),
        ladder({ 1: '60d' }),
      ],
      addMs(NOW, d('2d') + 1),
    ],
  ]
  it.each(cases)('%s', (_, plans, at) => {
    const facts = someFacts({ strikes: [old] })
    expect(eligibleAt(inForce(revisions(plans)), facts)).toEqual({ at, reason: null })
  })
})

describe('what a plan keeps', () => {
  const formsOf = (plan: Plan): number => plan.rules[0]?.inherited?.forms.length ?? 0

  it('is nothing where nothing earlier can matter', () => {
    const now = ladder({ 1: '25d' })
    const nothing: readonly (readonly Plan[])[] = [
      [now],
      [ladder({ 1: '25d' }, { because: 'other words', clause: 'x' }), now],
      [ladder({ 1: '90d' }), now],
      [ladder({ 1: '1d' }), ladder({ 1: '25d' }, { retroactive: WORD })],
    ]
    for (const plans of nothing) {
      const plan = inForce(revisions(plans))
      expect(plan.rules[0]?.inherited).toBeNull()
      expect(plan.revision).toBe(plans.length)
    }
  })

  it('is nothing of a time whose restrictions are all over', () => {
    const before = { plan: ladder({ 1: '1d' }), revision: 1, from: ago('90d') }
    const between = { plan: ladder({ 1: '25d' }), revision: 2, from: ago('40d') }
    const at = (length: string, plus: number): Plan =>
      inForce([before, between, { ...between, revision: 3, from: ago(length, plus) }])
    // The last strike of revision 1 is a millisecond older than revision 2, and by it lasts 25 days.
    expect(formsOf(at('15d', -2))).toBe(1)
    expect(formsOf(at('15d', -1))).toBe(0)
  })

  it('is each form once, and only those that may give less than all since', () => {
    const [short, middle, long] = [ladder({ 1: '9d' }), ladder({ 1: '19d' }), ladder({ 1: '90d' })]
    expect(formsOf(inForce(revisions([short, middle, long])))).toBe(2)
    expect(formsOf(inForce(revisions([middle, short, long])))).toBe(1)
    expect(formsOf(inForce(revisions([middle, short, middle, short, long])))).toBe(1)
  })

  it('is frozen through and through', () => {
    const plans = [
      ladder({ 1: '5d' }, { count: { category: '*' }, outcome: 'delay', hold: '1h' }),
      ladder({ 1: '9d' }),
    ]
    const plan = inForce(revisions(plans))
    expect(plan.rules[0]?.inherited?.milder).toHaveLength(1)
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      expect(Object.isFrozen(value)).toBe(true)
      for (const child of Object.values(value)) walk(child)
    }
    walk(plan)
  })

  it('is bounded, and who asks for more is told what to do', () => {
    const many = Array.from({ length: 18 }, (_, i) => ladder({ 1: `${i + 1}d` }))
    const all = revisions(many, '1d')
    const active = all.at(-1)
    if (active === undefined) return
    expect(inherit(active, all.slice(1, -1)).ok).toBe(true)
    expect(inherit(active, all.slice(0, -1))).toEqual({
      ok: false,
      error: [
        {
          rule: 'r',
          message:
            'Cannot keep what rule `r` promised: 17 different earlier forms of it still matter, expected at most 16',
          hint: 'say `retroactive: { why }` in the rule, or activate from 2026-01-31T23:59:59.999Z on',
        },
      ],
    })
    const forever = [...many.slice(0, -1), ladder({ 1: 'forever' })]
    const [last, ...rest] = revisions(forever, '1d').toReversed()
    const made = inherit(last as Revision, rest.toReversed())
    expect(made.ok ? [] : made.error.map(({ hint }) => hint)).toEqual([
      'say `retroactive: { why }` in the rule, or let its longest restriction end',
    ])
  })

  it('is not made of revisions out of order', () => {
    const [one, two] = revisions([ladder({ 1: '1d' }), ladder({ 1: '2d' })])
    const active = two as Revision
    expect(() => inherit(active, [{ ...(one as Revision), from: active.from }])).toThrow(
      'Cannot inherit: revision 2 does not follow the one before it, expected rising numbers and instants',
    )
    expect(() => inherit(active, [{ ...(one as Revision), revision: 2 }])).toThrow('revision 2')
    expect(() => inherit({ ...active, revision: 0 }, [])).toThrow('revision 0')
  })
})

describe('an explanation', () => {
  const old = aStrike({ id: 'a', effective_at: ago('20d') })
  const keptOf = (plans: readonly Plan[]): readonly string[] =>
    explain(inForce(revisions(plans)), someFacts({ strikes: [old] })).trace.flatMap(({ kept }) =>
      kept.map(keptText),
    )

  it('says what is kept from which revision, also where nothing runs for it', () => {
    const tape = { outcome: 'delay', broadcast_delay: '30s' }
    expect(keptOf([ladder({ 1: '25d' }), ladder({ 1: '30d' })])).toEqual([
      'kept from revision 1: 25d instead of 30d',
    ])
    expect(keptOf([WITHOUT, ladder({ 1: 'forever' })])).toEqual([
      'kept from revision 1: nothing instead of forever',
    ])
    expect(keptOf([ladder({ 1: '25d' }, tape), ladder({ 1: '30d' })])).toEqual([
      'kept from revision 1: delay 25d instead of deny 30d',
    ])
    expect(keptOf([ladder({ 1: '30d' }), ladder({ 1: '25d' })])).toEqual([])
    expect(keptOf([ladder({ 1: '5d' }), ladder({ 1: '15d' })])).toEqual([])
  })

  it('goes through what is kept in the order of the strikes, whichever revision kept it', () => {
    const tape = { outcome: 'delay', broadcast_delay: '30s' }
    const plans = [ladder({ 1: '25d' }, tape), ladder({ 1: '25d' }), ladder({ 1: '30d' })]
    // The first revision until 11 days ago, the second until 10 days ago.
    const strikes = [
      aStrike({ id: 'z', effective_at: ago('20d') }),
      aStrike({ id: 'b', effective_at: addMs(ago('11d'), 1) }),
      aStrike({ id: 'a', effective_at: addMs(ago('11d'), 1) }),
    ]
    const { trace } = explain(inForce(revisions(plans)), someFacts({ strikes }))
    expect(trace.flatMap(({ kept }) => kept.map(({ strike }) => strike))).toEqual(['z', 'a', 'b'])
  })

  it('says matched for a rule that goes on asking for what it did', () => {
    const tape = { outcome: 'delay', broadcast_delay: '30s' }
    const plan = inForce(revisions([ladder({ 1: '25d' }, tape), ladder({ 1: '30d' })]))
    const [trace] = explain(plan, someFacts({ strikes: [old] })).trace
    expect(trace).toMatchObject({ rule: 'r', state: 'matched', retroactive: null })
  })

  it('tells why a rule says `retroactive`', () => {
    const plan = inForce(
      revisions([ladder({ 1: '1d' }), ladder({ 1: '30d' }, { retroactive: WORD })]),
    )
    const [trace] = explain(plan, someFacts({ strikes: [old] })).trace
    expect(trace).toMatchObject({ retroactive: WORD.why, kept: [] })
  })
})

describe('who is affected by an activation', () => {
  const strike = aStrike({ id: 'a', effective_at: ago('20d') })
  const ends = (length: string): EpochMs => addMs(strike.effective_at, d(length))
  const compare = (before: Plan, after: Plan): unknown => {
    const [old, next] = revisions([before, after], '1ms')
    const active = inForce([old as Revision])
    return affected(
      active,
      inForce([old as Revision, next as Revision]),
      someFacts({ strikes: [strike] }),
    )
  }
  const r = { rule: 'r', host: 0, subject: 'u1', outcome: 'deny', basis: 'restriction' }
  const cases: readonly {
    readonly name: string
    readonly before: Plan
    readonly after: Plan
    readonly found: readonly object[]
  }[] = [
    {
      name: 'nobody by a longer ladder without the word',
      before: ladder({ 1: '30d' }),
      after: ladder({ 1: '90d' }),
      found: [],
    },
    {
      name: 'whom the word makes wait longer',
      before: ladder({ 1: '30d' }),
      after: ladder({ 1: '90d' }, { retroactive: WORD }),
      found: [
        {
          ...r,
          ...{ change: 'lengthened', before: ends('30d'), after: ends('90d') },
          ...{ by: d('60d'), retroactive: WORD.why },
        },
      ],
    },
    {
      name: 'whom the word shuts out, even for ever',
      before: ladder({ 1: '10d' }),
      after: ladder({ 1: 'forever' }, { retroactive: WORD }),
      found: [
        {
          ...r,
          ...{ change: 'opened', before: null, after: 'forever' },
          ...{ by: 'forever', retroactive: WORD.why },
        },
      ],
    },
    {
      name: 'who may go live sooner',
      before: ladder({ 1: '90d' }),
      after: ladder({ 1: '30d' }),
      found: [
        {
          ...r,
          ...{ change: 'shortened', before: ends('90d'), after: ends('30d') },
          ...{ by: d('60d'), retroactive: null },
        },
      ],
    },
    {
      name: 'who may go live sooner, for which no word is needed',
      before: ladder({ 1: '90d' }),
      after: ladder({ 1: '30d' }, { retroactive: WORD }),
      found: [
        {
          ...r,
          ...{ change: 'shortened', before: ends('90d'), after: ends('30d') },
          ...{ by: d('60d'), retroactive: null },
        },
      ],
    },
    {
      name: 'who is restricted, whether or not the condition beside it is met',
      before: ladder({ 1: '30d' }, { when: 'incident.active' }),
      after: ladder({ 1: '25d' }, { when: 'incident.active' }),
      found: [
        {
          ...r,
          ...{ change: 'shortened', before: ends('30d'), after: ends('25d') },
          ...{ by: d('5d'), retroactive: null },
        },
      ],
    },
    {
      name: 'who may go live now',
      before: ladder({ 1: '30d' }),
      after: WITHOUT,
      found: [
        {
          ...r,
          ...{ change: 'closed', before: ends('30d'), after: null },
          ...{ by: d('10d'), retroactive: null },
        },
      ],
    },
    {
      name: 'who was delayed and by the word is denied',
      before: ladder({ 1: '30d' }, { outcome: 'delay', broadcast_delay: '30s' }),
      after: ladder({ 1: '30d' }, { retroactive: WORD }),
      found: [
        {
          ...r,
          ...{ change: 'opened', before: null, after: ends('30d') },
          ...{ by: d('10d'), retroactive: WORD.why },
        },
      ],
    },
    {
      name: 'whom a count without ladder finds, which looks at the window as it is now',
      before: WITHOUT,
      after: compiled({ rules: [{ id: 'r', count: COUNT, outcome: 'deny' }] }),
      found: [
        {
          ...r,
          ...{ basis: 'count', change: 'opened', before: null, after: ends('365d') },
          ...{ by: d('345d'), retroactive: null },
        },
      ],
    },
  ]
  for (const { name, before, after, found } of cases)
    it(name, () => expect(compare(before, after)).toEqual(found))
})

describe('count.since', () => {
  const since = '2026-01-10'
  const edge = ago('21d')
  const before = aStrike({ id: 'before', effective_at: addMs(edge, -1), weight: 9 })
  const first = aStrike({ id: 'first', effective_at: edge })
  const decide = (rule: Json, strikes: readonly Strike[], options: Json = {}): Decision => {
    const count = { category: '*', since, ...(rule.count as Json | undefined) }
    const plan = compiled({
      strikes: options,
      rules: [{ id: 'r', outcome: 'deny', ...rule, count }],
    })
    return evaluate(plan, someFacts({ strikes }))
  }

  it('is midnight in UTC, and a strike of that very millisecond counts', () => {
    expect(decide({}, [before]).outcome).toBe('allow')
    expect(decide({}, [first]).outcome).toBe('deny')
  })

  it('looks at when a strike took effect, not at when it was issued or told', () => {
    const late = { ...first, issued_at: addMs(edge, 5), notified_at: addMs(edge, 9) }
    expect(decide({}, [{ ...late, effective_at: addMs(edge, -1) }]).outcome).toBe('allow')
  })

  it('keeps earlier strikes out of number and weight', () => {
    expect(decide({ count: { at_least: 2 } }, [before, first]).outcome).toBe('allow')
    expect(decide({ count: { weight_at_least: 2 } }, [before, first]).outcome).toBe('allow')
  })

  it('keeps them from opening a restriction, and from numbering a later one', () => {
    const steps = { ladder: { 1: '22d', 2: 'forever' } }
    expect(decide(steps, [before]).outcome).toBe('allow')
    expect(decide(steps, [before, first]).until).toBe(addMs(edge, d('22d')))
  })

  it('takes them out before grouping: a later one does not hide in their group', () => {
    const { reasons } = decide({}, [before, first], { group_within: '1h' })
    expect(reasons.map(({ strikes }) => strikes)).toEqual([['first']])
  })

  it('narrows a window, and never widens it', () => {
    expect(decide({ count: { within: '1d' } }, [first]).outcome).toBe('allow')
    expect(decide({ count: { within: '30d' } }, [before]).outcome).toBe('allow')
  })

  it('holds beside `unless`, whose facts are not asked for about strikes before', () => {
    const rule = { unless: 'subject.followers > 9' }
    expect(decide(rule, [before]).unknown).toEqual([])
    expect(decide(rule, [first]).unknown).toHaveLength(1)
  })

  it('still to come counts nothing before it', () => {
    const later = { count: { since: '2026-02-01' } }
    expect(decide(later, [first, aStrike({ id: 'now', effective_at: NOW })]).outcome).toBe('allow')
  })

  it('narrows what the word `retroactive` reaches back to', () => {
    const said = (from: string): Plan =>
      ladder({ 1: '90d' }, { retroactive: WORD, count: { ...COUNT, since: from } })
    const facts = someFacts({ strikes: [first] })
    expect(evaluate(inForce(revisions([WITHOUT, said('2026-01-10')])), facts).outcome).toBe('deny')
    expect(evaluate(inForce(revisions([WITHOUT, said('2026-01-11')])), facts).outcome).toBe('allow')
  })
})
