/**
 * Proves a plan: its invariants, and what has to hold of every plan, by enumeration within a bound.
 *
 * Plain functions without clock or I/O, so it runs in a browser tab as well. Work is counted in evaluations, never
 * measured: the same plan gives the same verdicts everywhere. What is and is not covered, and why the bound is enough,
 * is docs/adr/0020-*.md. Next: histories.ts, one-more.ts.
 */
import type { InvariantPlan, Plan } from '../plan.ts'
import { planFor, type Stretch, stretchesOf, stretchWords, wholePlan } from '../rollout-plans.ts'
import { checkRuleLives } from './dead.ts'
import { checkExemptionLives } from './dead-exemptions.ts'
import { checkGrave } from './grave.ts'
import { checkInvariant } from './invariants.ts'
import { type Tallies, walkHistories } from './one-more.ts'
import { type Scene, sceneOf } from './scene.ts'
import { checkUnknown } from './unknown.ts'
import { type Budget, emptyTally, settleTally, type Tally, type Verdict } from './verdict.ts'

export interface ProveOptions {
  /** Evaluations, at most; `DEFAULT_PROVE_WORK` unless given. */
  readonly work?: number
  /** Told every few thousand evaluations how many were made. */
  readonly progress?: (spent: number) => void
}

export interface Proof {
  readonly verdicts: readonly Verdict[]
  /** Evaluations made. */
  readonly work: number
}

/** A few seconds on a small machine. */
export const DEFAULT_PROVE_WORK = 1_500_000

/** Verdicts of all properties, the built-in ones first. */
export function prove(plan: Plan, options: ProveOptions = {}): Proof {
  const { work = DEFAULT_PROVE_WORK, progress = null } = options
  const budget: Budget = { left: work, spent: 0, progress }
  // What has to hold of every plan is shown of the text, as if all of it were enforced; invariants for everybody there is.
  const scene = sceneOf(wholePlan(plan), budget)
  const unknown = emptyTally()
  for (const part of scene.parts) checkUnknown(scene, part, unknown)
  const histories: Tallies = { more: emptyTally(), time: emptyTally() }
  for (const part of scene.parts) walkHistories(scene, part, histories)
  const verdicts = [
    settleTally('unknown-never-allows', SAYS.unknown, unknown),
    settleTally('one-more-never-milder', SAYS.more, histories.more),
    settleTally('time-never-stricter', SAYS.time, withHolds(plan, histories.time)),
    settleTally('no-rule-is-dead', SAYS.dead, living(scene)),
    settleTally('grave-stays-grave', SAYS.grave, grave(scene)),
    ...plan.invariants.map((invariant) => {
      const tally = emptyTally()
      for (const stretch of stretchesOf(plan))
        checkWithin(scene, plan, { stretch, invariant, tally })
      return settleTally(
        `invariant ${invariant.id}`,
        `never ${invariant.never} where it is given`,
        tally,
      )
    }),
  ]
  return { verdicts, work: budget.spent }
}

/** An invariant for the people of one stretch of buckets. */
function checkWithin(
  scene: Scene,
  plan: Plan,
  given: {
    readonly stretch: Stretch
    readonly invariant: InvariantPlan
    readonly tally: Tally
  },
): void {
  const { stretch, invariant, tally } = given
  if (tally.counterexamples.length > 0) return
  const enforced = planFor(plan, stretch.from)
  checkInvariant(enforced === plan ? scene : sceneOf(enforced, scene.budget), invariant, tally)
  if (enforced === plan) return
  const whom = stretchWords(stretch)
  tally.counterexamples.forEach((one, i, all) => {
    const [first, ...others] = one.facts.hosts
    const facts = { ...one.facts, hosts: [{ ...first, bucket: stretch.from }, ...others] as const }
    const says = `${one.says}, with what is enforced for ${whom === '' ? 'everybody' : whom}`
    all[i] = { ...one, says, facts }
  })
}

const SAYS = {
  unknown: 'an unknown fact never gives a plain allow where a value of it restricts',
  more: 'one strike more is never milder',
  time: 'time alone never makes it stricter',
  dead: 'each rule, ladder step and exemption can decide',
  grave: 'no exemption lifts a rule for grave violations',
} as const

function withHolds(plan: Plan, tally: Tally): Tally {
  for (const { id, hold } of plan.rules)
    if (hold !== null && hold > 0)
      tally.exceptions.add(`rule \`${id}\` says so: its hold, once usable for an hour, starts anew`)
  return tally
}

function living(scene: Scene): Tally {
  const tally = emptyTally()
  for (const part of scene.parts) checkRuleLives(scene, part, tally)
  for (const exemption of scene.plan.exemptions) checkExemptionLives(scene, exemption, tally)
  return tally
}

function grave(scene: Scene): Tally {
  const tally = emptyTally()
  for (const exemption of scene.plan.exemptions) checkGrave(scene, exemption, tally)
  if (tally.bound === '') tally.bound = 'no exemption names a grave rule'
  return tally
}
