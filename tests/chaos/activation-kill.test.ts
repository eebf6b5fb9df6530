/**
 * kill -9 of a real process around an activation: after the restart either the policy before decides or the one after,
 * whatever was answered holds, and no decision ever named a revision that was not in the log before it.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { claimsOf } from '../../src/adapters/sqlite/entries.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'
import { seeded } from './kill.ts'

const KILLS = Number(process.env.LIVEGATE_ACTIVATION_KILLS ?? 8)
const SEED = Number(process.env.LIVEGATE_SEED ?? Date.now() % 1_000_000)
const CLI = resolve(import.meta.dirname, '../../src/cli/main.ts')
const run = promisify(execFile)
const FACTS = { created_at: '2020-01-01T00:00:00Z' }

const policyNamed = (name: string): string =>
  `livegate: policy/v1\nname: ${name}\nrules: [{ id: all, when: incident.active, outcome: deny }]\n`

interface Listed {
  readonly revision: number
  readonly name: string
  readonly state: string
}

/** What a gate was asked and answered, over all its lives. */
interface Told {
  /** Names by number, of activations that were answered. */
  readonly acknowledged: Map<number, string>
  /** Asked for and never answered: may or may not have happened. */
  readonly unanswered: Set<string>
  readonly decisions: { readonly revision: number; readonly name: string; readonly index: number }[]
  readonly broken: string[]
  /** Kills after which the activation under way had happened, and had not. */
  readonly after: { happened: number; not: number }
}

describe(`${KILLS} kills around activations (LIVEGATE_SEED=${SEED})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-activation-kill-'))
  const data = join(dir, 'data')
  const policy = join(dir, 'policy.yaml')
  const told: Told = {
    ...{ acknowledged: new Map(), unanswered: new Set(), decisions: [], broken: [] },
    after: { happened: 0, not: 0 },
  }
  let entries: readonly Readonly<Record<string, unknown>>[] = []
  let vkey = ''

  beforeAll(
    async () => {
      writeFileSync(policy, policyNamed('first'))
      const random = seeded(SEED)
      const start = (): Promise<ServerProcess> =>
        startServer({ data, policy, args: ['--log-level', 'silent'] })
      for (let life = 0; life < KILLS; life++) await oneLife(await start(), told, life, random)
      const server = await start()
      await compare(server, told)
      vkey = String((await call(server, 'GET', '/log/vkey')).body).trim()
      expect(await server.stop()).toBe(0)
      const sql = openNodeSql(dataPaths(data).database)
      entries = sql
        .all('SELECT jws FROM entries ORDER BY idx')
        .map(({ jws }) => claimsOf(String(jws)))
      sql.close()
    },
    60_000 + KILLS * 8_000,
  )

  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('were real: activations and decisions were answered, and some were not', () => {
    expect(told.acknowledged.size).toBeGreaterThan(KILLS / 2)
    expect(told.decisions.length).toBeGreaterThan(KILLS * 5)
    expect(told.after.happened + told.after.not).toBe(KILLS)
  })

  it('leave exactly one policy in force: the one that was answered last, or one that was under way', () => {
    expect(told.broken).toEqual([])
  })

  it('leave numbers without a gap, each with the text that was answered', () => {
    const activations = entries.filter(({ active_from }) => active_from !== undefined)
    expect(activations.map(({ revision }) => revision)).toEqual(activations.map((_, i) => i + 1))
    for (const [revision, name] of told.acknowledged)
      expect(activations[revision - 1], `revision ${revision}`).toMatchObject({ name })
  })

  it('never let a decision name a revision whose record is not before it in the log', () => {
    for (const { revision, name, index } of told.decisions) {
      expect(entries[index]).toMatchObject({ revision })
      const record = entries.findIndex(
        (claims) => claims.active_from !== undefined && claims.revision === revision,
      )
      expect(record).toBeGreaterThan(-1)
      expect(record).toBeLessThan(index)
      expect(entries[record]).toMatchObject({ name })
    }
  })

  it('leave a log an auditor finds nothing in', async () => {
    const { stdout } = await run(process.execPath, [
      ...[CLI, 'log', 'audit', dataPaths(data).log, '--json', '--vkey', vkey],
    ])
    expect(JSON.parse(stdout)).toMatchObject({ findings: [], counts: { entries: entries.length } })
  })
})

/** Compares with what was answered, decides and activates, and is killed in the midst of an activation. */
async function oneLife(
  server: ServerProcess,
  told: Told,
  life: number,
  random: () => number,
): Promise<void> {
  await compare(server, told)
  let alive = true
  const ignore = async (work: () => Promise<void>): Promise<void> => {
    while (alive) await work().catch(() => (alive ? undefined : sleep(0)))
  }
  let made = 0
  const workers = [
    ...[0, 1, 2].map((worker) => ignore(() => decide(server, told, `u${worker}-${life}`))),
    ignore(() => activate(server, told, `p${life}-${made++}`)),
  ]
  // An activation takes some milliseconds: one is under way at any instant.
  await sleep(100 + random() * 300)
  await server.kill()
  alive = false
  await Promise.all(workers)
}

async function decide(server: ServerProcess, told: Told, subject: string): Promise<void> {
  const { status, body } = await call(server, 'POST', '/v1/decisions', { subject, facts: FACTS })
  if (status !== 200) return
  const { policy, receipt } = body as {
    readonly policy: { readonly name: string; readonly revision: number }
    readonly receipt: { readonly index: number }
  }
  told.decisions.push({ revision: policy.revision, name: policy.name, index: receipt.index })
}

async function activate(server: ServerProcess, told: Told, name: string): Promise<void> {
  told.unanswered.add(name)
  const { status, body } = await call(server, 'PUT', '/v1/policies', { policy: policyNamed(name) })
  if (status !== 201) return
  told.unanswered.delete(name)
  told.acknowledged.set((body as Listed).revision, name)
}

/** What decides now is what was answered last, or what nobody was told the fate of; decisions say the same. */
async function compare(server: ServerProcess, told: Told): Promise<void> {
  const { body } = await call(server, 'GET', '/v1/policies')
  const { revisions } = body as { readonly revisions: readonly Listed[] }
  const active = revisions.filter(({ state }) => state === 'active')
  const [one] = active
  if (active.length !== 1 || one === undefined) {
    told.broken.push(`${active.length} revisions are active`)
    return
  }
  const last = Math.max(0, ...told.acknowledged.keys())
  const expected = last === 0 ? 'first' : told.acknowledged.get(last)
  if (last > 0 || told.unanswered.size > 0) {
    if (told.unanswered.has(one.name)) told.after.happened++
    else told.after.not++
  }
  const before = one.name === expected
  if (before === told.unanswered.has(one.name))
    told.broken.push(`${one.name} decides, expected ${expected} or what was under way`)
  const { body: answer } = await call(server, 'POST', '/v1/decisions', {
    subject: 'u',
    facts: FACTS,
  })
  const { policy } = answer as { readonly policy: Pick<Listed, 'name' | 'revision'> }
  if (policy.name !== one.name || policy.revision !== one.revision)
    told.broken.push(`decided by ${policy.name} while ${one.name} is active`)
  // From here on its fate is known.
  if (told.unanswered.has(one.name)) told.acknowledged.set(one.revision, one.name)
  told.unanswered.clear()
}
