/** docs/rule-features.md: each feature is linked to tests that exist, or left out with the reason. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../cli/a-world.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCS = join(ROOT, 'docs')
const page = readFileSync(join(DOCS, 'rule-features.md'), 'utf8')

const rows = [...page.matchAll(/^\| (\d+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
  ([, number = '', , how = '', tests = '']) => ({ number: Number(number), how, tests }),
)

it('the table has all features, in order', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1))
})

describe('a feature', () => {
  for (const { number, how, tests } of rows) {
    it(`${number} names tests that are there`, () => {
      const named = [...tests.matchAll(/\[[\w-]+\]\(([^)]+)\) "([^"]+)"/g)]
      // Nothing of the column is anything else.
      expect(tests.split('; ')).toHaveLength(named.length)
      for (const [, file = '', name = ''] of named) {
        const text = readFileSync(join(DOCS, file), 'utf8')
        const written = file.endsWith('.yaml')
          ? [`name: ${name},`, `name: "${name}",`, `name: ${name}\n`]
          : [`it('${name}'`, `test('${name}'`]
        expect(
          written.some((one) => text.includes(one)),
          `${dirname(file)}: ${name}`,
        ).toBe(true)
      }
    })

    it(`${number} ${how.includes('**Left out:**') ? 'has a reason for what is' : 'leaves nothing'} left out`, () => {
      const reasons = page.slice(page.indexOf('## Left out on purpose'))
      expect(reasons.includes(`- **${number}, `)).toBe(how.includes('**Left out:**'))
    })
  }
})

it('features no pack needs are tested in a policy of their own', async () => {
  const { exit, out } = await run(ROOT, ['policy', 'test', '--quiet', 'tests/policies/features'])
  expect([exit, out]).toEqual([0, expect.stringMatching(/^\d\d cases: \d\d passed, 0 failed\n$/)])
})
