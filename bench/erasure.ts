/**
 * Budget: a subject with 10,000 records is erased, to the last byte in any file, in less than 2 s while decisions go on.
 *
 * Real decisions, signed and logged, fill the chain; then decisions about others are asked without pause, first alone, then
 * beside the erasure. What they wait for is the figure beside it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Gate } from '../src/gate-types.ts'
import { benchGate, benchQuestion } from './decide.ts'
import { median, spread } from './figures.ts'

const RECORDS = 10_000
const RUNS = 3
const IN_FLIGHT = 8
const ALONE_MS = 2_000

/** Decisions about others until it is told to stop; how long each waited. */
function askOn(gate: Gate): { stop(): Promise<readonly number[]> } {
  const waits: number[] = []
  let stopped = false
  let asked = 0
  const asking = Array.from({ length: IN_FLIGHT }, async () => {
    while (!stopped) {
      const i = asked++
      const began = performance.now()
      await gate.decide(benchQuestion(i, `other-${i % 1_000}`))
      waits.push(performance.now() - began)
    }
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(asking)
      return waits
    },
  }
}

async function fill(gate: Gate, subject: string): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next++ < RECORDS) await gate.decide(benchQuestion(0, subject))
  }
  // In the subject's turn anyway: a few in flight keep the queue filled.
  await Promise.all(Array.from({ length: 4 }, one))
}

interface Run {
  readonly done_ms: number
  readonly alone: readonly number[]
  readonly beside: readonly number[]
}

async function run(dir: string): Promise<Run> {
  const { gate, erasure, store } = await benchGate(dir)
  try {
    const subject = 'erased'
    await fill(gate, subject)
    const before = askOn(gate)
    await new Promise((go) => setTimeout(go, ALONE_MS))
    const alone = await before.stop()
    const during = askOn(gate)
    const began = performance.now()
    let { state } = await erasure.erase({ subject, scope: 'subject', basis: 'bench' })
    while (state === 'pending')
      ({ state } = await erasure.erase({ subject, scope: 'subject', basis: 'bench' }))
    const done_ms = performance.now() - began
    const beside = await during.stop()
    if (state !== 'done') throw new TypeError(`expected an erasure that is done, not ${state}`)
    return { done_ms, alone, beside }
  } finally {
    await store.close()
  }
}

function percentile(waits: readonly number[], share: number): number {
  const sorted = [...waits].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Rows of the bench table. */
export async function benchErasureRows(): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-erasure-'))
  try {
    const runs: Run[] = []
    for (let i = 0; i < RUNS; i++) runs.push(await run(join(dir, String(i))))
    const seconds = runs.map(({ done_ms }) => done_ms / 1000)
    const of = (name: 'alone' | 'beside', share: number): string =>
      median(runs.map((one) => percentile(one[name], share))).toFixed(0)
    const waits = `p99 of decisions ${of('alone', 0.99)} ms alone, ${of('beside', 0.99)} ms beside it (longest ${of('beside', 1)} ms)`
    return [
      `| erasure of a subject with ${RECORDS} records, to the last byte, s | ${median(seconds).toFixed(2)} (${spread(seconds)}) | ${waits} |`,
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

if (import.meta.main) for (const row of await benchErasureRows()) console.log(row)
