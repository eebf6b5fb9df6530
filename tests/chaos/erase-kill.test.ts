/**
 * kill -9 of a real process while subjects are erased and keys are exchanged beside decisions: whatever was answered
 * holds, what was begun is finished by the next lives, and `done` means that no byte of the directory names anybody.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { recordAt } from '../../src/adapters/sqlite/records.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'
import { seeded } from './kill.ts'

const KILLS = Number(process.env.LIVEGATE_ERASE_KILLS ?? 5)
const SEED = Number(process.env.LIVEGATE_SEED ?? Date.now() % 1_000_000)
const CLI = resolve(import.meta.dirname, '../../src/cli/main.ts')
const run = promisify(execFile)
const FACTS = { created_at: '2020-01-01T00:00:00Z' }
/** Of everything that says who somebody was who is to be forgotten. */
const MARK = 'to-be-forgotten'
/** As text, and inside base64url wherever its groups of three bytes begin. */
const SPELLINGS: readonly string[] = [MARK, ...[0, 1, 2].map((offset) => base64UrlPart(offset))]
const RECORDS = 20
const LONG = 400

type Random = () => number

/** What a gate was asked and answered, over all its lives. */
interface Told {
  /** Everybody who was to be erased: with an answer, or killed somewhere on the way there. */
  readonly erased: Map<string, 'answered' | 'unanswered'>
  /** Struck before they were erased: what runs goes on. */
  readonly struck: Set<string>
  readonly rotations: { answered: number; unanswered: number }
  readonly broken: string[]
  /** Erasures that a kill found pending. */
  pending: number
  stderr: string
  made: number
}

describe(`${KILLS} kills around erasures and exchanges of keys (LIVEGATE_SEED=${SEED})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-erase-kill-'))
  const data = join(dir, 'data')
  const told: Told = {
    ...{ erased: new Map(), struck: new Set(), rotations: { answered: 0, unanswered: 0 } },
    ...{ broken: [], pending: 0, stderr: '', made: 0 },
  }
  let vkeys: readonly string[] = []
  let entries = 0

  beforeAll(
    async () => {
      const random = seeded(SEED)
      // The load of one caller is above what one caller may ask for.
      const start = (): Promise<ServerProcess> => startServer({ data, args: ['--rate', '100000'] })
      for (let life = 0; life < KILLS; life++) {
        const server = await start()
        await oneLife(server, told, random)
        told.stderr += server.stderr()
        told.pending += pendingIn(data)
      }
      const server = await start()
      // Checkpoint keys have come and gone: whoever looks now has those of now.
      vkeys = String((await call(server, 'GET', '/log/vkey')).body)
        .trim()
        .split('\n')
      for (const subject of told.erased.keys()) await untilDone(server, told, subject)
      told.stderr += server.stderr()
      // From here on no byte of theirs is anywhere, although the process runs.
      expect(namesIn(data)).toEqual([])
      for (const subject of told.struck) await stillDenied(server, told, subject)
      expect(await server.stop()).toBe(0)
    },
    90_000 + KILLS * 10_000,
  )

  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('were real: some erasures and exchanges were answered, and some were not', () => {
    expect(told.erased.size).toBeGreaterThanOrEqual(KILLS)
    expect([...told.erased.values()]).toContain('answered')
    expect(told.rotations.answered).toBeGreaterThan(KILLS / 2)
    expect(told.struck.size).toBeGreaterThan(0)
    expect(told.pending).toBeGreaterThan(0)
  })

  it('took nothing back that was answered, and undid no ban', () => {
    expect(told.broken).toEqual([])
  })

  it('wrote no name to standard error', () => {
    expect(told.stderr).not.toContain(MARK)
  })

  it('leave a log an auditor finds nothing in, with everything disclosed that there is', async () => {
    const disclosures = join(dir, 'disclosures.jsonl')
    const sql = openNodeSql(dataPaths(data).database)
    entries = Number(sql.get('SELECT COUNT(*) AS size FROM entries')?.size)
    const lines: string[] = []
    for (let idx = 0; idx < entries; idx++) {
      const record = recordAt(sql, 'livegate.local/log', idx)
      if (record === null || Object.keys(record.openings).length === 0) continue
      const { jws, openings } = record
      const all = ['chain', 'result', 'request', 'facts'] as const
      const groups = all.filter((group) => openings[group] !== undefined)
      lines.push(JSON.stringify({ record: presentation(jws, openings, groups) }))
    }
    sql.close()
    writeFileSync(disclosures, lines.join('\n'))
    const { stdout } = await run(process.execPath, [
      ...[CLI, 'log', 'audit', dataPaths(data).log, '--json'],
      ...vkeys.flatMap((vkey) => ['--vkey', vkey]),
      ...['--disclosures', disclosures],
    ])
    const report = JSON.parse(stdout) as { readonly findings: unknown; readonly counts: object }
    if (process.env.LIVEGATE_SHOW) console.log(stdout, told)
    expect(report).toMatchObject({ findings: [], counts: { entries } })
  })
})

async function oneLife(server: ServerProcess, told: Told, random: Random): Promise<void> {
  for (const [subject, how] of told.erased)
    if (how === 'answered') await stillAStranger(server, told, subject)
  for (const subject of told.struck) await stillDenied(server, told, subject)
  let alive = true
  const forever = async (work: () => Promise<unknown>): Promise<void> => {
    while (alive) await work().catch(() => (alive ? sleep(5) : undefined))
  }
  const workers = [
    ...[0, 1, 2].map((worker) => forever(() => decide(server, `somebody-${worker}`))),
    forever(() => liveAndBeForgotten(server, told, RECORDS)),
    forever(() => rotate(server, told, random)),
  ]
  await sleep(200 + random() * 600)
  // Somebody with so long a history that the kill comes while it is removed.
  const last = liveAndBeForgotten(server, told, LONG, async () => {
    await sleep(random() * 80)
    alive = false
    await server.kill()
  })
  await Promise.allSettled([...workers, last])
}

async function decide(server: ServerProcess, subject: string, host?: string): Promise<void> {
  const hosts = host === undefined ? [] : [{ subject: host, facts: FACTS }]
  const stream = { id: `b${Math.floor(performance.now() * 1e3)}`, hosts }
  await call(server, 'POST', '/v1/decisions', { subject, stream, facts: FACTS })
}

/** Somebody with a history, erased with a kill to be expected at any instant. */
async function liveAndBeForgotten(
  server: ServerProcess,
  told: Told,
  records: number,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  const number = told.made++
  const subject = `${MARK}-${number}`
  told.erased.set(subject, 'unanswered')
  await Promise.all([
    ...Array.from({ length: records }, () => decide(server, subject)),
    decide(server, 'somebody-0', subject),
    call(server, 'POST', '/v1/stream-keys', { subject, key: `${MARK}-key-${number}` }),
  ])
  const isStruck = number % 2 === 0 && (await strike(server, subject, number))
  if (isStruck) told.struck.add(subject)
  const [{ status, body }] = await Promise.all([
    erase(server, subject),
    // Two at once, and a decision in between: whichever comes first, nothing may go wrong.
    number % 3 === 0 ? erase(server, subject) : undefined,
    decide(server, 'somebody-1', number % 3 === 1 ? subject : undefined),
    meanwhile(),
  ])
  if (status === 200) told.erased.set(subject, 'answered')
  else told.broken.push(`${subject} is erased with ${status}: ${JSON.stringify(body)}`)
}

async function strike(server: ServerProcess, subject: string, number: number): Promise<boolean> {
  const { status } = await call(server, 'POST', `/v1/subjects/${subject}/strikes`, {
    ...{ id: `${MARK}-strike-${number}`, category: 'terrorism.link', severity: 'high' },
    issued_at: new Date().toISOString(),
  })
  return status === 201
}

function erase(server: ServerProcess, subject: string): ReturnType<typeof call> {
  return call(server, 'DELETE', `/v1/subjects/${subject}`, { basis: 'ticket 4711' })
}

async function rotate(server: ServerProcess, told: Told, random: Random): Promise<void> {
  await sleep(100 + random() * 300)
  told.rotations.unanswered++
  const dice = random()
  const wish =
    dice < 0.5 ? { use: 'record' } : { use: 'checkpoint', step: dice < 0.75 ? 'begin' : 'finish' }
  const { status, body } = await call(server, 'POST', '/v1/keys/rotation', wish)
  told.rotations.unanswered--
  if (status === 200 || status === 201) told.rotations.answered++
  else told.broken.push(`an exchange is answered ${status}: ${JSON.stringify(body)}`)
}

/** Of whoever an erasure was answered for, nothing is known after a crash. */
async function stillAStranger(server: ServerProcess, told: Told, subject: string): Promise<void> {
  const { body } = await call(server, 'GET', `/v1/subjects/${subject}`)
  const { strikes, facts } = body as { readonly strikes?: object; readonly facts?: object }
  // One that was a co-host beside its erasure may have come back, without a history.
  if (JSON.stringify([strikes, facts]) !== '[[],{}]')
    told.broken.push(`${subject} is known again: ${JSON.stringify(body)}`)
}

async function untilDone(server: ServerProcess, told: Told, subject: string): Promise<void> {
  const until = performance.now() + 20_000
  for (let state = 'pending'; state === 'pending'; ) {
    const { body } = await erase(server, subject)
    state = (body as { readonly state: string }).state
    if (performance.now() < until) continue
    told.broken.push(`${subject} is still ${state}`)
    return
  }
}

async function stillDenied(server: ServerProcess, told: Told, subject: string): Promise<void> {
  const { body } = await call(server, 'POST', '/v1/decisions', { subject, facts: FACTS })
  const { outcome } = body as { readonly outcome?: string }
  if (outcome !== 'deny') told.broken.push(`${subject} was banned and is answered ${outcome}`)
}

/** Erasures that are not done, in the directory of a process that is gone; leaves its journal as it is. */
function pendingIn(data: string): number {
  const sql = new DatabaseSync(dataPaths(data).database, { readOnly: true })
  const row = sql.prepare("SELECT count(*) AS count FROM erasures WHERE state <> 'done'").get()
  sql.close()
  return Number(row?.count)
}

/** Of the mark with some bytes before it, what does not depend on what is before and after. */
function base64UrlPart(offset: number): string {
  return Buffer.from(`${'x'.repeat(offset)}${MARK}`)
    .toString('base64url')
    .slice(4, -4)
}

/** Files below a directory that say something of somebody who was to be forgotten, with what stands around it. */
function namesIn(data: string): readonly string[] {
  const files = readdirSync(data, { recursive: true, withFileTypes: true })
  return files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .flatMap((file) => {
      const bytes = readFileSync(file)
      const found = SPELLINGS.map((spelling) => bytes.indexOf(spelling)).find((at) => at >= 0)
      if (found === undefined) return []
      const around = bytes.subarray(Math.max(0, found - 300), found + 200).toString('latin1')
      return [`${file} at ${found}: ${around.replace(/[^ -~]+/g, '·')}`]
    })
}
