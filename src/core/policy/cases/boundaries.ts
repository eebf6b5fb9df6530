/**
 * Every boundary case of a policy: one millisecond before, at and after each edge, one below, at and above each number.
 *
 * What comes out is asked of the evaluator when the file is written (write.ts), so the cases say what the policy does,
 * not what it should do; kept, they say when that changes. Deterministic. Spec: docs/spec/policy.md, "Boundary cases".
 */
import { HOLD_USABLE_MS } from '../../limits.ts'
import type { Facts, HostFacts } from '../../model.ts'
import { addMs, type EpochMs, epochMs } from '../../time.ts'
import type { Plan, RulePlan } from '../plan.ts'
import { isPart } from '../rollout.ts'
import { conditionProbes } from './condition-probes.ts'
import { type Ground, groundOf, NOTHING, type Probe, type Scene, sceneFacts } from './ground.ts'
import { classesOf, historyOf, lastOf, needOf } from './histories.ts'
import { solve, strikesFor } from './solve.ts'
import { type Circumstance, strikeProbes } from './strike-probes.ts'
import { unlessProbes } from './unless-probes.ts'
import { lengthWords, SIDES } from './words.ts'

/** All cases of `plan`; of `rules` only, if they are named. Endless in no policy, but long in a large one. */
export function* boundaryProbes(
  plan: Plan,
  rules: ReadonlySet<string> | null = null,
): Generator<Probe> {
  const ground = groundOf(plan)
  const nobody: Scene = { at: ground.from, strikes: [], facts: NOTHING }
  yield { name: 'an ordinary person asks', facts: sceneFacts(ground, nobody) }
  if (ground.vocabulary.facts.length > 0) {
    const absent = new Map(
      ground.vocabulary.facts.map(({ path }) => [path, { kind: 'absent' }] as const),
    )
    const scene = { ...nobody, facts: absent }
    yield { name: 'somebody of whom nothing is known', facts: sceneFacts(ground, scene) }
  }
  const alone = sceneFacts(ground, nobody)
  yield { name: 'an ordinary person and an ordinary co-host', facts: asCohost(ground, alone) }
  for (const rule of plan.rules) if (rules?.has(rule.id) ?? true) yield* ruleProbes(ground, rule)
  for (const exemption of plan.exemptions) {
    const lifted = plan.rules.filter(({ id }) => exemption.rules.includes(id))
    const scene = lifted.map((rule) => sceneOf(ground, rule)).find((found) => found !== null)
    if (scene === undefined || (rules !== null && !lifted.some(({ id }) => rules.has(id)))) continue
    yield* conditionProbes(ground, exemption.when, scene, `exemption ${exemption.id}`)
  }
}

function* ruleProbes(ground: Ground, rule: RulePlan): Generator<Probe> {
  const circumstance = circumstanceOf(ground, rule)
  const scene = sceneOf(ground, rule)
  if (circumstance !== null) {
    yield* strikeProbes(ground, rule, circumstance)
    yield* unlessProbes(ground, rule, circumstance)
  }
  if (rule.when !== null) {
    const counted = countedScene(ground, rule)
    if (counted !== null) yield* conditionProbes(ground, rule.when, counted, rule.id)
  }
  if (scene === null) return
  const facts = sceneFacts(ground, scene)
  yield { name: `${rule.id}: it matches`, facts }
  yield* canaryProbes(ground, rule, facts)
  yield* holdProbes(rule, facts)
  yield* reviewProbes(rule, facts)
  if (rule.obligations.length > 0 || rule.broadcast_delay_s !== null)
    yield {
      name: `${rule.id}: the caller can carry out nothing of what it asks for`,
      facts: { ...facts, supports: [] },
    }
  yield { name: `${rule.id}: a co-host for whom it matches`, facts: asCohost(ground, facts) }
}

/** Facts and strikes with which the rule's `when` holds; null when none are found. */
function circumstanceOf(ground: Ground, { when }: RulePlan): Circumstance | null {
  if (when === null) return { facts: NOTHING, also: () => [] }
  const solution = solve(ground, when, ground.from)
  if (solution === null) return null
  return {
    facts: solution.facts,
    also: (at) => strikesFor(ground, when, solution, epochMs(at)),
  }
}

/** What the rule counts is there; its `when` is not looked at. */
function countedScene(ground: Ground, rule: RulePlan): Scene | null {
  if (rule.count === null) return { at: ground.from, strikes: [], facts: NOTHING }
  const step = rule.ladder?.find(({ length }) => length !== 'warn')?.at
  const number = rule.ladder === null ? rule.count.at_least : (step ?? 1)
  const [kind] = classesOf(ground, rule.count)
  const need = kind === undefined ? null : needOf(ground, rule, kind, number)
  if (need === null) return null
  const strikes = historyOf(need, ground.from)
  return { at: lastOf(strikes, ground.from), strikes, facts: NOTHING }
}

/** One in which the rule matches. */
function sceneOf(ground: Ground, rule: RulePlan): Scene | null {
  const counted = countedScene(ground, rule)
  const circumstance = circumstanceOf(ground, rule)
  if (counted === null || circumstance === null) return null
  const strikes = [...counted.strikes, ...circumstance.also(counted.at)]
  return { at: counted.at, strikes, facts: circumstance.facts }
}

function withHost(facts: Facts, part: Partial<HostFacts>): Facts {
  const [first, ...others] = facts.hosts
  return { ...facts, hosts: [{ ...first, ...part }, ...others] }
}

/** The last of a hundred people a canary meets, and the first it passes over; and that each host goes by its own bucket. */
function* canaryProbes(ground: Ground, { id, share }: RulePlan, facts: Facts): Generator<Probe> {
  if (!isPart(share)) return
  const meets = withHost(facts, { bucket: share - 1 })
  const passes = withHost(facts, { bucket: share })
  yield { name: `${id}: bucket ${share - 1}, the last its canary of ${share}% meets`, facts: meets }
  yield { name: `${id}: bucket ${share}, the first its canary passes over`, facts: passes }
  yield {
    name: `${id}: a co-host for whom it matches, whom its canary passes over`,
    facts: asCohost(ground, passes),
  }
}

function* holdProbes({ id, hold }: RulePlan, facts: Facts): Generator<Probe> {
  if (hold === null) return
  const edges = [
    [hold, `its hold of ${lengthWords(hold)} ends`],
    [hold + HOLD_USABLE_MS, 'its hold can no longer be used'],
  ] as const
  for (const [edge, what] of edges)
    for (const [by, words] of SIDES) {
      const first_asked_at = addMs(facts.at, -edge - by)
      yield {
        name: `${id}: ${words} ${what}`,
        facts: withHost(facts, { holds: [{ rule: id, first_asked_at }] }),
      }
    }
}

function* reviewProbes({ id, review }: RulePlan, facts: Facts): Generator<Probe> {
  if (review === null) return
  for (const result of ['released', 'refused'] as const)
    yield {
      name: `${id}: the review ${result} it`,
      facts: withHost(facts, { reviews: [{ rule: id, result, at: facts.at }] }),
    }
}

/** The person of `facts` as the co-host of somebody quiet. */
function asCohost(ground: Ground, facts: Facts): Facts {
  const quiet = sceneFacts(ground, { at: facts.at as EpochMs, strikes: [], facts: NOTHING })
  const [first, ...others] = facts.hosts
  const asking = { ...quiet.hosts[0], subject: 'asking' }
  return { ...facts, hosts: [asking, first, ...others] }
}
