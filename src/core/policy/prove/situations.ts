/**
 * Assignments of facts, one for each way the conditions of a plan can come out together.
 *
 * The product of all values is walked up to a limit. Assignments that no `when` and no exemption tells apart, however
 * many strikes there are, are one; the first of them stands for all. Where the product is larger than the limit the
 * rest is not looked at, and `complete` says so.
 */
import type { EpochMs } from '../../time.ts'
import type { Condition, ConditionScope, Plan } from '../plan.ts'
import type { FactAt, FactChoice, Vocabulary } from '../vocabulary.ts'
import { factsOf } from '../vocabulary-facts.ts'

export type Assignment = ReadonlyMap<string, FactAt>

export interface Assignments {
  readonly all: readonly Assignment[]
  /** Size of the product before anything was merged or left out. */
  readonly product: number
  readonly complete: boolean
}

/** Representatives of all assignments. `at` is the instant lengths of time are counted back from. */
export function assignmentsOf(
  plans: readonly Plan[],
  { facts }: Vocabulary,
  options: { readonly at: EpochMs; readonly limit: number },
): Assignments {
  const product = facts.reduce((size, { values }) => size * values.length, 1)
  const found = new Map<string, Assignment>()
  const conditions = plans.flatMap(conditionsOf)
  const perStrike = plans.some(({ rules }) =>
    rules.some(({ count }) => count?.unless?.strike_only === false),
  )
  let looked = 0
  for (const assignment of walk(facts)) {
    if (looked++ >= options.limit) break
    const key = perStrike ? String(looked) : keyOf(conditions, assignment, options.at)
    if (!found.has(key)) found.set(key, assignment)
  }
  return { all: [...found.values()], product, complete: product <= options.limit }
}

/** The product, later facts turning fastest; known values before absent ones, so that examples say what they mean. */
export function* walk(facts: readonly FactChoice[]): Generator<Assignment> {
  const choices = facts.map(({ path, values }) => ({ path, values: knownFirst(values) }))
  const turns = choices.map(() => 0)
  for (;;) {
    yield new Map(
      choices.map(({ path, values }, i) => [path, values[turns[i] as number] as FactAt]),
    )
    let i = choices.length - 1
    while (i >= 0 && (turns[i] as number) + 1 >= (choices[i]?.values.length ?? 0)) turns[i--] = 0
    if (i < 0) return
    turns[i] = (turns[i] as number) + 1
  }
}

function knownFirst(values: readonly FactAt[]): FactAt[] {
  return [...values].sort((a, b) => Number(a.kind === 'absent') - Number(b.kind === 'absent'))
}

function conditionsOf({ rules, exemptions }: Plan): Condition[] {
  return [...rules.map(({ when }) => when), ...exemptions.map(({ when }) => when)].filter(
    (condition) => condition !== null,
  )
}

const FEW_COUNTS = 4

/** Answers of every condition, for every way its tests of strikes can come out; a clock's edge by the value itself. */
function keyOf(conditions: readonly Condition[], assignment: Assignment, at: EpochMs): string {
  const facts = factsOf({ at, strikes: [], facts: assignment, supports: [] })
  const [host] = facts.hosts
  let key = ''
  for (const condition of conditions) {
    for (const { path } of condition.edges)
      if (path !== null) key += JSON.stringify(assignment.get(path) ?? null)
    const counts = condition.counts.length
    if (counts > FEW_COUNTS) key += JSON.stringify([...assignment])
    for (let mask = 0; mask < 2 ** Math.min(counts, FEW_COUNTS); mask++) {
      const scope: ConditionScope = {
        now: at,
        subject: host.facts,
        stream: { ...facts.stream, hosts: facts.hosts.length },
        request: facts.request,
        incident: facts.incident,
        platform: facts.platform,
        open_broadcasts: host.open_broadcasts,
        countStrikes: (pattern, within) => {
          const i = condition.counts.findIndex(
            (count) => count.pattern === pattern && count.within === within,
          )
          return (mask >> i) & 1 ? Number.MAX_SAFE_INTEGER : 0
        },
      }
      key += String(condition.evaluate(scope)).charAt(0)
    }
    key += ' '
  }
  return key
}
