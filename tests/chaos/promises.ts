/**
 * What a gate promised before it was killed, and what one asks it first after a restart.
 *
 * A promise that does not hold becomes a sentence in `broken`. One random promise of each kind is asked for after each
 * restart, so that the check costs a handful of requests.
 */
import { call, type ServerProcess } from '../support/server.ts'

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

/** A decision under an Idempotency-Key; `id` is its newest record. */
export interface Once {
  readonly key: string
  readonly body: object
  id: string
}

export interface Ledger {
  readonly promises: Promise2xx[]
  readonly struck: Struck[]
  readonly reversed: Set<string>
  readonly once: Once[]
  readonly keys: { readonly subject: string; readonly key: string }[]
  /** Newest acknowledged number by subject; they only grow. */
  readonly followers: Map<string, number>
  /** Promises that did not hold after a restart. */
  readonly broken: string[]
  /** Promises asked for after restarts. */
  asked: number
  withCohosts: number
  /** Names given out so far. */
  made: number
  /** Times it was started and killed. */
  lives: number
}

export function emptyLedger(): Ledger {
  return {
    ...{ promises: [], struck: [], reversed: new Set(), once: [], keys: [] },
    ...{ followers: new Map(), broken: [], asked: 0, withCohosts: 0, made: 0, lives: 0 },
  }
}

type Called = Awaited<ReturnType<typeof call>>

/** Notes a decision that was answered; false when it was not. */
export function promised(ledger: Ledger, { status, body }: Called): boolean {
  if (status !== 200) return false
  const { record, receipt } = body as { record: string; receipt: { index: number; leaf: string } }
  ledger.promises.push({ ...receipt, jws: record.split('~')[0] ?? null })
  return true
}

type Check = (server: ServerProcess, ledger: Ledger, random: () => number) => Promise<string | null>

/** Asks for one random promise of each kind. */
export async function afterRestart(
  server: ServerProcess,
  ledger: Ledger,
  random: () => number,
): Promise<void> {
  for (const check of [stillDenies, answersOnce, keyIsBound, factsAreThere]) {
    const broken = await check(server, ledger, random)
    if (broken !== null) ledger.broken.push(broken)
  }
}

function one<T>(ledger: Ledger, all: readonly T[], random: () => number): T | undefined {
  const chosen = all[Math.floor(random() * all.length)]
  if (chosen !== undefined) ledger.asked++
  return chosen
}

const stillDenies: Check = async (server, ledger, random) => {
  const held = ledger.struck.filter(({ strike }) => !ledger.reversed.has(strike))
  const struck = one(ledger, held, random)
  if (struck === undefined) return null
  const facts = { created_at: '2020-01-01T00:00:00Z' }
  const answer = await call(server, 'POST', '/v1/decisions', { subject: struck.subject, facts })
  promised(ledger, answer)
  const { outcome } = answer.body as { outcome?: string }
  return outcome === 'deny' ? null : `${struck.subject} was struck and is answered ${outcome}`
}

/** The same key and body again: the same record, or one that says it supersedes that one. */
const answersOnce: Check = async (server, ledger, random) => {
  const once = one(ledger, ledger.once, random)
  if (once === undefined) return null
  const { key, body, id } = once
  const answer = await call(server, 'POST', '/v1/decisions', body, { 'idempotency-key': key })
  promised(ledger, answer)
  const { id: now, supersedes } = answer.body as { id?: string; supersedes?: string }
  if (answer.status !== 200 || now === undefined) return `retry ${key} is answered ${answer.status}`
  once.id = now
  return now === id || supersedes === id
    ? null
    : `retry ${key} of ${id} gave ${now}, which supersedes ${supersedes ?? 'nothing'}`
}

const keyIsBound: Check = async (server, ledger, random) => {
  const bound = one(ledger, ledger.keys, random)
  if (bound === undefined) return null
  const { status } = await call(server, 'POST', '/v1/stream-keys', { ...bound, subject: 'thief' })
  return status === 409 ? null : `a bound stream key could be bound again: ${status}`
}

const factsAreThere: Check = async (server, ledger, random) => {
  const put = one(ledger, [...ledger.followers], random)
  if (put === undefined) return null
  const [subject, followers] = put
  const { body } = await call(server, 'GET', `/v1/subjects/${subject}`)
  const { facts } = body as {
    facts?: { followers?: { value: number }; verified?: { value: boolean } }
  }
  // A larger number may have arrived without its answer getting out.
  const there = (facts?.followers?.value ?? -1) >= followers && facts?.verified?.value === true
  return there ? null : `${subject} had ${followers} followers, has ${facts?.followers?.value}`
}
