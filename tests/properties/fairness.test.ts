/**
 * Fairness in time: plans made by inherit.ts over random histories, revisions and instants of activation, against a
 * second implementation (naive-fairness.ts), against the promise itself, and against every law that holds for plans
 * without earlier revisions.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, HostFacts, Strike } from '../../src/core/model.ts'
import { affected } from '../../src/core/policy/affected.ts'
import { eligibleAt } from '../../src/core/policy/eligible.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { inherit, type Revision } from '../../src/core/policy/inherit.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { addMs, epochMs } from '../../src/core/time.ts'
import { milder, severity } from '../support/milder.ts'
import { inWindow } from '../support/naive-counting.ts'
import { costOf, costUnder } from '../support/naive-fairness.ts'
import { NOW, someFacts } from '../support/plans.ts'
import {
  aRandomEffect,
  aRandomFoundation,
  aRandomPolicy,
  compiled,
  type Json,
  randomStrikesOptions,
  writtenAs,
} from '../support/policy-arbitraries.ts'
import { aRandomStrike, someRandomFacts } from '../support/policy-facts.ts'

const RUNS = Number(process.env.PROPERTY_RUNS ?? 200)
/** `often`: how many times as many runs; for what is cheap and has many cases. */
function check(property: fc.IProperty<unknown> | fc.IProperty<never>, often = 1): void {
  fc.assert(property as fc.IProperty<unknown>, { numRuns: RUNS * often })
}

/** The plan of the last revision. */
function inForce(revisions: readonly Revision[]): Plan {
  const active = revisions.at(-1)
  if (active === undefined) throw new Error('there is a revision')
  const made = inherit(active, revisions.slice(0, -1))
  if (!made.ok) throw new Error(made.error.map(({ message }) => message).join())
  return made.value
}

/** Plans, each activated at a random instant of the last milliseconds. */
function activated(plans: fc.Arbitrary<Plan>): fc.Arbitrary<readonly Revision[]> {
  const starts = fc.uniqueArray(fc.integer({ min: -15, max: 0 }), { minLength: 2, maxLength: 5 })
  return starts.chain((offsets) =>
    fc.tuple(...offsets.map(() => plans)).map((all) =>
      offsets
        .toSorted((a, b) => a - b)
        .map((offset, i): Revision => {
          return { plan: all[i] as Plan, revision: i + 1, from: addMs(NOW, offset) }
        }),
    ),
  )
}

const history = fc
  .array(aRandomStrike, { maxLength: 9 })
  .map((all) => all.map((strike, i): Strike => ({ ...strike, id: `s${i}` })))

const effect = fc.constantFrom<Json>(
  { outcome: 'deny' },
  { outcome: 'deny' },
  { outcome: 'deny' },
  { outcome: 'delay', broadcast_delay: '1s' },
  { outcome: 'allow', obligations: [{ type: 'no_gifts' }] },
)
/** One to three growing steps; a first step that warns, a last one without end. */
const steps = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 3 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([all, warns, forever]): Json => {
    const lengths = all.toSorted((a, b) => a - b).map((length) => `${length}ms`)
    const words = [...(warns ? ['warn'] : []), ...lengths, ...(forever ? ['forever'] : [])]
    return Object.fromEntries(words.map((length, i) => [i + 1, length]))
  })
const foundation = fc.record({
  count: fc.record(
    {
      category: fc.constantFrom('*', 'terrorism.*', 'hate.speech'),
      severity: fc.constantFrom('high..', 'low..high'),
      within: fc.constantFrom('2ms', '5ms', '9ms'),
    },
    { requiredKeys: ['category'] },
  ),
  ladder: steps,
})
const word = fc.constantFrom<Json>({}, {}, {}, { retroactive: { why: 'a law says so' } })
const rule = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(foundation, effect, word)
      .map(([on, does, says]) => ({ id: 'r', ...on, ...does, ...says })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ id: 'r', count: { category: '*', at_least: 2 }, outcome: 'deny' }),
  },
  { weight: 1, arbitrary: fc.constant({ id: 'other', when: 'incident.active', outcome: 'deny' }) },
)
/** One rule with a ladder, in every form, or gone. */
const ladders = activated(
  fc
    .tuple(rule, fc.oneof(fc.constant({}), randomStrikesOptions))
    .map(([one, strikes]) => compiled({ strikes, rules: [one] })),
)

const laddered = fc
  .tuple(
    aRandomFoundation.filter(({ ladder }) => ladder !== undefined),
    steps,
  )
  .map(([on, ladder]) => ({ ...on, ladder }))

/** Policies whose rules have ladders on anything, and the same things to do or others. */
function withLadders(effects: readonly fc.Arbitrary<Json>[]): fc.Arbitrary<Plan> {
  const rules = effects.map((does, i) =>
    fc
      .tuple(laddered, does)
      .map(([on, what]): Json => ({ id: `r${i}`, ...writtenAs(on), ...what })),
  )
  return fc
    .tuple(fc.tuple(...rules), randomStrikesOptions, fc.constantFrom('hold', 'deny'))
    .map(([all, strikes, unsupported]) => compiled({ strikes, unsupported, rules: all }))
}

const anything = fc.oneof(
  activated(withLadders([aRandomEffect, aRandomEffect])),
  activated(aRandomPolicy.map(compiled)),
)
/** What a rule does stays, only what it costs changes. */
const sameEffects = fc
  .tuple(aRandomEffect, aRandomEffect)
  .chain((effects) => activated(withLadders(effects.map((one) => fc.constant(one)))))

/** The promise is about policies without the word. */
function wordless(revisions: readonly Revision[]): readonly Revision[] {
  return revisions.map(({ plan, ...rest }) => {
    const rules = plan.rules.map((one) => ({ ...one, retroactive: null }))
    return { ...rest, plan: { ...plan, rules } }
  })
}

const withFirst = (facts: Facts, change: (host: HostFacts) => Partial<HostFacts>): Facts => {
  const [first, ...others] = facts.hosts
  return { ...facts, hosts: [{ ...first, ...change(first) }, ...others] }
}

describe('a plan that inherits', () => {
  it('opens what the words say, strike by strike', () => {
    check(
      fc.property(ladders, history, (revisions, all) => {
        const plan = inForce(revisions)
        const [now] = plan.rules
        const decision = evaluate(plan, someFacts({ strikes: all }))
        if (now?.id !== 'r' || !now.ladder || !now.count) return
        const { count } = now
        const costs = all
          .filter(({ status, effective_at }) => status === 'active' && effective_at <= NOW)
          .map((strike) => ({ strike, ...costOf(revisions, 'r', strike, all) }))
        const expected: string[] = []
        let warned = false
        for (const outcome of ['allow', 'delay', 'deny']) {
          const mine = costs.filter((cost) => cost.outcome === outcome)
          const ends = mine
            .filter(({ length }) => length >= 0)
            .map(({ strike, length }) => strike.effective_at + length)
          const last = Math.max(...ends, NOW)
          if (last > NOW) expected.push(`${outcome} ${last}`)
          else if (mine.some(({ strike, length }) => length === -1 && isCounted(strike)))
            warned = true
        }
        /** A warning lasts while its strike counts, and no longer than a restriction it stands for. */
        function isCounted(strike: Strike): boolean {
          if (inWindow([strike], count, plan, NOW).length === 0) return false
          const { length } = costUnder(plan, 'r', strike, all)
          return length === -1 || strike.effective_at + length > NOW
        }
        const found = decision.restrictions.map(({ until, opened_by }) => {
          const cost = costs.find(({ strike }) => strike.id === opened_by)
          const end = until === 'forever' ? Infinity : until
          expect((cost?.strike.effective_at ?? 0) + (cost?.length ?? 0)).toBe(end)
          return `${cost?.outcome} ${end}`
        })
        expect(found.sort()).toEqual(expected.sort())
        expect(decision.reasons.some(({ code }) => code === 'warning')).toBe(warned)
      }),
      5,
    )
  })

  it('decides as if it were alone when nothing was before, or all its rules say the word', () => {
    check(
      fc.property(anything, someRandomFacts, (revisions, facts) => {
        const active = revisions.at(-1)
        if (active === undefined) return
        expect(evaluate(inForce([active]), facts)).toEqual(evaluate(active.plan, facts))
        const { plan } = active
        const said = plan.rules.map((one) => ({ ...one, retroactive: { why: 'a law says so' } }))
        const spoken = { ...active, plan: { ...plan, rules: said } }
        const after = inForce([...revisions.slice(0, -1), spoken])
        expect(evaluate(after, facts)).toEqual(evaluate(plan, facts))
      }),
    )
  })
})

describe('an activation', () => {
  it('lengthens no restriction and opens none for a strike from before, without the word', () => {
    check(
      fc.property(anything.map(wordless), someRandomFacts, (revisions, facts) => {
        const at = revisions.at(-1)?.from ?? NOW
        const hosts = facts.hosts.map(({ strikes, ...host }) => ({
          ...host,
          strikes: strikes.filter(({ effective_at }) => effective_at < at),
        })) as unknown as Facts['hosts']
        const before = inForce(revisions.slice(0, -1))
        const after = inForce(revisions)
        for (const later of [0, 1, 3, 7, 1000]) {
          const then = { ...facts, at: addMs(at, later), hosts }
          const worse = affected(before, after, then).filter(
            ({ basis, change }) =>
              basis === 'restriction' && (change === 'opened' || change === 'lengthened'),
          )
          expect(worse).toEqual([])
        }
      }),
    )
  })

  it('that is milder takes effect at once, whatever came before', () => {
    check(
      fc.property(sameEffects, someRandomFacts, (revisions, facts) => {
        const alone = revisions.at(-1)?.plan
        if (alone === undefined) return
        const after = evaluate(inForce(revisions), facts)
        expect(milder(alone, after, evaluate(alone, facts))).toEqual([])
      }),
    )
  })
})

describe('what holds for every plan holds for one that inherits', () => {
  it('one more strike is never milder (G10)', () => {
    check(
      fc.property(anything, someRandomFacts, aRandomStrike, (revisions, facts, extra) => {
        const plan = inForce(revisions)
        const more = withFirst(facts, ({ strikes }) => ({
          strikes: [...strikes, { ...extra, id: 'extra' }],
        }))
        expect(milder(plan, evaluate(plan, facts), evaluate(plan, more))).toEqual([])
      }),
    )
  })

  it('neither order of arrival nor copies matter (G10)', () => {
    check(
      fc.property(anything, someRandomFacts, fc.nat(), (revisions, facts, seed) => {
        const plan = inForce(revisions)
        const turned = withFirst(facts, ({ strikes }) => ({
          strikes: [...strikes.slice(seed % 3).toReversed(), ...strikes],
        }))
        expect(evaluate(plan, turned)).toEqual(evaluate(plan, facts))
      }),
    )
  })

  it('a reversal leaves what would be without the strike', () => {
    check(
      fc.property(anything, someRandomFacts, fc.nat(), (revisions, facts, seed) => {
        const plan = inForce(revisions)
        const [{ strikes }] = facts.hosts
        const gone = strikes[seed % Math.max(1, strikes.length)]
        const reversed = withFirst(facts, () => ({
          strikes: strikes.map((s) => (s === gone ? { ...s, status: 'reversed' as const } : s)),
        }))
        const without = withFirst(facts, () => ({ strikes: strikes.filter((s) => s !== gone) }))
        expect(evaluate(plan, reversed)).toEqual(evaluate(plan, without))
      }),
    )
  })

  it('time alone makes nothing stricter between strikes', () => {
    check(
      fc.property(ladders, history, fc.integer({ min: 0, max: 25 }), (revisions, all, later) => {
        const plan = inForce(revisions)
        const known = all.filter(({ effective_at }) => effective_at <= NOW)
        const facts = someFacts({ strikes: known })
        const then = evaluate(plan, { ...facts, at: addMs(NOW, later) })
        const now = evaluate(plan, facts)
        expect(severity(then)).toBeLessThanOrEqual(severity(now))
        const end = (until: typeof now.until): number =>
          until === 'forever' ? Infinity : (until ?? -Infinity)
        expect(end(then.until)).toBeLessThanOrEqual(end(now.until))
      }),
    )
  })

  it('eligible_at is the first millisecond at which a patient person may start', () => {
    check(
      fc.property(anything, someRandomFacts, (revisions, facts) => {
        const plan = { ...inForce(revisions), default: 'allow' as const }
        const { at } = eligibleAt(plan, facts)
        const found = firstAllowed(plan, facts)
        if (found !== null) expect(at).toBe(found)
        else expect(at === null || at > NOW + SCANNED_MS).toBe(true)
      }),
    )
  })
})

const SCANNED_MS = 40

/** Asks now and wherever only a hold is in the way, millisecond by millisecond. */
function firstAllowed(plan: Plan, facts: Facts): number | null {
  const known = facts.hosts.map((host) => ({
    ...host,
    strikes: host.strikes.filter(({ effective_at }) => effective_at <= NOW),
    reviews: host.reviews.filter(({ at }) => at <= NOW),
    holds: host.holds.filter(({ first_asked_at }) => first_asked_at <= NOW),
  }))
  let hosts = known as unknown as Facts['hosts']
  for (let at = NOW as number; at <= NOW + SCANNED_MS; at++) {
    const decision = evaluate(plan, { ...facts, hosts, at: epochMs(at) })
    if (decision.lease_until !== null) return at
    if (at !== NOW && decision.mode !== 'hold') continue
    hosts = hosts.map((host, index) => ({
      ...host,
      holds: [
        ...host.holds,
        ...decision.holds_opened
          .filter((opened) => opened.host === index)
          .map(({ rule: id }) => ({ rule: id, first_asked_at: epochMs(at) })),
      ],
    })) as unknown as Facts['hosts']
  }
  return null
}
