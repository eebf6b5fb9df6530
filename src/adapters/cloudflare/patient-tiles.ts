/**
 * A bucket that hangs is a bucket that does not answer: opening a log and its rounds go on, and are tried again.
 *
 * Without this a single read that never comes back would keep a log from opening, or from publishing, for as long as its
 * object lives. A write that was given up may still arrive: each is conditional, so it changes nothing then
 * (r2-tiles.ts).
 */
import type { After } from '../../gate/context.ts'
import { withPatience } from './patience.ts'
import type { R2Tiles } from './r2-tiles.ts'

/** A round writes some twenty files at once, in a second at most. */
export const BUCKET_PATIENCE_MS = 30_000

export function patiently<T>(call: () => Promise<T>, after: After): Promise<T> {
  return withPatience(call, { after, patience_ms: BUCKET_PATIENCE_MS, who: 'the bucket' })
}

export function patientTiles(tiles: R2Tiles, after: After): R2Tiles {
  const soon = <T>(call: () => Promise<T>): Promise<T> => patiently(call, after)
  return {
    put: (files) => soon(() => tiles.put(files)),
    get: (path) => soon(() => tiles.get(path)),
    putCheckpoint: (note) => soon(() => tiles.putCheckpoint(note)),
    getCheckpoint: () => soon(() => tiles.getCheckpoint()),
    dropPartials: (path) => soon(() => tiles.dropPartials(path)),
    isEmpty: () => soon(() => tiles.isEmpty()),
  }
}
