/**
 * Budget: a publish hook is answered in at most 1.2 times what the plain decision costs, in the same run.
 *
 * One gate on loopback, asked over HTTP by the same generator in turn (A B A B …, a second each) about the same people with
 * stored facts: the plain API, and the hook of nginx-rtmp with a stream key. Every start of the hook is a session of its own.
 * Processor time of the gate counts, because neighbours vary; rates are told beside it. A hook is idempotent in itself; a
 * plain decision that is so by an Idempotency-Key is told beside them.
 */
import { median, spread } from './figures.ts'
import { generateLoad, type Load, type Loaded } from './generator.ts'
import { CONNECTIONS, hookedGate, hookOf, publish, streamKeys } from './nginx-hook.ts'
import { ADMIN_KEY } from './processes.ts'

/** So many that each starts a handful of times in all: open broadcasts have their own cost. */
const PEOPLE = 12_000
const ROUNDS = 9
/** Turns of each in a round, and seconds of one: a machine that is slower for a while is so for all of them. */
const TURNS = 3
const SECONDS = 1
/** Answers in a second that this machine cannot give. */
const MOST = 5_000

const KINDS = ['plain', 'hook', 'keyed'] as const

/** `keyed`: with an Idempotency-Key. */
type Round = Readonly<Record<(typeof KINDS)[number], Answers>>

interface Answers {
  /** In a second. */
  readonly rate: number
  /** Processor time of one. */
  readonly cpu_us: number
}

const NOTHING = { answered: 0, cpu_us: 0 }

function each({ answered, cpu_us }: typeof NOTHING): Answers {
  return { rate: answered / (TURNS * SECONDS), cpu_us: cpu_us / answered }
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
    const loads = { plain, hook, keyed }
    for (const warm of Object.values(loads)) await warm(TURNS * SECONDS)
    const rounds: Round[] = []
    while (rounds.length < ROUNDS) {
      const sums = { plain: NOTHING, hook: NOTHING, keyed: NOTHING }
      for (let turn = 0; turn < TURNS; turn++)
        for (const which of KINDS) {
          const before = gate.cpuUs()
          const { answered } = await loads[which](SECONDS)
          const so_far = sums[which]
          const cpu_us = so_far.cpu_us + gate.cpuUs() - before
          sums[which] = { answered: so_far.answered + answered, cpu_us }
        }
      rounds.push({ plain: each(sums.plain), hook: each(sums.hook), keyed: each(sums.keyed) })
    }
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
    const middle = (of: (one: Answers) => number): string => median(all.map(of)).toFixed(0)
    return `${middle((one) => one.cpu_us)} µs, ${middle((one) => one.rate)}/s`
  }
  return `| cost of a hook answer against a plain decision (at most 1.20) | ${median(ratios).toFixed(2)} (${spread(ratios)}) | hook ${told('hook')}; plain ${told('plain')}, with an Idempotency-Key ${told('keyed')} |`
}

if (import.meta.main) for (const row of await benchHookRows()) console.log(row)
