/** docs/cli.md, "policy backtest", shows what the command prints. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import { factsOf, LATER, type RecordedStep, recordedLog, writeRecorded } from './a-recorded-log.ts'
import { aDirectory, run } from './a-world.ts'

const PAGE = join(import.meta.dirname, '../../docs/cli.md')
const page = readFileSync(PAGE, 'utf8')
const [section = ''] = /### policy backtest\n[\s\S]*?(?=\n### )/.exec(page) ?? []
const DAY = 86_400_000

const IN_FORCE =
  'livegate: policy/v1\nname: p\nrules:\n  - { id: spam, outcome: deny, count: { category: spam.* }, ladder: { 1: 7d } }\n'

/** A month in which every fifth question is asked by somebody struck some days before; of some, nobody knew the audience. */
function aMonth(): RecordedStep[] {
  return Array.from({ length: 120 }, (_, i) => {
    const now = (i * DAY) / 4
    const strikes = i % 5 === 0 ? [{ effective_at: LATER(now - (i % 14) * DAY) }] : []
    const facts = i % 10 === 3 ? {} : { followers: 90 + i }
    return { facts: factsOf({ at: LATER(now + 1), subject: i, strikes, facts }) }
  })
}

it('the example of docs/cli.md prints what the page shows', async () => {
  const dir = aDirectory()
  for (const [, name = '', text = ''] of section.matchAll(/```yaml\n# (\S+)\n([\s\S]*?)```/g))
    writeFileSync(join(dir, name), text)
  const first: RecordedStep = { activate: utf8(IN_FORCE), from: LATER(0) }
  const log = await recordedLog([first, ...aMonth()])
  await writeRecorded(dir, log, log.decisions.slice(3))
  // As the page names it.
  const [, shown = '', words = ''] =
    /```console\n(\$ livegate (.*)\n[\s\S]*?)```/.exec(section) ?? []
  const { out, exit } = await run(dir, words.replace('mirror', 'log').split(' '))
  const real = `$ livegate ${words}\n${out}`
  if (process.env.UPDATE_SCRIPTS === '1')
    writeFileSync(
      PAGE,
      page.replace(shown, () => real),
    )
  else expect(shown).toBe(real)
  expect(exit).toBe(0)
})
