/**
 * Oracles and keys for the log's tests: trees, tiles and proofs straight from their definitions, slow and obvious.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { concatBytes, fromHex } from '../../../src/core/encoding.ts'
import type { Result } from '../../../src/core/result.ts'
import { HASH_BYTES, type Hash } from '../../../src/core/tlog/hash.ts'
import type { VerifyEd25519 } from '../../../src/core/tlog/note.ts'
import { TILE_WIDTH } from '../../../src/core/tlog/tile.ts'
import type { HashReader, NodeAddress } from '../../../src/core/tlog/tree.ts'

/** SHA-256 by another implementation than the one under test. */
export function sha(...parts: readonly Uint8Array[]): Hash {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

export function naiveLeaf(entry: Uint8Array): Hash {
  return sha(Uint8Array.of(0), entry)
}

/** MTH of RFC 9162 section 2.1.1, word by word. */
export function naiveRoot(leaves: readonly Hash[]): Hash {
  const [first] = leaves
  if (first === undefined) return sha()
  if (leaves.length === 1) return first
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return sha(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)))
}

/** PATH of RFC 9162 section 2.1.3.1. */
export function naiveInclusion(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length <= 1) return []
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return m < k
    ? [...naiveInclusion(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naiveInclusion(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))]
}

/** SUBPROOF of RFC 9162 section 2.1.4.1; `whole` is its third argument. */
export function naiveConsistency(m: number, leaves: readonly Hash[], whole = true): Hash[] {
  const n = leaves.length
  if (m === 0) return []
  if (m === n) return whole ? [] : [naiveRoot(leaves)]
  let k = 1
  while (k * 2 < n) k *= 2
  return m <= k
    ? [...naiveConsistency(m, leaves.slice(0, k), whole), naiveRoot(leaves.slice(k))]
    : [...naiveConsistency(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))]
}

/** Every file of a tree by the formula of tlog-tiles: hash i of tile (L, N) covers 256^L entries. */
export function naiveFiles(entries: readonly Uint8Array[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const name = (row: string, n: number, width: number): string =>
    `tile/${row}/${String(n).padStart(3, '0')}${width === TILE_WIDTH ? '' : `.p/${width}`}`
  for (let n = 0; n * TILE_WIDTH < entries.length; n++) {
    const part = entries.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH)
    const framed = part.flatMap((e) => [Uint8Array.of(Math.floor(e.length / 256), e.length), e])
    files.set(name('entries', n, part.length), concatBytes(...framed))
  }
  let row = entries.map(naiveLeaf)
  for (let level = 0; row.length > 0; level++) {
    const next: Hash[] = []
    for (let n = 0; n * TILE_WIDTH < row.length; n++) {
      const part = row.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH)
      files.set(name(String(level), n, part.length), concatBytes(...part))
      if (part.length === TILE_WIDTH) next.push(naiveRoot(part))
    }
    row = next
  }
  return files
}

/** Reader over leaves in memory; fails the test when asked for a subtree that is not complete. */
export function readerOver(leaves: readonly Hash[]): HashReader {
  const known = new Map<string, Hash>()
  const node = ({ level, index }: NodeAddress): Hash => {
    const key = `${level}/${index}`
    const found = known.get(key)
    if (found !== undefined) return found
    const leaf = leaves[index]
    if ((index + 1) * 2 ** level > leaves.length || (level === 0 && leaf === undefined))
      throw new Error(`node ${key} is not complete in a tree of ${leaves.length}`)
    const hash =
      level === 0 && leaf !== undefined
        ? leaf
        : sha(
            Uint8Array.of(1),
            node({ level: level - 1, index: index * 2 }),
            node({ level: level - 1, index: index * 2 + 1 }),
          )
    known.set(key, hash)
    return hash
  }
  return (nodes) => nodes.map(node)
}

/** Distinct small entries. */
export function someEntries(count: number, start = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new TextEncoder().encode(`entry ${start + i}`))
}

/** The same bytes with one bit turned. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  const at = Math.floor(bit / 8)
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8))
  return copy
}

export function unhex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === null) throw new Error(`${text} is not hexadecimal`)
  return bytes
}

/** The value of a success; a failure fails the test with its reason. */
export function must<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(`expected a success, got ${JSON.stringify(result.error)}`)
  return result.value
}

export interface TestKey {
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** Ed25519 key pair out of a 32-byte seed. */
export function keyFromSeed(seed: Uint8Array): TestKey {
  const pkcs8 = concatBytes(unhex('302e020100300506032b657004220420'), seed)
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(-HASH_BYTES)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) => {
  const spki = concatBytes(unhex('302a300506032b6570032100'), publicKey)
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  return verify(null, message, key, signature)
}
