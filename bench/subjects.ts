/**
 * Budget: a decision costs the same (within 15 %) whether ten thousand or a million subjects are stored, in less than
 * 300 MiB, and a gate over a million records starts in less than a second.
 *
 * Each data directory is filled through the store's own SQL, one record a subject, and published in real rounds; then
 * processes of their own ask about random subjects, in turn (A B A B …). CPU counts, because disks and neighbours vary.
 */
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataPaths } from '../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../src/adapters/node/node-sql.ts'
import { openNodeStore } from '../src/adapters/node/store.ts'
import { createEntries } from '../src/adapters/sqlite/entries.ts'
import { applyChange } from '../src/adapters/sqlite/ledger.ts'
import { createSubjects } from '../src/adapters/sqlite/subjects.ts'
import { toBase64Url, utf8 } from '../src/core/encoding.ts'
import { epochMs } from '../src/core/time.ts'
import type { Change, SignedRecord } from '../src/ports.ts'
import { BENCH_ORIGIN, benchGate, decideCost } from './decide.ts'
import { median, spread } from './figures.ts'
import { START_FLAGS } from './start-flags.ts'

const FEW = 10_000
const MANY = 1_000_000
const PAIRS = 3
const DECISIONS = 30_000
const BATCH = 5_000
const FILLED_AT = epochMs(Date.UTC(2026, 0, 1))

interface Measured {
  readonly start_ms: number
  readonly cpu_us: number
  readonly rate: number
  readonly rss_mib: number
}

/** A new data directory with `count` subjects, each with one record in the published log. */
async function fill(dir: string, count: number): Promise<void> {
  const { store } = await benchGate(dir)
  await store.close()
  const sql = openNodeSql(dataPaths(dir).database)
  const entries = createEntries(sql, BENCH_ORIGIN)
  const subjects = createSubjects(sql)
  const unused = (): Promise<never> => Promise.reject(new TypeError('nothing is queued here'))
  const writer = { write: unused, writeLater: unused, follow: () => {} }
  for (let from = 0; from < count; from += BATCH) {
    sql.transaction(() => {
      for (let i = from; i < Math.min(count, from + BATCH); i++)
        applyChange({ sql, writer, entries, subjects }, firstRecord(`u${i}`))
    })
    entries.committed()
    subjects.committed()
    sql.checkpoint()
  }
  sql.close()
  const filled = await openNodeStore({ dir, roundIntervalMs: 3_600_000 })
  while (await filled.publish());
  await filled.close()
}

/** The first record of a subject; no real JWS, which only readers of the log would notice. */
function firstRecord(subject: string): Change {
  const id = toBase64Url(randomBytes(16))
  const jws = `e30.${toBase64Url(utf8(JSON.stringify({ jti: id, sub: subject })))}.c2ln`
  const leaf = createHash('sha256').update('\0').update(jws).digest()
  const record: SignedRecord = { id, kind: 'decision', jws, leaf, openings: {} }
  return {
    subject,
    at: FILLED_AT,
    expect: { seq: 0, head: null, version: 0 },
    pseudonym: toBase64Url(randomBytes(16)),
    record,
    requires: [],
    bumps_version: false,
    decision: { outcome: 'allow', mode: null, rules: [], strikes: [] },
  }
}

/** What a process of its own finds. */
async function measureHere(dir: string, count: number): Promise<Measured> {
  const began = performance.now()
  const { gate, store } = await benchGate(dir)
  const start_ms = performance.now() - began
  const subjectOf = (): string => `u${Math.floor(Math.random() * count)}`
  await decideCost(gate, DECISIONS / 3, subjectOf)
  const { cpu_us, rate } = await decideCost(gate, DECISIONS, subjectOf)
  const rss_mib = process.memoryUsage.rss() / 2 ** 20
  await store.close()
  return { start_ms, cpu_us, rate, rss_mib }
}

function measure(dir: string, count: number): Measured {
  const args = [...START_FLAGS, import.meta.filename, 'measure', dir, String(count)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Measured
}

/** Rows of the bench table. */
export async function benchSubjectsRows(
  few: number = FEW,
  many: number = MANY,
): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-subjects-'))
  try {
    await fill(join(dir, 'few'), few)
    await fill(join(dir, 'many'), many)
    const pairs = Array.from({ length: PAIRS }, () => ({
      few: measure(join(dir, 'few'), few),
      many: measure(join(dir, 'many'), many),
    }))
    const ratios = pairs.map((pair) => pair.many.cpu_us / pair.few.cpu_us)
    const of = (name: keyof Measured): string =>
      `${median(pairs.map((p) => p.few[name])).toFixed(0)} and ${median(pairs.map((p) => p.many[name])).toFixed(0)}`
    return [
      `| CPU of a decision among ${many} subjects against ${few} | ${median(ratios).toFixed(2)} (${spread(ratios)}) | ${of('cpu_us')} µs, ${of('rate')}/s |`,
      `| resident memory with ${few} and ${many} subjects | ${of('rss_mib')} MiB | caches bound it |`,
      `| start with ${few} and ${many} records in the log | ${of('start_ms')} ms | cost does not grow with the log |`,
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const [command, dir = '', count = ''] = process.argv.slice(2)
  if (command === 'measure') console.log(JSON.stringify(await measureHere(dir, Number(count))))
  else if (command === 'fill') await fill(dir, Number(count))
  else for (const row of await benchSubjectsRows()) console.log(row)
}
