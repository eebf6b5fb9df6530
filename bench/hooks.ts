/**
 * Budget: a publish hook is answered in at most 1.2 times what the plain decision costs, in the same run.
 *
 * One gate on loopback, asked over HTTP by the same generator in turn (A B A B …) about the same people with stored facts:
 * the plain API, and the hook of nginx-rtmp with a stream key. Every start of the hook is a session of its own.
 * Processor time of the gate counts, because neighbours vary; rates are told beside it. A hook is idempotent in itself; a
 * plain decision that is so by an Idempotency-Key is told beside them.
 */
import { median, spread } from './figures.ts'
import { generateLoad, type Load, type Loaded } from './generator.ts'
import {
  CONNECTIONS,
  hookedGate,
  hookOf,
  type Measured,
  publish,
  streamKeys,
} from './nginx-hook.ts'
import { ADMIN_KEY } from './processes.ts'

/** So many that nobody starts more than twice or so: open broadcasts have their own cost. */
const PEOPLE = 12_000
const ROUNDS = 9
const SECONDS = 3
/** Answers in a second that this machine cannot give. */
const MOST = 5_000

interface Round {
  readonly plain: Measured
  /** With an Idempotency-Key. */
  readonly keyed: Measured
  readonly hook: Measured
}

/** Rows of the bench table. */
export async function benchHookRows(): Promise<readonly string[]> {
  const gate = await hookedGate()
  try {
    const keys = await streamKeys(gate, PEOPLE)
    let [session, asked] = [0, 0]
    const plain = (seconds: number): Promise<Loaded> =>
      generateLoad({ ...api(gate.url, seconds), bodies: keys.map((_key, i) => question(i)) })
    // More than can be asked in the time, so that none is a repetition.
    const keyed = (seconds: number): Promise<Loaded> =>
      generateLoad({
        ...api(gate.url, seconds),
        bodies: Array.from({ length: MOST * seconds }, (_, i) => question(i % PEOPLE)),
        own: () => ({ 'idempotency-key': `k${++asked}` }),
      })
    const hook = (seconds: number): Promise<Loaded> =>
      generateLoad({
        ...hookOf(gate),
        seconds,
        bodies: Array.from({ length: MOST * seconds }, (_, i) =>
          publish(keys[i % keys.length] ?? '', ++session),
        ),
      })
    const measured = async (load: (seconds: number) => Promise<Loaded>): Promise<Measured> => {
      const before = gate.cpuUs()
      const loaded = await load(SECONDS)
      return { ...loaded, cpu_us: (gate.cpuUs() - before) / loaded.answered }
    }
    for (const warm of [plain, keyed, hook]) await warm(SECONDS)
    const rounds: Round[] = []
    for (let i = 0; i < ROUNDS; i++)
      rounds.push({
        plain: await measured(plain),
        hook: await measured(hook),
        keyed: await measured(keyed),
      })
    return [rowOf(rounds)]
  } finally {
    await gate.stop()
  }
}

function api(
  url: string,
  seconds: number,
): Pick<Load, 'url' | 'path' | 'connections' | 'seconds' | 'headers'> {
  return {
    ...{ url, path: '/v1/decisions', connections: CONNECTIONS, seconds },
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
  }
}

const question = (i: number): string =>
  JSON.stringify({
    subject: `u${i}`,
    stream: { id: `b${i}` },
    request: { ingest: 'rtmp' },
  })

function rowOf(rounds: readonly Round[]): string {
  const ratios = rounds.map(({ plain, hook }) => hook.cpu_us / plain.cpu_us)
  const told = (which: keyof Round): string => {
    const all = rounds.map((round) => round[which])
    const middle = (of: (one: Measured) => number): string => median(all.map(of)).toFixed(0)
    return `${middle((one) => one.cpu_us)} µs, ${middle((one) => one.rate)}/s`
  }
  return `| cost of a hook answer against a plain decision (at most 1.20) | ${median(ratios).toFixed(2)} (${spread(ratios)}) | hook ${told('hook')}; plain ${told('plain')}, with an Idempotency-Key ${told('keyed')} |`
}

if (import.meta.main) for (const row of await benchHookRows()) console.log(row)
