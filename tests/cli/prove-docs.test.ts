/** docs/cli.md, "policy prove" and "policy diff", shows what the commands print. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { aDirectory, run } from './a-world.ts'

const PAGE = join(import.meta.dirname, '../../docs/cli.md')

describe('the examples of docs/cli.md', () => {
  for (const verb of ['prove', 'diff'])
    it(`policy ${verb}: print what the page shows, and find something`, async () => {
      const page = readFileSync(PAGE, 'utf8')
      const [section = ''] =
        new RegExp(`### policy ${verb}\\n[\\s\\S]*?(?=\\n###? )`).exec(page) ?? []
      const dir = aDirectory()
      for (const [, name = '', text = ''] of section.matchAll(/```yaml\n# (\S+)\n([\s\S]*?)```/g))
        writeFileSync(join(dir, name), text)
      const shown = [...section.matchAll(/```console\n(\$ livegate (.*)\n[\s\S]*?)```/g)]
      expect(shown).toHaveLength(1)
      let real = page
      for (const [, block = '', words = ''] of shown) {
        const { out, exit } = await run(dir, words.split(' '))
        expect(exit).toBe(3)
        real = real.replace(block, () => `$ livegate ${words}\n${out}`)
      }
      if (process.env.UPDATE_SCRIPTS === '1') writeFileSync(PAGE, real)
      else expect(page).toBe(real)
    })
})
