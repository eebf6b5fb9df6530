/**
 * G4: a Node host whose disk fails and lies about it, whose clock steps back, that is restarted, exchanges keys and policies,
 * forgets subjects and what is past its time, is never accused by its own log, and each of its decisions follows again.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { perform, type Step, step } from '../support/lives.ts'
import { aLivingNode } from '../support/living-node.ts'

const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 10) }

describe('the log of an honest Node host', () => {
  it('is never accused, whatever happened, and every decision of it is replayed', async () => {
    let replayed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
        const { now, ever, evaluated } = await lived(steps)
        expect(now.findings).toEqual([])
        expect(ever.findings).toEqual([])
        const { counts } = ever
        expect(counts.signatures).toBe(counts.entries)
        expect(counts.replay).toMatchObject({ believed: 0, other_engine: 0, without_policy: 0 })
        expect(counts.replay?.replayed).toBe(evaluated)
        expect(evaluated).toBeGreaterThanOrEqual(counts.by_kind.decision ?? 0)
        replayed += counts.replay?.replayed ?? 0
      }),
      RUNS,
    )
    expect(replayed).toBeGreaterThan(20)
  })
})

async function lived(
  steps: readonly Step[],
): ReturnType<Awaited<ReturnType<typeof aLivingNode>>['audits']> {
  const life = await aLivingNode()
  try {
    for (const one of steps) {
      await perform(life, one)
      life.remember()
    }
    return await life.audits()
  } finally {
    await life.close()
  }
}
