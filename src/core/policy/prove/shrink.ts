/**
 * Takes away from the facts of a counterexample whatever it does not need, until nothing more can go.
 *
 * Greedy and deterministic: strikes, members of strikes, facts, co-hosts; then strikes are moved together and to round
 * instants. What is left still shows the same thing.
 */
import type { Facts, HostFacts, Strike } from '../../model.ts'
import { DAY_MS, epochMs, isEpochMs } from '../../time.ts'

/** The smallest facts reached for which `shows` still holds; it holds for `facts`. */
export function shrink(facts: Facts, shows: (facts: Facts) => boolean): Facts {
  let smallest = facts
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const next = [...smaller(smallest)].find(shows)
    if (next === undefined) return smallest
    smallest = next
  }
  return smallest
}

const MAX_STEPS = 2000

function* smaller(facts: Facts): Generator<Facts> {
  const [first, ...others] = facts.hosts
  if (others.length > 0) yield { ...facts, hosts: [first] }
  yield* fewer(facts, first)
  for (const group of ['stream', 'request', 'platform'] as const)
    for (const name of Object.keys(facts[group]))
      yield { ...facts, [group]: without(facts[group], name) }
  if (facts.incident.active) yield { ...facts, incident: { active: false } }
  for (const name of Object.keys(facts.incident))
    if (name !== 'active')
      yield { ...facts, incident: without(facts.incident, name) as Facts['incident'] }
  for (const name of Object.keys(first.facts))
    yield withFirst(facts, { facts: without(first.facts, name) })
  if (first.open_broadcasts > 0) yield withFirst(facts, { open_broadcasts: 0 })
  for (const strike of first.strikes)
    for (const plain of plainer(strike)) yield replaced(facts, plain)
}

/** Halves first, so that a thousand strikes go quickly. */
function* fewer(facts: Facts, { strikes }: HostFacts): Generator<Facts> {
  const half = Math.ceil(strikes.length / 2)
  if (strikes.length > 2) {
    yield withFirst(facts, { strikes: strikes.slice(half) })
    yield withFirst(facts, { strikes: strikes.slice(0, half) })
  }
  for (let i = 0; i < strikes.length; i++)
    yield withFirst(facts, { strikes: strikes.filter((_, k) => k !== i) })
}

const EXTRAS = ['expires_at', 'content_created_at', 'context', 'source', 'notified_at'] as const

function* plainer(strike: Strike): Generator<Strike> {
  for (const name of EXTRAS) if (strike[name] !== undefined) yield without(strike, name) as Strike
  if (strike.weight !== 1) yield { ...strike, weight: 1 }
  if (strike.scope !== 'any') yield { ...strike, scope: 'any' }
  const round = Math.floor(strike.effective_at / DAY_MS) * DAY_MS
  if (round !== strike.effective_at && isEpochMs(round))
    yield { ...strike, effective_at: epochMs(round), issued_at: epochMs(round) }
}

function replaced(facts: Facts, strike: Strike): Facts {
  const strikes = facts.hosts[0].strikes.map((other) => (other.id === strike.id ? strike : other))
  return withFirst(facts, { strikes })
}

/** The facts with members of the asking subject exchanged. */
export function withFirst(facts: Facts, change: Partial<HostFacts>): Facts {
  const [first, ...others] = facts.hosts
  return { ...facts, hosts: [{ ...first, ...change }, ...others] }
}

function without(value: object, name: string): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
}
