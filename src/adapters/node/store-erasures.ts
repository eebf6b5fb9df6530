/**
 * What a Node store forgets with: the erasures port, retention, and the eraser that removes what is left.
 *
 * Wiring only; the parts are in sqlite/. Rows of suppressions and erasures know their subject by a keyed hash alone.
 */
import type { SubjectId } from '../../core/model.ts'
import type { Erasures, Observe, Pepper } from '../../ports.ts'
import type { Entries } from '../sqlite/entries.ts'
import { createEraser } from '../sqlite/eraser.ts'
import { lastErasedRid } from '../sqlite/erasure-rows.ts'
import { createSqlErasures } from '../sqlite/erasures.ts'
import { createSqlRetention, type SqlRetention } from '../sqlite/retention.ts'
import type { Sql, Writer } from '../sqlite/sql.ts'
import type { Erased, Subjects } from '../sqlite/subjects.ts'
import { suppressionsUnder } from '../sqlite/suppressions.ts'
import type { Background } from './background.ts'
import type { Committer } from './committer.ts'
import { after } from './system.ts'
import { createVacate, observeDone } from './vacate.ts'

export interface StoreErasures {
  readonly erasures: Erasures
  readonly retention: SqlRetention
  /** What facts call somebody without a chain: told apart from who has none any more. */
  accountOf(subject: SubjectId): string
  /** Goes on with what was begun before the store was opened. */
  resume(): void
  /** Ends after the step under way. */
  stop(): Promise<void>
}

export interface StoreErasuresParts {
  readonly sql: Sql
  readonly writer: Writer
  readonly entries: Entries
  readonly subjects: Subjects
  readonly origin: string
  readonly pepper: Pepper
  /** Of the database. */
  readonly path: string
  readonly background: Pick<Background, 'shrink'>
  readonly committer: Pick<Committer, 'truncate'>
  readonly observe: Observe
  readonly onError: (error: unknown) => void
}

export function createStoreErasures(parts: StoreErasuresParts): StoreErasures {
  const { sql, writer, entries, subjects, origin, pepper } = parts
  const { path, background, committer, observe, onError } = parts
  const eraser = createEraser({
    ...{ sql, writer, onError, after },
    vacate: createVacate({ path, shrink: background.shrink, committer }),
    onDone: (began) => observeDone(observe, began),
  })
  const keyOf = keyedBy(pepper)
  return {
    erasures: createSqlErasures({ sql, writer, entries, subjects, eraser, origin, keyOf }),
    retention: createSqlRetention({ sql, writer, poke: eraser.poke }),
    // As gate/gather.ts names them.
    accountOf: (subject) => pepper.hash('account', subject),
    resume: eraser.poke,
    stop: eraser.stop,
  }
}

/** For `createSubjects`: what outlives a subject. */
export function erasedBefore(sql: Sql, pepper: Pepper): Erased {
  const keyOf = keyedBy(pepper)
  return {
    suppressionsOf: (subject) => suppressionsUnder(sql, keyOf(subject)),
    lastRid: () => lastErasedRid(sql),
  }
}

function keyedBy(pepper: Pepper): (subject: SubjectId) => string {
  return (subject) => pepper.hash('subject', subject)
}
