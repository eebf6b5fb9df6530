/**
 * Budget: a denied encoder that comes back costs at most a quarter of what denying it the first time cost.
 *
 * One gate on loopback, asked over the hook of nginx-rtmp by the same generator: 10,000 people with a strike that withdraws
 * Live, each with a stream key, come back again and again, every time as a new session, as encoders do that reconnect. In
 * turn with them (A B A B …) people with the same strike who have never asked are denied for the first time: signed and
 * durable in the log. Processor time of the gate counts, because neighbours vary, without that of waking its client. That no
 * round wrote a record for a reconnect is checked with the size of the log.
 */
import { median, spread } from './figures.ts'
import { generateLoad, type Loaded } from './generator.ts'
import { hookedGate, hookOf, type Measured, publish, streamKeys } from './nginx-hook.ts'
import { apiCall, type GateProcess } from './processes.ts'

const DENIED = 10_000
const ROUNDS = 5
/** First denials of one round. */
const FRESH = 2_000
const SECONDS = 3
/** Answers in a second that this machine cannot give. */
const MOST = 10_000

interface Round {
  readonly fresh: Measured
  readonly again: Measured
}

/** Rows of the bench table. */
export async function benchReconnectRows(): Promise<readonly string[]> {
  const gate = await hookedGate()
  try {
    const keys = await denyAll(gate, DENIED + FRESH * (ROUNDS + 1))
    let session = 0
    const load = (bodies: readonly string[], seconds: number): Promise<Loaded> =>
      generateLoad({ ...hookOf(gate), seconds, bodies, expect: '4', awake: true })
    const once = (from: number, count: number): Promise<Loaded> =>
      load(
        keys.slice(from, from + count).map((key) => publish(key, ++session)),
        Number.POSITIVE_INFINITY,
      )
    const again = (): Promise<Loaded> =>
      load(
        Array.from({ length: MOST * SECONDS }, (_, i) =>
          publish(keys[i % DENIED] ?? '', ++session),
        ),
        SECONDS,
      )
    // So often that everything is as it is after a minute of this.
    for (let i = 0; i < 4; i++) await once(0, DENIED)
    await once(DENIED, FRESH)
    await again()
    const rounds: Round[] = []
    for (let i = 1; i <= ROUNDS; i++) {
      const fresh = await measured(gate, FRESH, () => once(DENIED + i * FRESH, FRESH))
      rounds.push({ fresh, again: await measured(gate, 0, again) })
    }
    return [rowOf(rounds)]
  } finally {
    await gate.stop()
  }
}

async function measured(
  gate: GateProcess,
  records: number,
  load: () => Promise<Loaded>,
): Promise<Measured> {
  const [cpu, size] = [gate.cpuUs(), await logged(gate.url)]
  const loaded = await load()
  const cpu_us = (gate.cpuUs() - cpu) / loaded.answered
  const written = (await logged(gate.url)) - size
  if (written !== records) throw new Error(`${written} records were written, expected ${records}`)
  return { ...loaded, cpu_us }
}

/** Decisions that were made and not given again. */
async function logged(url: string): Promise<number> {
  const text = String(await apiCall(url, 'GET', '/metrics'))
  const counts = text.matchAll(/^livegate_decisions_total\{.*repeated="false".*\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** People with a strike that withdraws Live, and their stream keys. */
function denyAll(gate: GateProcess, people: number): Promise<readonly string[]> {
  const issued_at = new Date(Date.now() - 60_000).toISOString()
  const grave = { category: 'terrorism.link', severity: 'critical', issued_at }
  return streamKeys(gate, people, (subject, i) =>
    apiCall(gate.url, 'POST', `/v1/subjects/${subject}/strikes`, { id: `s${i}`, ...grave }),
  )
}

function rowOf(rounds: readonly Round[]): string {
  const ratios = rounds.map(({ fresh, again }) => again.cpu_us / fresh.cpu_us)
  const told = (which: keyof Round): string => {
    const middle = (of: (one: Measured) => number): string =>
      median(rounds.map((round) => of(round[which]))).toFixed(0)
    return `${middle((one) => one.cpu_us)} µs, ${middle((one) => one.rate)}/s`
  }
  return `| cost of a denied encoder that comes back against its first denial, 10,000 keys (at most 0.25) | ${median(ratios).toFixed(2)} (${spread(ratios)}) | again ${told('again')}; first ${told('fresh')} |`
}

if (import.meta.main) for (const row of await benchReconnectRows()) console.log(row)
