/** However a tree grows, it ends in the same edge, root and files. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeEdge,
  type Edge,
  emptyEdge,
  encodeEdge,
  rootOfEdge,
} from '../../../src/core/tlog/edge.ts'
import { type Grown, grow } from '../../../src/core/tlog/grow.ts'
import { EMPTY_ROOT, leafHash } from '../../../src/core/tlog/hash.ts'
import { newTiles, tilePath } from '../../../src/core/tlog/tile.ts'
import { rootFrom } from '../../../src/core/tlog/tree.ts'
import { flipped, must, naiveFiles, naiveRoot, readerOver, someEntries } from './support.ts'

const all = someEntries(67_000)
const allLeaves = all.map(leafHash)

/** One round: entries `[edge.size, to)` are appended. */
function round(edge: Edge, to: number): Grown {
  const begin = Math.floor(edge.size / 256) * 256
  return grow({
    edge,
    leaves: allLeaves.slice(edge.size, to),
    entries: { unfinished: all.slice(begin, edge.size), added: all.slice(edge.size, to) },
  })
}

/** Rounds one after another, and the files left when partial ones are replaced by wider ones. */
function rounds(sizes: readonly number[]): { edge: Edge; files: Map<string, Uint8Array> } {
  let edge = emptyEdge()
  const files = new Map<string, Uint8Array>()
  for (const size of sizes) {
    const grown = round(edge, size)
    expect(grown.tiles.map(({ path }) => path)).toEqual(
      [...newTiles({ from: edge.size, to: size })].map(tilePath),
    )
    for (const { path, bytes } of grown.tiles) files.set(path, bytes)
    edge = grown.edge
    expect(grown.root).toEqual(rootOfEdge(edge))
  }
  return { edge, files }
}

test('one leaf at a time to 600 gives root and files of the definition at each size', () => {
  let edge = emptyEdge()
  const files = new Map<string, Uint8Array>()
  const reader = readerOver(allLeaves)
  for (let size = 1; size <= 600; size++) {
    const grown = round(edge, size)
    for (const { path, bytes } of grown.tiles) files.set(path, bytes)
    edge = must(decodeEdge(encodeEdge(grown.edge)))
    expect(grown.root).toEqual(rootFrom(size, reader))
    if (![1, 255, 256, 257, 511, 512, 513, 600].includes(size)) continue
    for (const [path, bytes] of naiveFiles(all.slice(0, size)))
      expect(files.get(path), path).toEqual(bytes)
  }
})

test('random rounds end in the same edge, root and files as one round', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(steps, (lengths) => {
      const sizes = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((a, b) => a + b, 0))
      const size = sizes.at(-1) ?? 0
      const grown = rounds(sizes)
      expect(grown.edge).toEqual(round(emptyEdge(), size).edge)
      const naive = naiveFiles(all.slice(0, size))
      for (const [path, bytes] of naive) expect(grown.files.get(path)).toEqual(bytes)
    }),
    { numRuns: 25 },
  )
})

test.each([65_535, 65_536, 65_537])(
  'a tree of %d leaves grown in two rounds is that of the definition',
  (size) => {
    const { edge, files } = rounds([40_000, size])
    expect(rootOfEdge(edge)).toEqual(naiveRoot(allLeaves.slice(0, size)))
    for (const [path, bytes] of naiveFiles(all.slice(0, size)))
      if (!files.has(path) || Buffer.compare(files.get(path) ?? all[0] ?? bytes, bytes) !== 0)
        expect.fail(`${path} differs`)
  },
)

test('a round repeated gives identical files', () => {
  const { edge } = rounds([300])
  expect(round(edge, 900)).toEqual(round(edge, 900))
})

test('a round does not change the edge it started from', () => {
  const { edge } = rounds([300])
  const before = encodeEdge(edge)
  round(edge, 900)
  expect(encodeEdge(edge)).toEqual(before)
})

test('a round without leaves writes nothing', () => {
  const { edge } = rounds([300])
  const grown = round(edge, 300)
  expect([grown.tiles, grown.edge]).toEqual([[], edge])
  expect(grow({ edge: emptyEdge(), leaves: [] }).root).toEqual(EMPTY_ROOT)
})

test('without entries no bundle is written', () => {
  const grown = grow({ edge: emptyEdge(), leaves: allLeaves.slice(0, 257) })
  expect(grown.tiles.map(({ path }) => path)).toEqual([
    'tile/0/000',
    'tile/0/001.p/1',
    'tile/1/000.p/1',
  ])
})

describe('a round refuses', () => {
  const { edge } = rounds([300])
  const entries = { unfinished: all.slice(256, 300), added: all.slice(300, 310) }
  const leaves = allLeaves.slice(300, 310)
  const broken = (i: number): Uint8Array[] =>
    entries.added.with(i, flipped(entries.added[i] ?? new Uint8Array(1), 3))
  test.each<[string, Parameters<typeof grow>[0], string]>([
    [
      'an added entry with a flipped bit',
      { edge, leaves, entries: { ...entries, added: broken(4) } },
      'Cannot grow tree: entry 304 does not hash to its leaf, expected unchanged bytes',
    ],
    [
      'an unfinished entry with a flipped bit',
      {
        edge,
        leaves,
        entries: { ...entries, unfinished: entries.unfinished.with(2, all[0] ?? new Uint8Array()) },
      },
      'entry 258 does not hash to its leaf',
    ],
    [
      'a leaf with a flipped bit',
      { edge, leaves: leaves.with(9, flipped(leaves[9] ?? new Uint8Array(1), 0)), entries },
      'entry 309 does not hash',
    ],
    [
      'too few entries',
      { edge, leaves, entries: { ...entries, added: [] } },
      '44 + 0 entries were given, expected 44 + 10',
    ],
    [
      'a wrong unfinished bundle',
      { edge, leaves, entries: { ...entries, unfinished: [] } },
      '0 + 10 entries were given, expected 44 + 10',
    ],
    ['a leaf that is no hash', { edge, leaves: [new Uint8Array(31)] }, 'a leaf is not 32 bytes'],
    [
      'an edge of another size',
      { edge: { ...edge, size: 301 }, leaves },
      'its rows do not fit size 301',
    ],
    [
      'an edge without rows',
      { edge: { ...edge, rows: [] }, leaves },
      'its rows do not fit size 300',
    ],
    [
      'a size that is no number',
      { edge: { size: -1, rows: [] }, leaves },
      'its rows do not fit size -1',
    ],
  ])('%s', (_, growth, message) => {
    expect(() => grow(growth)).toThrow(message)
  })
})

describe('an edge', () => {
  const { edge } = rounds([65_536 + 256 * 3 + 7])
  const bytes = encodeEdge(edge)

  test('holds one unfinished tile a level', () => {
    expect(edge.rows.map((row) => row.length / 32)).toEqual([7, 3, 1])
    expect(bytes).toHaveLength(8 + 11 * 32)
  })

  test('reads back from its bytes at every kind of size', () => {
    for (const size of [0, 1, 255, 256, 257, 65_536, 65_537]) {
      const { edge: grown } = rounds([size])
      expect(decodeEdge(encodeEdge(grown))).toEqual({ ok: true, value: grown })
    }
  })

  test('shows any flipped bit, by its length or by its root', () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const read = decodeEdge(flipped(bytes, bit))
      const same = read.ok && read.value.size === edge.size
      if (same) expect(rootOfEdge(read.value)).not.toEqual(rootOfEdge(edge))
      else if (read.ok) expect(read.value.size).not.toBe(edge.size)
    }
  })

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'wrong_length'],
    ['a size without rows', bytes.slice(0, 8), 'wrong_length'],
    ['a byte less', bytes.slice(0, -1), 'wrong_length'],
    ['a byte more', new Uint8Array([...bytes, 0]), 'wrong_length'],
    ['a size beyond 2^53', new Uint8Array(8).fill(255), 'size_out_of_range'],
  ])('is not read from %s', (_, bad, error) => {
    expect(decodeEdge(bad)).toEqual({ ok: false, error })
  })
})
