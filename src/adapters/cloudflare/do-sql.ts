/**
 * The Sql port over a Durable Object's own database: synchronous, and the same to shared SQL as Node's.
 *
 * Bytes come back as Uint8Array, a row that was swapped is seen through RETURNING, and a number that cannot be exact is
 * refused where this engine would round it. Writes without an await between them are one commit, and no answer leaves
 * the object before they are durable. Shared SQL holds no PRAGMA and no BEGIN: both are refused here.
 * Next stop: turn-writer.ts, group-writer.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { type Row, requireBindable, type Sql, type SqlValue } from '../sqlite/sql.ts'

/** What of `ctx.storage` it takes. */
export type SqlStorageLike = Pick<DurableObjectStorage, 'sql' | 'transactionSync'>

export function createDoSql(storage: SqlStorageLike): Sql {
  const all = (text: string, values: readonly SqlValue[]): Row[] => {
    requireBindable(values)
    return storage.sql
      .exec(text, ...values)
      .toArray()
      .map(rowOf)
  }
  return {
    run(text, ...values) {
      requireBindable(values)
      storage.sql.exec(text, ...values)
    },
    swap(text, ...values) {
      requireBindable(values)
      const { length } = storage.sql.exec(returning(text), ...values).toArray()
      if (length === 1) return
      throw new LivegateError(
        'internal',
        `Cannot swap: ${length} rows were as expected, expected one row`,
      )
    },
    // A cursor that is left half read keeps its statement open: shared SQL asks for one row where there may be more.
    get: (text, ...values) => all(text, values)[0],
    all: (text, ...values) => all(text, values),
    transaction: (work) => storage.transactionSync(work),
  }
}

/** Swaps with what makes them seen, by their text: the engine knows a statement again when it is the same text. */
const seen = new Map<string, string>()

function returning(swap: string): string {
  const known = seen.get(swap)
  if (known !== undefined) return known
  const text = `${swap} RETURNING 1 AS swapped`
  seen.set(swap, text)
  return text
}

function rowOf(raw: Readonly<Record<string, SqlStorageValue>>): Row {
  const row: Record<string, SqlValue> = {}
  for (const [column, value] of Object.entries(raw)) row[column] = columnValue(column, value)
  return row
}

function columnValue(column: string, value: SqlStorageValue): SqlValue {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value))
    return value
  throw new LivegateError(
    'internal',
    `Cannot read column ${column}: it is beyond 2^53, expected a safe integer`,
  )
}
