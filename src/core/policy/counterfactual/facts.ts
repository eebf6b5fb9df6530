/**
 * One fact another than it is, at the nearest value that gives another answer; and rules one comparison away.
 *
 * Values tried are those at which a condition can turn (vocabulary.ts): numbers and instants around each comparison,
 * each text and label named. The nearest is then moved nearer still as long as the answer stays. See ../counterfactual.ts.
 */
import type { Decision } from '../../model.ts'
import { isEpochMs } from '../../time.ts'
import { FACTS, type FactValue } from '../environment.ts'
import { hostContext } from '../evaluate-rule.ts'
import type { FactChoice } from '../vocabulary.ts'
import { valueAt } from '../vocabulary-facts.ts'
import { answerKey, answerOf, binding, boundTo, type Judge } from './judge.ts'
import type { Change, Effect, Found, Near } from './types.ts'

/** Facts of one host, then those that belong to none. */
export interface Place {
  readonly choice: FactChoice
  readonly host: number
  readonly now: FactValue | null
}

/** Every fact a condition reads and a change can set. */
export function placesOf({ plan, facts, kinds }: Judge): Place[] {
  const choices = kinds.facts.filter(({ path }) => path !== 'stream.hosts')
  return facts.hosts.flatMap((host, index) => {
    const { scope } = hostContext(plan, facts, index, { ...host, strikes: [] })
    return choices
      .filter(({ path }) => index === 0 || path.startsWith('subject.'))
      .map((choice) => {
        const now = FACTS.get(choice.path)?.read(scope, undefined) ?? null
        return { choice, host: index, now }
      })
  })
}

/** Facts that are known; what is unknown is unknown.ts. */
export function changedFacts(judge: Judge): Found {
  const effects: Effect[] = []
  const near = new Map<string, Near>()
  let complete = true
  for (const place of placesOf(judge)) {
    if (place.now === null) continue
    const found = typeof place.now === 'number' ? numbers(judge, place) : others(judge, place)
    complete &&= found.complete
    effects.push(...found.effects)
    for (const one of found.near) {
      const key = `${one.host} ${one.rule}`
      if (!near.has(key)) near.set(key, one)
    }
  }
  return { effects, near: [...near.values()], complete }
}

/** Outwards on both sides; the nearest value of each answer. */
function numbers(judge: Judge, place: Place): Found {
  const now = place.now as number
  const computed = judge.kinds.computed.has(place.choice.path)
  const known = candidates(judge, place).filter((value) => typeof value === 'number')
  const values = computed ? [...new Set([...known, ...around(now)])] : known
  const found = createFinding(judge, place)
  for (const side of [-1, 1]) {
    const outwards = values
      .filter((value) => Math.sign(value - now) === side)
      .sort((a, b) => Math.abs(a - now) - Math.abs(b - now))
    let inner: Probe = { value: now, key: turnKey(judge.decision) }
    for (const value of outwards) {
      const key = found.look(value)
      if (key === null || !found.approach({ value, key }, inner)) return found.done(false)
      inner = { value, key }
    }
  }
  return found.done(!computed)
}

/** Where a comparison computes (`followers % 3 == 1`) it may turn anywhere: the neighbourhood is tried as well. */
const NEIGHBOURS = 16

function around(now: number): number[] {
  const steps = Array.from({ length: NEIGHBOURS }, (_, i) => i + 1)
  return steps.flatMap((by) => [now - by, now + by]).filter((value) => value >= 0)
}

interface Probe {
  readonly value: number
  readonly key: string
}

/** Equal where neither the answer nor the rules behind it differ. */
function turnKey(decision: Decision): string {
  return `${answerKey(decision)} ${[...binding(decision).keys()].join(',')}`
}

function others(judge: Judge, place: Place): Found {
  const found = createFinding(judge, place)
  const values = Array.isArray(place.now)
    ? toggled(place.now as readonly string[], candidates(judge, place))
    : candidates(judge, place).filter((value) => value !== place.now)
  for (const value of values) if (found.look(value) === null) return found.done(false)
  return found.done(true)
}

/** The list with one word that is named anywhere more, or less. */
function toggled(now: readonly string[], values: readonly FactValue[]): (readonly string[])[] {
  const named = new Set(values.flatMap((value) => (Array.isArray(value) ? value : [])))
  const words = [...new Set([...now, ...(named as ReadonlySet<string>)])].sort()
  return words.map((word) =>
    now.includes(word) ? now.filter((one) => one !== word) : [...now, word],
  )
}

function candidates({ facts }: Judge, { choice }: Place): FactValue[] {
  const { type } = FACTS.get(choice.path) ?? {}
  return choice.boundaries.flatMap((one) => {
    const value = valueAt(one, facts.at)
    if (value === undefined || (type === 'timestamp' && !isEpochMs(value))) return []
    return [value]
  })
}

interface Finding {
  /** Tries a value: how it turned out; null when the work is used up. */
  look(value: FactValue): string | null
  /** Moves a turn that lies between two values to where it is; false when the work is used up. */
  approach(outer: Probe, inner: Probe): boolean
  done(complete: boolean): Found
}

function createFinding(judge: Judge, { choice, host, now }: Place): Finding {
  const before = answerKey(judge.decision)
  const bound = binding(judge.decision)
  const effects = new Map<string, Effect>()
  const near = new Map<string, Near>()
  const changeTo = (to: FactValue): Change => ({
    ...{ kind: 'fact', host, fact: choice.path, strike: null, from: now, to },
  })
  const note = (value: FactValue, decision: Decision): void => {
    const change = changeTo(value)
    const key = answerKey(decision)
    const known = effects.get(key)
    if (key !== before && (known === undefined || isNearer(value, known.change, now)))
      effects.set(key, { change, answer: answerOf(decision) })
    for (const where of binding(decision).keys()) {
      const had = near.get(where)
      if (bound.has(where) || (had !== undefined && !isNearer(value, had.change, now))) continue
      const counted = { have: null, need: null, matches: true, edge: null }
      near.set(where, { ...boundTo(where), away: 'fact', change, ...counted })
    }
  }
  const look: Finding['look'] = (value) => {
    const decision = judge.change(changeTo(value))
    if (decision === null) return null
    note(value, decision)
    return turnKey(decision)
  }
  return {
    look,
    approach: (outer, inner) => approach(look, outer, inner),
    done: (complete) => ({ effects: [...effects.values()], near: [...near.values()], complete }),
  }
}

function isNearer(value: FactValue, than: Change, now: FactValue | null): boolean {
  if (typeof value !== 'number' || typeof now !== 'number') return false
  return than.kind === 'fact' && Math.abs(value - now) < Math.abs((than.to as number) - now)
}

function approach(look: Finding['look'], outer: Probe, inner: Probe): boolean {
  if (outer.key === inner.key) return true
  let [far, close] = [outer.value, inner.value]
  // One step nearer is almost always the other side of the turn already.
  let probe = far + Math.sign(close - far)
  while (probe !== close && probe !== far) {
    const key = look(probe)
    if (key === null) return false
    if (key === outer.key) far = probe
    else close = probe
    probe = Math.trunc((far + close) / 2)
  }
  return true
}
