/**
 * "One strike more is never milder", and "time alone never makes it stricter": one walk over the histories of a rule.
 *
 * Each history is judged at its last strike and at every later instant at which its answer can change. At each of them
 * it is compared with itself less one strike, and with itself at the instant before. A rule alone is enough: answers
 * are joined, and a join of answers that do not fall does not fall.
 */
import type { Decision, Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import { hostContext } from '../evaluate-rule.ts'
import type { Plan } from '../plan.ts'
import { expectationFrom, inWords } from './expectation.ts'
import { boundOf, type History, historiesOf } from './histories.ts'
import { endOf, gapsIn, instantsFrom, judge, type Part, type Scene, situation } from './scene.ts'
import { shrink, withFirst } from './shrink.ts'
import type { Assignment } from './situations.ts'
import { type Component, milderIn, rank } from './strictness.ts'
import { noteBound, type Tally } from './verdict.ts'

export interface Tallies {
  readonly more: Tally
  readonly time: Tally
}

/** Walks all histories of one rule, as far as its share goes. */
export function walkHistories(scene: Scene, part: Part, { more, time }: Tallies): void {
  const { space, assignments, rule } = part
  for (const tally of [more, time]) noteBound(tally, space.size, boundOf(space))
  for (const why of gapsIn(part)) for (const tally of [more, time]) tally.not_covered.add(why)
  const stop = scene.budget.spent + part.share * 3
  const known: Known = { more: false, time: false }
  for (const strikes of historiesOf(space))
    for (const facts of assignments.all) {
      if (scene.budget.left <= 0 || scene.budget.spent > stop) {
        const why = `rule \`${rule.id}\`: the budget of work ended within ${boundOf(space)}`
        for (const tally of [more, time]) tally.not_covered.add(why)
        return
      }
      walkInstants(scene, part, { more, time }, { strikes, facts, known })
      if (known.more && known.time) return
    }
}

/** One counterexample of a rule is enough. */
interface Known {
  more: boolean
  time: boolean
}

interface Walked {
  readonly strikes: History
  readonly facts: Assignment
  readonly known: Known
}

function walkInstants(
  scene: Scene,
  part: Part,
  { more, time }: Tallies,
  { strikes, facts: assignment, known }: Walked,
): void {
  const from = endOf(strikes, part.vocabulary)
  const start = situation(scene, strikes, assignment, from)
  let before: { readonly facts: Facts; readonly decision: Decision } | null = null
  for (const at of instantsFrom(part.alone, start)) {
    const facts = at === from ? start : { ...start, at }
    const decision = judge(scene, part.alone, facts)
    if (decision === null) return
    if (!known.more) {
      more.histories++
      known.more = checkFewer(scene, part, more, { facts, decision })
    }
    if (before !== null && !known.time) {
      time.histories++
      known.time = checkWait(scene, part, time, { before, after: { facts, decision } })
    }
    before = { facts, decision }
  }
}

interface Judged {
  readonly facts: Facts
  readonly decision: Decision
}

/** True when a counterexample was found. */
function checkFewer(scene: Scene, part: Part, tally: Tally, { facts, decision }: Judged): boolean {
  const { strikes } = facts.hosts[0]
  for (let i = 0; i < strikes.length; i++) {
    if (i > 0 && alikeStrikes(strikes, i)) continue
    const less = judge(scene, part.alone, lessOne(facts, i))
    if (less === null || milderIn(less, decision).length === 0) continue
    return reportMore(scene, part, tally, { facts, extra: strikes[i]?.id ?? '' })
  }
  return false
}

/** Strikes of one instant and one kind are the same strike but for the id: leaving out one is leaving out the other. */
function alikeStrikes(strikes: Facts['hosts'][0]['strikes'], i: number): boolean {
  const [a, b] = [strikes[i - 1], strikes[i]]
  return (
    a?.effective_at === b?.effective_at &&
    a?.category === b?.category &&
    a?.severity === b?.severity &&
    a?.weight === b?.weight &&
    a?.context === b?.context &&
    a?.scope === b?.scope &&
    a?.expires_at === b?.expires_at &&
    a?.content_created_at === b?.content_created_at
  )
}

function lessOne(facts: Facts, i: number): Facts {
  return withFirst(facts, { strikes: facts.hosts[0].strikes.filter((_, k) => k !== i) })
}

interface OneMore {
  readonly facts: Facts
  /** Id of the strike that makes it milder. */
  readonly extra: string
}

function reportMore(scene: Scene, part: Part, tally: Tally, found: OneMore): boolean {
  const milder = (plan: Plan, facts: Facts): Component[] => {
    const i = facts.hosts[0].strikes.findIndex(({ id }) => id === found.extra)
    if (i < 0) return []
    return milderIn(evaluate(plan, lessOne(facts, i)), evaluate(plan, facts))
  }
  const whole = withCalm(scene, found.facts)
  const { id } = part.rule
  if (milder(scene.whole, whole).length === 0) {
    tally.not_covered.add(`rule \`${id}\` by itself is milder for one more strike, others cover it`)
    return false
  }
  const facts = shrink(whole, (smaller) => milder(scene.whole, smaller).length > 0)
  const i = facts.hosts[0].strikes.findIndex((strike) => strike.id === found.extra)
  const before = evaluate(scene.whole, lessOne(facts, i))
  const after = evaluate(scene.whole, facts)
  tally.counterexamples.push({
    name: `strike ${found.extra} does not make rule ${id} milder`,
    says: `without strike \`${found.extra}\` the answer is ${inWords(before)}, with it ${inWords(after)}`,
    facts,
    expect: expectationFrom(before, milder(scene.whole, facts)),
  })
  return true
}

/** The same facts, and for what the rule does not read the quietest. */
export function withCalm(scene: Scene, facts: Facts): Facts {
  const quiet = situation(scene, [], scene.calm, facts.at)
  const [first] = facts.hosts
  const told = { ...quiet.hosts[0].facts, ...first.facts }
  const open = first.open_broadcasts || quiet.hosts[0].open_broadcasts
  return {
    ...facts,
    hosts: facts.hosts.map((host) => ({
      ...host,
      facts: told,
      open_broadcasts: open,
    })) as unknown as Facts['hosts'],
    stream: { ...quiet.stream, ...facts.stream },
    request: { ...quiet.request, ...facts.request },
    incident: facts.incident.active ? facts.incident : { ...quiet.incident, ...facts.incident },
    platform: { ...quiet.platform, ...facts.platform },
  }
}

interface Wait {
  readonly before: Judged
  readonly after: Judged
}

/** Stricter by waiting: a graver outcome, or a later end of the same. A hold asked for later ends later; that is its sense. */
export function isStricter(before: Decision, after: Decision): boolean {
  if (rank(after) !== rank(before)) return rank(after) > rank(before)
  const stricter = milderIn(after, before)
  // Beside a denial nothing else is felt but its end.
  if (after.outcome === 'deny') return stricter.includes('until')
  return stricter.some((component) => !RELATIVE.has(component))
}

/** Counted from the instant of the decision, so that they move with it. */
const RELATIVE: ReadonlySet<string> = new Set(['not_before', 'review', 'lease_until'])

function checkWait(scene: Scene, part: Part, tally: Tally, { before, after }: Wait): boolean {
  if (!isStricter(before.decision, after.decision)) return false
  const causes = clockCauses(part.alone, before.facts, after.facts)
  for (const cause of causes) tally.exceptions.add(cause)
  if (causes.length > 0) return false
  return reportWait(scene, part, tally, { since: before.facts.at, facts: after.facts })
}

/** Conditions that read the clock and turned between two instants: there the policy itself says so. */
function clockCauses(plan: Plan, before: Facts, after: Facts): string[] {
  const found: string[] = []
  const [a, b] = [before, after].map((facts) => hostContext(plan, facts, 0, facts.hosts[0]))
  if (a === undefined || b === undefined) return found
  const conditions = [
    ...plan.rules.map(({ id, when }) => ({ of: `rule \`${id}\``, when })),
    ...plan.exemptions.map(({ id, when }) => ({ of: `exemption \`${id}\``, when })),
  ]
  for (const { of, when } of conditions)
    if (when !== null && when.edges.length > 0)
      if (when.evaluate(a.scope) !== when.evaluate(b.scope))
        found.push(`${of} says so: \`${when.source}\``)
  for (const { id, count } of plan.rules) {
    const unless = count?.unless
    if (unless == null || unless.edges.length === 0) continue
    const turns = before.hosts[0].strikes.some(
      (strike) => unless.evaluate(a.scope, strike) !== unless.evaluate(b.scope, strike),
    )
    if (turns) found.push(`rule \`${id}\` says so, unless: \`${unless.source}\``)
  }
  return found
}

function reportWait(
  scene: Scene,
  part: Part,
  tally: Tally,
  { since, facts: found }: { readonly since: EpochMs; readonly facts: Facts },
): boolean {
  const earlier = (facts: Facts): Facts => ({ ...facts, at: since })
  const shows = (facts: Facts): boolean =>
    isStricter(evaluate(scene.whole, earlier(facts)), evaluate(scene.whole, facts))
  const whole = withCalm(scene, found)
  const { id } = part.rule
  if (!shows(whole)) {
    tally.not_covered.add(`rule \`${id}\` by itself grows stricter with time, others cover it`)
    return false
  }
  const facts = shrink(whole, shows)
  const before = evaluate(scene.whole, earlier(facts))
  tally.counterexamples.push({
    name: `rule ${id} does not grow stricter by waiting`,
    says: `at ${new Date(since).toISOString()} the answer is ${inWords(before)}, later without any strike ${inWords(evaluate(scene.whole, facts))}`,
    facts,
    expect: expectationFrom(before),
  })
  return true
}
