/**
 * The first pass over an import: reads every row, sends nothing, and says what sending would mean.
 *
 * Rows of one identity and one content are one; with different contents none of them can be trusted, so none is sent.
 * Memory: an identity and 16 bytes of digest a row. Next: send.ts, the second pass.
 */
import { createHash, hash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { EpochMs } from '../../core/time.ts'
import type { Progress } from '../progress.ts'
import { cellsOf, isMarked, RowProblem } from './cells.ts'
import type { Mapping } from './mapping.ts'
import type { ImportNoun, Item } from './noun.ts'
import { type Row, RowsBroken, readRows } from './rows.ts'

export interface RowFinding {
  readonly line: number
  readonly problem: string
}

export interface Survey {
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string
  readonly rows: number
  /** Distinct good rows: what will be sent. */
  readonly good: number
  /** The same identity and content as an earlier row. */
  readonly repeats: number
  readonly historical: number
  readonly reversed: number
  /** In the order of the file; at most `MAX_FINDINGS`. */
  readonly wrong: readonly RowFinding[]
  readonly wrong_total: number
  /** Identities with different contents. */
  readonly conflicts: readonly { readonly identity: string; readonly lines: readonly number[] }[]
  readonly unknown_words: ReadonlyMap<string, number>
  /** The rest of the file could not be read; nothing may be sent. */
  readonly broken: boolean
}

/** What one row turned out to be. */
export type Reading<T extends Item> =
  | { readonly kind: 'item'; readonly item: T }
  | { readonly kind: 'wrong'; readonly problem: string }
  | { readonly kind: 'historical' | 'reversed' }

export interface SurveyInput<T extends Item> {
  readonly path: string
  readonly mapping: Mapping
  readonly noun: ImportNoun<T>
  readonly now: EpochMs
  readonly progress: Progress
  /** Called for each distinct good row, also for those that turn out to conflict later. */
  readonly onItem?: (item: T) => void
}

const MAX_FINDINGS = 1000

/** Reads one row under the mapping; both passes use it, so they agree. */
export function readRow<T extends Item>(
  row: Row,
  input: Pick<SurveyInput<T>, 'mapping' | 'noun' | 'now'>,
): Reading<T> {
  const { mapping, noun, now } = input
  if (row.problem !== null) return { kind: 'wrong', problem: row.problem }
  if (isMarked(row, mapping.historical)) return { kind: 'historical' }
  if (isMarked(row, mapping.reversed)) return { kind: 'reversed' }
  try {
    return { kind: 'item', item: noun.read(cellsOf(row, mapping), now) }
  } catch (error) {
    if (error instanceof RowProblem) return { kind: 'wrong', problem: error.message }
    throw error
  }
}

/** The whole file, once. */
export async function surveyRows<T extends Item>(input: SurveyInput<T>): Promise<Survey> {
  const tally = new Tally<T>(input)
  const whole = createHash('sha256')
  let bytes = 0
  const onBytes = (chunk: Uint8Array): void => {
    whole.update(chunk)
    bytes += chunk.length
    input.progress.update(bytes)
  }
  let broken = false
  await stat(input.path)
  try {
    for await (const row of readRows(input.path, { columns: input.mapping.columns, onBytes }))
      tally.add(row)
  } catch (error) {
    if (!(error instanceof RowsBroken)) throw error
    tally.wrong(error.line, `nothing can be read from here on: ${error.message}`)
    broken = true
  }
  return { ...tally.result(), digest: whole.digest('hex'), broken }
}

interface Seen {
  readonly lines: number[]
  readonly content: string
}

class Tally<T extends Item> {
  readonly #input: SurveyInput<T>
  readonly #seen = new Map<string, Seen>()
  readonly #conflicts = new Map<string, number[]>()
  readonly #wrong: RowFinding[] = []
  readonly #unknown = new Map<string, number>()
  #counts = { rows: 0, repeats: 0, historical: 0, reversed: 0, wrong_total: 0 }

  constructor(input: SurveyInput<T>) {
    this.#input = input
  }

  add(row: Row): void {
    this.#counts.rows++
    const reading = readRow(row, this.#input)
    if (reading.kind === 'wrong') this.wrong(row.line, reading.problem)
    else if (reading.kind === 'item') this.#item(reading.item, row.line)
    else this.#counts[reading.kind]++
  }

  wrong(line: number, problem: string): void {
    this.#counts.wrong_total++
    if (this.#wrong.length < MAX_FINDINGS) this.#wrong.push({ line, problem })
  }

  result(): Omit<Survey, 'digest' | 'broken'> {
    const conflicts = [...this.#conflicts].map(([identity, lines]) => ({ identity, lines }))
    return {
      ...this.#counts,
      good: this.#seen.size - this.#conflicts.size,
      wrong: this.#wrong,
      conflicts,
      unknown_words: this.#unknown,
    }
  }

  #item(item: T, line: number): void {
    const content = hash('sha256', item.content, 'base64url').slice(0, 22)
    const seen = this.#seen.get(item.identity)
    if (seen !== undefined) {
      if (seen.content === content) this.#counts.repeats++
      else this.#conflict(item.identity, seen, line)
      return
    }
    this.#seen.set(item.identity, { lines: [line], content })
    const word = this.#input.noun.unknownWord(item)
    if (word !== null) this.#unknown.set(word, (this.#unknown.get(word) ?? 0) + 1)
    this.#input.onItem?.(item)
  }

  #conflict(identity: string, seen: Seen, line: number): void {
    const lines = this.#conflicts.get(identity) ?? seen.lines
    if (lines.length < 20) lines.push(line)
    this.#conflicts.set(identity, lines)
  }
}
