/** G1, G2, G8: what was answered 2xx survives kill -9 at any instant. `npm run test:chaos` does it 200 times. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { openNodeStore } from '../../src/adapters/node/store.ts'
import { recordAt } from '../../src/adapters/sqlite/records.ts'
import { UNCONFIRMED_BROADCAST_MS } from '../../src/core/limits.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import type { StoredRecord } from '../../src/ports.ts'
import { call, startServer } from '../support/server.ts'
import { oneLife, seeded } from './kill.ts'
import { emptyLedger } from './promises.ts'

const KILLS = Number(process.env.LIVEGATE_KILLS ?? 20)
const SEED = Number(process.env.LIVEGATE_SEED ?? Date.now() % 1_000_000)
const CLI = resolve(import.meta.dirname, '../../src/cli/main.ts')
const run = promisify(execFile)

describe(`${KILLS} kills under load (LIVEGATE_SEED=${SEED})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-kill-'))
  const data = join(dir, 'data')
  const ledger = emptyLedger()
  const records = new Map<number, StoredRecord>()
  let vkey = ''
  let stillDenied: readonly string[] = []
  let keysLost: readonly string[] = []
  let entries = 0

  beforeAll(
    async () => {
      const random = seeded(SEED)
      const start = () => startServer({ data, args: ['--log-level', 'silent'] })
      for (let life = 0; life < KILLS; life++) await oneLife(start, ledger, random)
      const server = await start()
      vkey = String((await call(server, 'GET', '/log/vkey')).body).trim()
      const struck = ledger.struck.filter(({ strike }) => !ledger.reversed.has(strike))
      const subjects = [...new Set(struck.map(({ subject }) => subject))]
      const outcomes = await Promise.all(
        subjects.map(async (subject) => {
          const { body } = await call(server, 'POST', '/v1/decisions', {
            subject,
            facts: { created_at: '2020-01-01T00:00:00Z' },
          })
          return (body as { outcome?: string }).outcome ?? 'none'
        }),
      )
      stillDenied = outcomes
      expect(await server.stop()).toBe(0)

      const store = await openNodeStore({ dir: data })
      const owners = await Promise.all(
        ledger.keys.map(({ key }) => store.streamKeys.byHash(store.pepper.hash('stream_key', key))),
      )
      keysLost = ledger.keys
        .filter(
          ({ subject }, i) => owners[i]?.subject !== subject || owners[i]?.revoked_at !== null,
        )
        .map(({ key }) => key)
      expect(await store.close()).toBe(true)

      const { database } = dataPaths(data)
      const sql = openNodeSql(database)
      const row = sql.get('SELECT COUNT(*) AS size FROM entries')
      entries = Number(row?.size)
      for (let idx = 0; idx < entries; idx++) {
        const record = recordAt(sql, 'livegate.local/log', idx)
        if (record !== null) records.set(idx, record)
      }
      sql.close()
    },
    60_000 + KILLS * 6_000,
  )

  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('the load was real: decisions, strikes and reversals were answered', () => {
    expect(ledger.promises.length).toBeGreaterThan(KILLS * 5)
    expect(ledger.struck.length).toBeGreaterThan(KILLS)
    expect(ledger.reversed.size).toBeGreaterThan(0)
    for (const done of [ledger.once, ledger.keys]) expect(done.length).toBeGreaterThan(KILLS)
    expect(ledger.withCohosts).toBeGreaterThan(KILLS)
    expect(ledger.followers.size).toBeGreaterThan(4)
  })

  it('after each restart a random strike, retry, stream key and stored fact held', () => {
    expect(ledger.broken).toEqual([])
    expect(ledger.asked).toBeGreaterThan(2 * (KILLS - 2))
  })

  it('every stream key that was acknowledged still leads to its subject', () => {
    expect(keysLost).toEqual([])
  })

  it('every answer received is in the log at its index, exactly as answered', () => {
    const lost = ledger.promises.filter(({ index, leaf, jws }) => {
      const record = records.get(index)
      return record?.receipt.leaf !== leaf || (jws !== null && record.jws !== jws)
    })
    expect(lost).toEqual([])
  })

  it('no index was given out twice', () => {
    const byIndex = new Map<number, Set<string>>()
    for (const { index, leaf } of ledger.promises)
      byIndex.set(index, (byIndex.get(index) ?? new Set()).add(leaf))
    expect([...byIndex.values()].filter((leaves) => leaves.size > 1)).toEqual([])
  })

  it("every subject's chain is gap-free", () => {
    const chains = new Map<string, number[]>()
    for (const { subject, seq } of records.values())
      chains.set(subject, [...(chains.get(subject) ?? []), seq])
    expect(chains.size).toBeGreaterThan(10)
    for (const seqs of chains.values()) expect(seqs).toEqual(seqs.map((_seq, i) => i + 1))
  })

  it('a strike acknowledged before a kill still denies', () => {
    expect(stillDenied.length).toBeGreaterThan(0)
    expect(new Set(stillDenied)).toEqual(new Set(['deny']))
  })

  it('the published log passes the audit, with every chain opened and every receipt found in it', async () => {
    const disclosures = join(dir, 'disclosures.jsonl')
    const promised = join(dir, 'promised.jsonl')
    writeFileSync(
      disclosures,
      [...records.values()]
        .map(({ jws, openings }) =>
          JSON.stringify({ record: presentation(jws, openings, ['chain']) }),
        )
        .join('\n'),
    )
    writeFileSync(
      promised,
      ledger.promises
        .filter(({ jws }) => jws !== null)
        .map(({ jws }) => JSON.stringify({ record: jws }))
        .join('\n'),
    )
    const { stdout } = await run(process.execPath, [
      ...[CLI, 'log', 'audit', dataPaths(data).log, '--json', '--vkey', vkey],
      ...['--disclosures', disclosures, '--records', promised],
    ])
    const report = JSON.parse(stdout) as { findings: unknown[]; counts: { entries: number } }
    expect(report.findings).toEqual([])
    expect(report.counts.entries).toBe(entries)
  })
})

describe('a kill right after a decision', () => {
  it('leaves its broadcast open for a minute, a clean end for its lease', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'livegate-kill-'))
    const start = { data: join(dir, 'data'), args: ['--log-level', 'silent'] }
    const decided = async (subject: string, end: 'kill' | 'stop'): Promise<number> => {
      const before = await startServer(start)
      const facts = { created_at: '2020-01-01T00:00:00Z' }
      const { body } = await call(before, 'POST', '/v1/decisions', { subject, facts })
      expect(body).toMatchObject({ outcome: 'allow' })
      await before[end]()
      const server = await startServer(start)
      const found = (await call(server, 'GET', `/v1/subjects/${subject}`)).body as {
        readonly broadcasts: readonly { readonly opened_at: string; readonly lease_until: string }[]
      }
      await server.stop()
      const [open] = found.broadcasts
      return Date.parse(open?.lease_until ?? '') - Date.parse(open?.opened_at ?? '')
    }
    try {
      expect(await decided('killed', 'kill')).toBe(UNCONFIRMED_BROADCAST_MS)
      expect(await decided('stopped', 'stop')).toBeGreaterThan(UNCONFIRMED_BROADCAST_MS)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
