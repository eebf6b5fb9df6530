/**
 * `log audit --state` over a log in which nothing is new: chains stay in the file, unread, and what is told and kept is the
 * same as if they had been gone through.
 */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endLine } from '../../src/cli/log/audit-state-form.ts'
import { utf8 } from '../../src/core/encoding.ts'
import {
  disclosureLine,
  makeEntries,
  ORIGIN,
  publish,
  signedCheckpoint,
  VKEY,
  writeFiles,
} from './a-log.ts'
import { aDirectory, run } from './a-world.ts'

const entries = await makeEntries({ decisions: 12, subjects: 4, silent: true })

interface Auditor {
  readonly state: string
  /** Publishes so many entries. */
  grow(size: number): Promise<void>
  audit(...more: readonly string[]): Promise<{
    readonly exit: number
    readonly err: string
    readonly counts?: { readonly subjects: number; readonly entries: number }
    readonly checked?: readonly string[]
  }>
}

/** One that has audited ten entries. */
async function begun(...more: readonly string[]): Promise<Auditor> {
  const dir = aDirectory()
  const lines = entries.map((entry) => `${disclosureLine(entry)}\n`)
  writeFileSync(join(dir, 'new.jsonl'), lines.join(''))
  const auditor: Auditor = {
    state: join(dir, 'state'),
    async grow(size) {
      rmSync(join(dir, 'log'), { recursive: true, force: true })
      await writeFiles(join(dir, 'log'), await publish(entries.slice(0, size)))
    },
    async audit(...words) {
      const given = ['--vkey', VKEY, '--state', 'state', '--disclosures', 'new.jsonl', '--json']
      const { exit, out, err } = await run(dir, ['log', 'audit', 'log', ...given, ...words])
      return { ...(out === '' ? {} : JSON.parse(out)), exit, err }
    },
  }
  await auditor.grow(10)
  expect(await auditor.audit(...more)).toMatchObject({ exit: 0, counts: { subjects: 4 } })
  return auditor
}

/** The state with its first chain unreadable, under a digest that is right. */
function withoutChain(state: string): string {
  const [first, log, , ...rest] = readFileSync(state, 'utf8').split('\n').slice(0, -2)
  const text = [first, log, '[]', ...rest].map((line) => `${line}\n`).join('')
  return `${text}${endLine(createHash('sha256').update(text).digest('base64url'))}\n`
}

test('is told as before, without reading chains; what is new has them read', async () => {
  const auditor = await begun()
  const whole = readFileSync(auditor.state, 'utf8')
  expect(await auditor.audit()).toMatchObject({ exit: 0, counts: { subjects: 4, entries: 0 } })
  const without = withoutChain(auditor.state)
  writeFileSync(auditor.state, without)
  expect(await auditor.audit()).toMatchObject({ exit: 0, counts: { subjects: 4, entries: 0 } })
  expect(readFileSync(auditor.state, 'utf8')).toBe(without)
  await auditor.grow(12)
  const { exit, err } = await auditor.audit()
  expect([exit, err]).toEqual([1, expect.stringContaining('it is damaged or was cut')])
  writeFileSync(auditor.state, whole)
  expect(await auditor.audit()).toMatchObject({ exit: 0, counts: { subjects: 4, entries: 2 } })
})

test('of a checkpoint signed anew over the same tree, chains are read and written whole', async () => {
  const auditor = await begun()
  const before = readFileSync(auditor.state, 'utf8')
  const [size, root] = readFileSync(join(auditor.state, '../log/checkpoint'), 'utf8')
    .split('\n')
    .slice(1, 3)
  const again = await signedCheckpoint(
    Number(size),
    new Uint8Array(Buffer.from(root ?? '', 'base64')),
    ORIGIN,
  )
  writeFileSync(join(auditor.state, '../log/checkpoint'), utf8(`${again}— another AAAAAAA=\n`))
  expect(await auditor.audit()).toMatchObject({ exit: 0, counts: { subjects: 4, entries: 0 } })
  const after = readFileSync(auditor.state, 'utf8')
  expect(after).not.toBe(before)
  expect(after.split('\n').slice(2, -2)).toEqual(before.split('\n').slice(2, -2))
  await auditor.grow(12)
  expect(await auditor.audit()).toMatchObject({ exit: 0, counts: { subjects: 4, entries: 2 } })
})

test('by an audit of another kind, no chain is lost', async () => {
  const auditor = await begun('--no-replay')
  expect(await auditor.audit()).toMatchObject({ exit: 0, counts: { subjects: 4, entries: 0 } })
  expect(await auditor.audit('--no-replay')).toMatchObject({ exit: 0, counts: { subjects: 4 } })
  await auditor.grow(12)
  expect(await auditor.audit()).toMatchObject({ exit: 0, counts: { subjects: 4, entries: 2 } })
})
