/** A search ends when its budget of work does, however many histories there would be. */
import { expect, it } from 'vitest'
import { checkExemptionLives } from '../../../../src/core/policy/prove/dead-exemptions.ts'
import { sceneOf } from '../../../../src/core/policy/prove/scene.ts'
import { emptyTally } from '../../../../src/core/policy/prove/verdict.ts'
import { wholePlan } from '../../../../src/core/policy/rollout-plans.ts'
import { compiled } from '../../../support/policy-arbitraries.ts'

const POLICY = {
  default: 'allow',
  rules: [
    {
      id: 'r0',
      count: { category: ['*'], severity: '..medium', scope: ['any', 'chat'], within: '1ms' },
      ladder: { 1: '2ms', 4: '4ms', 5: 'forever' },
      unless: 'strike.source_system.startsWith("s")',
      outcome: 'deny',
    },
  ],
  exempt: [{ id: 'x0', rules: ['r0'], when: '!(strikes("*", "8ms") >= 1)' }],
}

it('for what an exemption lifts, with millions of histories to go', { timeout: 2_000 }, () => {
  const scene = sceneOf(wholePlan(compiled(POLICY)), { left: 100, spent: 0, progress: () => {} })
  const parts = scene.parts.map((part) => ({ ...part, space: { ...part.space, free: 6 } }))
  const [exemption] = scene.plan.exemptions
  if (exemption === undefined) throw new Error('the policy has no exemption')
  const tally = emptyTally()
  checkExemptionLives({ ...scene, parts }, exemption, tally)
  expect(scene.budget.spent).toBe(100)
  expect([...tally.not_covered]).toEqual([
    'exemption `x0` never lifts anything in what was looked at',
  ])
})
