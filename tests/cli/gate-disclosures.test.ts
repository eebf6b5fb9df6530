/** `log audit --disclosures URL`: what the gate opens is read page by page, replayed, and left nowhere. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { disclosureLine, makeEntries, publish, VKEY, writeFiles } from './a-log.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const GATE = 'http://127.0.0.1:8787'

interface Asked {
  readonly ran: Ran
  readonly paths: readonly string[]
}

/** A gate that gives two records a page. */
async function audited(
  entries: readonly IssuedRecord[],
  dir: string,
  words: readonly string[] = [],
): Promise<Asked> {
  const paths: string[] = []
  const fetch = async (url: string): Promise<Response> => {
    const { pathname, searchParams } = new URL(url)
    paths.push(`${pathname}?${searchParams}`)
    const from = Number(searchParams.get('from'))
    const records = entries.flatMap((entry, index) =>
      index < from || Object.keys(entry.openings).length === 0
        ? []
        : [{ index, ...JSON.parse(disclosureLine(entry)) }],
    )
    const next = records[2]?.index ?? null
    return Response.json({ records: records.slice(0, 2), next })
  }
  await writeFiles(join(dir, 'log'), await publish(entries))
  const given = ['--disclosures', GATE, '--key', 'k', '--json', ...words]
  const ran = await run(dir, ['log', 'audit', 'log', '--vkey', VKEY, ...given], { fetch })
  return { ran, paths }
}

const leftovers = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('livegate-disclosed-'))

test('an audit replays what the gate opens, reads on where its state ended, and leaves no file', async () => {
  const before = leftovers()
  const dir = aDirectory()
  const entries = await makeEntries({ decisions: 6 })
  const first = await audited(entries, dir, ['--state', 'state.json'])
  expect(first.ran.exit).toBe(0)
  expect(first.paths).toEqual([0, 4, 6].map((from) => `/v1/records?from=${from}&limit=500`))
  expect(first.ran.err).toContain('the gate disclosed 6 records')
  expect(JSON.parse(first.ran.out).counts.replay).toMatchObject({ replayed: 5, followed: 5 })
  const again = await audited(entries, dir, ['--state', 'state.json'])
  expect(again.paths).toEqual([`/v1/records?from=${entries.length}&limit=500`])
  expect(again.ran.exit).toBe(0)
  expect(leftovers()).toEqual(before)
})

test('a gate that cannot be read ends the audit without a verdict', async () => {
  const dir = aDirectory()
  await writeFiles(join(dir, 'log'), await publish(await makeEntries({ decisions: 2 })))
  const fetch = async (): Promise<Response> => Response.json({ records: 'none' })
  const words = ['log', 'audit', 'log', '--vkey', VKEY, '--disclosures', GATE]
  const ran = await run(dir, words, { fetch })
  expect(ran).toMatchObject({ exit: 1, out: '' })
  expect(ran.err).toContain('Cannot read records')
})

test('the closed log before it is not asked for, and that is said: its disclosures come from a file', async () => {
  const dir = aDirectory()
  const entries = await makeEntries({ decisions: 2 })
  const { ran, paths } = await audited(entries, dir, ['--predecessor', 'log'])
  expect(ran.err).toContain(
    'chains of the closed log stay unopened: a gate discloses records of its own logs',
  )
  expect(paths).toEqual(['/v1/records?from=0&limit=500'])
})
