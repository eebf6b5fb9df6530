/**
 * G1, G2, G8 on the edge host: kill -9 of the runtime under load, at random instants; objects, sequencer and bucket are
 * as the disk has them, and everything that was answered 2xx holds. The load and its promises are those of kill.test.ts.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { edgeGate } from '../support/edge-gate.ts'
import { ADMIN_KEY, call, type ServerProcess } from '../support/server.ts'
import { oneLife, seeded } from './kill.ts'
import { emptyLedger } from './promises.ts'

const KILLS = Number(process.env.LIVEGATE_KILLS ?? 10)
const SEED = Number(process.env.LIVEGATE_SEED ?? Date.now() % 1_000_000)
const CLI = resolve(import.meta.dirname, '../../src/cli/main.ts')

/** A line of `log disclosures`. */
interface Line {
  readonly index: number
  readonly record: string
}

describe(`${KILLS} kills of the edge host under load (LIVEGATE_SEED=${SEED})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-edge-kill-'))
  const disclosures = join(dir, 'disclosures.jsonl')
  const ledger = emptyLedger()
  /** Compact record of a chain by its index in the log. */
  const records = new Map<number, string>()
  let gate: ServerProcess
  let stillDenied: readonly string[] = []

  const cli = async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, LIVEGATE_URL: gate.url, LIVEGATE_KEY: ADMIN_KEY }
    const options = { env, maxBuffer: 1e9 }
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], options)
    return stdout
  }
  const published = async (): Promise<number> =>
    Number(String((await call(gate, 'GET', '/log/checkpoint')).body).split('\n')[1])

  beforeAll(
    async () => {
      const random = seeded(SEED)
      const edge = await edgeGate({ dir, env: { LIVEGATE_LOG_LEVEL: 'silent' } })
      for (let life = 0; life < KILLS; life++) await oneLife(() => edge.start(), ledger, random)
      gate = await edge.start()
      const struck = ledger.struck.filter(({ strike }) => !ledger.reversed.has(strike))
      const facts = { created_at: '2020-01-01T00:00:00Z' }
      stillDenied = await Promise.all(
        [...new Set(struck.map(({ subject }) => subject))].map(async (subject) => {
          const { body } = await call(gate, 'POST', '/v1/decisions', { subject, facts })
          return (body as { outcome?: string }).outcome ?? 'none'
        }),
      )
      const last = ledger.promises.reduce((most, { index }) => Math.max(most, index), 0)
      await vi.waitFor(async () => expect(await published()).toBeGreaterThan(last), 10_000)
      const exported = await cli('log', 'disclosures')
      writeFileSync(disclosures, exported)
      for (const line of exported.trim().split('\n')) {
        const { index, record } = JSON.parse(line) as Line
        records.set(index, record.split('~')[0] ?? '')
      }
    },
    60_000 + KILLS * 6_000,
  )
  afterAll(async () => {
    await gate?.kill()
    rmSync(dir, { recursive: true, force: true })
  })

  it('the load was real: decisions, strikes and reversals were answered', () => {
    expect(ledger.promises.length).toBeGreaterThan(KILLS * 5)
    expect(ledger.struck.length).toBeGreaterThan(KILLS)
    expect(ledger.reversed.size).toBeGreaterThan(0)
    expect(ledger.withCohosts).toBeGreaterThan(0)
  })

  it('after each restart a random strike, retry, stream key and stored fact held', () => {
    expect(ledger.broken).toEqual([])
    expect(ledger.asked).toBeGreaterThan(KILLS - 2)
  })

  it('every answer received is in the log at its index, exactly as answered', () => {
    const lost = ledger.promises.filter(({ index, leaf, jws }) => {
      const record = records.get(index)
      if (record === undefined || (jws !== null && record !== jws)) return true
      return toBase64Url(leafHash(utf8(record))) !== leaf
    })
    expect(lost).toEqual([])
  })

  it('a strike acknowledged before a kill still denies', () => {
    expect(stillDenied.length).toBeGreaterThan(0)
    expect(new Set(stillDenied)).toEqual(new Set(['deny']))
  })

  it('the published log passes the audit, with every chain opened and every record found where it was promised', async () => {
    const promised = join(dir, 'promised.jsonl')
    const lines = ledger.promises.flatMap(({ jws, index }) =>
      jws === null ? [] : [JSON.stringify({ record: jws, receipt: { index } })],
    )
    writeFileSync(promised, lines.join('\n'))
    const vkey = String((await call(gate, 'GET', '/log/vkey')).body).trim()
    const mirror = join(dir, 'mirror')
    await cli('log', 'mirror', `${gate.url}/log`, mirror, '--vkey', vkey)
    const report = JSON.parse(
      await cli(
        ...['log', 'audit', mirror, '--json', '--vkey', vkey],
        ...['--disclosures', disclosures, '--records', promised],
      ),
    ) as { readonly findings: unknown[]; readonly counts: { readonly entries: number } }
    expect(report.findings).toEqual([])
    expect(report.counts.entries).toBeGreaterThanOrEqual(records.size)
  })
})
