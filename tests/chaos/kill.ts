/**
 * The kill test: under load, kill -9 at random instants, restart, and hold the gate to every promise it made.
 *
 * Promises held: every answer ever received 2xx is in the log at its index exactly as answered; every subject's chain is
 * gap-free; a strike acknowledged before the kill still denies; stored facts, bound stream keys and answers under an
 * Idempotency-Key are still there; the audit of the published log finds nothing. Instants come from a seed that is
 * printed, so a failure can be repeated. What is asked after each restart: promises.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { call, type ServerProcess } from '../support/server.ts'
import { afterRestart, type Ledger, promised } from './promises.ts'

/** A small seeded generator (mulberry32): tests only. */
export function seeded(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const SUBJECTS = 40
const WORKERS = 12
/** Longest time between start and kill: several rounds of the log fall into it. */
const MAX_LIFE_MS = 1_200
/** On average a life makes so many promises and strikes, also on a machine with little time for it. */
const PROMISES = 6
const STRIKES = 2
const LONGEST_LIFE_MS = 10_000

/** One worker's view of a life. */
interface Work {
  readonly server: ServerProcess
  readonly ledger: Ledger
  readonly random: () => number
  readonly worker: number
}

/** Starts, checks what was promised before, loads, kills once. Answers received before the kill go into the ledger. */
export async function oneLife(
  start: () => Promise<ServerProcess>,
  ledger: Ledger,
  random: () => number,
): Promise<void> {
  const server = await start()
  await afterRestart(server, ledger, random)
  let alive = true
  const workers = Array.from({ length: WORKERS }, (_unused, worker) =>
    load({ server, ledger, random, worker }, () => alive),
  )
  ledger.lives++
  await sleep(50 + random() * MAX_LIFE_MS)
  for (let waited = 0; isBehind(ledger) && waited < LONGEST_LIFE_MS; waited += 5) await sleep(5)
  await server.kill()
  alive = false
  await Promise.all(workers)
}

/** Too little would be asked of the restarts. */
function isBehind({ lives, promises, struck }: Ledger): boolean {
  return promises.length <= PROMISES * lives || struck.length <= STRIKES * lives
}

const SHARES: readonly (readonly [upTo: number, act: (work: Work) => Promise<void>])[] = [
  [0.45, decide],
  [0.6, decideOnce],
  [0.7, decideWithCohosts],
  [0.85, strike],
  [0.9, putFacts],
  [0.95, bindKey],
  [1, reverse],
]

async function load(work: Work, alive: () => boolean): Promise<void> {
  while (alive()) {
    try {
      const dice = work.random()
      const [, act] = SHARES.find(([upTo]) => dice < upTo) ?? [1, decide]
      await act(work)
    } catch {
      // The connection died with the process: nothing was promised.
      if (!alive()) return
      await sleep(5)
    }
  }
}

const FACTS = { created_at: '2020-01-01T00:00:00Z' }

function someone(random: () => number): string {
  return `u${Math.floor(random() * SUBJECTS)}`
}

function aStream(random: () => number): { readonly id: string } {
  return { id: `b${Math.floor(random() * 1e9)}` }
}

async function decide({ server, ledger, random }: Work): Promise<void> {
  const body = { subject: someone(random), stream: aStream(random), facts: FACTS }
  promised(ledger, await call(server, 'POST', '/v1/decisions', body))
}

/** Under an Idempotency-Key, so that it can be asked again after the kill. */
async function decideOnce({ server, ledger, random }: Work): Promise<void> {
  const key = `k${ledger.made++}`
  const body = { subject: someone(random), stream: aStream(random), facts: FACTS }
  const answer = await call(server, 'POST', '/v1/decisions', body, { 'idempotency-key': key })
  if (promised(ledger, answer))
    ledger.once.push({ key, body, id: (answer.body as { id: string }).id })
}

async function decideWithCohosts({ server, ledger, random }: Work): Promise<void> {
  const hosts = [1, 2].map(() => ({ subject: someone(random), facts: FACTS }))
  const stream = { ...aStream(random), hosts }
  const body = { subject: someone(random), stream, facts: FACTS }
  const answer = await call(server, 'POST', '/v1/decisions', body)
  if (promised(ledger, answer)) ledger.withCohosts++
}

async function strike({ server, ledger, random }: Work): Promise<void> {
  const subject = someone(random)
  const id = `s${ledger.made++}-${Math.floor(random() * 1e9)}`
  const { status, body } = await call(server, 'POST', `/v1/subjects/${subject}/strikes`, {
    ...{ id, category: 'terrorism.link', severity: 'high' },
    issued_at: new Date().toISOString(),
  })
  if (status !== 201) return
  const { receipt } = body as { receipt: { index: number; leaf: string } }
  ledger.promises.push({ ...receipt, jws: null })
  ledger.struck.push({ subject, strike: id })
}

/** Each worker has a subject of its own here, so that its numbers of followers arrive in order. */
async function putFacts({ server, ledger, worker }: Work): Promise<void> {
  const subject = `f${worker}`
  const followers = ledger.made++
  const facts = { followers, verified: true }
  const { status } = await call(server, 'PUT', `/v1/subjects/${subject}/facts`, { facts })
  if (status === 200) ledger.followers.set(subject, followers)
}

async function bindKey({ server, ledger, random }: Work): Promise<void> {
  const subject = someone(random)
  const key = `stream-key-of-a-test-${ledger.made++}`
  const { status } = await call(server, 'POST', '/v1/stream-keys', { subject, key })
  if (status === 201) ledger.keys.push({ subject, key })
}

async function reverse({ server, ledger, random, worker }: Work): Promise<void> {
  const target = ledger.struck[Math.floor(random() * ledger.struck.length)]
  if (target === undefined) return
  // Even an unanswered reversal may have happened, so the subject no longer has to be denied.
  ledger.reversed.add(target.strike)
  const { status, body } = await call(server, 'POST', `/v1/strikes/${target.strike}/reversal`, {
    reason: `appeal upheld by worker ${worker}`,
  })
  const receipt = (body as { receipt?: { index: number; leaf: string } | null }).receipt
  if (status < 300 && receipt !== null && receipt !== undefined)
    ledger.promises.push({ ...receipt, jws: null })
}
