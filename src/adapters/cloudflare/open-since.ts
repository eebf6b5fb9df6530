/**
 * Since when whatever runs now must have been allowed or renewed: the longest that any lease given here still lasts.
 *
 * A lease is as long as the policy that gave it says, at most: each activation is looked at over the time it decided. Leases of
 * before the first one (of an earlier log) are taken to be as long as the longest of all. Used by edge-sweep.ts, edge-broadcasts.ts.
 */
import type { Activation } from '../../core/model.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { type EpochMs, epochMs, MINUTE_MS } from '../../core/time.ts'

/** Between an instant of a lease and those of records; clocks are not one. */
const MARGIN_MS = MINUTE_MS

/** `planOf` null: its text is not to be had, so nothing is known about its leases. */
export function openSince(
  activations: readonly Activation[],
  planOf: (digest: string) => Pick<Plan, 'lease_ms'> | null,
  at: EpochMs,
): EpochMs {
  const inTime = activations.toSorted(
    (a, b) => a.active_from - b.active_from || a.revision - b.revision,
  )
  const lease = (one: Activation): number => planOf(one.digest)?.lease_ms ?? at
  const longest = Math.max(0, ...inTime.map(lease))
  let since = at
  const given = (from: number, to: number, lease_ms: number): void => {
    const oldest = Math.max(from, at - lease_ms - MARGIN_MS)
    if (oldest < to) since = epochMs(Math.max(0, Math.min(since, oldest)))
  }
  const [first] = inTime
  if (first !== undefined) given(0, first.active_from + MARGIN_MS, longest)
  for (const one of inTime) {
    // A lower revision does not decide any more, though it may come later.
    const over = inTime.find((next) => next.revision > one.revision)?.active_from
    given(one.active_from - MARGIN_MS, (over ?? at) + MARGIN_MS, lease(one))
  }
  return since
}

/** As `openSince`, with plans that have to be read. */
export async function openSinceOf(
  activations: readonly Activation[],
  planOf: (digest: string) => Promise<Pick<Plan, 'lease_ms'> | null>,
  at: EpochMs,
): Promise<EpochMs> {
  const plans = new Map<string, Pick<Plan, 'lease_ms'> | null>()
  for (const { digest } of activations)
    if (!plans.has(digest)) plans.set(digest, await planOf(digest))
  return openSince(activations, (digest) => plans.get(digest) ?? null, at)
}
