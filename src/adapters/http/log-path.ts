/**
 * Which paths below `/log/` name a file of the log: exactly those tlog-tiles writes, in their one spelling.
 *
 * No percent escape, `..`, leading zero or doubled slash reaches storage. Spec: C2SP tlog-tiles; docs/spec/log.md.
 */
import { parseTilePath, type TileRef } from '../../core/tlog/tile.ts'

const PREFIX = '/log/'

/** The tile or bundle of a request path as it was sent; null when there is no such file in any log. */
export function logFileOf(path: string): { readonly path: string; readonly ref: TileRef } | null {
  if (!path.startsWith(PREFIX)) return null
  const file = path.slice(PREFIX.length)
  const ref = parseTilePath(file)
  return ref === null ? null : { path: file, ref }
}
