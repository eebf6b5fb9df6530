/**
 * What a log keeps about a record of a chain besides its entry, as a line of text: enough to find it and to recognise it.
 *
 * A line is a JSON array, in the order of `PlacedRecord`; lines of many records are put together without being read
 * (sequencer-packs.ts), and the bucket gets them as they are (sequencer-segments.ts), for good. So nothing in one leads to
 * a person: a chain is a number, which means something only beside the row of it in its log (sequencer-heads.ts); that row is emptied
 * with an erasure. Spec: docs/spec/storage.md, "The edge host".
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
  /** Number of its chain in this log, and its place on that chain. */
  readonly chain: number
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
  chain: number,
  seq: number,
  leaf: string,
]

/** One line, with the newline that ends it. */
export function lineOf(record: PlacedRecord): string {
  const { index, second, id, kind, at, outcome, mode, rules, chain, seq, leaf } = record
  const line: Line = [index, second, id, kind, at, outcome, mode, rules, chain, seq, leaf]
  return `${JSON.stringify(line)}\n`
}

/**
 * Lines of many records, read only where somebody looks: a whole segment at once would hold up every append for as long as
 * that takes.
 */
export interface PlacedLines {
  /** Null when no record here has this id. */
  find(id: string): PlacedRecord | null
  /** Null when the entry is not here, or no record of a chain. */
  at(index: number): PlacedRecord | null
  /** From an index on, in the order of the log, some at a time. */
  upwards(index: number): Generator<readonly PlacedRecord[]>
  /** The last first, some at a time; each time in the order of the log. */
  downwards(): Generator<readonly PlacedRecord[]>
}

/** Characters read at a time, or one line: some 300 records, half a millisecond. */
export const READ_CHARS: number = 64 * 1024

export function placedLines(lines: string): PlacedLines {
  /** Where the line of an entry begins, or the first behind it. */
  function startOf(index: number): number {
    let start = 0
    while (start < lines.length && indexAt(lines, start) < index) start = endOf(lines, start)
    return start
  }

  return {
    find(id) {
      const text = JSON.stringify(id)
      for (let at = lines.indexOf(text); at !== -1; at = lines.indexOf(text, at + 1)) {
        const start = lines.lastIndexOf('\n', at) + 1
        const [record] = recordsIn(lines.slice(start, endOf(lines, at)))
        if (record?.id === id) return record
      }
      return null
    },
    at(index) {
      const start = startOf(index)
      const [record] = recordsIn(lines.slice(start, endOf(lines, start)))
      return record?.index === index ? record : null
    },
    *upwards(index) {
      for (let start = startOf(index); start < lines.length; ) {
        const end = endOf(lines, start + READ_CHARS)
        yield recordsIn(lines.slice(start, end))
        start = end
      }
    },
    *downwards() {
      for (let end = lines.length; end > 0; ) {
        const start = lines.lastIndexOf('\n', Math.max(-1, end - READ_CHARS) - 1) + 1
        yield recordsIn(lines.slice(start, end))
        end = start
      }
    },
  }
}

/** Index the line that begins at `start` is of. */
function indexAt(lines: string, start: number): number {
  return Number(lines.slice(start + 1, lines.indexOf(',', start)))
}

/** Where the line ends that a character is in. */
function endOf(lines: string, at: number): number {
  const end = lines.indexOf('\n', at)
  return end === -1 ? lines.length : end + 1
}

/** Records of lines of ours. */
export function recordsIn(lines: string): readonly PlacedRecord[] {
  // One parse for all: a line break inside of a JSON text is written `\n`.
  const all = JSON.parse(`[${lines.trimEnd().replaceAll('\n', ',')}]`) as readonly Line[]
  return all.map(([index, second, id, kind, at, outcome, mode, rules, chain, seq, leaf]) => ({
    ...{ index, second, id, kind, at: at as EpochMs },
    ...{ outcome, mode, rules, chain, seq, leaf },
  }))
}
