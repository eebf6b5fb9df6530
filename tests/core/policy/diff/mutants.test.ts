/** Every small change of every shipped policy is found, or no history answers it differently. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../../src/core/policy/compile.ts'
import { diffPlans } from '../../../../src/core/policy/diff/compare.ts'
import { evaluate } from '../../../../src/core/policy/evaluate.ts'
import type { CountPlan, LadderStep, Plan, RulePlan } from '../../../../src/core/policy/plan.ts'
import { historiesOf, spaceOf } from '../../../../src/core/policy/prove/histories.ts'
import { instantsFrom, situation } from '../../../../src/core/policy/prove/scene.ts'
import { walk } from '../../../../src/core/policy/prove/situations.ts'
import { answerKey } from '../../../../src/core/policy/prove/strictness.ts'
import { vocabularyOf } from '../../../../src/core/policy/vocabulary.ts'
import { supportsOf } from '../../../../src/core/policy/vocabulary-facts.ts'
import { type DurationMs, epochMs } from '../../../../src/core/time.ts'

const ROOT = join(import.meta.dirname, '../../../..')
/** Small enough for a second search, over every history of two strikes. */
const FILES = [
  'default.yaml',
  'packs/one-strike-2019/one-strike-2019.yaml',
  'packs/three-strikes/three-strikes.yaml',
]

type Mutation = (rule: RulePlan) => RulePlan | null
const counting =
  (change: (count: CountPlan) => Partial<CountPlan> | null): Mutation =>
  (rule) => {
    const changed = rule.count === null ? null : change(rule.count)
    return rule.count === null || changed === null
      ? null
      : { ...rule, count: { ...rule.count, ...changed } }
  }
const stepping =
  (change: (steps: readonly LadderStep[]) => readonly LadderStep[] | null): Mutation =>
  (rule) => {
    const ladder = rule.ladder === null ? null : change(rule.ladder)
    return ladder === null || ladder.length === 0 ? null : { ...rule, ladder }
  }
const longer = (length: DurationMs): DurationMs => (length + 1) as DurationMs

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'denies instead': (rule) =>
    rule.outcome === 'deny'
      ? null
      : {
          ...rule,
          outcome: 'deny',
          hold: null,
          review: null,
          broadcast_delay_s: null,
          obligations: [],
        },
  'only allows': (rule) => (rule.outcome === 'deny' ? { ...rule, outcome: 'allow' } : null),
  'forgets its condition': (rule) =>
    rule.when === null || rule.count === null ? null : { ...rule, when: null },
  'window a millisecond longer': counting(({ within }) =>
    within === null ? null : { within: longer(within) },
  ),
  'window open': counting(({ within }) => (within === null ? null : { within: null })),
  'one severity less': counting(({ severities }) => ({
    severities: new Set([...severities].slice(1)),
  })),
  'all severities': counting(() => ({
    severities: new Set(['low', 'medium', 'high', 'critical'] as const),
  })),
  'all categories': counting(() => ({ categories: { all: true, exact: new Set(), prefixes: [] } })),
  'one prefix less': counting(({ categories }) =>
    categories.prefixes.length === 0
      ? null
      : { categories: { ...categories, prefixes: categories.prefixes.slice(1) } },
  ),
  'one more needed': (rule) =>
    rule.count === null || rule.ladder !== null
      ? null
      : { ...rule, count: { ...rule.count, at_least: rule.count.at_least + 1 } },
  'since a day later': counting(({ since }) =>
    since === null ? null : { since: epochMs(since + 86_400_000) },
  ),
  'no unless': counting(({ unless }) => (unless === null ? null : { unless: null })),
  'no first step': stepping((steps) => steps.slice(1)),
  'no last step': stepping((steps) => (steps.length < 2 ? null : steps.slice(0, -1))),
  'steps a millisecond longer': stepping((steps) =>
    steps.map(({ at, length }) => ({
      at,
      length: typeof length === 'number' ? longer(length) : length,
    })),
  ),
  'last step for ever': stepping((steps) =>
    steps.map((step, i) => (i === steps.length - 1 ? { ...step, length: 'forever' } : step)),
  ),
  'hold a millisecond longer': (rule) =>
    rule.hold === null ? null : { ...rule, hold: longer(rule.hold) },
  'tape delay a second longer': (rule) =>
    rule.broadcast_delay_s === null
      ? null
      : { ...rule, broadcast_delay_s: rule.broadcast_delay_s + 1 },
  'nothing to carry out': (rule) =>
    rule.obligations.length === 0 ? null : { ...rule, obligations: [] },
}

/** True when some history of up to two strikes is answered differently: a search of its own, over the whole plans. */
function differs(a: Plan, b: Plan): boolean {
  const vocabulary = vocabularyOf(a, b)
  const space = spaceOf([a, b], vocabulary, 600)
  const supports = supportsOf(a, b)
  for (const strikes of historiesOf(space))
    for (const facts of walk(vocabulary.facts)) {
      const at = strikes.at(-1)?.effective_at ?? vocabulary.anchor
      const start = situation({ supports }, strikes, facts, at)
      for (const instant of new Set([...instantsFrom(a, start), ...instantsFrom(b, start)])) {
        const now = { ...start, at: instant }
        if (answerKey(evaluate(a, now)) !== answerKey(evaluate(b, now))) return true
      }
    }
  return false
}

describe('a mutant of a shipped policy', () => {
  let found = 0
  for (const name of FILES) {
    const compiled = compilePolicy(readFileSync(join(ROOT, 'policies', name)), { file: name })
    if (!compiled.ok) throw new Error(name)
    const { plan } = compiled.value
    it(`${name}: is found, or has no effect`, { timeout: 60_000 }, () => {
      for (const rule of plan.rules)
        for (const [what, mutate] of Object.entries(MUTATIONS)) {
          const mutant = mutate(rule)
          if (mutant === null) continue
          const other = { ...plan, rules: plan.rules.map((one) => (one === rule ? mutant : one)) }
          const { differences } = diffPlans(plan, other, { work: 60_000 })
          if (differences.length > 0) found++
          else expect(differs(plan, other), `${rule.id}: ${what}`).toBe(false)
        }
    })
  }

  it('is mostly found: there were many', () => {
    expect(found).toBeGreaterThan(15)
  })
})
