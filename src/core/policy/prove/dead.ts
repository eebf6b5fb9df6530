/**
 * "No rule is dead": each rule can match and change the answer, each ladder step can be reached, each exemption can lift.
 *
 * A witness is looked for: first among histories that bring counts to their thresholds, then among all of the rule's
 * space. For the answer as a whole the facts other rules read are set as mild as can be found, and strikes are of the
 * kinds fewest other rules count. None found within the bound is a finding; the budget ended first is not.
 */
import type { Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import { hostContext, matchRule } from '../evaluate-rule.ts'
import { stepFor } from '../ladder.ts'
import type { LadderStep, Plan } from '../plan.ts'
import type { Expectation } from '../test-file.ts'
import { boundOf, type History } from './histories.ts'
import { type Kind, selects } from './kinds.ts'
import { withoutRule } from './restrict.ts'
import {
  calmFor,
  candidates,
  endOf,
  gapsIn,
  instantsFrom,
  likely,
  type Part,
  type Scene,
  situation,
} from './scene.ts'
import type { Assignment } from './situations.ts'
import { answerKey } from './strictness.ts'
import { noteBound, spend, type Tally } from './verdict.ts'

/** Everything about one rule that could be dead. */
export function checkRuleLives(scene: Scene, part: Part, tally: Tally): void {
  const { rule, space } = part
  noteBound(tally, space.size, boundOf(space))
  const steps = new Set(rule.ladder ?? [])
  const search = survey(scene, part, steps, tally)
  if (search.matching === null) {
    dead(scene, part, tally, search, `rule \`${rule.id}\` never matches`)
    return
  }
  for (const step of steps)
    dead(
      scene,
      part,
      tally,
      search,
      `step ${step.at} of rule \`${rule.id}\` is never reached`,
      step,
    )
  if (changesAnswer(scene, part, tally)) return
  const classes = scene.vocabulary.classes.length
  if (classes > MAX_KINDS)
    tally.not_covered.add(
      `rule \`${rule.id}\` changes no answer for ${MAX_KINDS} of ${classes} kinds of strikes`,
    )
  else dead(scene, part, tally, search, `rule \`${rule.id}\` never changes the answer`)
}

interface Survey {
  /** A history for which the rule matches. */
  matching: Facts | null
  /** The history nearest to that, or to the steps that were not reached. */
  nearest: Facts | null
  complete: boolean
}

/** Takes out of `steps` what is reached, until all are and the rule has matched. */
function survey(scene: Scene, part: Part, steps: Set<LadderStep>, tally: Tally): Survey {
  const found: Survey = { matching: null, nearest: null, complete: true }
  const stop = scene.budget.spent + part.share
  for (const strikes of candidates(part, part.space.kinds)) {
    for (const assignment of part.assignments.all) {
      if (found.matching !== null && steps.size === 0) return found
      if (scene.budget.spent > stop || scene.budget.left <= 0) {
        found.complete = false
        return found
      }
      look(scene, part, { strikes, assignment, steps, found })
      tally.histories++
    }
  }
  if (gapsIn(part).length > 0) found.complete = false
  return found
}

interface Look {
  readonly strikes: History
  readonly assignment: Assignment
  readonly steps: Set<LadderStep>
  readonly found: Survey
}

function look(scene: Scene, part: Part, { strikes, assignment, steps, found }: Look): void {
  const { alone, vocabulary } = part
  const [rule] = alone.rules
  const facts = situation(scene, strikes, assignment, endOf(strikes, vocabulary))
  if (rule === undefined || !spend(scene.budget)) return
  for (const at of instantsOfLook(alone, facts)) {
    const now = { ...facts, at }
    const match = matchRule(hostContext(alone, now, 0, now.hosts[0]), rule)
    if (match.truth === false) continue
    const strikesOf = (it: Facts | null): number => it?.hosts[0].strikes.length ?? -1
    if (strikesOf(now) > strikesOf(found.nearest)) found.nearest = now
    if (match.truth === 'unknown') continue
    if (evaluate(alone, now).exemptions.length === 0) found.matching ??= now
    const n = match.evidence?.count ?? null
    const step = rule.ladder === null || n === null ? null : stepFor(rule.ladder, n)
    if (step !== null) steps.delete(original(part, step))
  }
}

function original(part: Part, step: LadderStep): LadderStep {
  return part.rule.ladder?.find(({ at }) => at === step.at) ?? step
}

/** Only a condition makes a later instant worth a look. */
export function instantsOfLook(alone: Plan, facts: Facts): readonly EpochMs[] {
  const asked = [...alone.rules, ...alone.exemptions]
  const timed = asked.some(({ when }) => when !== null && when.edges.length > 0)
  return timed ? instantsFrom(alone, facts).slice(0, 8) : [facts.at]
}

function dead(
  scene: Scene,
  part: Part,
  tally: Tally,
  search: Survey,
  says: string,
  step?: LadderStep,
): void {
  const [gap] = gapsIn(part)
  if (!search.complete || gap !== undefined) {
    tally.not_covered.add(`${says} in what was looked at (${gap ?? 'the budget of work ended'})`)
    return
  }
  const { rule, vocabulary, space, assignments } = part
  const longest = [...likely(vocabulary, space)].at(-1) ?? []
  const facts =
    search.nearest ??
    situation(scene, longest, assignments.all[0] ?? new Map(), endOf(longest, vocabulary))
  tally.counterexamples.push({
    name:
      step === undefined ? `rule ${rule.id} decides` : `step ${step.at} of rule ${rule.id} decides`,
    says,
    facts: { ...facts, supports: scene.supports },
    expect: expected(scene, facts, rule.id, step),
  })
}

/** An expectation that a living rule would meet and this one does not. */
function expected(scene: Scene, facts: Facts, id: string, step?: LadderStep): Expectation {
  const actual = evaluate(scene.whole, facts)
  if (step !== undefined) {
    const last = facts.hosts[0].strikes.at(-1)?.effective_at ?? facts.at
    if (typeof step.length === 'number')
      return { rules: [id], until: (last + step.length) as EpochMs }
    return step.length === 'forever' ? { rules: [id], until: 'forever' } : { outcome: 'deny' }
  }
  const alone = actual.rules.length === 1 && actual.rules[0] === id
  return alone ? { outcome: actual.outcome === 'deny' ? 'allow' : 'deny' } : { rules: [id] }
}

/** True when some history gets another answer with the rule than without. */
function changesAnswer(scene: Scene, part: Part, tally: Tally): boolean {
  const { rule, alone, vocabulary, assignments } = part
  const rest = withoutRule(scene.whole, rule.id)
  const kinds = quietKinds(scene, part)
  const stop = scene.budget.spent + part.share
  for (const strikes of candidates(part, kinds))
    for (const assignment of assignments.all) {
      if (scene.budget.spent > stop || scene.budget.left <= 0) {
        const says = `rule \`${rule.id}\` changes no answer in what was looked at`
        tally.not_covered.add(`${says} (the budget of work ended)`)
        return true
      }
      const from = endOf(strikes, vocabulary)
      const bare = situation(scene, strikes, assignment, from)
      if (!spend(scene.budget) || !speaks(alone, bare)) continue
      tally.histories++
      const calm = quieten(scene, rest, strikes, assignment, from)
      const facts = situation(scene, strikes, calm, from)
      for (const at of instantsFrom(alone, facts).slice(0, 12)) {
        const now = { ...facts, at }
        if (answerKey(evaluate(scene.whole, now)) !== answerKey(evaluate(rest, now))) return true
      }
    }
  return false
}

/** True when the rule changes an answer all alone, now or at a later edge. */
function speaks(alone: Plan, facts: Facts): boolean {
  const nothing = { ...alone, rules: [], exemptions: [] }
  return instantsOfLook(alone, facts).some((at) => {
    const now = { ...facts, at }
    return answerKey(evaluate(alone, now)) !== answerKey(evaluate(nothing, now))
  })
}

/** The scene's calm facts, or, where strikes make other rules speak, facts that are calm for them. */
export function quieten(
  scene: Scene,
  rest: Plan,
  strikes: History,
  assignment: Assignment,
  at: EpochMs,
): Assignment {
  const usual = new Map([...scene.calm, ...assignment])
  if (evaluate(rest, situation(scene, strikes, usual, at)).outcome === 'allow') return usual
  return calmFor(scene, rest, strikes, assignment, at)
}

/** Kinds of the whole plan's vocabulary the rule counts, those first that fewest other rules count. */
export function quietKinds(scene: Scene, part: Part): Kind[] {
  const { count } = part.rule
  if (count === null) return [...part.space.kinds]
  const sees = (plan: Plan, kind: Kind): number => {
    const at = scene.vocabulary.anchor
    const [strike] = [...likely(scene.vocabulary, part.space, [kind])][1] ?? []
    if (strike === undefined) return 0
    const facts = situation(scene, [strike], scene.calm, at)
    return evaluate(plan, facts).rules.length
  }
  const rest = withoutRule(scene.whole, part.rule.id)
  const all = scene.vocabulary.classes
    .filter(({ seen }) => seen)
    .map((kind): Kind => ({ kind, expires_after: null, content_age: null }))
    .filter(({ kind }) => selects(count, kind))
  return all
    .slice(0, MAX_KINDS)
    .map((kind) => ({ kind, others: sees(rest, kind) }))
    .sort((a, b) => a.others - b.others)
    .map(({ kind }) => kind)
}

const MAX_KINDS = 64
