/**
 * What a deployment that moves in asks of the objects: plain data, every step repeatable.
 *
 * The Worker takes lines apart (import.ts); a subject's object gets what is about that subject (import-subject.ts), the
 * log where its records were and how far its chain has come (import-log.ts).
 */
import type { MoveProgress } from '../../core/move/importer.ts'
import type { LogOf, MovedRecord, MoveHeader, MoveLine } from '../../core/move/lines.ts'

/** Lines about one subject, in the order of the file; a long chain comes in several. */
export interface SubjectMove {
  /** Earlier logs, newest first. */
  readonly logs: readonly LogOf[]
  readonly lines: readonly MoveLine[]
}

/** A record of an earlier log as the log that goes on finds it: its place is below 0. */
export type Seed = Pick<MovedRecord, 'id' | 'kind' | 'seq' | 'at' | 'place' | 'decision'> & {
  /** Name of the subject's object. */
  readonly object: string
  readonly leaf: Uint8Array
}

/** One step of a log's part. */
export type LogMove =
  /** Whether it may begin here; changes nothing. */
  | { readonly check: MoveHeader }
  /** Shuts the log for chains, and names the predecessor. */
  | { readonly begin: MoveHeader }
  /** A revision decisions of the old log were made under. */
  | { readonly policy: { readonly digest: string; readonly bytes: Uint8Array } }
  | { readonly seeds: readonly Seed[] }
  /** How far the file is; opens the log when it is here. */
  | { readonly progress: MoveProgress }
