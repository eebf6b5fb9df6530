/**
 * What a candidate in the shadow would have answered, over all logs of a deployment: as one report.
 *
 * Logs are added up in the order of their shards. One that does not answer makes the report fail: half of the figures would look
 * like all of them. Counting is sequencer-shadow.ts's.
 */
import { createTally } from '../../core/policy/compare/tally.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { epochMs } from '../../core/time.ts'
import type { ShadowReport } from '../../gate/shadow.ts'
import { opened, type SequencerRpc } from './rpc.ts'
import type { ShadowCounts } from './rpc-shadow.ts'

/** Null while no log counts anything about this candidate. */
export async function edgeShadow(
  digest: string,
  logs: readonly Pick<SequencerRpc, 'shadow'>[],
): Promise<ShadowReport | null> {
  const found = await Promise.all(logs.map((log) => opened(log.shadow())))
  return addedUp(found.filter((counts) => counts?.digest === digest).flatMap((one) => one ?? []))
}

function addedUp(all: readonly ShadowCounts[]): ShadowReport | null {
  const [first] = all
  if (first === undefined) return null
  const tally = createTally()
  const lacking = new Map<string, number>()
  for (const { counted, lacking: facts } of all) {
    tally.merge(counted)
    for (const [fact, n] of Object.entries(facts)) lacking.set(fact, (lacking.get(fact) ?? 0) + n)
  }
  const sum = (what: 'passed_over' | 'failed'): number =>
    all.reduce((total, counts) => total + counts[what], 0)
  return {
    ...{ name: first.name, digest: first.digest },
    since: epochMs(Math.min(...all.map(({ since }) => since))),
    ...{ passed_over: sum('passed_over'), failed: sum('failed') },
    lacking: Object.fromEntries(lacking),
    compared: tally.report(),
  }
}

/** For whoever may ask; nothing without a candidate. */
export function shadowOf(
  plan: Pick<Plan, 'digest'> | null,
  logs: readonly { readonly sequencer: Pick<SequencerRpc, 'shadow'> }[],
): { readonly shadow?: () => Promise<ShadowReport | null> } {
  if (plan === null) return {}
  const sequencers = logs.map(({ sequencer }) => sequencer)
  return { shadow: () => edgeShadow(plan.digest, sequencers) }
}
