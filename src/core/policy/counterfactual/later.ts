/**
 * The first later instant at which the answer is another, and what the clock alone makes of each rule.
 *
 * The instants looked at are those of eligible_at. Between two of the clock's edges strikes can only go, so an answer
 * that has changed does not change back, and the first change is found by halving. See ../counterfactual.ts.
 */
import type { Decision } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { type Edges, edgesOf, firstFrom } from '../eligible-edges.ts'
import { edgesWork } from '../eligible-work.ts'
import { FACTS } from '../environment.ts'
import { hostContext } from '../evaluate-rule.ts'
import { askedNow } from './apply.ts'
import { answerOf, binding, boundTo, type Judge, lastingKey } from './judge.ts'
import type { Found, Near } from './types.ts'

/** Edges of the clock that are looked at for rules that nearly match. */
const MAX_TURNS = 32

interface Search {
  readonly judge: Judge
  readonly edges: Edges
  readonly decide: (at: number) => Decision | null
  readonly before: string
}

/** At most one effect: the first change. */
export function changedLater(judge: Judge): Found {
  const { plan, facts } = judge
  if (!judge.spend(edgesWork(plan, facts))) return { effects: [], near: [], complete: false }
  const asked = askedNow(plan, facts)
  const first = judge.judge(asked)
  if (first === null) return { effects: [], near: [], complete: false }
  const search: Search = {
    judge,
    edges: edgesOf(plan, asked),
    decide: (at) => judge.judge({ ...asked, at: at as EpochMs }),
    before: lastingKey(first),
  }
  const found = firstChange(search)
  const effects =
    found === null || found === 'ended'
      ? []
      : [{ change: { kind: 'later', at: found.at } as const, answer: answerOf(found.decision) }]
  return { effects, near: turns(search, first), complete: found !== 'ended' }
}

interface Changed {
  readonly at: EpochMs
  readonly decision: Decision
}

/** Null: nothing ever changes. */
function firstChange(search: Search): Changed | 'ended' | null {
  const { clock } = search.edges
  let from: number = search.judge.facts.at
  for (let i = 0; i <= clock.length; i++) {
    const turn = clock[i] ?? Number.POSITIVE_INFINITY
    const between = firstBetween(search, from + 1, turn)
    if (between !== null) return between
    if (turn === Number.POSITIVE_INFINITY) return null
    const decision = search.decide(turn)
    if (decision === null) return 'ended'
    if (lastingKey(decision) !== search.before) return { at: turn as EpochMs, decision }
    from = turn
  }
  return null
}

/** The first change at edges of strikes in `[from, to)`. */
function firstBetween(search: Search, from: number, to: number): Changed | 'ended' | null {
  const { strikes } = search.edges
  let low = firstFrom(strikes, from)
  let high = firstFrom(strikes, to) - 1
  if (low > high) return null
  let over = at(search, high)
  if (over === 'ended' || over === null) return over
  while (low < high) {
    const middle = (low + high) >> 1
    const step = at(search, middle)
    if (step === 'ended') return step
    if (step === null) low = middle + 1
    else [high, over] = [middle, step]
  }
  return over
}

/** The decision at an edge of strikes; null when it is as before. */
function at({ edges, decide, before }: Search, i: number): Changed | 'ended' | null {
  const instant = edges.strikes[i] as number
  const decision = decide(instant)
  if (decision === null) return 'ended'
  return lastingKey(decision) === before ? null : { at: instant as EpochMs, decision }
}

/** Rules that begin to match, or cease to, at an edge of the clock; each once. */
function turns(search: Search, first: Decision): Near[] {
  const now = binding(first)
  const found = new Map<string, Near>()
  for (const instant of search.edges.clock.slice(0, MAX_TURNS)) {
    const decision = search.decide(instant)
    if (decision === null) break
    const then = binding(decision)
    for (const key of new Set([...now.keys(), ...then.keys()])) {
      if (now.has(key) === then.has(key) || found.has(key)) continue
      const edge = edgeAt(search.judge, key, instant)
      if (edge === undefined) continue
      found.set(key, {
        ...boundTo(key),
        away: 'time',
        change: { kind: 'later', at: instant as EpochMs },
        have: null,
        need: null,
        matches: then.has(key),
        edge,
      })
    }
  }
  return [...found.values()]
}

/** What the rule compares the instant with there; null when with a date; undefined when it does not (a hold ends). */
function edgeAt({ plan, facts }: Judge, key: string, instant: number): Near['edge'] | undefined {
  const { host: index, rule: id } = boundTo(key)
  const host = facts.hosts[index]
  const rule = plan.rules.find((one) => one.id === id)
  if (host === undefined || rule === undefined) return undefined
  const { scope } = hostContext(plan, facts, index, { ...host, strikes: [] })
  const lifters = plan.exemptions.filter(({ rules }) => rules.includes(id))
  for (const { edges } of [rule.when, ...lifters.map(({ when }) => when)].filter(
    (condition) => condition !== null,
  ))
    for (const { path, offset_ms } of edges) {
      const base = path === null ? 0 : FACTS.get(path)?.read(scope, undefined)
      if (typeof base !== 'number') continue
      if (base + offset_ms !== instant && base + offset_ms + 1 !== instant) continue
      return path === null ? null : { fact: path, offset_ms }
    }
  return undefined
}
