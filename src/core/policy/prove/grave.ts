/**
 * "No exemption lifts a grave rule": a rule that answers grave violations alone keeps its say, whoever asks.
 *
 * What is grave is lint/gravity.ts. Judged by what comes out: an exemption that names such a rule is right as long as
 * something else restricts no less wherever it lifts.
 */
import type { Facts } from '../../model.ts'
import { evaluate } from '../evaluate.ts'
import { isGrave } from '../lint/gravity.ts'
import type { ExemptionPlan, Plan } from '../plan.ts'
import { expectationFrom, inWords } from './expectation.ts'
import { boundOf } from './histories.ts'
import { isStricter } from './one-more.ts'
import { withoutExemption } from './restrict.ts'
import { endOf, judge, likely, type Part, type Scene, situation } from './scene.ts'
import { shrink } from './shrink.ts'
import { noteBound, type Tally } from './verdict.ts'

export function checkGrave(scene: Scene, exemption: ExemptionPlan, tally: Tally): void {
  const without = withoutExemption(scene.whole, exemption.id)
  for (const part of scene.parts) {
    if (!exemption.rules.includes(part.rule.id) || !isGrave(part.rule)) continue
    noteBound(tally, part.space.size, boundOf(part.space))
    if (lifts(scene, part, { exemption, without, tally })) return
    if (!part.assignments.complete)
      tally.not_covered.add(
        `rule \`${part.rule.id}\`: its facts have ${part.assignments.product} combinations`,
      )
  }
}

interface Question {
  readonly exemption: ExemptionPlan
  readonly without: Plan
  readonly tally: Tally
}

function lifts(scene: Scene, part: Part, { exemption, without, tally }: Question): boolean {
  const shows = (facts: Facts): boolean =>
    isStricter(evaluate(scene.whole, facts), evaluate(without, facts))
  for (const strikes of likely(part.vocabulary, part.space))
    for (const assignment of part.assignments.all) {
      const at = endOf(strikes, part.vocabulary)
      const alone = judge(scene, part.alone, situation(scene, strikes, assignment, at))
      if (alone === null) {
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
        expect: expectationFrom(kept),
      })
      return true
    }
  return false
}
