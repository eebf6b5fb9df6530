/** docs/cli.md, "policy test", shows what the command prints. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { aDirectory, run } from './a-world.ts'

const PAGE = join(import.meta.dirname, '../../docs/cli.md')
const page = readFileSync(PAGE, 'utf8')
const [section = ''] = /### policy test\n[\s\S]*?(?=\n###? )/.exec(page) ?? []

it('the examples print what the page shows', async () => {
  const dir = aDirectory()
  for (const [, name = '', text = ''] of section.matchAll(/```yaml\n# (\S+)\n([\s\S]*?)```/g))
    writeFileSync(join(dir, name), text)
  const shown = [...section.matchAll(/```console\n(\$ livegate (.*)\n[\s\S]*?)```/g)]
  const exits: number[] = []
  let real = page
  for (const [, block = '', words = ''] of shown) {
    const { out, exit } = await run(dir, words.split(' '))
    exits.push(exit)
    real = real.replace(block, () => `$ livegate ${words}\n${out}`)
  }
  expect(exits).toEqual([3, 0])
  if (process.env.UPDATE_SCRIPTS === '1') writeFileSync(PAGE, real)
  else expect(page).toBe(real)
})
