/**
 * Plans out of YAML, and what a counterexample has to be: a test case that is read back and fails.
 */
import { expect } from 'vitest'
import { utf8 } from '../../../../src/core/encoding.ts'
import { compilePolicy } from '../../../../src/core/policy/compile.ts'
import { formatDiagnostic } from '../../../../src/core/policy/diagnostic.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { testFileText } from '../../../../src/core/policy/prove/case-text.ts'
import { type Proof, type ProveOptions, prove } from '../../../../src/core/policy/prove/prove.ts'
import type { Counterexample, Verdict } from '../../../../src/core/policy/prove/verdict.ts'
import { parseTestFile } from '../../../../src/core/policy/test-file.ts'
import { runTests } from '../../../../src/core/policy/test-run.ts'

/** Compiles a policy of which only what matters is given. */
export function planOf(text: string): Plan {
  const whole = `livegate: policy/v1\nname: test\n${text}`
  const result = compilePolicy(utf8(whole), { file: 'test.yaml' })
  if (!result.ok) throw new Error(result.error.map((e) => formatDiagnostic(e, whole)).join('\n'))
  return result.value.plan
}

/** Runs a counterexample as the test file it is printed as: how many differences its case has. */
export function differencesOf(plan: Plan, counterexample: Counterexample): number {
  const text = testFileText('./test.yaml', [counterexample])
  const parsed = parseTestFile(utf8(text), { file: 'test.test.yaml' })
  if (!parsed.ok) throw new Error(parsed.error.map((e) => formatDiagnostic(e, text)).join('\n'))
  const results = runTests(plan, parsed.value.cases)
  expect(results).toHaveLength(1)
  return results[0]?.differences.length ?? 0
}

export function verdictOf(proof: Proof, property: string): Verdict {
  const found = proof.verdicts.find((verdict) => verdict.property === property)
  if (found === undefined) throw new Error(`there is no property ${property}`)
  return found
}

/** The one counterexample a fault gives, which fails as a test case. */
export function foundIn(plan: Plan, property: string, options: ProveOptions = {}): Counterexample {
  const verdict = verdictOf(prove(plan, options), property)
  expect(verdict.status, JSON.stringify(verdict)).toBe('false')
  const [first] = verdict.counterexamples
  if (first === undefined) throw new Error('a false property has no counterexample')
  for (const one of verdict.counterexamples) expect(differencesOf(plan, one)).toBeGreaterThan(0)
  return first
}
