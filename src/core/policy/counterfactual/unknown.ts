/**
 * Facts that are unknown and matter: what would be decided if one of them were known, each way. See ../counterfactual.ts.
 */
import type { Decision } from '../../model.ts'
import type { FactValue } from '../environment.ts'
import { valueAt } from '../vocabulary-facts.ts'
import { type Place, placesOf } from './facts.ts'
import { answerKey, answerOf, type Judge } from './judge.ts'
import type { Settle } from './types.ts'

export interface Settled {
  readonly settles: readonly Settle[]
  readonly complete: boolean
}

/** One entry for each unknown fact of a host. Facts of strikes have no ways: each strike has its own. */
export function settlingFacts(judge: Judge): Settled {
  const settles: Settle[] = []
  const places = new Map(
    placesOf(judge).map((place) => [`${place.host} ${place.choice.path}`, place]),
  )
  for (const [key, lack] of lacking(judge.decision)) {
    const place = places.get(key) ?? places.get(`0 ${lack.fact}`)
    const ways = place === undefined ? [] : waysOf(judge, { ...place, host: lack.host })
    if (ways === null) return { settles, complete: false }
    settles.push({ ...lack, rules: lack.rules.sort(), ways })
  }
  return { settles, complete: true }
}

interface Lack {
  readonly fact: string
  readonly host: number
  readonly rules: string[]
}

function lacking(decision: Decision): Map<string, Lack> {
  const found = new Map<string, Lack>()
  for (const { rule, host, facts } of decision.unknown)
    for (const fact of facts) {
      if (fact === 'evaluation_error') continue
      // What belongs to no host is lacking once.
      const owner = fact.startsWith('subject.') || fact.startsWith('strike.') ? host : 0
      const key = `${owner} ${fact}`
      const entry = found.get(key) ?? { fact, host: owner, rules: [] }
      if (!entry.rules.includes(rule)) entry.rules.push(rule)
      found.set(key, entry)
    }
  return found
}

/** Numbers and instants ascending, equal neighbours once; of other values the first for each answer. Null: no work left. */
function waysOf(judge: Judge, { choice, host }: Place): Settle['ways'] | null {
  const ways: { value: FactValue; answer: Settle['ways'][number]['answer'] }[] = []
  const told = new Set<string>()
  for (const value of valuesOf(judge, choice)) {
    const decision = judge.change({ kind: 'fact', host, fact: choice.path, from: null, to: value })
    if (decision === null) return null
    const key = answerKey(decision)
    const last = ways.at(-1)
    if (typeof value === 'number' ? last && answerKey(last.answer) === key : told.has(key)) continue
    told.add(key)
    ways.push({ value, answer: answerOf(decision) })
  }
  return ways
}

function valuesOf({ facts }: Judge, { boundaries }: Place['choice']): FactValue[] {
  const values = boundaries.flatMap((one) => {
    const value = valueAt(one, facts.at)
    return value === undefined ? [] : [value]
  })
  return values.every((value) => typeof value === 'number')
    ? values.sort((a, b) => (a as number) - (b as number))
    : values
}
