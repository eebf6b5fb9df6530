/** docs/cli.md, "policy explain", shows what the command prints. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { aDirectory, run } from './a-world.ts'

const PAGE = join(import.meta.dirname, '../../docs/cli.md')
const page = readFileSync(PAGE, 'utf8')
const [section = ''] = /### policy explain\n[\s\S]*?(?=\n### )/.exec(page) ?? []

/** The files of the example, in a directory of their own. */
function theExample(): string {
  const dir = aDirectory()
  for (const [, name = '', text = ''] of section.matchAll(/```yaml\n# (\S+)\n([\s\S]*?)```/g))
    writeFileSync(join(dir, name), text)
  return dir
}
const [, shown = '', words = ''] = /```console\n(\$ livegate (.*)\n[\s\S]*?)```/.exec(section) ?? []

it('the example of docs/cli.md prints what the page shows', async () => {
  const { out, exit } = await run(theExample(), words.split(' '))
  const real = `$ livegate ${words}\n${out}`
  if (process.env.UPDATE_SCRIPTS === '1')
    writeFileSync(
      PAGE,
      page.replace(shown, () => real),
    )
  else expect(shown).toBe(real)
  expect(exit).toBe(0)
})

it('the example for the person affected alone is the same sentences', async () => {
  const { out } = await run(theExample(), [...words.split(' '), '--person'])
  expect(out).toMatch(/^en: .+\nfr: .+\n$/)
  for (const line of out.trimEnd().split('\n')) expect(shown).toContain(`  ${line}\n`)
})
