/**
 * What a log keeps about a record of a chain besides its entry, as a line of text: enough to find it and to recognise it.
 *
 * A line is a JSON array, in the order of `PlacedRecord`; lines of many records are put together without being read
 * (sequencer-packs.ts), and the bucket gets them as they are (sequencer-segments.ts). Nothing in one names
 * a person: the object has a keyed hash for a name, which links its records for whoever reads the bucket. Spec: docs/spec/storage.md, "The edge host".
 */
import type { EpochMs } from '../../core/time.ts'

export interface PlacedRecord {
  readonly index: number
  /** Second the log took it in: never smaller than that of the record before. */
  readonly second: number
  readonly id: string
  readonly kind: string
  readonly at: EpochMs
  /** Null unless a decision. */
  readonly outcome: string | null
  readonly mode: string | null
  readonly rules: readonly string[]
  /** Name of its subject's object, and its place on that chain. */
  readonly object: string
  readonly seq: number
  /** base64url. */
  readonly leaf: string
}

type Line = readonly [
  index: number,
  second: number,
  id: string,
  kind: string,
  at: number,
  outcome: string | null,
  mode: string | null,
  rules: readonly string[],
  object: string,
  seq: number,
  leaf: string,
]

/** One line, with the newline that ends it. */
export function lineOf(record: PlacedRecord): string {
  const { index, second, id, kind, at, outcome, mode, rules, object, seq, leaf } = record
  const line: Line = [index, second, id, kind, at, outcome, mode, rules, object, seq, leaf]
  return `${JSON.stringify(line)}\n`
}

/** Lines of many records, read only when somebody wants more than to know that an id is not in them. */
export interface PlacedLines {
  /** In the order of the log. */
  records(): readonly PlacedRecord[]
  /** Null when no record here has this id. */
  find(id: string): PlacedRecord | null
}

export function placedLines(lines: string): PlacedLines {
  let read: readonly PlacedRecord[] | null = null
  const records = (): readonly PlacedRecord[] => {
    read ??= recordsIn(lines)
    return read
  }
  return {
    records,
    find: (id) =>
      mayHold(lines, id) ? (records().find((record) => record.id === id) ?? null) : null,
  }
}

/** Records of lines of ours. */
export function recordsIn(lines: string): readonly PlacedRecord[] {
  // One parse for all: a line break inside of a JSON text is written `\n`.
  const all = JSON.parse(`[${lines.trimEnd().replaceAll('\n', ',')}]`) as readonly Line[]
  return all.map(([index, second, id, kind, at, outcome, mode, rules, object, seq, leaf]) => ({
    ...{ index, second, id, kind, at: at as EpochMs },
    ...{ outcome, mode, rules, object, seq, leaf },
  }))
}

/** False only when no record of these lines has this id. */
function mayHold(lines: string, id: string): boolean {
  return lines.includes(JSON.stringify(id))
}
