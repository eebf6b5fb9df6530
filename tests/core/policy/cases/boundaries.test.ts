import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/core/encoding.ts'
import { boundaryFile } from '../../../../src/core/policy/cases/write.ts'
import { compilePolicy } from '../../../../src/core/policy/compile.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { titleOf } from '../../../../src/core/policy/test-failure.ts'
import { parseTestFile, type TestCase } from '../../../../src/core/policy/test-file.ts'
import { runTests } from '../../../../src/core/policy/test-run.ts'
import { mutantsOf, planMutants } from './mutants.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const EVERYTHING = 'tests/core/policy/cases/everything.yaml'
const shipped = globSync('policies/**/*.yaml', { cwd: ROOT })
  .filter((name) => !name.endsWith('.test.yaml'))
  .sort()

const textOf = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

function compiled(text: string): Plan | null {
  const result = compilePolicy(utf8(text), { file: 'p.yaml' })
  return result.ok ? result.value.plan : null
}

function planOf(text: string): Plan {
  const plan = compiled(text)
  if (plan === null) throw new Error(`does not compile:\n${text}`)
  return plan
}

function fileOf(plan: Plan, rules: ReadonlySet<string> | null = null): string {
  const file = boundaryFile(plan, { policy: './p.yaml', rules })
  if (file === null) throw new Error('no file could hold them')
  return file.text
}

function casesOf(text: string): readonly TestCase[] {
  const parsed = parseTestFile(utf8(text), { file: 'p.test.yaml' })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error.slice(0, 5), null, 1))
  return parsed.value.cases
}

const failing = (plan: Plan, cases: readonly TestCase[]): number =>
  runTests(plan, cases).filter(({ differences }) => differences.length > 0).length

describe('the boundary cases of a policy', () => {
  for (const name of [...shipped, EVERYTHING, 'tests/core/policy/example.yaml'])
    it(`pass when printed, in ${name}`, () => {
      const plan = planOf(textOf(name))
      const results = runTests(plan, casesOf(fileOf(plan)))
      expect(results.length).toBeGreaterThan(10)
      expect(results.filter(({ differences }) => differences.length > 0).map(titleOf)).toEqual([])
    })

  it('are the same every time', () =>
    expect(fileOf(planOf(textOf(EVERYTHING)))).toBe(fileOf(planOf(textOf(EVERYTHING)))))

  it('are of the rules that were named, and of their exemptions', () => {
    const text = fileOf(planOf(textOf(EVERYTHING)), new Set(['many']))
    const names = casesOf(text).map(({ name }) => /^([\w -]+):/.exec(name)?.[1])
    expect(new Set(names)).toEqual(new Set([undefined, 'many', 'exemption partners']))
  })

  it('have the last person a canary meets and the first it passes over, as asker and beside one', () => {
    const cases = casesOf(
      fileOf(planOf(textOf(EVERYTHING)), new Set(['rollout', 'rollout-strikes'])),
    )
    const told = cases
      .filter(({ name }) => /canary/.test(name ?? ''))
      .map(({ name, facts, expect: { outcome, would, not_enforced } }) => ({
        ...{ name, outcome, would, not_enforced },
        buckets: facts.hosts.map(({ bucket }) => bucket),
      }))
    const spared = { outcome: 'allow', would: 'deny' }
    expect(told).toMatchObject([
      {
        name: 'rollout: bucket 24, the last its canary of 25% meets',
        outcome: 'deny',
        buckets: [24],
      },
      {
        name: 'rollout: bucket 25, the first its canary passes over',
        ...{ ...spared, not_enforced: ['rollout'], buckets: [25] },
      },
      {
        name: 'rollout: a co-host for whom it matches, whom its canary passes over',
        buckets: [undefined, 25],
      },
      {
        name: 'rollout-strikes: bucket 98, the last its canary of 99% meets',
        ...{ outcome: 'deny', buckets: [98] },
      },
      {
        name: 'rollout-strikes: bucket 99, the first its canary passes over',
        ...{ ...spared, not_enforced: ['rollout-strikes'], buckets: [99] },
      },
      { ...spared, buckets: [undefined, 99] },
    ])
  })

  it('say of a rule that is off what it would do, and have no bucket', () => {
    const cases = casesOf(fileOf(planOf(textOf(EVERYTHING)), new Set(['watched'])))
    const matches = cases.filter(({ expect: { not_enforced } }) => not_enforced !== undefined)
    expect(matches.map((one) => one.expect)).toContainEqual(
      expect.objectContaining({ outcome: 'allow', would: 'delay', not_enforced: ['watched'] }),
    )
    for (const { facts } of cases) expect(facts.hosts[0].bucket).toBeUndefined()
  })

  it('have names that say what they are about, none twice', () => {
    const names = casesOf(fileOf(planOf(textOf('policies/default.yaml')))).map(({ name }) => name)
    expect(names).toContain('gravest-violations: step 2, 1 ms before its restriction of 90d ends')
    expect(names).toContain('new-account: subject.created_at 1d less 1 ms ago')
    expect(new Set(names).size).toBe(names.length)
  })

  it('are refused where one file could not hold them', () => {
    const rule = (i: number): string =>
      `  - { id: r${i}, count: { category: c${i}.*, within: ${i + 1}d }, ladder: { 1: 7d, 2: 30d }, outcome: deny }`
    const rules = Array.from({ length: 700 }, (_, i) => rule(i)).join('\n')
    const plan = planOf(`livegate: policy/v1\nname: large\nrules:\n${rules}`)
    expect(boundaryFile(plan, { policy: './p.yaml', rules: null })).toBeNull()
    expect(
      boundaryFile(plan, { policy: './p.yaml', rules: new Set(['r1']) })?.cases,
    ).toBeGreaterThan(5)
  })
})

/** Changes no history can show, each with the reason. */
const EQUIVALENT: Readonly<Record<string, readonly (readonly [mutant: RegExp, why: string])[]>> = {
  'policies/default.yaml': [
    [/^strikes\.expire_default|^strikes\.expire\.default/, 'nothing counted expires by default'],
  ],
  'policies/packs/one-strike-2019/one-strike-2019.yaml': [
    [/on_unknown/, 'no rule can be unknown'],
    [/group_within/, 'the second strike opens what the first one does'],
  ],
  'policies/packs/three-strikes/three-strikes.yaml': [
    [/on_unknown/, 'no rule can be unknown'],
    [/(expire|within).*(7776001s|7776000001)$/, 'window and expiry are as long as each other'],
  ],
  'policies/packs/meta-ladder-2023/meta-ladder-2023.yaml': [
    [/(expire|within).*(31536001s|31536000001)$/, 'window and expiry are as long as each other'],
  ],
  'policies/packs/small-community/small-community.yaml': [
    [/^strikes\.expire.*(15552001s|15552000001)$/, 'no window is longer'],
  ],
  'policies/packs/eu-profile/eu-profile.yaml': [
    [/(expire|within).*(31536001s|31536000001)$/, 'window and expiry are as long as each other'],
  ],
  'policies/packs/uk-livestream/uk-livestream.yaml': [
    [
      /^strikes\.expire_default|^strikes\.expire\.default/,
      'every window is shorter, or all its strikes never expire',
    ],
  ],
  [EVERYTHING]: [[/^strikes\.expire_default|^strikes\.expire\.default/, 'every window is shorter']],
  'tests/core/policy/example.yaml': [
    [
      /^strikes\.expire(_|\.)default.*(31536001s|31536000001)$/,
      'every window is as long or shorter',
    ],
  ],
}

/** A ladder takes every strike it counts: its `at_least` is 1 and nobody asks. */
function isUnread(plan: Plan, mutant: string): boolean {
  const [, id] = /^rules\.([\w-]+)\.count\.at_least:/.exec(mutant) ?? []
  return plan.rules.some((rule) => rule.id === id && rule.ladder !== null)
}

describe('a policy changed in one number fails a boundary case', () => {
  for (const name of Object.keys(EQUIVALENT)) {
    const text = textOf(name)
    const plan = planOf(text)
    const cases = casesOf(fileOf(plan))
    const equivalent = (mutant: string): boolean =>
      (EQUIVALENT[name] ?? []).some(([pattern]) => pattern.test(mutant))

    it(`by one step as it is written, in ${name}`, () => {
      let killed = 0
      const survivors: string[] = []
      for (const ways of mutantsOf(text)) {
        const mutant = ways.find((way) => compiled(way.text) !== null)
        if (mutant === undefined) continue
        if (failing(planOf(mutant.text), cases) > 0) killed++
        else survivors.push(mutant.name)
      }
      expect(survivors.filter((mutant) => !equivalent(mutant))).toEqual([])
      expect(killed).toBeGreaterThan(7)
    })

    it(`by one millisecond, strike or second as it is compiled, in ${name}`, () => {
      let killed = 0
      const survivors: string[] = []
      for (const mutant of planMutants(plan)) {
        if (isUnread(plan, mutant.name)) continue
        if (failing(mutant.plan, cases) > 0) killed++
        else survivors.push(mutant.name)
      }
      expect(survivors.filter((mutant) => !equivalent(mutant))).toEqual([])
      expect(killed).toBeGreaterThan(7)
    })
  }

  it('and no exception is listed that is none', () => {
    for (const [name, exceptions] of Object.entries(EQUIVALENT)) {
      const plan = planOf(textOf(name))
      const cases = casesOf(fileOf(plan))
      const survivors = planMutants(plan)
        .filter((mutant) => failing(mutant.plan, cases) === 0)
        .map((mutant) => mutant.name)
      for (const [pattern, why] of exceptions)
        expect(
          survivors.some((mutant) => pattern.test(mutant)),
          `${name}: ${why}`,
        ).toBe(true)
    }
  })
})
