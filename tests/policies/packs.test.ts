/**
 * What comes with livegate holds what it asks of others: strictly clean, tested to the last step, and honest.
 *
 * That they are proved is in tests/core/policy/prove/bounds.test.ts; their invariants are in proofs.test.ts.
 */
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { run } from '../cli/a-world.ts'

const ROOT = join(import.meta.dirname, '../..')
const PACKS = readdirSync(join(ROOT, 'policies/packs')).sort()
const POLICIES = globSync('policies/**/*.yaml', { cwd: ROOT })
  .filter((name) => !name.endsWith('.test.yaml'))
  .sort()

const textOf = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

function planOf(name: string): Plan {
  const compiled = compilePolicy(utf8(textOf(name)), { file: name })
  if (!compiled.ok) throw new Error(`${name} does not compile`)
  return compiled.value.plan
}

describe('the policies that come with livegate', () => {
  it('are the default and the packs', () => {
    const packs = PACKS.map((name) => `policies/packs/${name}/${name}.yaml`)
    expect(POLICIES).toEqual(['policies/default.yaml', ...packs])
    expect(PACKS).toEqual([
      ...['eu-profile', 'meta-ladder-2023', 'one-strike-2019'],
      ...['small-community', 'three-strikes', 'uk-livestream'],
    ])
  })

  it('are strictly clean', async () => {
    const { exit, out } = await run(ROOT, ['policy', 'lint', '--strict', '--json', 'policies'])
    const { files } = JSON.parse(out) as { files: { diagnostics: unknown[] }[] }
    expect(exit).toBe(0)
    expect(files.flatMap(({ diagnostics }) => diagnostics)).toEqual([])
  })

  it('pass their tests, which reach every rule, step, exemption, unknown and co-host', async () => {
    const words = ['policy', 'test', '--coverage', '--min-coverage', '100', '--json', 'policies']
    const { exit, out } = await run(ROOT, words)
    const { coverage } = JSON.parse(out) as {
      coverage: { policy: string; covered: number; total: number }[]
    }
    expect(exit).toBe(0)
    expect(coverage.map(({ policy }) => policy).sort()).toEqual(POLICIES)
    expect(coverage.filter(({ covered, total }) => covered !== total)).toEqual([])
  })
})

describe('a pack', () => {
  for (const name of PACKS) {
    const policy = `policies/packs/${name}/${name}.yaml`
    const page = textOf(join(dirname(policy), 'README.md'))

    it(`${name} names itself, its date and its sources`, () => {
      const plan = planOf(policy)
      const [, sources = ''] = /^sources:([\s\S]*?)\n(?=\S|\n)/m.exec(textOf(policy)) ?? []
      expect(plan.name).toBe(name)
      expect(textOf(policy)).toMatch(/^as_of: \d{4}-\d\d-\d\d$/m)
      expect(sources).toContain('https://')
    })

    it(`${name} has a page with a date, a disclaimer, a table and what it cannot say`, () => {
      expect(page).toMatch(/\d{1,2} (?:January|May|June|November) \d{4}/)
      expect(page).toMatch(/\*\*(?:not|no)\*\*|no platform's policy/)
      expect(page).toMatch(/^\|---\|/m)
      expect(page).toMatch(/What the language cannot express of it/)
    })

    it(`${name} tells on its page what each rule and exemption is for`, () => {
      const { rules, exemptions } = planOf(policy)
      const untold = [...rules, ...exemptions].filter(({ id }) => !page.includes(`\`${id}\``))
      expect(untold.map(({ id }) => id)).toEqual([])
    })

    it(`${name} speaks every language in every sentence`, () => {
      const { languages, rules } = planOf(policy)
      const spoken = rules.filter(({ because }) => Object.keys(because).length > 0)
      for (const { because } of spoken) expect(Object.keys(because).sort()).toEqual(languages)
    })
  }

  it('promises no end where the same sentence is a warning', () => {
    const warning = PACKS.flatMap((name) => planOf(`policies/packs/${name}/${name}.yaml`).rules)
      .filter(({ ladder }) => ladder?.some(({ length }) => length === 'warn') ?? false)
      .flatMap(({ because }) => Object.values(because))
    expect(warning.length).toBeGreaterThan(10)
    expect(warning.filter((text) => text.includes('{until}'))).toEqual([])
  })

  it('for Europe speaks several languages', () => {
    const spoken = (name: string): readonly string[] =>
      planOf(`policies/packs/${name}/${name}.yaml`).languages
    expect(spoken('eu-profile')).toEqual(['de', 'en', 'es', 'fr', 'it', 'pl'])
    expect(spoken('uk-livestream')).toEqual(['cy', 'en'])
  })

  it('of European law gives each denial a ground, a sentence and a way to complain', () => {
    for (const rule of planOf('policies/packs/eu-profile/eu-profile.yaml').rules) {
      expect(rule.ground === 'law' ? rule.reference : rule.clause, rule.id).not.toBeNull()
      expect(rule.ground === 'law' ? rule.jurisdiction : 'EU', rule.id).toBe('EU')
      expect(rule.appeal?.url, rule.id).toBeDefined()
      expect(rule.because.en, rule.id).toBeDefined()
    }
  })
})
