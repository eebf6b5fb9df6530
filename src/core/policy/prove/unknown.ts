/**
 * "No unknown opens the gate": where some value of a fact restricts, the answer without the fact is no plain allow.
 *
 * It is enough to take one fact away at a time, from every assignment, known and half known: a chain of such steps leads
 * from any completion to any ignorance. Histories are those that bring the rule's count to each of its thresholds: facts
 * are asked for when it matches, and nothing else about strikes matters. Where conditions ask about strikes, all of them.
 */
import type { Decision, Facts, Strike } from '../../model.ts'
import { evaluate } from '../evaluate.ts'
import { expectationFrom, inWords } from './expectation.ts'
import { boundOf } from './histories.ts'
import { withCalm } from './one-more.ts'
import {
  candidates,
  endOf,
  instantsFrom,
  judge,
  likely,
  type Part,
  type Scene,
  situation,
} from './scene.ts'
import { shrink, withFirst } from './shrink.ts'
import { type Assignment, walk } from './situations.ts'
import { rank } from './strictness.ts'
import { noteBound, type Tally } from './verdict.ts'

/** Instants of one history: now, and where the clock turns a condition. */
const MAX_INSTANTS = 8

export function checkUnknown(scene: Scene, part: Part, tally: Tally): void {
  const { vocabulary, alone, rule, space } = part
  const stop = scene.budget.spent + part.share
  const most = Math.max(1, ...vocabulary.thresholds)
  const mixed = isMixed(part)
  const bound = mixed ? boundOf(space) : `each kind of strike alone, up to ${most} of it`
  noteBound(tally, mixed ? space.size : most, bound)
  for (const { what, why } of vocabulary.inexact)
    tally.not_covered.add(`rule \`${rule.id}\`: ${what} is tried only in part, ${why}`)
  for (const strikes of mixed ? candidates(part, space.kinds) : likely(vocabulary, space))
    for (const assignment of walk(vocabulary.facts)) {
      if (scene.budget.left <= 0 || scene.budget.spent > stop) {
        const of = `${part.assignments.product} combinations of facts`
        tally.not_covered.add(`rule \`${rule.id}\`: the budget of work ended within ${of}`)
        return
      }
      const from = endOf(strikes, vocabulary)
      const start = situation(scene, strikes, assignment, from)
      const instants = instantsFrom(alone, start).slice(0, MAX_INSTANTS)
      for (const at of instants) {
        const decision = judge(scene, alone, { ...start, at })
        if (decision === null) break
        tally.histories++
        if (rank(decision) === 0) continue
        for (const forgotten of forget({ ...start, at }, assignment)) {
          const less = judge(scene, alone, forgotten)
          if (
            less !== null &&
            rank(less) === 0 &&
            report(scene, part, tally, { known: { ...start, at }, forgotten })
          )
            return
        }
      }
    }
}

/** True when conditions ask about strikes: then it matters which are there together. */
function isMixed({ rule, alone }: Part): boolean {
  const asked = [...alone.rules, ...alone.exemptions]
  const counts = asked.some(({ when }) => when !== null && when.counts.length > 0)
  return counts || rule.count?.unless?.strike_only === false
}

/** The facts less one; then with what strikes need not say left unsaid. */
function* forget(known: Facts, assignment: Assignment): Generator<Facts> {
  for (const [path, value] of assignment) {
    if (value.kind === 'absent' || ALWAYS.has(path)) continue
    const [root = '', member = ''] = path.split('.')
    yield lacking(known, root, member)
  }
  const { strikes } = known.hosts[0]
  if (strikes.some(({ context, source }) => context !== undefined || source !== undefined))
    yield withFirst(known, { strikes: strikes.map(unsaid) })
}

const ALWAYS: ReadonlySet<string> = new Set([
  'subject.open_broadcasts',
  'stream.hosts',
  'incident.active',
])

function lacking(facts: Facts, root: string, member: string): Facts {
  const drop = (group: object): object =>
    Object.fromEntries(Object.entries(group).filter(([name]) => name !== member))
  if (root !== 'subject') return { ...facts, [root]: drop(facts[root as 'stream'] ?? {}) }
  const hosts = facts.hosts.map((host) => ({ ...host, facts: drop(host.facts) }))
  return { ...facts, hosts: hosts as unknown as Facts['hosts'] }
}

function unsaid({ context: _c, source: _s, ...strike }: Strike): Strike {
  return strike
}

interface Pair {
  readonly known: Facts
  readonly forgotten: Facts
}

function report(scene: Scene, { rule }: Part, tally: Tally, { known, forgotten }: Pair): boolean {
  const filled = withCalm(scene, known)
  const gone = pathsGone(known, forgotten)
  const lack = (facts: Facts): Facts =>
    gone.length === 0
      ? withFirst(facts, { strikes: facts.hosts[0].strikes.map(unsaid) })
      : gone.reduce((left, [root, member]) => lacking(left, root, member), facts)
  const strict: Decision = evaluate(scene.whole, filled)
  if (rank(evaluate(scene.whole, lack(filled))) > 0 || rank(strict) === 0) {
    tally.not_covered.add(`rule \`${rule.id}\` by itself lets an unknown pass, others cover it`)
    return false
  }
  const shows = (facts: Facts): boolean =>
    rank(evaluate(scene.whole, lack(facts))) === 0 && rank(evaluate(scene.whole, facts)) > 0
  const smallest = shrink(filled, shows)
  const names = gone.map(([root, member]) => `${root}.${member}`).join(', ') || 'strike.context'
  tally.counterexamples.push({
    name: `rule ${rule.id} asks where ${names} is unknown`,
    says: `${names} is unknown and the answer is allow; one value of it gives ${inWords(evaluate(scene.whole, smallest))}`,
    facts: lack(smallest),
    expect: expectationFrom(onUnknown(scene, strict)),
  })
  return true
}

/** What the policy says for what it does not know. */
function onUnknown({ plan }: Scene, decision: Decision): Decision {
  if (plan.on_unknown.outcome === 'deny')
    return { ...decision, outcome: 'deny', mode: null, until: null }
  return { ...decision, outcome: 'delay', mode: 'retry', until: null }
}

function pathsGone(known: Facts, forgotten: Facts): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  const compare = (root: string, a: object, b: object): void => {
    for (const name of Object.keys(a)) if (!(name in b)) found.push([root, name])
  }
  compare('subject', known.hosts[0].facts, forgotten.hosts[0].facts)
  for (const root of ['stream', 'request', 'incident', 'platform'] as const)
    compare(root, known[root], forgotten[root])
  return found
}
