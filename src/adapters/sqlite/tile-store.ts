/**
 * Where the published log lies: files in Node (adapters/node/tile-files.ts), objects on the edge.
 *
 * A port, so rounds.ts is the same on every host. Next stop: rounds.ts.
 */
import type { LogFile } from '../../core/tlog/grow.ts'

export interface TileStore {
  /**
   * Writes files, in any order; all durable when resolved. One that is there already with the same bytes is fine, in any
   * number of repetitions; with other bytes it rejects with LivegateError `halted` and leaves it as it is. Settles only
   * when nothing is being written any more.
   */
  put(files: readonly LogFile[]): Promise<void>
  /** Null when there is none. */
  get(path: string): Promise<Uint8Array | null>
  /** Replaces the checkpoint; durable when resolved, never half. */
  putCheckpoint(note: string): Promise<void>
  getCheckpoint(): Promise<string | null>
  /** Forgets partial files of a tile whose full file is there; best effort. */
  dropPartials(fullPath: string): Promise<void>
}
