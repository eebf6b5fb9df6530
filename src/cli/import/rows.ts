/**
 * Rows out of a CSV or JSON Lines file, one after the other, each with its line number.
 *
 * A row that cannot be read is a row with a problem, as long as one can tell where the next begins; after a broken
 * quote or an endless record in CSV nobody can, so that ends the file (`RowsBroken`). CSV is RFC 4180: comma, quotes,
 * header line, LF or CRLF, an optional byte order mark. Text must be UTF-8. Values mean nothing yet (cells.ts).
 */
import { createReadStream } from 'node:fs'
import { CsvError, parse } from 'csv-parse'
import { suggest } from '../../core/policy/suggest.ts'
import { usage } from '../failure.ts'
import { quote } from '../session.ts'

/** A value as written; JSON arrays of scalars stay lists. */
export type Cell = string | readonly string[] | null

export interface Row {
  /** Counted from 1, the header not counted, rows with problems counted. */
  readonly ordinal: number
  /** Line of the file it begins on, counted from 1. */
  readonly line: number
  /** Why it cannot be read; null when `cell` may be asked. */
  readonly problem: string | null
  cell(column: string): Cell
}

/** Nothing can be read from `line` on. */
export class RowsBroken extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** One row, bytes: 20 fields of the longest values are under 8 KiB; evidence notes may sit beside them. */
export const MAX_ROW_BYTES: number = 256 * 1024

export interface RowsOptions {
  /** Columns that must exist: checked against the header of a CSV. */
  readonly columns: ReadonlySet<string>
  /** Every chunk read, for a digest or a progress bar. */
  readonly onBytes?: (chunk: Uint8Array) => void
}

/** The rows of `path`; the ending of its name tells the format. */
export function readRows(path: string, options: RowsOptions): AsyncGenerator<Row> {
  if (/\.csv$/i.test(path)) return csvRows(path, options)
  if (/\.(jsonl|ndjson)$/i.test(path)) return jsonRows(path, options)
  throw usage(
    `Cannot tell the format of ${quote(path)}: its name ends otherwise`,
    'rename it to end in .csv or .jsonl',
  )
}

async function* chunksOf(path: string, options: RowsOptions): AsyncGenerator<Buffer> {
  // Decoding only to refuse: a replaced character in an id would be another id.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      decoder.decode(chunk as Buffer, { stream: true })
      options.onBytes?.(chunk as Buffer)
      yield chunk as Buffer
    }
    decoder.decode()
  } catch (error) {
    if (error instanceof TypeError) throw new RowsBroken(0, 'it is not well-formed UTF-8')
    // Reading a stream, Node does not always say which file.
    throw error instanceof Error ? Object.assign(error, { path }) : error
  }
}

async function* csvRows(path: string, options: RowsOptions): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: MAX_ROW_BYTES,
    relax_column_count: true,
    skip_empty_lines: true,
  })
  void feed(parser, chunksOf(path, options))
  let header: ReadonlyMap<string, number> | null = null
  let ordinal = 0
  let line = 1
  try {
    for await (const item of parser) {
      const { record, info } = item as { record: string[]; info: { lines: number } }
      const begins = line
      line = info.lines + 1
      if (header === null) header = headerOf(record, options.columns, path)
      else yield csvRow(record, header, { ordinal: ++ordinal, line: begins })
    }
  } catch (error) {
    if (error instanceof CsvError) throw new RowsBroken(lineOf(error, line), csvTrouble(error))
    throw error
  }
  if (header === null) throw new RowsBroken(1, 'it is empty, expected a header line')
}

async function feed(
  parser: ReturnType<typeof parse>,
  chunks: AsyncGenerator<Buffer>,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (parser.destroyed) return
      if (!parser.write(chunk))
        await new Promise<void>((resolve) => {
          parser.once('drain', resolve)
          parser.once('close', resolve)
        })
    }
    parser.end()
  } catch (error) {
    parser.destroy(error as Error)
  }
}

/** Where the parser stopped; for a quote left open where its row began, or the line would be the last of the file. */
function lineOf(error: CsvError, begins: number): number {
  const { lines } = error as { readonly lines?: unknown }
  return error.code === 'CSV_QUOTE_NOT_CLOSED' || typeof lines !== 'number' ? begins : lines
}

function csvTrouble(error: CsvError): string {
  if (error.code === 'CSV_MAX_RECORD_SIZE')
    return `a row is longer than ${MAX_ROW_BYTES} bytes; is a quote left open?`
  return 'its quotes do not match, expected "…" around a whole field and "" inside it'
}

function headerOf(
  names: readonly string[],
  columns: ReadonlySet<string>,
  path: string,
): ReadonlyMap<string, number> {
  const header = new Map(names.map((name, i) => [name, i]))
  if (header.size !== names.length)
    throw new RowsBroken(1, 'its header names a column twice, expected distinct names')
  for (const column of columns)
    if (!header.has(column)) {
      const near = suggest(column, names)
      throw usage(
        `Cannot use mapping: ${quote(path)} has no column ${quote(column)}`,
        near === undefined
          ? `its columns are ${names.slice(0, 20).map(quote).join(', ')}`
          : `did you mean ${quote(near)}?`,
      )
    }
  return header
}

function csvRow(
  record: readonly string[],
  header: ReadonlyMap<string, number>,
  place: { readonly ordinal: number; readonly line: number },
): Row {
  const problem =
    record.length === header.size
      ? null
      : `it has ${record.length} fields, expected ${header.size} as in the header`
  return { ...place, problem, cell: (column) => record[header.get(column) ?? -1] || null }
}

async function* jsonRows(path: string, options: RowsOptions): AsyncGenerator<Row> {
  let ordinal = 0
  for await (const { line, text } of linesOf(chunksOf(path, options))) {
    if (text !== null && text.trim() === '') continue
    yield jsonRow(text, { ordinal: ++ordinal, line })
  }
}

/** Lines as text; null for one that is longer than a row may be. */
async function* linesOf(
  chunks: AsyncGenerator<Buffer>,
): AsyncGenerator<{ line: number; text: string | null }> {
  let line = 1
  let parts: Buffer[] = []
  let length = 0
  const take = (part: Buffer): void => {
    length += part.length
    if (length <= MAX_ROW_BYTES) parts.push(part)
  }
  const flush = (): { line: number; text: string | null } => {
    const text = length > MAX_ROW_BYTES ? null : Buffer.concat(parts).toString('utf8')
    parts = []
    length = 0
    return { line: line++, text: line === 2 ? (text?.replace(/^\ufeff/, '') ?? null) : text }
  }
  for await (const chunk of chunks) {
    let begin = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
      take(chunk.subarray(begin, end))
      yield flush()
      begin = end + 1
    }
    take(chunk.subarray(begin))
  }
  if (length > 0) yield flush()
}

function jsonRow(
  text: string | null,
  place: { readonly ordinal: number; readonly line: number },
): Row {
  const wrong = (problem: string): Row => ({ ...place, problem, cell: () => null })
  if (text === null) return wrong(`it is longer than ${MAX_ROW_BYTES} bytes`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return wrong('it is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return wrong('it is not a JSON object')
  return { ...place, problem: null, cell: (column) => cellAt(value, column) }
}

/** `policies.0.name`: members and list places, a dot between; a member that itself holds dots is tried first. */
function cellAt(value: unknown, column: string): Cell {
  let at: unknown = value
  const steps = Object.hasOwn(value as object, column) ? [column] : column.split('.')
  for (const step of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return null
    at = (at as Readonly<Record<string, unknown>>)[step]
  }
  if (Array.isArray(at)) return at.flatMap((one) => scalarOf(one) ?? [])
  return scalarOf(at)
}

function scalarOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}
