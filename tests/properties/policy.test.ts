import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, HostFacts, Strike } from '../../src/core/model.ts'
import { eligibleAt } from '../../src/core/policy/eligible.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { epochMs } from '../../src/core/time.ts'
import { milder, severity } from '../support/milder.ts'
import { NOW } from '../support/plans.ts'
import { aRandomPolicy, aRandomRule, compiled, type Json } from '../support/policy-arbitraries.ts'
import { aRandomStrike, someRandomFacts } from '../support/policy-facts.ts'

/** A hundred and fifty each time; thousands on demand. */
const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) }
const withFirst = (facts: Facts, change: (host: HostFacts) => Partial<HostFacts>): Facts => {
  const [first, ...others] = facts.hosts
  return { ...facts, hosts: [{ ...first, ...change(first) }, ...others] }
}
function check(property: fc.IProperty<unknown> | fc.IProperty<never>): void {
  fc.assert(property as fc.IProperty<unknown>, RUNS)
}

describe('never milder by adding (G10)', () => {
  it('holds for one more strike', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, aRandomStrike, (policy, facts, extra) => {
        const plan = compiled(policy)
        const strike: Strike = { ...extra, id: 'extra' }
        const more = withFirst(facts, ({ strikes }) => ({ strikes: [...strikes, strike] }))
        expect(milder(plan, evaluate(plan, facts), evaluate(plan, more))).toEqual([])
      }),
    )
  })

  it('holds for one more rule', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, aRandomRule, (policy, facts, extra) => {
        const rules = policy.rules as readonly unknown[]
        const more = compiled({ ...policy, rules: [...rules, { id: 'extra', ...extra }] })
        expect(milder(more, evaluate(compiled(policy), facts), evaluate(more, facts))).toEqual([])
      }),
    )
  })

  it('holds for one more host where no condition reads stream.hosts', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = compiled(withoutHostCount(policy))
        const [first] = facts.hosts
        const alone = evaluate(plan, { ...facts, hosts: [first] })
        expect(milder(plan, alone, evaluate(plan, facts))).toEqual([])
      }),
    )
  })
})

/** `stream.hosts` may lawfully make a rule milder, or exempt, for more hosts; every other fact is of one host or of all. */
function withoutHostCount(policy: Json): Json {
  return JSON.parse(
    JSON.stringify(policy).replaceAll('stream.hosts', 'subject.open_broadcasts'),
  ) as Json
}

describe('order changes nothing (G10)', () => {
  it('of rules, exemptions and strikes, nor do copies', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, fc.nat(), (policy, facts, seed) => {
        const turned = compiled({
          ...policy,
          rules: rotate(policy.rules as readonly unknown[], seed),
          exempt: (policy.exempt as readonly unknown[]).toReversed(),
        })
        const shuffled = withFirst(facts, ({ strikes }) => ({
          strikes: [...rotate(strikes, seed).toReversed(), ...strikes.slice(seed % 3)],
        }))
        expect(evaluate(turned, shuffled)).toEqual(evaluate(compiled(policy), facts))
      }),
    )
  })
})

function without<T extends object>(value: T, name: keyof T): T {
  const { [name]: _, ...rest } = value
  return rest as T
}

function rotate<T>(values: readonly T[], by: number): readonly T[] {
  const k = values.length === 0 ? 0 : by % values.length
  return [...values.slice(k), ...values.slice(0, k)]
}

describe('evaluation is total and deterministic (G4)', () => {
  it('gives the same bytes twice, also for facts that went through JSON', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const first = JSON.stringify(evaluate(compiled(policy), facts))
        const again: Facts = JSON.parse(JSON.stringify(facts))
        expect(JSON.stringify(evaluate(compiled(policy), again))).toBe(first)
      }),
    )
  })

  it('gives a lease exactly when the broadcast may start now', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const decision = evaluate(compiled(policy), facts)
        expect(decision.lease_until !== null).toBe(severity(decision) <= 2)
      }),
    )
  })
})

describe('unknown never opens the gate (G3)', () => {
  const subject = ['created_at', 'followers', 'age_band', 'verified', 'labels', 'linked'] as const
  const stream = ['id', 'audience', 'category', 'admission', 'one_to_many'] as const
  const forgotten = fc.oneof(
    fc
      .constantFrom(...subject)
      .map(
        (name) => (facts: Facts) =>
          withFirst(facts, (host) => ({ facts: without(host.facts, name) })),
      ),
    fc
      .constantFrom(...stream)
      .map((name) => (facts: Facts) => ({ ...facts, stream: without(facts.stream, name) })),
    fc.constant((facts: Facts): Facts => ({ ...facts, request: {} })),
    fc.constant((facts: Facts): Facts => ({ ...facts, platform: {} })),
    fc.constant(
      (facts: Facts): Facts => ({
        ...facts,
        incident: { active: facts.incident.active },
      }),
    ),
  )

  it('removing a fact some value of which restricts leaves no plain allow', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, forgotten, (policy, facts, forget) => {
        const plan = compiled(policy)
        if (severity(evaluate(plan, facts)) === 0) return
        expect(severity(evaluate(plan, forget(facts)))).toBeGreaterThan(0)
      }),
    )
  })

  it('waiting never satisfies what is unknown', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const decision = evaluate(compiled(policy), facts)
        const opened = decision.holds_opened.map(({ rule }) => rule)
        const unknown = decision.reasons.filter(({ code }) => code === 'fact_unknown')
        for (const { rule } of unknown)
          if (!decision.rules.includes(rule)) expect(opened).not.toContain(rule)
        if (unknown.length > 0) expect(decision.lease_until).toBeNull()
      }),
    )
  })
})

describe('eligible_at', () => {
  const SCANNED_MS = 40

  /** Asks now and wherever only a hold is in the way, millisecond by millisecond. */
  function scan(plan: Plan, facts: Facts): number | null {
    let asked = withFirst(facts, (host) => host)
    for (let at = NOW as number; at <= NOW + SCANNED_MS; at++) {
      const decision = evaluate(plan, { ...asked, at: epochMs(at) })
      if (decision.lease_until !== null) return at
      if (at !== NOW && decision.mode !== 'hold') continue
      const hosts = asked.hosts.map((host, index) => ({
        ...host,
        holds: [
          ...host.holds,
          ...decision.holds_opened
            .filter((opened) => opened.host === index)
            .map(({ rule }) => ({ rule, first_asked_at: epochMs(at) })),
        ],
      }))
      asked = { ...asked, hosts: hosts as unknown as Facts['hosts'] }
    }
    return null
  }

  it('is the first millisecond a patient person would find by trying them all', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = compiled({ ...policy, default: 'allow' })
        const hosts = facts.hosts.map((host) => ({
          ...host,
          strikes: host.strikes.filter(({ effective_at }) => effective_at <= NOW),
          reviews: host.reviews.filter(({ at }) => at <= NOW),
          holds: host.holds.filter(({ first_asked_at }) => first_asked_at <= NOW),
        })) as unknown as Facts['hosts']
        const known = { ...facts, hosts }
        const { at } = eligibleAt(plan, facts)
        const found = scan(plan, known)
        if (found !== null) expect(at).toBe(found)
        else expect(at === null || at > NOW + SCANNED_MS).toBe(true)
      }),
    )
  })
})
