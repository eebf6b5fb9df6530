/**
 * Which paths below `/log/` name a file of a log: exactly those tlog-tiles writes, in their one spelling.
 *
 * A deployment with one log has it at `/log/`, one with several has each at `/log/<shard>/`.
 *
 * No percent escape, `..`, leading zero or doubled slash reaches storage. Spec: C2SP tlog-tiles; docs/spec/log.md.
 */
import { parseTilePath, type TileRef } from '../../core/tlog/tile.ts'

const PREFIX = '/log/'

/** The number of a shard in its one spelling, below `shards`; else null. */
export function shardOfName(name: string, shards: number): number | null {
  const shard = /^(?:0|[1-9]\d?)$/.test(name) ? Number(name) : shards
  return shard < shards ? shard : null
}

/** The tile or bundle of a request path as it was sent; null when there is no such file in any log. */
export function logFileOf(
  path: string,
  shard: number | null = null,
): { readonly path: string; readonly ref: TileRef } | null {
  const prefix = shard === null ? PREFIX : `${PREFIX}${shard}/`
  if (!path.startsWith(prefix)) return null
  const file = path.slice(prefix.length)
  const ref = parseTilePath(file)
  return ref === null ? null : { path: file, ref }
}
