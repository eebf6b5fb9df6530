/**
 * What objects tell each other of a candidate in the shadow (rpc.ts). From: subject-shadow.ts, sequencer-shadow.ts.
 */
import type { TallyPart } from '../../core/policy/compare/tally.ts'
import type { EpochMs } from '../../core/time.ts'

/** A candidate's say to one decision, as a count of one: nothing of the subject. */
export interface Shadowed {
  readonly digest: string
  /** Facts it lacked that the answer was not short of. */
  readonly lacking: readonly string[]
  /** Null when it failed. */
  readonly counted: TallyPart | null
}

/** What a log has counted of its deployment's candidate. */
export interface ShadowCounts {
  readonly name: string
  readonly digest: string
  readonly since: EpochMs
  readonly passed_over: number
  readonly failed: number
  readonly lacking: Readonly<Record<string, number>>
  readonly counted: TallyPart
}
