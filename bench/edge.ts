/**
 * `npm run bench:edge`. Budget: decisions for 1,000 different subjects at 32 connections reach at least half the rate of
 * a bare Worker with one Durable Object per subject that parses, signs once and inserts one row; from answer to published
 * checkpoint takes less than 3 s (p99).
 *
 * Both run under plain `workerd serve` with objects on disk, loaded in turn (A B A B …) by the same generator on the same
 * cores; only the ratio is quoted. Then what one decision makes durable: records that shared an insert of the log, and
 * commits to disk, counted by perf where it is installed. Last, how long an erasure takes beside that load.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorker, ROOT } from '../scripts/edge/bundle.ts'
import { newSecrets } from '../scripts/edge/secrets.ts'
import { compatibilityOf, writeSelfHost } from '../scripts/edge/self-host.ts'
import { startWorkerd, type Workerd } from '../scripts/edge/workerd.ts'
import { workerdConfig } from '../scripts/edge/workerd-config.ts'
import { eraseBeside } from './edge-erasure.ts'
import { promisesToCheckpoint } from './edge-promises.ts'
import { cpuMs, startCpuMs } from './edge-start.ts'
import { countSyncs } from './edge-syncs.ts'
import { load, type Target } from './edge-target.ts'
import { median, spread } from './figures.ts'
import type { Loaded } from './generator.ts'

const PAIRS = 9
/** Short, so that no object is idle for the ten seconds after which workerd puts it away. */
const SECONDS = 2
/** Until objects that fell asleep while the other was warmed up are awake again. */
const PAIRS_BEFORE = 4
/** Every subject has asked before: the first time its database is made. */
const WARM_UP_SECONDS = 15
const JSON_BODY = { 'content-type': 'application/json' }

/** A server of the bench, with its process. */
interface Served {
  readonly target: Target
  readonly workerd: Workerd
}

/** How to start one, again and again. */
interface Side {
  readonly target: Pick<Target, 'name' | 'path' | 'headers'>
  readonly start: (data: string) => Promise<Workerd>
}

async function floorSide(dir: string): Promise<Side> {
  const toml = join(ROOT, 'bench/edge-floor/wrangler.toml')
  const bundle = await bundleWorker({ config: toml, outdir: join(dir, 'floor') })
  const config = join(dir, 'floor.capnp')
  const objects = [{ binding: 'FLOOR', class_name: 'FloorObject' }]
  const workers = [{ name: 'floor', modules: bundle.modules, objects, bindings: [] }]
  writeFileSync(config, workerdConfig({ ...compatibilityOf(readFileSync(toml, 'utf8')), workers }))
  return {
    target: { name: 'bare floor', path: '/', headers: JSON_BODY },
    start: (data) => startWorkerd({ config, data: join(dir, data) }),
  }
}

async function gateSide(dir: string): Promise<Side> {
  const { config } = await writeSelfHost(join(dir, 'livegate'))
  const secrets = newSecrets()
  const env = {
    ...secrets,
    LIVEGATE_ORIGIN: 'bench.example/log',
    LIVEGATE_ISSUER: 'https://bench.example',
    LIVEGATE_CREATE_LOG: 'true',
    LIVEGATE_RATE: '9999999',
    LIVEGATE_LOG_LEVEL: 'error',
  }
  const headers = { ...JSON_BODY, authorization: `Bearer ${secrets.LIVEGATE_ADMIN_KEY}` }
  return {
    target: { name: 'livegate', path: '/v1/decisions', headers },
    start: (data) => startWorkerd({ config, data: join(dir, data), env }),
  }
}

async function served({ target, start }: Side): Promise<Served> {
  const workerd = await start(`data-${target.name.replaceAll(' ', '-')}`)
  return { workerd, target: { ...target, url: workerd.url } }
}

/** With processor time of the server for each answer, which what else runs on the machine disturbs less than it does rates. */
interface Measured extends Loaded {
  readonly cpu_ms: number
}

interface Pair {
  readonly gate: Measured
  readonly floor: Measured
}

async function measure({ target, workerd }: Served): Promise<Measured> {
  const before = cpuMs(workerd.pid)
  const loaded = await load(target, SECONDS)
  return { ...loaded, cpu_ms: (cpuMs(workerd.pid) - before) / loaded.answered }
}

async function pairs(gate: Served, other: Served): Promise<readonly Pair[]> {
  const measured: Pair[] = []
  for (let i = 0; i < PAIRS_BEFORE + PAIRS; i++)
    measured.push({ gate: await measure(gate), floor: await measure(other) })
  return measured.slice(PAIRS_BEFORE)
}

function rateRows(measured: readonly Pair[]): readonly string[] {
  const of = (which: keyof Pair, what: keyof Measured): number =>
    median(measured.map((pair) => pair[which][what]))
  const ratios = measured.map((pair) => pair.gate.rate / pair.floor.rate)
  const side = (which: keyof Pair): string =>
    `${of(which, 'rate').toFixed(0)}/s, p50 ${of(which, 'p50_ms')} ms, p99 ${of(which, 'p99_ms')} ms`
  const cpu = measured.map((pair) => pair.gate.cpu_ms / pair.floor.cpu_ms)
  const cost = (which: keyof Pair): string => `${of(which, 'cpu_ms').toFixed(2)} ms`
  return [
    `| decisions against the bare floor | ${median(ratios).toFixed(2)} (${spread(ratios)}) | livegate ${side('gate')}; floor ${side('floor')} |`,
    `| processor time a decision against the bare floor | ${median(cpu).toFixed(2)} (${spread(cpu)}) | livegate ${cost('gate')}; floor ${cost('floor')} |`,
  ]
}

/** Records and inserts of the log since its object woke. */
async function logCounts({ target: { url, headers } }: Served): Promise<{
  readonly inserts: number
  readonly inserted: number
}> {
  const text = await (await fetch(`${url}/metrics`, { headers: { ...headers } })).text()
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    )
  return {
    inserts: sum('livegate_log_inserts_total'),
    inserted: sum('livegate_log_inserted_total'),
  }
}

/** Rows of the bench table. */
export async function benchEdge(): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-edge-'))
  const servers: Served[] = []
  try {
    const sides = { gate: await gateSide(dir), floor: await floorSide(dir) }
    const gate = await served(sides.gate)
    servers.push(gate)
    const other = await served(sides.floor)
    servers.push(other)
    for (const server of [other, gate]) await load(server.target, WARM_UP_SECONDS)
    const rows = [...rateRows(await pairs(gate, other))]
    const before = await logCounts(gate)
    const promises = await promisesToCheckpoint(gate.target, () => load(gate.target, SECONDS))
    const after = await logCounts(gate)
    const inserted = after.inserted - before.inserted
    const inserts = after.inserts - before.inserts
    rows.push(
      `| records an insert of the log | ${(inserted / inserts).toFixed(1)} | ${inserted} records in ${inserts} inserts |`,
      `| answer to published checkpoint | p99 ${promises.p99_ms.toFixed(0)} ms | p50 ${promises.p50_ms.toFixed(0)} ms, ${promises.count} promises followed under load |`,
    )
    for (const server of [gate, other]) {
      // Awake again, so that it is decisions that are counted.
      await load(server.target, 2 * SECONDS)
      rows.push(await syncRow(server))
    }
    rows.push(await startRow(sides.gate, sides.floor))
    rows.push(await erasureRow(gate))
    return rows
  } finally {
    for (const { workerd } of servers) await workerd.stop()
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

async function syncRow({ workerd, target: of }: Served): Promise<string> {
  const counted = await countSyncs(workerd.pid, () => load(of, SECONDS))
  if (counted === null)
    return `| commits to disk a decision, ${of.name} | – | perf cannot count here |`
  const { syncs, result } = counted
  const { answered } = result
  return `| commits to disk a decision, ${of.name} | ${(syncs / answered).toFixed(2)} | ${syncs} fdatasync and fsync, ${answered} answers |`
}

async function erasureRow({ target }: Served): Promise<string> {
  const { records, took_ms, asked } = await eraseBeside(target)
  return `| erasure of a subject with ${records} records while others are decided about, s (at most 2) | ${(took_ms / 1000).toFixed(2)} | asked for ${asked} times |`
}

async function startRow(gate: Side, floor: Side): Promise<string> {
  const ours = await startCpuMs(() => gate.start('data-start'), '/healthz')
  const theirs = await startCpuMs(() => floor.start('data-start-floor'), '/')
  return `| processor time to start an isolate | ${ours - theirs} ms | ${ours} ms for a process until its first answer, ${theirs} ms of that in the bare floor, too |`
}

if (import.meta.main) {
  const rows = await benchEdge()
  console.log(
    `\n${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores shared with the load generator, Node ${process.versions.node}\n`,
  )
  console.log('| what | ratio or figure (min–max) | beside it |\n|---|---|---|')
  for (const row of rows) console.log(row)
}
