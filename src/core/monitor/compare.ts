/**
 * Whether two signed tree heads of one log are of one tree, told from its hash tiles; lies and bad tiles kept apart.
 *
 * Tiles are signed by nobody. The root of the older size is made from them and proven under the newer root: only then
 * does it count, and only then is a different older root a fork, which the two signed heads alone prove to anybody.
 * Where it cannot be proven the tiles are wrong, which says something about who served them. Next stop: watch.ts.
 */
import { LivegateError } from '../errors.ts'
import type { TreeHead } from '../tlog/checkpoint.ts'
import { sameHash } from '../tlog/hash.ts'
import { type AsyncHashReader, proveConsistencyAsync, rootFromAsync } from '../tlog/tree.ts'
import { verifyConsistency } from '../tlog/verify.ts'

/** `fork`: the heads contradict each other, proven. `tiles_wrong`: nothing follows. */
export type Comparison = 'same' | 'extends' | 'fork' | 'tiles_wrong'

/** `older` is at most as large as `newer`; `read` is over the tiles of `newer`. What `read` rejects with is passed on. */
export async function compareHeads(heads: {
  readonly older: Pick<TreeHead, 'size' | 'root'>
  readonly newer: Pick<TreeHead, 'size' | 'root'>
  readonly read: AsyncHashReader
}): Promise<Comparison> {
  const { older, newer, read } = heads
  if (older.size > newer.size)
    throw new LivegateError(
      'internal',
      `Cannot compare trees of ${older.size} and ${newer.size}: expected the older one first`,
    )
  if (older.size === newer.size) return sameHash(older.root, newer.root) ? 'same' : 'fork'
  if (older.size === 0) return 'extends'
  const [proof, from_root] = await Promise.all([
    proveConsistencyAsync({ from: older.size, to: newer.size }, read),
    rootFromAsync(older.size, read),
  ])
  const claim = { from: older.size, from_root, to: newer.size, to_root: newer.root, proof }
  if (!verifyConsistency(claim).ok) return 'tiles_wrong'
  return sameHash(from_root, older.root) ? 'extends' : 'fork'
}
