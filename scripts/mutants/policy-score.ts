/**
 * The score of each policy that comes with livegate: do the cases its author wrote, or a strict lint, notice a mistake in it?
 *
 * Excuses: policy-equivalent.ts. Mutants: policy-mutants.ts, text-mutants.ts.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { utf8 } from '../../src/core/encoding.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { lintPolicy } from '../../src/core/policy/lint/lint.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { parseTestFile, type TestCase } from '../../src/core/policy/test-file.ts'
import { runTests } from '../../src/core/policy/test-run.ts'
import { epochMs } from '../../src/core/time.ts'
import type { PlanMutant } from '../../tests/core/policy/cases/mutants.ts'
import { POLICY_EQUIVALENT } from './policy-equivalent.ts'
import { policyMutants } from './policy-mutants.ts'
import type { Score } from './score.ts'
import { type TextMutant, textMutants } from './text-mutants.ts'

const ROOT: string = join(import.meta.dirname, '../..')

/** One score for each policy, by name. */
export function policyScores(): Score[] {
  const files = globSync('policies/**/*.yaml', { cwd: ROOT }).sort()
  const policies = files.filter((name) => !name.endsWith('.test.yaml'))
  return policies.map((policy) =>
    scoreOf(
      policy,
      files.filter((name) => name.endsWith('.test.yaml')),
    ),
  )
}

function scoreOf(policy: string, testFiles: readonly string[]): Score {
  const text = textOf(policy)
  const compiled = compilePolicy(utf8(text), { file: policy })
  if (!compiled.ok) throw new Error(`Cannot measure ${policy}: it does not compile`)
  const { plan } = compiled.value
  const cases = testFiles.flatMap((name) => casesOf(name, policy))
  if (cases.length === 0 || isNoticed(plan, cases))
    throw new Error(`Cannot measure ${policy}: its cases fail without any change, or there is none`)
  const excuses = POLICY_EQUIVALENT[policy] ?? []
  const mutants: readonly (PlanMutant & Partial<TextMutant>)[] = [
    ...policyMutants(plan),
    ...textMutants(text),
  ]
  const lived = mutants.filter((mutant) => !isNoticed(mutant.plan, cases) && !isLinted(mutant))
  const survivors = lived.filter(({ name }) => !excuses.some(([pattern]) => pattern.test(name)))
  return {
    of: policy,
    all: mutants.length,
    tried: mutants.length,
    killed: mutants.length - lived.length,
    equivalent: lived.length - survivors.length,
    survivors: survivors.map(({ name }) => ({ id: name, told: name })),
    unused: excuses
      .filter(([pattern]) => !lived.some(({ name }) => pattern.test(name)))
      .map(([pattern]) => String(pattern)),
  }
}

/** One case after another, for the first that fails is enough. */
function isNoticed(plan: Plan, cases: readonly TestCase[]): boolean {
  return cases.some((one) =>
    runTests(plan, [one]).some(({ differences }) => differences.length > 0),
  )
}

/** As `livegate policy lint --strict` would; what is there is clean, so whatever it finds is the mistake. */
function isLinted({ text }: Partial<TextMutant>): boolean {
  if (text === undefined) return false
  const { counts } = lintPolicy(utf8(text), { file: 'mutant.yaml', now: epochMs(NOW) })
  return counts.error + counts.warning > 0
}

const NOW = Date.UTC(2026, 10, 22)

function casesOf(testFile: string, policy: string): readonly TestCase[] {
  const parsed = parseTestFile(utf8(textOf(testFile)), { file: testFile })
  if (!parsed.ok) throw new Error(`Cannot measure ${policy}: ${testFile} cannot be read`)
  const about = join(dirname(testFile), parsed.value.policy)
  return relative(about, policy) === '' ? parsed.value.cases : []
}

function textOf(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}
