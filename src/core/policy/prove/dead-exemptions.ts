/**
 * Each exemption can lift a rule, and the answer is another for it. See dead.ts.
 */
import type { Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import type { ExemptionPlan } from '../plan.ts'
import { instantsOfLook, quieten, quietKinds } from './dead.ts'
import { withoutExemption, withoutRule } from './restrict.ts'
import {
  candidates,
  endOf,
  gapsIn,
  judge,
  likely,
  type Part,
  type Scene,
  situation,
} from './scene.ts'
import { answerKey } from './strictness.ts'
import type { Tally } from './verdict.ts'

/** Each exemption lifts some rule in some history, and the answer is another for it. */
export function checkExemptionLives(scene: Scene, exemption: ExemptionPlan, tally: Tally): void {
  const without = withoutExemption(scene.whole, exemption.id)
  let nearest: Facts | null = null
  let complete = true
  for (const part of scene.parts) {
    if (!exemption.rules.includes(part.rule.id)) continue
    const stop = scene.budget.spent + part.share
    looking: for (const strikes of candidates(part, quietKinds(scene, part)))
      for (const assignment of part.assignments.all) {
        if (scene.budget.spent > stop || scene.budget.left <= 0) {
          complete = false
          break looking
        }
        const from = endOf(strikes, part.vocabulary)
        const lifted = liftedAt(
          scene,
          part,
          exemption.id,
          situation(scene, strikes, assignment, from),
        )
        if (lifted === null) continue
        tally.histories++
        const others = withoutRule(scene.whole, part.rule.id)
        const calm = quieten(scene, others, strikes, assignment, from)
        const facts = { ...situation(scene, strikes, calm, from), at: lifted }
        nearest ??= facts
        const differs = (now: Facts): boolean =>
          answerKey(evaluate(scene.whole, now)) !== answerKey(evaluate(without, now))
        if (differs(facts)) return
      }
    if (gapsIn(part).length > 0) complete = false
  }
  const says = `exemption \`${exemption.id}\` never lifts anything`
  if (!complete) tally.not_covered.add(`${says} in what was looked at`)
  else
    tally.counterexamples.push({
      name: `exemption ${exemption.id} lifts a rule`,
      says,
      facts: nearest === null ? someMatch(scene, exemption) : nearest,
      expect:
        nearest === null
          ? { exemptions: [exemption.id] }
          : {
              rules: [],
              outcome: evaluate(scene.whole, nearest).outcome === 'allow' ? 'deny' : 'allow',
            },
    })
}

/** The first instant looked at at which the exemption lifts the rule alone. */
function liftedAt(scene: Scene, { alone }: Part, exemption: string, facts: Facts): EpochMs | null {
  for (const at of instantsOfLook(alone, facts)) {
    const decision = judge(scene, alone, { ...facts, at })
    if (decision?.exemptions.includes(exemption) === true) return at
  }
  return null
}

/** Any facts for which a rule the exemption names matches: there it should have lifted it. */
function someMatch(scene: Scene, exemption: ExemptionPlan): Facts {
  for (const part of scene.parts)
    if (exemption.rules.includes(part.rule.id))
      for (const strikes of likely(part.vocabulary, part.space))
        for (const assignment of part.assignments.all) {
          const facts = situation(scene, strikes, assignment, endOf(strikes, part.vocabulary))
          if (evaluate(part.alone, facts).rules.length > 0) return facts
        }
  return situation(scene, [], scene.calm, scene.vocabulary.anchor)
}
