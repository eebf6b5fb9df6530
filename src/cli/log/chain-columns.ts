/**
 * What disclosures opened in a bundle, column by column: crosses from a thread without an object per entry.
 */
import type { Opened, Scanned } from '../../core/audit/scan.ts'
import type { RecordFault } from '../../core/record/faults.ts'
import { err, ok } from '../../core/result.ts'
import type { EpochMs } from '../../core/time.ts'

/** The columns after `state` hold one item per opened entry, `faults` one per refused one. */
export interface ChainColumns {
  /** Per entry: 0 nothing disclosed of it, 1 its place in a chain opened, 2 refused. */
  readonly state: Uint8Array
  readonly leaf: string[]
  readonly sub: string[]
  readonly seq: number[]
  readonly prev: (string | null)[]
  readonly at: number[]
  readonly faults: RecordFault[]
}

export function createColumns(entries: number): ChainColumns {
  const state = new Uint8Array(entries)
  return { state, leaf: [], sub: [], seq: [], prev: [], at: [], faults: [] }
}

/** Notes what was opened of entry `i`; entries come in order. */
export function packOpened(columns: ChainColumns, i: number, scanned: Scanned): void {
  const opened = 'opened' in scanned ? scanned.opened : undefined
  if (opened === undefined) return
  if (!opened.ok) {
    columns.state[i] = 2
    columns.faults.push(opened.error)
  } else if (opened.value !== null) {
    const { sub, seq, prev, at } = opened.value
    columns.state[i] = 1
    columns.leaf.push(Buffer.from(scanned.leaf).toString('base64url'))
    columns.sub.push(sub)
    columns.seq.push(seq)
    columns.prev.push(prev)
    columns.at.push(at)
  }
}

/** Gives back what was packed, entry by entry in order. */
export function unpackOpened(
  columns: ChainColumns,
): (i: number) => { readonly opened?: Opened; readonly leaf_text?: string } {
  const { state, leaf, sub, seq, prev, at, faults } = columns
  let place = 0
  let refused = 0
  return (i) => {
    if (state[i] === 0) return {}
    if (state[i] === 2) return { opened: err(faults[refused++] as RecordFault) }
    const p = place++
    const chain = { sub: sub[p] as string, seq: seq[p] as number, prev: prev[p] ?? null }
    return { opened: ok({ ...chain, at: at[p] as EpochMs }), leaf_text: leaf[p] as string }
  }
}
