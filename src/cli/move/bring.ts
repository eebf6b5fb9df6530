/**
 * Brings the lines of a file to whoever takes them in, in batches, from wherever that one is.
 *
 * Nothing is remembered here: the importer says what it has, so an interrupted import is the same command again.
 */
import type { Importer } from '../../core/move/importer.ts'
import type { MoveLine } from '../../core/move/lines.ts'
import { incomplete } from '../failure.ts'
import { linesOf, type Surveyed } from './file.ts'

export interface Bringing {
  readonly path: string
  readonly surveyed: Surveyed
  readonly importer: Importer
  readonly signal: AbortSignal
  readonly onLines: (lines: number) => void
}

export interface Brought {
  /** Lines that were there already. */
  readonly before: number
  readonly lines: number
}

/** A batch is sent when it has so many lines or bytes; one line may be larger by itself. */
const BATCH_LINES = 250
const BATCH_BYTES = 1024 * 1024

/** Resolves when the end has arrived. */
export async function bring({
  path,
  surveyed,
  importer,
  signal,
  onLines,
}: Bringing): Promise<Brought> {
  const { header } = surveyed
  const start = await importer.begin(header)
  const whole = surveyed.end.lines + 1
  if (start.finished) return { before: whole, lines: whole }
  let [from, reached, bytes] = [start.lines, start.lines, 0]
  let batch: MoveLine[] = []
  const send = async (): Promise<void> => {
    if (signal.aborted) throw incomplete('Cannot finish import: it was interrupted')
    reached = (await importer.put({ header, from, lines: batch })).lines
    if (reached < from + batch.length)
      throw incomplete(`Cannot finish import: the gate has ${reached} lines, expected more`)
    from += batch.length
    batch = []
    bytes = 0
    onLines(reached)
  }
  for await (const { number, value, bytes: length, before } of linesOf(path)) {
    if (number < start.lines) continue
    const line = value as MoveLine
    // The last line is what finishes: it must end exactly what was looked at before.
    if ('end' in line && (number !== surveyed.end.lines || before() !== surveyed.end.sha256))
      throw incomplete('Cannot finish import: the file has changed meanwhile')
    batch.push(line)
    bytes += length
    if (batch.length >= BATCH_LINES || bytes >= BATCH_BYTES) await send()
  }
  if (batch.length > 0) await send()
  return { before: start.lines, lines: reached }
}
