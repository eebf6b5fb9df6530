/** docs/cli.md, "policy lint", shows what the command prints, and lists the checks there are. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MAX_FINDINGS } from '../../src/core/policy/lint/lint.ts'
import { LINT_CHECKS } from '../../src/core/policy/lint/registry.ts'
import { aDirectory, run } from './a-world.ts'

const PAGE = join(import.meta.dirname, '../../docs/cli.md')
const page = readFileSync(PAGE, 'utf8')
const [section = ''] = /### policy lint\n[\s\S]*?(?=\n### )/.exec(page) ?? []

it('the example prints what the page shows', async () => {
  const [, policy = ''] = /```yaml\n([\s\S]*?)```/.exec(section) ?? []
  const [, shown = ''] = /```console\n([\s\S]*?)```/.exec(section) ?? []
  const dir = aDirectory()
  writeFileSync(join(dir, 'shut.yaml'), policy)
  const { out, exit } = await run(dir, ['policy', 'lint', 'shut.yaml'])
  const real = `$ livegate policy lint shut.yaml\n${out}`
  if (process.env.UPDATE_SCRIPTS === '1')
    writeFileSync(
      PAGE,
      page.replace(shown, () => real),
    )
  else expect(shown).toBe(real)
  expect(exit).toBe(3)
})

it('lists exactly the checks there are, with their severities', () => {
  const rows = [...section.matchAll(/^\| \[([a-z-]+)\]\(checks\/([a-z-]+)\.md\) \| (\w+) \|/gm)]
  expect(rows.map(([, code, link, severity]) => [code, link, severity])).toEqual(
    LINT_CHECKS.map(({ code, severity }) => [code, code, severity === 'info' ? 'note' : severity]),
  )
})

it('gives the bound on findings', () => {
  expect(section).toContain(`the first ${MAX_FINDINGS.toLocaleString('en')} are shown`)
})
