/**
 * What a log says of itself (rpc.ts): for readiness and metrics. From: sequencer.ts, sequencer-decided.ts.
 */
import type { WitnessStatus } from '../sqlite/witnesses.ts'

/**
 * How many decisions: by `outcome` [outcome, mode], by `rule` [rule, outcome], by a rule not enforced, `would` [rule, outcome with
 * everything enforced].
 */
export interface Decided {
  readonly what: 'outcome' | 'rule' | 'would'
  readonly labels: readonly string[]
  readonly count: number
}

export interface SequencerStatus {
  readonly origin: string
  /** Why nothing is written any more, null while all is well. */
  readonly halted: string | null
  readonly entries: number
  readonly published: number
  /** Times in a row that its bucket took no segment of what is published: its storage grows. Absent from an older version. */
  readonly unmoved?: number
  /** Since the object woke: appends that shared each insert, for the bench and the metrics. */
  readonly inserts: number
  readonly inserted: number
  /** Decisions since the object woke. Absent from an older version. */
  readonly decided?: readonly Decided[]
  /** How witnesses have answered since the object woke; null when none are asked. */
  readonly witnesses?: WitnessStatus | null
}
