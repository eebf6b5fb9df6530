/** Names and numbers of the log's files, and hashes read back out of them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyEdge } from '../../../src/core/tlog/edge.ts'
import { grow } from '../../../src/core/tlog/grow.ts'
import { type Hash, leafHash } from '../../../src/core/tlog/hash.ts'
import {
  newTiles,
  parseTilePath,
  type TileRef,
  tilePath,
  tilesOf,
} from '../../../src/core/tlog/tile.ts'
import { hashReaderOverTiles, hashReaderOverTilesSync } from '../../../src/core/tlog/tile-reader.ts'
import {
  proveConsistency,
  proveConsistencyAsync,
  proveInclusionAsync,
  rootFrom,
  rootFromAsync,
} from '../../../src/core/tlog/tree.ts'
import { verifyConsistency, verifyInclusion } from '../../../src/core/tlog/verify.ts'
import { naiveFiles, naiveRoot, someEntries } from './support.ts'

const tile = (level: number, index: number, width = 256): TileRef => ({
  kind: 'tile',
  level,
  index,
  width,
})
const paths = (refs: Iterable<TileRef>): string[] => [...refs].map(tilePath)

test.each<[string, TileRef]>([
  ['tile/0/000', tile(0, 0)],
  ['tile/0/005.p/1', tile(0, 5, 1)],
  ['tile/0/999', tile(0, 999)],
  ['tile/0/x001/000', tile(0, 1000)],
  ['tile/3/x001/x234/067', tile(3, 1_234_067)],
  ['tile/63/x001/x234/067.p/255', tile(63, 1_234_067, 255)],
  ['tile/0/x002/x147/x483/648.p/7', tile(0, 2 ** 31, 7)],
  ['tile/0/x009/x007/x199/x254/x740/991', tile(0, 2 ** 53 - 1)],
  ['tile/entries/000', { kind: 'entries', index: 0, width: 256 }],
  ['tile/entries/x001/234.p/99', { kind: 'entries', index: 1234, width: 99 }],
])('%s names its file both ways', (path, ref) => {
  expect(tilePath(ref)).toBe(path)
  expect(parseTilePath(path)).toEqual(ref)
})

test.each([
  '',
  'tile/0',
  'tile/0/',
  'tile/0/0',
  'tile/0/00',
  'tile/0/0000',
  'tile/0/1000',
  'tile/0/x000/000',
  'tile/0/x001',
  'tile/0/001/x002',
  'tile/0/001/002',
  'tile/0/X001/000',
  'tile/00/000',
  'tile/-1/000',
  'tile/64/000',
  'tile/100/000',
  'tile/0/000.p/0',
  'tile/0/000.p/01',
  'tile/0/000.p/256',
  'tile/0/000.p/999',
  'tile/0/000.p/',
  'tile/0/000.p',
  'tile/0/000.p/1/',
  'tile/0/000/',
  'tile/0/000\n',
  '/tile/0/000',
  'tile//000',
  'tile/0/../000',
  'tile/0/000?x=1',
  'tile/0/٠٠٠',
  'tile/data/000',
  'tile/8/0/000',
  'tile/entries',
  'tile/entries/0',
  'tile/entries/000.p/256',
  'tile/0/x009/x007/x199/x254/x740/992',
  'tile/0/x999/x999/x999/x999/x999/999',
  'tile/0/x001/x001/x001/x001/x001/x001/001',
  'checkpoint',
])('%j names no file', (path) => {
  expect(parseTilePath(path)).toBeNull()
})

test.each<[string, TileRef]>([
  ['an empty tile', tile(0, 0, 0)],
  ['a tile too wide', tile(0, 0, 257)],
  ['a level too high', tile(64, 0)],
  ['a negative index', tile(0, -1)],
  ['an index beyond 2^53', tile(0, 2 ** 53)],
])('%s has no name', (_, ref) => {
  expect(() => tilePath(ref)).toThrow('Cannot name tile')
})

test('every file reads back from its path', () => {
  const arbitrary = fc.record({
    kind: fc.constant('tile' as const),
    level: fc.nat(63),
    index: fc.oneof(fc.nat(1100), fc.maxSafeNat()),
    width: fc.integer({ min: 1, max: 256 }),
  })
  fc.assert(
    fc.property(arbitrary, (ref) => {
      expect(parseTilePath(tilePath(ref))).toEqual(ref)
    }),
  )
})

test.each<[number, string[]]>([
  [0, []],
  [1, ['tile/entries/000.p/1', 'tile/0/000.p/1']],
  [255, ['tile/entries/000.p/255', 'tile/0/000.p/255']],
  [256, ['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']],
  [
    257,
    ['tile/entries/000', 'tile/entries/001.p/1', 'tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1'],
  ],
])('a tree of %d leaves consists of %j', (size, expected) => {
  expect(paths(tilesOf(size))).toEqual(expected)
})

test('a tree of 70,000 leaves has the files the specification counts', () => {
  const all = paths(tilesOf(70_000))
  const row = (prefix: string): string[] => all.filter((path) => path.startsWith(prefix))
  expect(row('tile/entries/')).toHaveLength(274)
  expect([row('tile/0/').length, row('tile/0/').at(-1)]).toEqual([274, 'tile/0/273.p/112'])
  expect(row('tile/1/')).toEqual(['tile/1/000', 'tile/1/001.p/17'])
  expect(row('tile/2/')).toEqual(['tile/2/000.p/1'])
  expect(row('tile/3/')).toEqual([])
})

test.each([
  { from: 5, to: 5, expected: [] },
  { from: 5, to: 6, expected: ['tile/entries/000.p/6', 'tile/0/000.p/6'] },
  {
    from: 256,
    to: 300,
    expected: ['tile/entries/001.p/44', 'tile/0/001.p/44'],
  },
  {
    from: 300,
    to: 512,
    expected: ['tile/entries/001', 'tile/0/001', 'tile/1/000.p/2'],
  },
  {
    from: 65_535,
    to: 65_536,
    expected: ['tile/entries/255', 'tile/0/255', 'tile/1/000', 'tile/2/000.p/1'],
  },
  {
    from: 2 ** 52 - 1,
    to: 2 ** 52,
    expected: [
      'tile/entries/x017/x592/x186/x044/415',
      'tile/0/x017/x592/x186/x044/415',
      'tile/1/x068/x719/x476/735',
      'tile/2/x268/x435/455',
      'tile/3/x001/x048/575',
      'tile/4/x004/095',
      'tile/5/015',
      'tile/6/000.p/16',
    ],
  },
])('growing from $from to $to leaves writes $expected', ({ from, to, expected }) => {
  expect(paths(newTiles({ from, to }))).toEqual(expected)
})

test('a tree that shrinks has no new files', () => {
  expect(() => [...newTiles({ from: 2, to: 1 })]).toThrow('expected a tree that grows')
})

describe('a reader over tiles', () => {
  const SIZES = [1, 2, 255, 256, 257, 511, 700, 65_535, 65_536, 65_537]
  const leaves = someEntries(65_537).map(leafHash)
  const files = new Map<string, Uint8Array>()
  for (const size of SIZES)
    for (const { path, bytes } of grow({ edge: emptyEdge(), leaves: leaves.slice(0, size) }).tiles)
      files.set(path, bytes)
  const fetch = async (ref: TileRef): Promise<Uint8Array | null> => files.get(tilePath(ref)) ?? null
  const fetchSync = (ref: TileRef): Uint8Array | null => files.get(tilePath(ref)) ?? null
  const leafAt = (i: number): Hash => leaves[i] ?? new Uint8Array()

  test.each(SIZES)('proves sampled leaves of a tree of %d', async (size) => {
    const reader = hashReaderOverTiles(fetch, size)
    const root = await rootFromAsync(size, reader)
    expect(root).toEqual(rootFrom(size, hashReaderOverTilesSync(fetchSync, size)))
    if (size <= 700) expect(root).toEqual(naiveRoot(leaves.slice(0, size)))
    const samples = [0, 1, 127, 128, 254, 255, 256, 257, 32_767, 65_279, size - 2, size - 1]
    for (const index of samples.filter((i) => i >= 0 && i < size)) {
      const proof = await proveInclusionAsync({ index, size }, reader)
      const claim = { leaf: leafAt(index), index, size, proof, root }
      expect(verifyInclusion(claim)).toEqual({ ok: true, value: undefined })
    }
  })

  test('proves that larger trees extend smaller ones', async () => {
    for (const to of SIZES)
      for (const from of SIZES.filter((size) => size <= to)) {
        const reader = hashReaderOverTilesSync(fetchSync, to)
        const proof = await proveConsistencyAsync({ from, to }, hashReaderOverTiles(fetch, to))
        expect(proof).toEqual(proveConsistency({ from, to }, reader))
        const [from_root, to_root] = [
          rootFrom(from, hashReaderOverTilesSync(fetchSync, from)),
          rootFrom(to, reader),
        ]
        expect(verifyConsistency({ from, from_root, to, to_root, proof }).ok).toBe(true)
      }
  })

  test('uses the full tile where the partial one is gone', async () => {
    const whole = naiveFiles(someEntries(256))
    const fetchFull = (ref: TileRef): Uint8Array | null => whole.get(tilePath(ref)) ?? null
    const root = naiveRoot(leaves.slice(0, 200))
    const reader = hashReaderOverTiles(async (ref) => fetchFull(ref), 200)
    expect(await rootFromAsync(200, reader)).toEqual(root)
    expect(rootFrom(200, hashReaderOverTilesSync(fetchFull, 200))).toEqual(root)
  })

  test('asks for each tile once', async () => {
    const asked: string[] = []
    const counting = async (ref: TileRef): Promise<Uint8Array | null> => {
      asked.push(tilePath(ref))
      return fetch(ref)
    }
    await proveInclusionAsync({ index: 300, size: 700 }, hashReaderOverTiles(counting, 700))
    expect(asked.toSorted()).toEqual(['tile/0/001', 'tile/0/002.p/188', 'tile/1/000.p/2'])
  })

  test('a missing or cut tile is an error that names it', async () => {
    const missing = hashReaderOverTiles(async () => null, 700)
    await expect(rootFromAsync(700, missing)).rejects.toThrow(
      'Cannot read `tile/1/000.p/2`: it is missing, expected 64 bytes',
    )
    const cut = hashReaderOverTiles(async () => new Uint8Array(63), 700)
    await expect(rootFromAsync(700, cut)).rejects.toThrow('it has 63 bytes, expected 64 bytes')
    const sync = hashReaderOverTilesSync(() => null, 700)
    expect(() => rootFrom(700, sync)).toThrow('it is missing')
  })

  test('a node that is not complete is not asked for', () => {
    const reader = hashReaderOverTilesSync(fetchSync, 257)
    expect(() => reader([{ level: 1, index: 128 }])).toThrow('it is not complete')
    expect(() => reader([{ level: 8, index: 1 }])).toThrow('it is not complete')
  })
})
