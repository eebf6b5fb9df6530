/**
 * The TileStore port over an R2 bucket: the published log as static objects under a prefix.
 *
 * A tile is written only where nothing is, so the same bytes again are fine and others halt the log. The checkpoint is
 * replaced only as the one this store last saw: a writer that comes late, or a second one, cannot move it. What is there
 * when a condition fails is read and compared, never overwritten. Node's counterpart: adapters/node/tile-files.ts.
 */
import { equalBytes, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { LogFile } from '../../core/tlog/grow.ts'
import { parseTilePath } from '../../core/tlog/tile.ts'
import { checkpointText } from '../sqlite/log.ts'
import type { TileStore } from '../sqlite/tile-store.ts'

/** What of a bucket it takes. */
export type Bucket = Pick<R2Bucket, 'get' | 'put' | 'list' | 'delete'>

export interface R2Tiles extends TileStore {
  /** True when there is no object under the prefix. */
  isEmpty(): Promise<boolean>
}

const TILE: R2HTTPMetadata = {
  contentType: 'application/octet-stream',
  cacheControl: 'public, max-age=31536000, immutable',
}
const CHECKPOINT: R2HTTPMetadata = {
  contentType: 'text/plain; charset=utf-8',
  cacheControl: 'max-age=2',
}
const NOT_THERE: R2Conditional = { etagDoesNotMatch: '*' }

/** `prefix` ends with a slash, or is empty. */
export function createR2Tiles(bucket: Bucket, prefix: string): R2Tiles {
  const checkpointKey = `${prefix}checkpoint`
  /** ETag of the checkpoint as this store last saw it: null when there was none. */
  let seen: string | null = null
  const partials = createPartials(bucket, prefix)

  async function getBytes(key: string): Promise<Uint8Array | null> {
    const object = await bucket.get(key)
    return object === null ? null : new Uint8Array(await object.arrayBuffer())
  }

  async function putOne({ path, bytes }: LogFile): Promise<void> {
    const key = keyOf(prefix, path)
    partials.wrote(path)
    const put = await bucket.put(key, bytes, { onlyIf: NOT_THERE, httpMetadata: TILE })
    if (put !== null) return
    const there = await getBytes(key)
    if (there === null) throw lost(path)
    if (!equalBytes(there, bytes))
      throw new LivegateError(
        'halted',
        `Cannot publish \`${path}\`: the object is there with other bytes`,
      )
  }

  async function readCheckpoint(): Promise<string | null> {
    const object = await bucket.get(checkpointKey)
    const note = object === null ? null : checkpointText(new Uint8Array(await object.arrayBuffer()))
    seen = object?.etag ?? null
    return note
  }

  return {
    async put(files) {
      const results = await Promise.allSettled(files.map(putOne))
      for (const result of results) if (result.status === 'rejected') throw result.reason
    },
    get: async (path) => getBytes(keyOf(prefix, path)),
    async putCheckpoint(note) {
      const onlyIf = seen === null ? NOT_THERE : { etagMatches: seen }
      const put = await bucket.put(checkpointKey, utf8(note), { onlyIf, httpMetadata: CHECKPOINT })
      if (put !== null) seen = put.etag
      else if ((await readCheckpoint()) !== note)
        throw new LivegateError(
          'halted',
          'Cannot publish the checkpoint: somebody else has published another one',
        )
    },
    getCheckpoint: readCheckpoint,
    dropPartials: partials.drop,
    async isEmpty() {
      const { objects } = await bucket.list({ prefix, limit: 1 })
      return objects.length === 0
    },
  }
}

/**
 * Partial files are forgotten with their full one. Which there are is remembered, because asking the bucket costs more
 * than everything else about them; it is asked once for each row of the tree, for those of an earlier life.
 */
function createPartials(
  bucket: Bucket,
  prefix: string,
): { wrote(path: string): void; drop(fullPath: string): Promise<void> } {
  const known = new Map<string, string[]>()
  const asked = new Set<string>()

  async function listed(fullPath: string): Promise<readonly string[]> {
    const row = fullPath.split('/')[1] ?? ''
    if (asked.has(row)) return []
    asked.add(row)
    const { objects } = await bucket.list({ prefix: `${keyOf(prefix, fullPath)}.p/` })
    return objects.map(({ key }) => key)
  }

  return {
    wrote(path) {
      const [full = '', width] = path.split('.p/')
      if (width !== undefined) known.set(full, [...(known.get(full) ?? []), keyOf(prefix, path)])
    },
    async drop(fullPath) {
      const mine = known.get(fullPath) ?? []
      known.delete(fullPath)
      try {
        const keys = new Set([...mine, ...(await listed(fullPath))])
        if (keys.size > 0) await bucket.delete([...keys])
      } catch {
        // They cost a little room, nothing else.
      }
    },
  }
}

/** Only names of tiles become keys. */
function keyOf(prefix: string, path: string): string {
  if (parseTilePath(path) !== null) return prefix + path
  throw new LivegateError('internal', 'Cannot name object: expected the path of a tile')
}

function lost(path: string): LivegateError {
  return new LivegateError(
    'log_unavailable',
    `Cannot publish \`${path}\`: the bucket is not sure`,
    {
      retry_after_s: 1,
    },
  )
}
