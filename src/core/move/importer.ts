/**
 * The receiving host of a moving deployment, as whoever brings the lines sees it.
 *
 * Duties. `begin` takes a deployment into a fresh log only, writes the predecessor record, and from then on nobody is
 * decided about until the end has arrived: half a history is no history. It is refused for another file than the first,
 * under another pepper, and by a log the old one does not name. `put` takes lines in order and is durable when it
 * resolves; lines it has already are passed over, a gap is refused, so whoever was interrupted simply begins again.
 * Adapters: adapters/node/import.ts, adapters/cloudflare/import.ts.
 */
import type { MoveHeader, MoveLine } from './lines.ts'

export interface MoveProgress {
  /** Lines taken, the header included. */
  readonly lines: number
  /** The end has arrived: the gate decides. */
  readonly finished: boolean
}

/** Consecutive lines; `from` is the place of the first one in the file, 1 for the line after the header. */
export interface MoveBatch {
  readonly header: MoveHeader
  readonly from: number
  readonly lines: readonly MoveLine[]
}

/** Rejects with `conflict` for what must not be taken, `invalid_request` for what makes no sense. */
export interface Importer {
  begin(header: MoveHeader): Promise<MoveProgress>
  put(batch: MoveBatch): Promise<MoveProgress>
}
