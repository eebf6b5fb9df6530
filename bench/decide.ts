/**
 * What one durable, signed, logged decision costs without HTTP: `gate.decide` over the real node store, 32 in flight.
 *
 * Prints wall time and CPU per decision. Not a budget of its own: the place to look when bench/http.ts misses its.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createScribe, logPolicy, writeFirstEntries } from '../src/adapters/node/bootstrap.ts'
import { hasDataDir } from '../src/adapters/node/data-dir.ts'
import { initNodeStore, type NodeStore, openNodeStore } from '../src/adapters/node/store.ts'
import { createSystemRandom, systemClock } from '../src/adapters/node/system.ts'
import { compilePolicy } from '../src/core/policy/compile.ts'
import { epochMs } from '../src/core/time.ts'
import type { ErasureDesk } from '../src/gate/erasure-desk.ts'
import { createGateWithDesk } from '../src/gate.ts'
import type { DecideRequest, Gate } from '../src/gate-types.ts'

const ROOT = resolve(import.meta.dirname, '..')
export const BENCH_ORIGIN = 'bench.example/log'
const IN_FLIGHT = 32
const SUBJECTS = 10_000

/** A gate over a store with the default policy in its log; creates what is not there. */
export async function benchGate(
  dir: string,
): Promise<{ gate: Gate; erasure: ErasureDesk; store: NodeStore }> {
  const random = createSystemRandom()
  const clock = systemClock
  const scribeOf = (store: Pick<NodeStore, 'log' | 'signer'>) =>
    createScribe({
      ...{ issuer: 'https://bench.example', log: store.log, signer: store.signer },
      ...{ clock, random },
    })
  if (!(await hasDataDir(dir)))
    await initNodeStore({
      ...{ dir, origin: BENCH_ORIGIN },
      bootstrap: (store) =>
        writeFirstEntries(scribeOf(store), { recordKey: store.recordJwk.x, vkey: store.vkey }),
    })
  const store = await openNodeStore({ dir })
  const bytes = new Uint8Array(readFileSync(join(ROOT, 'policies/default.yaml')))
  const compiled = compilePolicy(bytes, { file: 'default.yaml' })
  if (!compiled.ok) throw new TypeError('the default policy does not compile')
  const { plan } = compiled.value
  const scribe = scribeOf(store)
  await logPolicy(scribe, store.log, store.signer, bytes)
  const ports = {
    ...store,
    ...{ clock, random, observe: () => {} },
    after(delay_ms: number, fire: () => void) {
      const timer = setTimeout(fire, delay_ms)
      return () => clearTimeout(timer)
    },
    issuer: { kid: store.signer.kid, issue: scribe.issue },
    policies: { active: () => ({ plan, bytes }) },
    surroundings: { incident: () => ({ active: false }), platform: () => ({}) },
  }
  const { gate, erasure } = createGateWithDesk(ports, {}, (desk) => desk)
  if (erasure === null) throw new TypeError('the store can forget')
  return { gate, erasure, store }
}

/** The question bench/http.ts asks, about the i-th broadcast. */
export function benchQuestion(i: number, subject: string): DecideRequest {
  return {
    subject,
    stream: { id: `b${i}`, audience: 'public', category: 'irl' },
    request: { territory: 'FR', ingest: 'rtmp' },
    facts: { created_at: epochMs(1_577_836_800_000), followers: 120, labels: [] },
    supports: [],
    caller: 'bench',
  }
}

export interface DecideCost {
  readonly rate: number
  /** Microseconds of this process, all threads, per decision. */
  readonly cpu_us: number
  readonly main_us: number
}

/** Asks `total` times, 32 at a time. */
export async function decideCost(
  gate: Gate,
  total: number,
  subjectOf: (i: number) => string,
): Promise<DecideCost> {
  let asked = 0
  const one = async (): Promise<void> => {
    while (asked < total) {
      const i = asked++
      await gate.decide(benchQuestion(i, subjectOf(i)))
    }
  }
  const began = performance.now()
  const cpu = process.cpuUsage()
  const main = process.threadCpuUsage()
  await Promise.all(Array.from({ length: IN_FLIGHT }, one))
  const used = process.cpuUsage(cpu)
  const mine = process.threadCpuUsage(main)
  return {
    rate: (total / (performance.now() - began)) * 1000,
    cpu_us: (used.user + used.system) / total,
    main_us: (mine.user + mine.system) / total,
  }
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-decide-'))
  const { gate, store } = await benchGate(join(dir, 'data'))
  const subjectOf = (i: number): string => `u${i % SUBJECTS}`
  await decideCost(gate, 10_000, subjectOf)
  for (let i = 0; i < 3; i++) {
    const { rate, cpu_us, main_us } = await decideCost(gate, 20_000, subjectOf)
    console.log(
      `${rate.toFixed(0)} decisions/s, CPU ${cpu_us.toFixed(0)} µs each, main thread ${main_us.toFixed(0)} µs`,
    )
  }
  await store.close()
  rmSync(dir, { recursive: true, force: true })
}

if (import.meta.main) await main()
