/**
 * The SQL engine as all storage sees it: synchronous, small, and the same in Node and inside a Durable Object.
 *
 * The two engines differ silently in what they bind and return, so only text, safe integers, null and bytes may cross:
 * anything else throws here, before an engine can reinterpret it. Shared SQL holds no PRAGMA, no BEGIN and no double
 * quotes around text; a compare-and-swap is seen through RETURNING, never through a count of rows.
 * Engines: adapters/node/node-sql.ts. Spec: docs/spec/storage.md. Next stop: schema.ts.
 */
import { LivegateError } from '../../core/errors.ts'

/** What may be bound and what comes back. */
export type SqlValue = string | number | null | Uint8Array
export type Row = Readonly<Record<string, SqlValue | undefined>>

export interface Sql {
  /** Runs one statement for its effect. */
  run(text: string, ...values: readonly SqlValue[]): void
  /** Runs one statement that must change exactly one row, as a compare-and-swap does; throws otherwise. */
  swap(text: string, ...values: readonly SqlValue[]): void
  /** First row, or undefined; further rows are not read. */
  get(text: string, ...values: readonly SqlValue[]): Row | undefined
  all(text: string, ...values: readonly SqlValue[]): readonly Row[]
  /**
   * Runs `work` as a whole or not at all: a throw undoes everything and is passed on. Durable when it returns (on a
   * Durable Object: before the answer leaves). Not reentrant.
   */
  transaction<T>(work: () => T): T
}

/** Durable transactions that may be shared: many pieces of work, one commit. */
export interface Writer {
  /**
   * Runs `work`, synchronously and in the order of the calls, inside a transaction it may share with others; resolves
   * with its result once that transaction is durable. A throw aborts the whole transaction with everything in it, so
   * `work` returns its expected failures, found before its first write. `bytes` estimates what it writes.
   */
  write<T>(work: () => T, bytes?: number): Promise<T>
  /**
   * As `write`, for work that needs nothing of the database but rows no other work of the same kind writes: it only
   * calls `run` and `swap`, which may take effect later (in the order of the calls, before the promise resolves), and
   * may be called where another thread commits what it has written.
   */
  writeLater<T>(work: () => T, bytes?: number): Promise<T>
  /** Keeps memory in step with the database. */
  follow(mirror: Mirror): void
}

/** Memory that mirrors rows. */
export interface Mirror {
  /** A batch is written and on its way to be durable; what is written from now on belongs to another. */
  sealed?(): void
  /** The oldest sealed batch is durable; without one, everything written. */
  committed(): void
  /** Nothing of it happened: forget, and read again. */
  aborted(): void
}

/** Throws unless every value means the same to every engine. */
export function requireBindable(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value === 'string' || value === null || value instanceof Uint8Array) continue
    if (typeof value === 'number' && Number.isSafeInteger(value)) continue
    throw new LivegateError(
      'internal',
      `Cannot bind a value of type ${typeof value}: expected text, a safe integer, null or bytes`,
    )
  }
}

/** Text of a column. Throws `internal` when it holds anything else: then the schema is not ours. */
export function text(row: Row, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : wrong(column, value, 'text')
}

export function integer(row: Row, column: string): number {
  const value = row[column]
  return typeof value === 'number' && Number.isSafeInteger(value)
    ? value
    : wrong(column, value, 'an integer')
}

export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column]
  return value instanceof Uint8Array ? value : wrong(column, value, 'bytes')
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column)
}

export function bytesOrNull(row: Row, column: string): Uint8Array | null {
  return row[column] === null ? null : bytes(row, column)
}

function wrong(column: string, value: unknown, expected: string): never {
  const state = value === undefined ? 'it is missing' : `it is of type ${typeof value}`
  throw new LivegateError(
    'internal',
    `Cannot read column ${column}: ${state}, expected ${expected}`,
  )
}
