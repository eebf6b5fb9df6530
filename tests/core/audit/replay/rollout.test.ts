/**
 * What is not enforced, in an audit: an honest log is never accused, and each lie (support/rollout-lies.ts) is found at its
 * index, by its name.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { auditOf, forged, named, type Unfolded } from '../../../support/forge.ts'
import { dig } from '../../../support/replay-lies.ts'
import { ROLLOUT_LIES, type RolloutHistory, rolloutHistory } from '../../../support/rollout-lies.ts'

let honest: RolloutHistory
beforeAll(async () => {
  honest = await rolloutHistory()
})
const copy = (): Unfolded[] => structuredClone([...honest.log])

describe('an audit of a rollout', () => {
  it('accuses the honest log of nothing, as it was and issued anew', async () => {
    const report = await auditOf(await forged(copy()))
    expect(report.findings).toEqual([])
    expect(report.counts.replay).toMatchObject({ replayed: 9, other_engine: 0 })
  })

  it.each(ROLLOUT_LIES)('finds that $name', async ({ tell, expect: codes, says = /./ }) => {
    const log = copy()
    tell(log, honest)
    const report = await auditOf(await forged(log))
    expect([...new Set(named(report))].toSorted()).toEqual([...codes(honest)].toSorted())
    expect(report.findings.some(({ message }) => says.test(message))).toBe(true)
  })

  it('says in public what was not enforced, and nothing of what was', () => {
    const { log, inside, outside, door, struck, renewal } = honest
    for (const index of [outside, door, struck, renewal].filter((at) => at !== door))
      expect(dig(log, index, 'claims').enforced).toBe(false)
    expect(dig(log, inside, 'claims')).not.toHaveProperty('enforced')
    // Nothing applied yet when it started.
    expect(dig(log, door, 'claims')).not.toHaveProperty('enforced')
  })
})
