/**
 * What a deployment that moves in asks of the objects: plain data, every step repeatable.
 *
 * The Worker takes lines apart (import.ts); a subject's object gets what is about that subject (import-subject.ts), the
 * log where its records were and how far its chain has come (import-log.ts).
 */
import type { Activation } from '../../core/model.ts'
import type { MovedLegalHold, MovedSuppression } from '../../core/move/erasure-lines.ts'
import type { MoveProgress } from '../../core/move/importer.ts'
import type { LogOf, MovedRecord, MoveHeader, MoveLine } from '../../core/move/lines.ts'

/** Lines about one subject, in the order of the file; a long chain comes in several. */
export interface SubjectMove {
  /** Earlier logs, newest first. */
  readonly logs: readonly LogOf[]
  readonly lines: readonly MoveLine[]
}

/** What lies in a subject's object without being of its chain. */
export type KeptMove =
  | { readonly suppression: MovedSuppression }
  | { readonly legal_hold: MovedLegalHold }

/** A record of an earlier log as the log that goes on finds it: its place is below 0. */
export type Seed = Pick<MovedRecord, 'id' | 'kind' | 'seq' | 'at' | 'place' | 'decision'> & {
  /** Name of the subject's object. */
  readonly object: string
  readonly leaf: Uint8Array
}

/** What a log says after a step. */
export interface LogProgress extends MoveProgress {
  /** After a check: the newest revision activated here before anything moved in, 0 when none was. */
  readonly own_revisions?: number
}

/** One step of a log's part. */
export type LogMove =
  /** Whether it may begin here; changes nothing. */
  | { readonly check: MoveHeader }
  /** Shuts the log for chains, and names the predecessor. */
  | { readonly begin: MoveHeader }
  /** A revision decisions of the old log were made under. */
  | { readonly policy: { readonly digest: string; readonly bytes: Uint8Array } }
  /** An activation of the old log under the number it has here, after all before it. */
  | { readonly activation: Activation }
  | { readonly seeds: readonly Seed[] }
  /** How far the file is; opens the log when it is here. */
  | { readonly progress: MoveProgress }
