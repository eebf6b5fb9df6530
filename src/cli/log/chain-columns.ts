/**
 * What disclosures opened in a bundle, column by column: crosses from a thread without an object or a text per entry.
 */
import type { Opened, Scanned } from '../../core/audit/scan.ts'
import type { RecordFault } from '../../core/record/faults.ts'
import { err, ok } from '../../core/result.ts'
import type { EpochMs } from '../../core/time.ts'

/** A row per entry, `faults` in the order of their entries. */
export interface ChainColumns {
  /** Per entry: what became of what was disclosed of it. */
  readonly state: Uint8Array<ArrayBuffer>
  /** `seq` and `at`. */
  readonly numbers: Float64Array<ArrayBuffer>
  /** Length of `sub`, then `sub` and `prev`. */
  readonly texts: Uint8Array<ArrayBuffer>
  readonly faults: RecordFault[]
}

const NOTHING = 0
/** Its place in a chain, as the first of it or with a record before it. */
const FIRST = 1
const LATER = 2
const REFUSED = 3

/** Columns still to be filled. */
interface OwnColumns extends ChainColumns {
  readonly texts: Buffer<ArrayBuffer>
}

/** Characters of a `sub` at most, and of a `prev` exactly (record/claims.ts has checked both, and that they are ASCII). */
const SUB = 64
const PREV = 43
const ROW: number = 1 + SUB + PREV

export function createColumns(entries: number): OwnColumns {
  return {
    state: new Uint8Array(entries),
    numbers: new Float64Array(2 * entries),
    texts: Buffer.from(new ArrayBuffer(ROW * entries)),
    faults: [],
  }
}

/** Notes what was opened of entry `i`; entries come in order. */
export function packOpened(columns: OwnColumns, i: number, scanned: Scanned): void {
  const opened = 'opened' in scanned ? scanned.opened : undefined
  if (opened === undefined) return
  if (!opened.ok) {
    columns.state[i] = REFUSED
    columns.faults.push(opened.error)
  } else if (opened.value !== null) {
    const { sub, seq, prev, at } = opened.value
    const { texts } = columns
    columns.state[i] = prev === null ? FIRST : LATER
    columns.numbers[2 * i] = seq
    columns.numbers[2 * i + 1] = at
    texts[ROW * i] = sub.length
    texts.write(sub, ROW * i + 1, SUB, 'latin1')
    if (prev !== null) texts.write(prev, ROW * i + 1 + SUB, PREV, 'latin1')
  }
}

/** Gives back what was packed, entry by entry in order. */
export function unpackOpened(columns: ChainColumns): (i: number) => Opened | undefined {
  const { state, numbers, faults } = columns
  const { buffer, byteOffset, length } = columns.texts
  const texts = Buffer.from(buffer, byteOffset, length)
  let refused = 0
  return (i) => {
    const said = state[i] ?? NOTHING
    if (said === NOTHING) return undefined
    if (said === REFUSED) return err(faults[refused++] as RecordFault)
    const start = ROW * i + 1
    const sub = texts.toString('latin1', start, start + (texts[start - 1] ?? 0))
    const from = start + SUB
    const prev = said === FIRST ? null : texts.toString('latin1', from, from + PREV)
    return ok({ sub, seq: numbers[2 * i] ?? 0, prev, at: (numbers[2 * i + 1] ?? 0) as EpochMs })
  }
}
