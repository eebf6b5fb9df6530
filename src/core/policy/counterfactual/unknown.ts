/**
 * Facts that are unknown and matter: what would be decided if one of them were known, each way. See ../counterfactual.ts.
 *
 * A fact of strikes (`strike.context`) is asked of each strike the answer relies on by itself.
 */
import { SOURCE_KINDS } from '../../model.ts'
import { FACTS, type FactValue } from '../environment.ts'
import { hostContext } from '../evaluate-rule.ts'
import { valueAt } from '../vocabulary-facts.ts'
import { placesOf } from './facts.ts'
import { answerKey, answerOf, type Judge } from './judge.ts'
import type { Settle } from './types.ts'

export interface Settled {
  readonly settles: readonly Settle[]
  /** False when the work ended before them. */
  readonly complete: boolean
  /** True when there are more than are listed. */
  readonly cut: boolean
}

/** Unknown facts listed: each strike may lack its own. */
export const MAX_SETTLES_LISTED = 32

/** One entry for each unknown fact of a host, or of a strike. */
export function settlingFacts(judge: Judge): Settled {
  const settles: Settle[] = []
  const all = lacking(judge)
  const cut = all.length > MAX_SETTLES_LISTED
  for (const lack of all.slice(0, MAX_SETTLES_LISTED)) {
    const ways = waysOf(judge, lack)
    if (ways === null) return { settles, complete: false, cut }
    settles.push({ ...lack, rules: lack.rules.sort(), ways })
  }
  return { settles, complete: true, cut }
}

interface Lack {
  readonly fact: string
  readonly host: number
  readonly strike: string | null
  readonly rules: string[]
}

function lacking(judge: Judge): Lack[] {
  const found = new Map<string, Lack>()
  for (const { rule, host, facts } of judge.decision.unknown)
    for (const fact of facts) {
      if (fact === 'evaluation_error') continue
      const ofStrike = fact.startsWith('strike.')
      // What belongs to no host is lacking once.
      const owner = ofStrike || fact.startsWith('subject.') ? host : 0
      for (const strike of ofStrike ? strikesWithout(judge, owner, fact) : [null]) {
        const key = `${owner} ${fact} ${strike ?? ''}`
        const entry = found.get(key) ?? { fact, host: owner, strike, rules: [] }
        if (!entry.rules.includes(rule)) entry.rules.push(rule)
        found.set(key, entry)
      }
    }
  return [...found.values()]
}

/** Strikes that reasons rely on and that lack the fact. */
function strikesWithout({ plan, facts, decision }: Judge, index: number, path: string): string[] {
  const host = facts.hosts[index]
  const fact = FACTS.get(path)
  if (host === undefined || fact === undefined) return []
  const { scope } = hostContext(plan, facts, index, { ...host, strikes: [] })
  const named = new Set(
    decision.reasons.flatMap((reason) => (reason.host === index ? reason.strikes : [])),
  )
  const without = host.strikes.filter(
    (strike) => named.has(strike.id) && fact.read(scope, strike) === undefined,
  )
  return [...new Set(without.map(({ id }) => id))]
}

/** Numbers and instants ascending, equal neighbours once; of other values the first for each answer. Null: no work left. */
function waysOf(judge: Judge, { fact, host, strike }: Lack): Settle['ways'] | null {
  const ways: { value: FactValue; answer: Settle['ways'][number]['answer'] }[] = []
  const told = new Set<string>()
  const values = strike === null ? valuesOf(judge, fact) : textsOf(judge, fact)
  for (const value of values) {
    const decision = judge.change({ kind: 'fact', host, fact, strike, from: null, to: value })
    if (decision === null) return null
    const key = answerKey(decision)
    const last = ways.at(-1)
    if (typeof value === 'number' ? last && answerKey(last.answer) === key : told.has(key)) continue
    told.add(key)
    ways.push({ value, answer: answerOf(decision) })
  }
  return ways
}

function valuesOf(judge: Judge, path: string): FactValue[] {
  const place = placesOf(judge).find(({ choice }) => choice.path === path)
  const values = (place?.choice.boundaries ?? []).flatMap((one) => {
    const value = valueAt(one, judge.facts.at)
    return value === undefined ? [] : [value]
  })
  return values.every((value) => typeof value === 'number')
    ? values.sort((a, b) => (a as number) - (b as number))
    : values
}

function textsOf({ kinds }: Judge, path: string): readonly string[] {
  const texts = kinds.texts.get(path) ?? []
  if (path !== 'strike.source_kind') return texts
  return [...new Set<string>([...texts, ...SOURCE_KINDS])].filter((text) =>
    SOURCE_KINDS.some((kind) => kind === text),
  )
}
