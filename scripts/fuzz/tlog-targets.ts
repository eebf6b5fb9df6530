/**
 * The log's formats and verifiers: notes, keys, checkpoints, proofs, tiles, bundles, edges, cosignatures.
 */
import fc from 'fast-check'
import { toBase64, utf8 } from '../../src/core/encoding.ts'
import { decodeBundle, encodeBundle } from '../../src/core/tlog/bundle.ts'
import {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from '../../src/core/tlog/checkpoint.ts'
import {
  cosignatureVerifier,
  decodeCosignature,
  encodeCosignature,
} from '../../src/core/tlog/cosignature.ts'
import {
  decodeEdge,
  type Edge,
  emptyEdge,
  encodeEdge,
  rootOfEdge,
} from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { type Hash, leafHash, nodeHash } from '../../src/core/tlog/hash.ts'
import {
  ed25519Verifier,
  formatNote,
  formatSignatureLine,
  type NoteVerifier,
  parseNote,
  parseSignatureLine,
  type VerifyEd25519,
} from '../../src/core/tlog/note.ts'
import { formatVkey, isKeyName, parseVkey } from '../../src/core/tlog/note-key.ts'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from '../../src/core/tlog/proof.ts'
import { parseTilePath, type Tile, tilePath } from '../../src/core/tlog/tile.ts'
import { hashReaderOverTilesSync } from '../../src/core/tlog/tile-reader.ts'
import { proveConsistency, proveInclusion, rootFrom } from '../../src/core/tlog/tree.ts'
import { verifyConsistency, verifyInclusion } from '../../src/core/tlog/verify.ts'
import { type Change, changeBytes, changes, placeIn } from './mutate.ts'
import { BODY, CORPUS, NOTE, ORIGIN, oracle, value, WORKED } from './seeds.ts'
import {
  changed,
  damaged,
  type FuzzTarget,
  must,
  refusing,
  requireSame,
  spelling,
  target,
} from './target.ts'

const SIGNED = NOTE.trimEnd().split('\n').slice(-2)

function logKeys(verify: VerifyEd25519): readonly NoteVerifier[] {
  return [value(ed25519Verifier(WORKED.log_vkey, verify))]
}
function witnessKeys(verify: VerifyEd25519): readonly NoteVerifier[] {
  return [value(cosignatureVerifier(WORKED.witness_vkey, verify))]
}

/** A tree of 300 leaves with its tiles, and what grew it. */
const SIZE = 300
const ENTRIES = Array.from({ length: SIZE }, (_, i) => utf8(`entry ${i}`))
const LEAVES = ENTRIES.map(leafHash)
const GROWN = grow({
  edge: emptyEdge(),
  leaves: LEAVES,
  entries: { unfinished: [], added: ENTRIES },
})
const TILES = new Map(GROWN.tiles.map(({ path, bytes }) => [path, bytes]))
const reader = hashReaderOverTilesSync((tile) => TILES.get(tilePath(tile)) ?? null, SIZE)
const roots = new Map([1, 2, 7, 255, 256, 257, 299, SIZE].map((size) => [size, rootAt(size)]))

function rootAt(size: number): Hash {
  return rootFrom(size, reader)
}

const PROOF = formatTlogProof({ index: 1, proof: [LEAVES[0] as Hash], checkpoint: NOTE })
const PROOFS = [
  PROOF,
  formatTlogProof({ index: 0, proof: [], checkpoint: NOTE }),
  formatTlogProof({ index: 5, proof: LEAVES.slice(0, 9), checkpoint: NOTE, extra: utf8('more') }),
]

/** The body as its parts give it; `formatCheckpoint` writes only our own. */
function checkpointAgain(text: string): string | null {
  const read = parseCheckpoint(text)
  if (!read.ok) return null
  const { origin, size, root, extensions } = read.value
  if (isKeyName(origin) && extensions.length === 0) return formatCheckpoint(read.value)
  return `${[origin, String(size), toBase64(root), ...extensions].join('\n')}\n`
}

const BODIES = [
  BODY,
  `example.org/other\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`,
  `some log\n9007199254740991\n${toBase64(LEAVES[3] as Hash)}\nextension one\ntwo\n`,
]

/** Nothing that was not signed is ever opened. */
const openTarget: FuzzTarget = target('checkpoint-open', damaged([NOTE]), async (note) => {
  const opened = await openCheckpoint({
    ...{ note, origin: ORIGIN },
    ...{ verifiers: logKeys(oracle), witnesses: witnessKeys(oracle) },
  })
  if (opened.ok) requireSame('an opened body', opened.value.body, BODY)
  await openCheckpoint({ note, origin: ORIGIN, verifiers: logKeys(() => true) })
})

const edges: readonly Edge[] = [
  emptyEdge(),
  ...[1, 3, 255, 256, 257].map(
    (size) => grow({ edge: emptyEdge(), leaves: LEAVES.slice(0, size) }).edge,
  ),
]

interface Inclusion {
  readonly index: number
  readonly size: number
  readonly leaf: Hash
  readonly root: Hash
  readonly proof: readonly Hash[]
}

const INCLUSIONS: readonly Inclusion[] = [
  [0, 1],
  [1, 7],
  [6, 7],
  [255, 256],
  [256, 257],
  [0, SIZE],
  [299, SIZE],
].map(([index = 0, size = 0]) => ({
  ...{ index, size, leaf: LEAVES[index] as Hash, root: roots.get(size) as Hash },
  proof: proveInclusion({ index, size }, reader),
}))

const NUMBERS = [0, 1, 2, 255, 256, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -1, 0.5, Number.NaN]

function changeNumber(number: number, { with: which, size }: Change): number {
  return size < 3 ? number + size - 1 : (NUMBERS[placeIn(which, NUMBERS.length)] ?? 0)
}

/** Drops, repeats, swaps or damages hashes. */
function changeHashes(hashes: readonly Hash[], change: Change): readonly Hash[] {
  const all = [...hashes]
  const [at, other] = [placeIn(change.at, all.length), placeIn(change.with, all.length)]
  const [a, b] = [all[at] ?? (LEAVES[1] as Hash), all[other] ?? (LEAVES[2] as Hash)]
  if (change.size === 0) all.splice(at, 1)
  else if (change.size === 1) all.splice(at, 0, b)
  else if (change.size === 2) [all[at], all[other]] = [b, a]
  else if (change.size === 3) all.splice(at, 1, nodeHash(LEAVES[0] as Hash, LEAVES[1] as Hash))
  else all[at] = changeBytes(a, change)
  return all
}

function changeInclusion(claim: Inclusion, change: Change): Inclusion {
  switch (change.how % 6) {
    case 0:
      return { ...claim, index: changeNumber(claim.index, change) }
    case 1:
      return { ...claim, size: changeNumber(claim.size, change) }
    case 2:
      return { ...claim, leaf: changeBytes(claim.leaf, change) }
    case 3:
      return { ...claim, root: changeBytes(claim.root, change) }
    default:
      return { ...claim, proof: changeHashes(claim.proof, change) }
  }
}

interface Consistency {
  readonly from: number
  readonly to: number
  readonly from_root: Hash
  readonly to_root: Hash
  readonly proof: readonly Hash[]
}

const CONSISTENCIES: readonly Consistency[] = [
  [1, 2],
  [1, 7],
  [7, 256],
  [255, 257],
  [256, 299],
  [257, SIZE],
  [299, SIZE],
  [SIZE, SIZE],
].map(([from = 0, to = 0]) => ({
  ...{ from, to, from_root: roots.get(from) as Hash, to_root: roots.get(to) as Hash },
  proof: proveConsistency({ from, to }, reader),
}))

function changeConsistency(claim: Consistency, change: Change): Consistency {
  switch (change.how % 6) {
    case 0:
      return { ...claim, from: changeNumber(claim.from, change) }
    case 1:
      return { ...claim, to: changeNumber(claim.to, change) }
    case 2:
      return { ...claim, from_root: changeBytes(claim.from_root, change) }
    case 3:
      return { ...claim, to_root: changeBytes(claim.to_root, change) }
    default:
      return { ...claim, proof: changeHashes(claim.proof, change) }
  }
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0

/** In the narrow tile at the end: there a proof costs fewest hashes. */
const tiled = fc.tuple(
  fc.integer({ min: 256, max: SIZE - 1 }),
  changes,
  fc.constantFrom(...TILES.keys()),
)

/** A leaf out of tiles one of which was damaged: the honest proof, a refusal, or one that does not hold. */
function checkTiles([index, done, path]: readonly [number, readonly Change[], string]): void {
  const bad = new Map(TILES)
  const tile = bad.get(path)
  if (tile !== undefined) bad.set(path, done.reduce(changeBytes, tile))
  const fetch = (wanted: Tile): Uint8Array | null => bad.get(tilePath(wanted)) ?? null
  const proof = refusing(() =>
    proveInclusion({ index, size: SIZE }, hashReaderOverTilesSync(fetch, SIZE)),
  )
  if (proof === null) return
  const claim = { leaf: LEAVES[index] as Hash, index, size: SIZE, root: GROWN.root }
  if (!verifyInclusion({ ...claim, proof }).ok) return
  const honest = proveInclusion({ index, size: SIZE }, reader)
  must(
    proof.every((hash, i) => same(hash, honest[i])),
    'a second proof of one leaf',
  )
}

const bundles = [...TILES].filter(([path]) => path.includes('entries')).map(([, bytes]) => bytes)
const SMALL = [encodeBundle([utf8('a'), new Uint8Array(0), utf8('ccc')]), encodeBundle([utf8('x')])]
const COSIGNATURE = value({ ok: true, value: parseSignatureLine(SIGNED[1] ?? '') })?.signature

export const TLOG_TARGETS: readonly FuzzTarget[] = [
  spelling('note', [NOTE, `a\n\nb\n\n${SIGNED.join('\n')}\n`], (text) => {
    const note = parseNote(text)
    return note.ok ? formatNote(note.value) : null
  }),
  spelling('signature-line', SIGNED, (text) => {
    const line = parseSignatureLine(text)
    return line === null ? null : formatSignatureLine(line)
  }),
  spelling(
    'vkey',
    [WORKED.log_vkey, WORKED.witness_vkey, ...CORPUS.map(({ vkey }) => vkey)],
    (text) => {
      const key = parseVkey(text)
      return key.ok ? formatVkey(key.value) : null
    },
  ),
  spelling('checkpoint', BODIES, checkpointAgain),
  openTarget,
  spelling('tlog-proof', PROOFS, (text) => {
    const proof = parseTlogProof(text)
    return proof.ok ? formatTlogProof(proof.value) : null
  }),
  target('tlog-proof-verify', damaged(PROOFS), async (text) => {
    const claim = { text, leaf: LEAVES[1] as Hash, origin: ORIGIN }
    await verifyTlogProof({ ...claim, verifiers: logKeys(() => true) })
    const read = await verifyTlogProof({ ...claim, verifiers: logKeys(oracle), quorum: 1 })
    must(!read.ok, 'a leaf of another tree was proven')
  }),
  target('inclusion', changed(INCLUSIONS, changeInclusion), (claim) => {
    if (!verifyInclusion(claim).ok) return
    const honest = INCLUSIONS.find(
      ({ index, size, leaf, root }) =>
        index === claim.index &&
        size === claim.size &&
        same(leaf, claim.leaf) &&
        same(root, claim.root),
    )
    must(
      honest !== undefined || !known(claim.size, claim.root),
      'a leaf that is not there was proven',
    )
    if (honest !== undefined)
      must(
        honest.proof.every((hash, i) => same(hash, claim.proof[i])),
        'a second proof',
      )
  }),
  target('consistency', changed(CONSISTENCIES, changeConsistency), (claim) => {
    if (!verifyConsistency(claim).ok) return
    const honest = CONSISTENCIES.find(({ from, to }) => from === claim.from && to === claim.to)
    if (honest === undefined || !same(honest.to_root, claim.to_root)) return
    must(same(honest.from_root, claim.from_root), 'another history was proven')
  }),
  target(
    'bundle',
    fc.tuple(changed([...SMALL, ...bundles], changeBytes), fc.constantFrom(1, 2, 3, 88, 256)),
    ([bytes, width]) => {
      const entries = decodeBundle(bytes, width)
      if (entries.ok) requireSame('a bundle', encodeBundle(entries.value), bytes)
    },
  ),
  target('edge', changed(edges.map(encodeEdge), changeBytes), (bytes) => {
    const edge = decodeEdge(bytes)
    if (!edge.ok) return
    requireSame('an edge', encodeEdge(edge.value), bytes)
    must(rootOfEdge(edge.value).length === 32, 'a root has 32 bytes')
  }),
  spelling(
    'tile-path',
    ['tile/0/x001/x234/067.p/5', 'tile/entries/000', 'tile/63/000.p/255', 'tile/8/x009/x007/999'],
    (text) => {
      const ref = parseTilePath(text)
      return ref === null ? null : tilePath(ref)
    },
  ),
  target('tiles', tiled, checkTiles),
  target(
    'cosignature',
    changed([COSIGNATURE ?? new Uint8Array(72), new Uint8Array(72).fill(1)], changeBytes),
    (bytes) => {
      const read = decodeCosignature(bytes)
      if (read !== null) requireSame('a cosignature', encodeCosignature(read), bytes)
    },
  ),
]

function known(size: number, root: Hash): boolean {
  return same(roots.get(size), root)
}
