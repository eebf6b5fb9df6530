/**
 * What keepers ask and are asked: they look after what runs, while nobody is there to ask for it.
 *
 * Crosses as everything of rpc.ts does. Who implements what: sequencer-running.ts, subject-sweep.ts, keeper-object.ts.
 */
import type { EpochMs } from '../../core/time.ts'
import type { RecheckCause } from '../../ports.ts'
import type { Reply } from './rpc.ts'

/** Which chains of a log may have something running. */
export interface RunningQuery {
  /** Nothing that was allowed or renewed before runs any more. */
  readonly since: EpochMs
  /** `next` of the page before; null for the first. */
  readonly from: number | null
  /** Chains that have a record from here on are told at an earlier one; null: there is no end yet. */
  readonly until: number | null
  /** Some more may come: what is read together is told together. */
  readonly limit: number
}

export interface RunningPage {
  /** Names of subjects' objects. */
  readonly objects: readonly string[]
  readonly next: number
  /** Entries of the log; `next` has come to its end when it is as large. */
  readonly size: number
}

export interface RunningRpc {
  running(query: RunningQuery): Promise<Reply<RunningPage>>
}

/** One keeper: of a log, which looks again at what runs when what decides has changed. */
export interface KeeperRpc {
  /** Something may have changed, for this reason; null: nobody knows of anything. Repeatable, and answered at once. */
  ring(cause: RecheckCause | null): Promise<Reply<null>>
}

export interface KeeperStubs {
  /** By `keeperOfLog`. */
  keeper(name: string): KeeperRpc
}
