/**
 * What of a deployment may never change: pepper and number of logs, as everybody who takes part can compare them.
 *
 * With another pepper or number of logs every subject would be looked for in an object that is empty, and an empty history
 * opens the gate. Compared when a log is opened (sequencer-open.ts) and whenever a subject's object asks whether its
 * log is ready (subject-ready.ts), because objects do not all change to a new configuration at once.
 */
import type { Pepper } from '../../ports.ts'

/** What everybody who takes part in a deployment must agree on. */
export interface Fixed {
  readonly shards: number
  /** A keyed hash of nothing but these words: known by whoever has the pepper. */
  readonly pepper: string
}

export function fixedOf(pepper: Pepper, shards: number): Fixed {
  return { shards, pepper: pepper.hash('deployment', '') }
}

/** The name of the variable that differs; null when none does. */
export function changedIn(known: Fixed, given: Fixed): string | null {
  if (known.pepper !== given.pepper) return 'LIVEGATE_PEPPER'
  return known.shards === given.shards ? null : 'LIVEGATE_SHARDS'
}
