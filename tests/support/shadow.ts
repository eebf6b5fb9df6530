/**
 * A report of a candidate in the shadow that has everything in it a report can have.
 */
import { createTally } from '../../src/core/policy/compare/tally.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import type { ShadowReport } from '../../src/gate/shadow.ts'
import { aDecision, aDeny, DIGEST, NOW } from './http.ts'

const at = (ms: number): EpochMs => epochMs(NOW + ms)

export function aShadowReport(): ShadowReport {
  const tally = createTally()
  tally.add({ id: 'd_1', at: at(0), before: aDecision(), after: aDeny() })
  tally.add({ id: 'd_2', at: at(1), before: aDeny(), after: { ...aDeny(), until: 'forever' } })
  tally.add({ id: 'd_3', at: at(2), before: aDecision(), after: aDecision() })
  return {
    ...{ name: 'candidate', digest: DIGEST, since: NOW, passed_over: 4, failed: 1 },
    lacking: { 'subject.followers': 2 },
    compared: tally.report(),
  }
}
