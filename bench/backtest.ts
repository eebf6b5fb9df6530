/**
 * `policy backtest` over a recorded log: decisions a second, what one costs, and what memory it takes.
 *
 * Accounts with none to twelve strikes under policies/default.yaml, replayed under a candidate that differs in one window;
 * once through the policy in force and once through the candidate, as the command does. Threads are started anew each time,
 * and their start is in the figure.
 * Budget: 50,000 decisions/s on two cores. Run: node bench/backtest.ts [decisions]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readDisclosures } from '../src/cli/log/disclosures.ts'
import { directorySource } from '../src/cli/log/source.ts'
import { runBacktest } from '../src/cli/policy/backtest-run.ts'
import { utf8 } from '../src/core/encoding.ts'
import {
  factsOf,
  LATER,
  type RecordedStep,
  recordedLog,
  writeRecorded,
} from '../tests/cli/a-recorded-log.ts'

export interface BacktestBench {
  readonly decisions: number
  readonly cores: number
  readonly per_second: number
  /** Processor time of one decision, all threads, microseconds: holds on a busy machine too. */
  readonly cpu_us: number
  /** Growth of the process over the run, MiB. */
  readonly memory_mib: number
}

const DAY = 86_400_000
const CATEGORIES = ['spam.bulk', 'harassment.bullying', 'terrorism.content', 'fraud.scam']

/** Makes a log of that many decisions in a temporary directory and replays it. */
export async function benchBacktest(decisions = 200_000): Promise<BacktestBench> {
  const dir = await mkdtemp(join(tmpdir(), 'livegate-backtest-'))
  try {
    const text = await readFile(resolve(import.meta.dirname, '../policies/default.yaml'), 'utf8')
    const steps: RecordedStep[] = [{ activate: utf8(text), from: LATER(0) }]
    for (let i = 0; i < decisions; i++) steps.push({ facts: someFacts(i) })
    await writeRecorded(dir, await recordedLog(steps))
    steps.length = 0
    const candidate = utf8(text.replace(/(ladder: \{ 1: )\d+/, '$18'))
    const runs = []
    for (let i = 0; i < 3; i++) runs.push(await replayed(dir, candidate, decisions))
    return runs.reduce((a, b) => (a.per_second > b.per_second ? a : b))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function someFacts(i: number): ReturnType<typeof factsOf> {
  const at = LATER(1000 * (i + 1))
  const strikes = Array.from({ length: (i * 7) % 13 }, (_, n) => ({
    effective_at: LATER(1000 * i - n * 20 * DAY),
    category: CATEGORIES[(i + n) % CATEGORIES.length] ?? 'spam.bulk',
  }))
  const facts = { created_at: LATER(-400 * DAY), followers: 5000, age_band: '18+' }
  return factsOf({ at, subject: i % 5000, strikes, facts, supports: ['broadcast_delay'] })
}

async function replayed(
  dir: string,
  candidate: Uint8Array,
  decisions: number,
): Promise<BacktestBench> {
  const memory = process.memoryUsage().rss
  const cpu = process.cpuUsage()
  const started = performance.now()
  const report = await runBacktest({
    recorded: {
      logs: [directorySource(join(dir, 'log'), 'log')],
      disclosures: () => readDisclosures(join(dir, 'disclosures.jsonl')),
    },
    ...{ candidate, activated_at: null, from: null, to: null, rule: null, count_lacking: false },
    signal: new AbortController().signal,
    onStart: () => () => undefined,
  })
  const took = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  if (report.compared.decisions !== decisions || report.unchecked > 0)
    throw new Error(`the bench replayed ${report.compared.decisions} of ${decisions}`)
  return {
    ...{ decisions, cores: availableParallelism() },
    per_second: Math.round((decisions * 1000) / took),
    cpu_us: Math.round((10 * (user + system)) / decisions) / 10,
    memory_mib: Math.round((process.memoryUsage().rss - memory) / 2 ** 20),
  }
}

/** As rows of the table in bench/main.ts. */
export async function benchBacktestRows(): Promise<readonly string[]> {
  const { per_second, cpu_us, memory_mib, decisions, cores } = await benchBacktest()
  return [
    `| policy backtest, both policies, ${decisions} decisions (budget 50,000/s) | ${per_second} decisions/s, ${cpu_us} µs of processor each, ${memory_mib} MiB | ${cores} cores |`,
  ]
}

if (import.meta.main)
  console.log(JSON.stringify(await benchBacktest(Number(process.argv[2] ?? 200_000)), null, 2))
