/**
 * Facts with one thing changed. See ../counterfactual.ts.
 */
import type { Facts, HostFacts, Strike, StrikeSource } from '../../model.ts'
import { knownNow, remember } from '../eligible.ts'
import type { FactValue } from '../environment.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan } from '../plan.ts'
import type { Change, NewStrike } from './types.ts'

/** The facts a claim is about: `evaluate(plan, applyChange(plan, facts, change))` is its answer. */
export function applyChange(plan: Plan, facts: Facts, change: Change): Facts {
  switch (change.kind) {
    case 'later':
      return { ...askedNow(plan, facts), at: change.at }
    case 'fact':
      return change.strike === null
        ? withFact(facts, change.host, change.fact, change.to)
        : withStrikeFact(facts, change.host, change.strike, [change.fact, change.to])
    case 'reversed':
      return withReversed(facts, change.host, change.strike)
    case 'struck':
      return withStrike(facts, change.strike)
  }
}

/** What is known now, with the holds that asking now opens. */
export function askedNow(plan: Plan, facts: Facts): Facts {
  const known = knownNow(facts)
  return remember(known, evaluate(plan, known), facts.at)
}

/** `path` of host `host`; facts that belong to no host are changed for all. `stream.hosts` cannot be set. */
export function withFact(facts: Facts, host: number, path: string, value: FactValue): Facts {
  const [root = '', member = ''] = path.split('.')
  if (path === 'subject.open_broadcasts')
    return withHost(facts, host, (one) => ({ ...one, open_broadcasts: value as number }))
  if (root === 'subject')
    return withHost(facts, host, (one) => ({ ...one, facts: { ...one.facts, [member]: value } }))
  const group = facts[root as 'stream']
  return { ...facts, [root]: { ...group, [member]: value } }
}

/** Facts of strikes that may be lacking, as members. */
const LACKING: Readonly<Record<string, (strike: Strike, value: string) => Strike>> = {
  'strike.context': (strike, context) => ({ ...strike, context }),
  'strike.source_kind': (strike, kind) => sourced(strike, { kind: kind as StrikeSource['kind'] }),
  'strike.source_system': (strike, system) => sourced(strike, { system }),
}

function sourced(strike: Strike, part: Partial<StrikeSource>): Strike {
  return { ...strike, source: { kind: 'human', system: 'unnamed', ...strike.source, ...part } }
}

function withStrikeFact(
  facts: Facts,
  host: number,
  id: string,
  [path, value]: readonly [path: string, value: FactValue],
): Facts {
  const change = LACKING[path]
  return change === undefined
    ? facts
    : withStrikes(facts, host, id, (strike) => change(strike, String(value)))
}

function withReversed(facts: Facts, host: number, id: string): Facts {
  return withStrikes(facts, host, id, (strike) => ({ ...strike, status: 'reversed' }))
}

function withStrikes(
  facts: Facts,
  host: number,
  id: string,
  change: (strike: Strike) => Strike,
): Facts {
  return withHost(facts, host, (one) => ({
    ...one,
    strikes: one.strikes.map((strike) => (strike.id === id ? change(strike) : strike)),
  }))
}

function withStrike(facts: Facts, strike: NewStrike): Facts {
  const { at } = facts
  return withHost(facts, 0, (one) => {
    const ids = new Set(one.strikes.map(({ id }) => id))
    let id = 'one-more'
    while (ids.has(id)) id += '+'
    const { subject } = one
    const more: Strike = {
      id,
      subject,
      ...strike,
      issued_at: at,
      effective_at: at,
      status: 'active',
    }
    return { ...one, strikes: [...one.strikes, more] }
  })
}

function withHost(facts: Facts, index: number, change: (host: HostFacts) => HostFacts): Facts {
  const [first, ...others] = facts.hosts.map((host, i) => (i === index ? change(host) : host))
  return first === undefined ? facts : { ...facts, hosts: [first, ...others] }
}
