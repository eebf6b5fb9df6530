/**
 * A deployment that moves into a data directory: its lines as rows, and how far they have got, in one transaction each.
 *
 * Knows nothing of keys, records or the old log; that is import.ts's. Rows of the old log's records go below 0
 * (sqlite/predecessors.ts).
 */
import { LivegateError } from '../../core/errors.ts'
import type { MoveProgress } from '../../core/move/importer.ts'
import type { MoveHeader, MoveLine } from '../../core/move/lines.ts'
import { ownRevisions } from '../sqlite/activations.ts'
import {
  advanceMove,
  beginMove,
  moveProgress,
  putErasureLine,
  putKeyLine,
  putSubjectLine,
  type Rows,
} from '../sqlite/move-in.ts'
import { writePredecessors } from '../sqlite/predecessors.ts'
import type { Sql, Writer } from '../sqlite/sql.ts'

export interface StoredMoves {
  /** How far a move has got, and its header as text; null when none ever began. */
  progress(): (MoveProgress & { readonly header: string }) | null
  /** True when a subject has a history that began here. */
  hasChains(): boolean
  begin(header: MoveHeader): Promise<void>
  /** The newest revision activated here before anything moved in; 0 when none was. */
  ownRevisions(): number
  /** Writes lines and that the file is here up to `lines`; those that are no rows are passed over. */
  put(lines: readonly MoveLine[], progress: MoveProgress): Promise<void>
}

const ROWS: Rows = { idx: ({ place }) => place, whole: true }

export function createStoredMoves(sql: Sql, writer: Writer): StoredMoves {
  return {
    progress: () => moveProgress(sql),
    hasChains: () => sql.get('SELECT rid FROM subjects LIMIT 1') !== undefined,
    ownRevisions: () => ownRevisions(sql),
    async begin(header) {
      await writer.write(() => {
        writePredecessors(sql, [header, ...header.predecessors])
        beginMove(sql, header)
      })
    },
    async put(lines, { lines: reached, finished }) {
      let reason: unknown = null
      try {
        await writer.write(() => {
          try {
            for (const line of lines)
              if (!putSubjectLine(sql, line, ROWS) && !putKeyLine(sql, line))
                putErasureLine(sql, line)
            advanceMove(sql, reached, finished)
          } catch (error) {
            reason = error
            throw error
          }
        })
      } catch (error) {
        // The writer says only that nothing was written; nobody else shares this transaction, so why is known.
        throw reason instanceof LivegateError ? reason : error
      }
    },
  }
}
