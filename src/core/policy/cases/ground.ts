/**
 * The ground boundary cases stand on: somebody as plain as the policy allows, and how to get from there to where a
 * condition turns.
 *
 * Values of facts come from vocabulary.ts; which of them matter is found by asking the policy itself, never by reading
 * its text. Searches are bounded: what is not found in time has no case, and that is no error.
 */
import type { Facts, Strike } from '../../model.ts'
import { DAY_MS, type EpochMs, epochMs } from '../../time.ts'
import { hostContext, matchRule } from '../evaluate-rule.ts'
import type { Condition, Plan } from '../plan.ts'
import type { Trivalent } from '../trivalent.ts'
import { type FactAt, type FactChoice, type Vocabulary, vocabularyOf } from '../vocabulary.ts'
import { factsOf, supportsOf } from '../vocabulary-facts.ts'

/** Values of facts by path. */
export type Assignment = ReadonlyMap<string, FactAt>

export const NOTHING: Assignment = new Map()

export interface Ground {
  readonly plan: Plan
  readonly vocabulary: Vocabulary
  readonly supports: readonly string[]
  /** Histories begin here, after every date the policy names. */
  readonly from: EpochMs
  /** Known facts with which as little as possible happens. */
  readonly quiet: Assignment
}

/** One case before it has an answer. */
export interface Probe {
  /** A sentence. */
  readonly name: string
  readonly facts: Facts
}

/** What is so when a probe is made. */
export interface Scene {
  readonly at: EpochMs
  readonly strikes: readonly Strike[]
  /** Beside the quiet ones. */
  readonly facts: Assignment
}

/** The ground of a plan. */
export function groundOf(plan: Plan): Ground {
  const vocabulary = vocabularyOf(plan)
  const from = epochMs(vocabulary.anchor)
  const ground = { plan, vocabulary, from, supports: supportsOf(plan) }
  return { ...ground, quiet: quietest({ ...ground, quiet: NOTHING }) }
}

/** Facts of a scene: the quiet ones, and over them its own. */
export function sceneFacts(ground: Ground, { at, strikes, facts }: Scene): Facts {
  const all = new Map([...ground.quiet, ...facts])
  return factsOf({ at, strikes, facts: all, supports: ground.supports })
}

/** An old account is quiet for most policies. */
const OLD_MS: number = 3650 * DAY_MS

/** Each fact in turn takes the value with which the fewest rules match, until none gets better. */
function quietest(ground: Ground): Assignment {
  const quiet = new Map<string, FactAt>()
  const choices = ground.vocabulary.facts.map(({ path, values }) => {
    const known = values.filter(({ kind }) => kind !== 'absent')
    const past = known.some(({ kind }) => kind === 'ago')
    const all: FactAt[] = past ? [{ kind: 'ago', ms: OLD_MS }, ...known] : known
    return { path, values: all.map((value) => fixed(value, ground.from)) }
  })
  for (const { path, values } of choices) quiet.set(path, values[0] ?? { kind: 'absent' })
  for (let round = 0, better = true; better && round < 4; round++) {
    better = false
    for (const { path, values } of choices) {
      let least = noise(ground, quiet)
      for (const value of values.slice(0, 64)) {
        if (least === 0) return quiet
        const before = quiet.get(path)
        quiet.set(path, value)
        const now = noise(ground, quiet)
        if (now < least) {
          least = now
          better = true
        } else if (before !== undefined) quiet.set(path, before)
      }
    }
  }
  return quiet
}

/** An instant by itself instead of one counted back from the decision. */
function fixed(value: FactAt, at: EpochMs): FactAt {
  return value.kind === 'ago' ? { kind: 'value', value: at - value.ms } : value
}

function noise({ plan, from, supports }: Ground, facts: Assignment): number {
  const all = factsOf({ at: from, strikes: [], facts, supports })
  const context = hostContext(plan, all, 0, all.hosts[0])
  let sum = 0
  for (const rule of plan.rules) {
    const { truth } = matchRule(context, rule)
    if (truth !== false) sum += truth === 'unknown' ? 4 : 2
  }
  for (const { when } of plan.exemptions) if (when.evaluate(context.scope) !== false) sum++
  return sum
}

/** Choices of the facts a condition reads, the quiet value first. */
export function choicesOf(ground: Ground, paths: readonly string[]): FactChoice[] {
  return ground.vocabulary.facts
    .filter(({ path }) => paths.includes(path))
    .map(({ path, values, boundaries }) => {
      const quiet = ground.quiet.get(path)
      const known = values.filter(({ kind }) => kind !== 'absent')
      return { path, values: quiet === undefined ? known : [quiet, ...known], boundaries }
    })
}

/** Assignments tried in one search. */
const MAX_TRIED = 4000

/** The product of choices, those near the first values first. */
export function* assignments(choices: readonly FactChoice[]): Generator<Assignment> {
  const turns = choices.map(() => 0)
  for (let tried = 0; tried < MAX_TRIED; tried++) {
    yield new Map(
      choices.flatMap(({ path, values }, i): [string, FactAt][] => {
        const value = values[turns[i] ?? 0]
        return value === undefined ? [] : [[path, value]]
      }),
    )
    let i = 0
    for (; i < turns.length; i++) {
      turns[i] = (turns[i] ?? 0) + 1
      if ((turns[i] ?? 0) < (choices[i]?.values.length ?? 0)) break
      turns[i] = 0
    }
    if (i === turns.length) return
  }
}

/** Numbers of strikes by what `strikes(...)` asks for, instead of a history. */
export type Counts = ReadonlyMap<string, number>

export function countKey(pattern: string, within: number | null): string {
  return `${pattern} ${within}`
}

/** Truth of a condition for every fact it reads, and numbers of strikes. */
export function truthOf(
  condition: Condition,
  {
    at,
    facts,
    counts,
  }: { readonly at: EpochMs; readonly facts: Assignment; readonly counts: Counts },
): Trivalent {
  const { hosts, stream, request, incident, platform } = factsOf({
    at,
    strikes: [],
    facts,
    supports: [],
  })
  return condition.evaluate({
    now: at,
    subject: hosts[0].facts,
    stream: { ...stream, hosts: hosts.length },
    request,
    incident,
    platform,
    open_broadcasts: hosts[0].open_broadcasts,
    countStrikes: (pattern, within) => counts.get(countKey(pattern, within)) ?? 0,
  })
}

/** `seed`, and every assignment that differs from it in one fact. */
export function* near(choices: readonly FactChoice[], seed: Assignment): Generator<Assignment> {
  yield seed
  for (const { path, values } of choices)
    for (const value of values) yield new Map([...seed, [path, value]])
}
