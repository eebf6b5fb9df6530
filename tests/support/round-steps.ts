/**
 * The steps of a round and of its publication, in their order, and what may become of each: one list for every host.
 */
import { parseTilePath, TILE_WIDTH } from '../../src/core/tlog/tile.ts'

/** What may become of a step. `crash after`: it happened, then the process ended. */
export const FAULTS = ['fails', 'done but reported failed', 'hangs', 'crash after'] as const
export type Fault = (typeof FAULTS)[number]

export const STEPS = [
  'compare', // the published checkpoint with storage; when a log is opened, and after a round that failed
  'read', // entries that wait, and the edge of the tree
  'sign',
  'commit',
  'put full bundle',
  'put partial bundle',
  'put full tile',
  'put partial tile',
  'put tile above',
  'publish checkpoint',
  'prove', // the newest entry, from what is published
  'clear', // what is no longer needed
] as const
export type Step = (typeof STEPS)[number]

/** The step that puts a file of the tree. */
export function stepOfFile(path: string): Step {
  const tile = parseTilePath(path)
  if (tile === null) throw new Error(`${path} is no file of a tree`)
  const { kind, width } = tile
  const full = width === TILE_WIDTH
  if (kind === 'entries') return full ? 'put full bundle' : 'put partial bundle'
  if (tile.level > 0) return 'put tile above'
  return full ? 'put full tile' : 'put partial tile'
}
