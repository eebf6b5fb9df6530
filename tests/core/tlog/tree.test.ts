/** Proofs of every small tree: made as the RFC defines them, accepted, and refused after any change. */
import { describe, expect, test } from 'vitest'
import { EMPTY_ROOT, type Hash, leafHash, nodeHash, rowRoot } from '../../../src/core/tlog/hash.ts'
import {
  type AsyncHashReader,
  assemble,
  planInclusion,
  proveConsistency,
  proveConsistencyAsync,
  proveInclusion,
  proveInclusionAsync,
  rootFrom,
  rootFromAsync,
} from '../../../src/core/tlog/tree.ts'
import {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/core/tlog/verify.ts'
import {
  flipped,
  naiveConsistency,
  naiveInclusion,
  naiveLeaf,
  naiveRoot,
  readerOver,
  sha,
  someEntries,
} from './support.ts'

const MAX_SIZE = 70
const leaves = someEntries(MAX_SIZE).map(leafHash)
const roots = Array.from({ length: MAX_SIZE + 1 }, (_, n) => naiveRoot(leaves.slice(0, n)))
const rootAt = (n: number): Hash => roots[n] ?? EMPTY_ROOT
const leafAt = (i: number): Hash => leaves[i] ?? EMPTY_ROOT
const reader = readerOver(leaves)
const asyncReader: AsyncHashReader = async (nodes) => reader(nodes)
const OK = { ok: true, value: undefined }

test('leaves, nodes and rows hash as RFC 9162 says', () => {
  expect(EMPTY_ROOT).toEqual(sha())
  expect(leafHash(Uint8Array.of(7))).toEqual(naiveLeaf(Uint8Array.of(7)))
  expect(nodeHash(leafAt(0), leafAt(1))).toEqual(rootAt(2))
  expect(rowRoot(Uint8Array.from(leaves.slice(0, 64).flatMap((leaf) => [...leaf])))).toEqual(
    rootAt(64),
  )
  expect(() => nodeHash(leafAt(0), leafAt(1).subarray(1))).toThrow('expected 32 each')
  expect(() => rowRoot(new Uint8Array(96))).toThrow('expected 32 times a power of two')
  expect(() => rowRoot(new Uint8Array(0))).toThrow('expected 32 times a power of two')
})

test('every tree to 70 leaves has the root of its definition', () => {
  for (let n = 0; n <= MAX_SIZE; n++) expect(rootFrom(n, reader)).toEqual(rootAt(n))
})

test('every leaf of every tree to 70 leaves has the proof of its definition, and it is accepted', () => {
  for (let size = 1; size <= MAX_SIZE; size++)
    for (let index = 0; index < size; index++) {
      const proof = proveInclusion({ index, size }, readerOver(leaves.slice(0, size)))
      if (size <= 40 || index % 7 === 0)
        expect(proof).toEqual(naiveInclusion(index, leaves.slice(0, size)))
      const claim = { leaf: leafAt(index), index, size, proof, root: rootAt(size) }
      if (!verifyInclusion(claim).ok) expect.fail(`leaf ${index} of ${size} is refused`)
    }
})

test('every pair of trees to 70 leaves has the consistency proof of its definition, and it is accepted', () => {
  for (let to = 0; to <= MAX_SIZE; to++)
    for (let from = 0; from <= to; from++) {
      const proof = proveConsistency({ from, to }, reader)
      if (to <= 40 || from % 7 === 0)
        expect(proof).toEqual(naiveConsistency(from, leaves.slice(0, to)))
      const claim = { from, from_root: rootAt(from), to, to_root: rootAt(to), proof }
      if (!verifyConsistency(claim).ok) expect.fail(`${from} -> ${to} is refused`)
    }
})

test('asynchronous provers give the same roots and proofs', async () => {
  expect(await rootFromAsync(69, asyncReader)).toEqual(rootAt(69))
  expect(await proveInclusionAsync({ index: 33, size: 69 }, asyncReader)).toEqual(
    proveInclusion({ index: 33, size: 69 }, reader),
  )
  expect(await proveConsistencyAsync({ from: 33, to: 69 }, asyncReader)).toEqual(
    proveConsistency({ from: 33, to: 69 }, reader),
  )
})

/** Proofs cut, stretched, reordered or with one bit turned in each hash. */
function* corrupted(proof: readonly Hash[]): Generator<readonly Hash[]> {
  for (const [i, hash] of proof.entries()) yield proof.with(i, flipped(hash, (i * 37) % 256))
  for (const [i, hash] of proof.entries()) yield proof.with(i, hash.subarray(1))
  if (proof.length > 0) yield proof.slice(1)
  if (proof.length > 0) yield proof.slice(0, -1)
  if (proof.length > 1) yield proof.toReversed()
  for (const extra of [leafAt(0), EMPTY_ROOT]) {
    yield [...proof, extra]
    yield [extra, ...proof]
  }
}

test('no inclusion proof of a tree to 70 leaves survives a change', () => {
  for (let size = 1; size <= MAX_SIZE; size++)
    for (let index = size % 3; index < size; index += size > 20 ? 3 : 1) {
      const proof = proveInclusion({ index, size }, reader)
      const claim = { leaf: leafAt(index), index, size, proof, root: rootAt(size) }
      const lies: InclusionClaim[] = [
        ...[...corrupted(proof)].map((bad) => ({ ...claim, proof: bad })),
        { ...claim, leaf: flipped(claim.leaf, index) },
        { ...claim, root: flipped(claim.root, index) },
        { ...claim, index: index + 1 },
        { ...claim, index: index - 1 },
        { ...claim, index: size },
        { ...claim, size: index },
        { ...claim, root: rootAt(size - 1) },
      ]
      lies.forEach((lie, i) => {
        if (verifyInclusion(lie).ok) expect.fail(`lie ${i} about leaf ${index} of ${size} passes`)
      })
    }
})

test('no consistency proof of trees to 70 leaves survives a change', () => {
  for (let to = 1; to <= MAX_SIZE; to++)
    for (let from = 1 + (to % 2); from <= to; from += to > 20 ? 2 : 1) {
      const proof = proveConsistency({ from, to }, reader)
      const claim = { from, from_root: rootAt(from), to, to_root: rootAt(to), proof }
      const lies: ConsistencyClaim[] = [
        ...[...corrupted(proof)].map((bad) => ({ ...claim, proof: bad })),
        { ...claim, from_root: flipped(claim.from_root, to) },
        { ...claim, to_root: flipped(claim.to_root, from) },
        { ...claim, from: to + 1 },
        { ...claim, from_root: rootAt(from - 1) },
        { ...claim, to_root: rootAt(to - 1) },
      ]
      lies.forEach((lie, i) => {
        if (verifyConsistency(lie).ok) expect.fail(`lie ${i} about ${from} -> ${to} passes`)
      })
    }
})

describe('a verifier names what is wrong', () => {
  const inclusion: InclusionClaim = {
    leaf: leafAt(2),
    index: 2,
    size: 7,
    proof: proveInclusion({ index: 2, size: 7 }, reader),
    root: rootAt(7),
  }
  test.each<[string, Partial<InclusionClaim>, string]>([
    ['an index at the size', { index: 7 }, 'index_out_of_range'],
    ['a negative index', { index: -1 }, 'index_out_of_range'],
    ['half an index', { index: 1.5 }, 'index_out_of_range'],
    ['an index that is no number', { index: Number.NaN }, 'index_out_of_range'],
    ['an empty tree', { size: 0, index: 0 }, 'index_out_of_range'],
    ['a size beyond 2^53', { size: 2 ** 53 }, 'size_out_of_range'],
    ['a negative size', { size: -7 }, 'size_out_of_range'],
    ['a short leaf', { leaf: new Uint8Array(31) }, 'hash_malformed'],
    ['a long root', { root: new Uint8Array(33) }, 'hash_malformed'],
    ['a missing hash', { proof: inclusion.proof.slice(1) }, 'proof_too_short'],
    ['a hash too many', { proof: [...inclusion.proof, leafAt(0)] }, 'proof_too_long'],
    ['another leaf', { leaf: leafAt(3) }, 'root_mismatch'],
  ])('inclusion: %s', (_, change, error) => {
    expect(verifyInclusion(inclusion)).toEqual(OK)
    expect(verifyInclusion({ ...inclusion, ...change })).toEqual({ ok: false, error })
  })

  const consistency: ConsistencyClaim = {
    from: 3,
    from_root: rootAt(3),
    to: 7,
    to_root: rootAt(7),
    proof: proveConsistency({ from: 3, to: 7 }, reader),
  }
  test.each<[string, Partial<ConsistencyClaim>, string]>([
    ['an older tree that is larger', { from: 8 }, 'size_out_of_range'],
    ['a size beyond 2^53', { to: 2 ** 53 }, 'size_out_of_range'],
    ['a short root', { from_root: new Uint8Array(31) }, 'hash_malformed'],
    ['no proof', { proof: [] }, 'proof_too_short'],
    ['a missing hash', { proof: consistency.proof.slice(0, -1) }, 'proof_too_short'],
    ['a hash too many', { proof: [...consistency.proof, leafAt(0)] }, 'proof_too_long'],
    ['another older root', { from_root: rootAt(4) }, 'from_root_mismatch'],
    ['another newer root', { to_root: rootAt(8) }, 'root_mismatch'],
    ['a proof from nothing', { from: 0, from_root: EMPTY_ROOT }, 'proof_too_long'],
    ['a false empty root', { from: 0, from_root: rootAt(1), proof: [] }, 'from_root_mismatch'],
    ['two roots of one size', { from: 7, from_root: rootAt(6), proof: [] }, 'root_mismatch'],
    ['a proof between equal trees', { from: 7, from_root: rootAt(7) }, 'proof_too_long'],
  ])('consistency: %s', (_, change, error) => {
    expect(verifyConsistency(consistency)).toEqual(OK)
    expect(verifyConsistency({ ...consistency, ...change })).toEqual({ ok: false, error })
  })
})

describe('beyond 32 bits', () => {
  /** A tree whose leaves are all alike has one hash a level, so trees of any size fit in memory. */
  const levels = [leafAt(0)]
  for (let i = 1; i <= 53; i++) {
    const below = levels[i - 1] ?? EMPTY_ROOT
    levels.push(sha(Uint8Array.of(1), below, below))
  }
  const uniform = readerOfLevels(levels)
  const sizes = [2 ** 31, 2 ** 31 + 1, 2 ** 32 + 3, 2 ** 40 - 1, 2 ** 45 + 2 ** 31, 2 ** 53 - 1]

  test.each(sizes)('size %d: first, last and odd leaves are proven and nothing else', (size) => {
    const root = rootFrom(size, uniform)
    for (const index of [0, 1, 2 ** 31 - 1, Math.floor(size / 3), size - 2, size - 1]) {
      const proof = proveInclusion({ index, size }, uniform)
      const claim = { leaf: leafAt(0), index, size, proof, root }
      expect(verifyInclusion(claim)).toEqual(OK)
      expect(verifyInclusion({ ...claim, leaf: leafAt(1) }).ok).toBe(false)
      expect(verifyInclusion({ ...claim, proof: proof.slice(1) }).ok).toBe(false)
    }
  })

  test.each(sizes)('size %d: it extends smaller trees and nothing else', (size) => {
    const to_root = rootFrom(size, uniform)
    for (const from of [1, 2 ** 31 - 5, 2 ** 31, Math.floor(size / 3), size - 1]) {
      const proof = proveConsistency({ from, to: size }, uniform)
      const claim = { from, from_root: rootFrom(from, uniform), to: size, to_root, proof }
      expect(verifyConsistency(claim)).toEqual(OK)
      const wrong = { ...claim, from_root: rootFrom(from - 1, uniform) }
      expect(verifyConsistency(wrong).ok).toBe(false)
    }
  })
})

function readerOfLevels(levels: readonly Hash[]): typeof reader {
  return (nodes) => nodes.map(({ level }) => levels[level] ?? EMPTY_ROOT)
}

test('a prover that is asked nonsense says so', () => {
  expect(() => proveInclusion({ index: 3, size: 3 }, reader)).toThrow(
    'Cannot prove leaf 3: the tree has 3 leaves, expected an index below',
  )
  expect(() => proveConsistency({ from: 4, to: 3 }, reader)).toThrow('expected the older tree')
  expect(() => rootFrom(2 ** 53, reader)).toThrow('Cannot use 9007199254740992 as a tree size')
  expect(() => assemble(planInclusion({ index: 0, size: 4 }), [])).toThrow('expected 2')
})
