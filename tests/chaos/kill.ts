/**
 * The kill test: under load, kill -9 at random instants, restart, and hold the gate to every promise it made.
 *
 * Promises held: every answer ever received 2xx is in the log at its index exactly as answered; every subject's chain is
 * gap-free; a strike acknowledged before the kill still denies; the audit of the published log finds nothing. Instants
 * come from a seed that is printed, so a failure can be repeated.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { call, type ServerProcess, startServer } from '../support/server.ts'

export interface Promise2xx {
  readonly index: number
  readonly leaf: string
  /** Compact JWS where the answer carried one (decisions). */
  readonly jws: string | null
}

export interface Struck {
  readonly subject: string
  readonly strike: string
}

export interface Ledger {
  readonly promises: Promise2xx[]
  readonly struck: Struck[]
  readonly reversed: Set<string>
  strikes: number
}

export function emptyLedger(): Ledger {
  return { promises: [], struck: [], reversed: new Set(), strikes: 0 }
}

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
const MAX_LIFE_MS = 1_400

/** Starts, loads, kills once. Answers received before the kill are added to the ledger. */
export async function oneLife(data: string, ledger: Ledger, random: () => number): Promise<void> {
  const server = await startServer({ data, args: ['--log-level', 'silent'] })
  let alive = true
  const workers = Array.from({ length: WORKERS }, (_unused, worker) =>
    work(server, ledger, random, worker, () => alive),
  )
  await sleep(50 + random() * MAX_LIFE_MS)
  await server.kill()
  alive = false
  await Promise.all(workers)
}

async function work(
  server: ServerProcess,
  ledger: Ledger,
  random: () => number,
  worker: number,
  alive: () => boolean,
): Promise<void> {
  while (alive()) {
    try {
      const dice = random()
      if (dice < 0.75) await decide(server, ledger, random)
      else if (dice < 0.95) await strike(server, ledger, random)
      else await reverse(server, ledger, random, worker)
    } catch {
      // The connection died with the process: nothing was promised.
      if (!alive()) return
      await sleep(5)
    }
  }
}

const CREATED = '2020-01-01T00:00:00Z'

async function decide(server: ServerProcess, ledger: Ledger, random: () => number): Promise<void> {
  const subject = `u${Math.floor(random() * SUBJECTS)}`
  const { status, body } = await call(server, 'POST', '/v1/decisions', {
    subject,
    stream: { id: `b${Math.floor(random() * 1e9)}` },
    facts: { created_at: CREATED },
  })
  if (status !== 200) return
  const { record, receipt } = body as { record: string; receipt: { index: number; leaf: string } }
  ledger.promises.push({ ...receipt, jws: record.split('~')[0] ?? null })
}

async function strike(server: ServerProcess, ledger: Ledger, random: () => number): Promise<void> {
  const subject = `u${Math.floor(random() * SUBJECTS)}`
  const id = `s${ledger.strikes++}-${Math.floor(random() * 1e9)}`
  const { status, body } = await call(server, 'POST', `/v1/subjects/${subject}/strikes`, {
    id,
    category: 'terrorism.link',
    severity: 'high',
    issued_at: new Date().toISOString(),
  })
  if (status !== 201) return
  const { receipt } = body as { receipt: { index: number; leaf: string } }
  ledger.promises.push({ ...receipt, jws: null })
  ledger.struck.push({ subject, strike: id })
}

async function reverse(
  server: ServerProcess,
  ledger: Ledger,
  random: () => number,
  worker: number,
): Promise<void> {
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
