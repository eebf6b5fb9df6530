/**
 * "No exemption lifts a grave rule": a rule that answers grave violations alone keeps its say, whoever asks.
 *
 * What is grave is lint/gravity.ts. Judged by what comes out: an exemption that names such a rule is right as long as
 * something else restricts no less wherever it lifts.
 */
import type { Decision, Facts } from '../../model.ts'
import { evaluate } from '../evaluate.ts'
import { isGrave } from '../lint/gravity.ts'
import type { ExemptionPlan, Plan } from '../plan.ts'
import { expectationFrom, inWords } from './expectation.ts'
import { boundOf } from './histories.ts'
import { withoutExemption } from './restrict.ts'
import { candidates, endOf, gapsIn, judge, type Part, type Scene, situation } from './scene.ts'
import { shrink } from './shrink.ts'
import { milderIn, rank } from './strictness.ts'
import { noteBound, type Tally } from './verdict.ts'

export function checkGrave(scene: Scene, exemption: ExemptionPlan, tally: Tally): void {
  const without = withoutExemption(scene.whole, exemption.id)
  for (const part of scene.parts) {
    if (!exemption.rules.includes(part.rule.id) || !isGrave(part.rule)) continue
    noteBound(tally, part.space.size, boundOf(part.space))
    if (lifts(scene, part, { exemption, without, tally })) return
    for (const why of gapsIn(part)) tally.not_covered.add(why)
  }
}

/** A milder outcome, an earlier end of a denial, or less to carry out. */
function lessens(kept: Decision, lifted: Decision): boolean {
  if (rank(lifted) !== rank(kept)) return rank(lifted) < rank(kept)
  return milderIn(kept, lifted).includes(kept.outcome === 'deny' ? 'until' : 'obligations')
}

interface Question {
  readonly exemption: ExemptionPlan
  readonly without: Plan
  readonly tally: Tally
}

function lifts(scene: Scene, part: Part, { exemption, without, tally }: Question): boolean {
  const shows = (facts: Facts): boolean =>
    lessens(evaluate(without, facts), evaluate(scene.whole, facts))
  const stop = scene.budget.spent + part.share
  for (const strikes of candidates(part, part.space.kinds))
    for (const assignment of part.assignments.all) {
      const at = endOf(strikes, part.vocabulary)
      const alone = judge(scene, part.alone, situation(scene, strikes, assignment, at))
      if (alone === null || scene.budget.spent > stop) {
        tally.not_covered.add(`rule \`${part.rule.id}\`: the budget of work ended`)
        return false
      }
      tally.histories++
      if (!alone.exemptions.includes(exemption.id)) continue
      const facts = situation(scene, strikes, new Map([...scene.calm, ...assignment]), at)
      if (!shows(facts)) continue
      const smallest = shrink(facts, shows)
      const kept = evaluate(without, smallest)
      tally.counterexamples.push({
        name: `exemption ${exemption.id} does not lift rule ${part.rule.id}`,
        says: `exemption \`${exemption.id}\` turns ${inWords(kept)} into ${inWords(evaluate(scene.whole, smallest))}`,
        facts: smallest,
        expect: expectationFrom(kept, ['obligations']),
      })
      return true
    }
  return false
}
