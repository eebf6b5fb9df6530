/**
 * The two hashes of the tree, and nothing else of it.
 *
 * A leaf is SHA-256(00 || entry), a node SHA-256(01 || left || right), the empty tree SHA-256 of nothing; neither
 * length nor index is hashed. Hashing is synchronous so that a round cannot be interleaved with another event.
 * Spec: RFC 9162 section 2.1.1, docs/spec/log.md. Next stop: tree.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { LivegateError } from '../errors.ts'

/** A SHA-256 value: 32 bytes, not to be written to. */
export type Hash = Uint8Array

export const HASH_BYTES = 32
/** Root of the tree without leaves. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0))

const LEAF_PREFIX = 0x00
const NODE_PREFIX = 0x01

/** Hash of the leaf that holds `entry`. */
export function leafHash(entry: Uint8Array): Hash {
  const input = new Uint8Array(1 + entry.length)
  input[0] = LEAF_PREFIX
  input.set(entry, 1)
  return sha256(input)
}

// One buffer for every node: hashing is synchronous, so no two calls ever share it.
const pair = new Uint8Array(1 + 2 * HASH_BYTES)
pair[0] = NODE_PREFIX

/** Hash of the node above `left` and `right`, which must be 32 bytes each. */
export function nodeHash(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES)
    throw new LivegateError(
      'internal',
      `Cannot hash node: its children have ${left.length} and ${right.length} bytes, expected 32 each`,
    )
  pair.set(left, 1)
  pair.set(right, 1 + HASH_BYTES)
  return sha256(pair)
}

/**
 * Root of the complete subtree whose bottom row lies end to end in `row`: 1, 2, 4, 8... hashes. `digest` is a host's
 * faster SHA-256.
 */
export function rowRoot(row: Uint8Array, digest: (bytes: Uint8Array) => Hash = sha256): Hash {
  let count = row.length / HASH_BYTES
  if (count < 1 || !Number.isInteger(Math.log2(count)))
    throw new LivegateError(
      'internal',
      `Cannot hash a row of ${row.length} bytes: expected 32 times a power of two`,
    )
  // Not `slice`: of a Node buffer that is a view, and hashing would overwrite the tile it came from.
  const work = new Uint8Array(row)
  while (count > 1) {
    count /= 2
    for (let i = 0; i < count; i++) {
      pair.set(work.subarray(2 * i * HASH_BYTES, (2 * i + 2) * HASH_BYTES), 1)
      work.set(digest(pair), i * HASH_BYTES)
    }
  }
  return work.slice(0, HASH_BYTES)
}

/** Root above complete subtrees standing side by side, wide ones first (RFC 9162 splits at the largest power of two). */
export function joinPeaks(peaks: readonly Hash[]): Hash {
  let root: Hash | undefined
  for (let i = peaks.length - 1; i >= 0; i--) {
    const peak = peaks[i]
    if (peak !== undefined) root = root === undefined ? peak : nodeHash(peak, root)
  }
  return root ?? EMPTY_ROOT
}

/** Equality of public values; not constant in time. */
export function sameHash(a: Hash, b: Hash): boolean {
  return a.length === HASH_BYTES && b.length === HASH_BYTES && sameBytes(a, b)
}

/** Equality of public bytes; not constant in time. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
