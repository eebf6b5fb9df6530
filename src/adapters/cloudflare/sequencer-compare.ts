/**
 * A log that keeps up with the one that numbers activations: compared before anybody is told what decides.
 *
 * Whoever activates carries it to every log, but may die in between. So a log that is asked whether it is ready has
 * compared itself with the first one `COMPARE_MS` ago at most, and learned what it lacked: together with `FRESH_MS` and the
 * 2 s of a decision that is less than `LEAD_MS`, so nobody decides under a revision that another has taken the place of.
 * A first log that cannot be reached stops no other: nothing can be activated meanwhile, and what it had activated just
 * before is learned once it is back. Spec: docs/spec/storage.md, "The edge host". Next stop: sequencer-revisions.ts.
 */
import type { IncidentChange } from '../../core/incident.ts'
import { latestOf } from '../../core/policy/activation.ts'
import type { After } from '../../gate/context.ts'
import type { Clock } from '../../ports.ts'
import { withPatience } from './patience.ts'
import { opened, type SequencerRpc } from './rpc.ts'
import type { LoggedIncidents } from './sequencer-incidents.ts'
import type { PolicyText, Revisions } from './sequencer-revisions.ts'

/** How old a comparison may be: one call a second between two logs, however many ask. */
export const COMPARE_MS = 1_000
/** Whoever waits for it has little more than a second. */
const PATIENCE_MS = 500

export interface ComparisonParts {
  /** The log that numbers. */
  readonly first: Pick<SequencerRpc, 'activations' | 'policyText' | 'incidents'>
  readonly revisions: Pick<Revisions, 'list' | 'learn'>
  readonly incidents: Pick<LoggedIncidents, 'list' | 'learn'>
  /** The log has the whole text. */
  readonly has: (digest: string) => boolean
  readonly clock: Clock
  readonly after: After
}

/** Resolves when this log has all the first had a moment ago, or the first cannot be asked; rejects when it cannot learn. */
export function createComparison(parts: ComparisonParts): () => Promise<void> {
  const { clock } = parts
  let compared_at = Number.NEGATIVE_INFINITY
  let comparing: Promise<void> | null = null

  async function compare(): Promise<void> {
    const began = clock.now()
    const missing = await lacking(parts)
    if (missing?.activations != null) await parts.revisions.learn(...missing.activations)
    if (missing !== null && missing.incidents.length > 0)
      await parts.incidents.learn(missing.incidents)
    compared_at = began
  }

  return async () => {
    // One without any is begun by whoever asks it first, out of the first log.
    if (parts.revisions.list().length === 0) return
    const age = clock.now() - compared_at
    if (age >= 0 && age < COMPARE_MS) return
    comparing ??= compare().finally(() => {
      comparing = null
    })
    await comparing
  }
}

interface Lacking {
  readonly activations: Parameters<Revisions['learn']> | null
  readonly incidents: readonly IncidentChange[]
}

/** What to learn; null when the first log cannot be asked. */
async function lacking(parts: ComparisonParts): Promise<Lacking | null> {
  const { first, revisions, incidents, has, after } = parts
  const newest = latestOf(revisions.list())?.revision ?? 0
  const known = incidents.list().length
  const ask = async (): Promise<Lacking> => {
    const [activations, changes] = await Promise.all([texts(), opened(first.incidents())])
    return { activations, incidents: changes.filter(({ change }) => change > known) }
  }
  const texts = async (): Promise<Lacking['activations']> => {
    const missing = (await opened(first.activations())).filter(({ revision }) => revision > newest)
    if (missing.length === 0) return null
    const digests = new Set(missing.map(({ digest }) => digest).filter((digest) => !has(digest)))
    const found: PolicyText[] = []
    for (const digest of digests) {
      const bytes = await opened(first.policyText(digest))
      if (bytes !== null) found.push({ digest, bytes })
    }
    return [missing, found]
  }
  return withPatience(ask, { after, patience_ms: PATIENCE_MS, who: 'the first log' }).catch(
    () => null,
  )
}
