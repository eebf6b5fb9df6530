/**
 * What an import needs to know about the noun it imports; strike-rows.ts and facts-rows.ts are the two there are.
 */
import type { EpochMs } from '../../core/time.ts'
import type { GateRequest } from '../gate-client.ts'
import type { Cells } from './cells.ts'
import type { KnownField } from './mapping.ts'

/** One row, ready to be sent. */
export interface Item {
  /** Two rows of one identity must have one content. */
  readonly identity: string
  /** What identity and content are compared by. */
  readonly content: string
  readonly request: GateRequest
}

export interface ImportNoun<T extends Item> {
  /** For summaries. */
  readonly one: string
  readonly many: string
  readonly fields: Readonly<Record<string, KnownField>>
  /** Throws `RowProblem`. `now` is the instant of the import. */
  read(cells: Cells, now: EpochMs): T
  /** A word of the row that is legal but unknown (a category of the platform's own), else null. */
  unknownWord(item: T): string | null
}
