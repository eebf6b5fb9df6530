/** Invariants say something: without rules to keep them they are false. That they hold, tests/core/policy/prove shows. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import type { Plan, RulePlan } from '../../src/core/policy/plan.ts'
import { prove } from '../../src/core/policy/prove/prove.ts'

const ROOT = join(import.meta.dirname, '../..')
const POLICIES = globSync('policies/**/*.yaml', { cwd: ROOT })
  .filter((name) => !name.endsWith('.test.yaml'))
  .sort()

function planOf(name: string): Plan {
  const compiled = compilePolicy(utf8(readFileSync(join(ROOT, name), 'utf8')), { file: name })
  if (!compiled.ok) throw new Error(`${name} does not compile`)
  return compiled.value.plan
}

describe('the invariants of the policies that come with livegate', () => {
  for (const name of POLICIES)
    it(`are there in ${basename(name, '.yaml')}`, () =>
      expect(planOf(name).invariants.length).toBeGreaterThan(0))

  it('are false when the policy has no rules to keep it', () => {
    const kept = POLICIES.flatMap((name) => {
      const plan = planOf(name)
      const rules = plan.rules.slice(0, 1).map(harmless)
      const without: Plan = { ...plan, rules, exemptions: [] }
      return prove(without)
        .verdicts.filter(({ property }) => property.startsWith('invariant '))
        .filter(({ status }) => status === 'proved')
        .map(({ property }) => property)
    })
    // That nobody is made to wait says what a policy does not do.
    expect(kept).toEqual(['invariant nobody-is-kept-waiting', 'invariant nobody-is-kept-waiting'])
  })
})

/** A rule in the place of `rule` that asks for nothing. */
function harmless(rule: RulePlan): RulePlan {
  return {
    ...{ ...rule, outcome: 'allow', ladder: null, when: null, obligations: [] },
    ...{ hold: null, review: null, broadcast_delay_s: null },
  }
}
