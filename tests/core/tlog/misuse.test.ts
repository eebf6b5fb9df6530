/**
 * What ends a caller who misuses the log's parts, by code and whole message; limits to the character; counting beyond 32
 * bits. None of it can come from outside.
 */
import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../../src/core/encoding.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import {
  floorLog2,
  half,
  isCount,
  isOdd,
  parseDecimal,
  powersOf,
  requireCount,
} from '../../../src/core/tlog/arithmetic.ts'
import { encodeBundle } from '../../../src/core/tlog/bundle.ts'
import { formatCheckpoint, openCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { decodeCosignature, encodeCosignature } from '../../../src/core/tlog/cosignature.ts'
import { decodeEdge, emptyEdge, encodeEdge } from '../../../src/core/tlog/edge.ts'
import { grow } from '../../../src/core/tlog/grow.ts'
import { EMPTY_ROOT, nodeHash, rowRoot, sameBytes, sameHash } from '../../../src/core/tlog/hash.ts'
import {
  formatNote,
  formatSignatureLine,
  MAX_NOTE_CHARS,
  MAX_NOTE_SIGNATURES,
  parseNote,
  parseSignatureLine,
  signNote,
  verifyNote,
} from '../../../src/core/tlog/note.ts'
import { formatVkey } from '../../../src/core/tlog/note-key.ts'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from '../../../src/core/tlog/proof.ts'
import { newTiles, parseTilePath, tilePath, tilesOf, widthOf } from '../../../src/core/tlog/tile.ts'
import { hashReaderOverTiles, tileOfNode } from '../../../src/core/tlog/tile-reader.ts'
import {
  assemble,
  planConsistency,
  planInclusion,
  planRoot,
  rootFrom,
} from '../../../src/core/tlog/tree.ts'
import {
  COSIGNATURE_SKEW_S,
  MAX_WITNESS_ANSWER_BYTES,
  parseAskedPolicy,
  readAnswer,
  WITNESS_FAULTS,
} from '../../../src/core/tlog/witness.ts'
import {
  MAX_WITNESS_POLICY_CHARS,
  parseWitnessPolicy,
} from '../../../src/core/tlog/witness-policy.ts'
import { keyFromSeed, someEntries } from './support.ts'

const HASH = new Uint8Array(32).fill(7)
const KEY = keyFromSeed(new Uint8Array(32).fill(3))
const VERIFIER = { name: 'a', keyId: 1, verify: () => true }
const LINE = { name: 'log.example', keyId: 9, signature: new Uint8Array(64) }
const BODY = `log.example\n1\n${toBase64(HASH)}\n`
const NOTE = formatNote({ body: BODY, signatures: [LINE] })
const COUNT = 'expected an integer from 0 to 2^53 - 1'

async function thrown(act: () => unknown): Promise<string> {
  try {
    await act()
    return 'done'
  } catch (error) {
    if (!(error instanceof LivegateError)) throw error
    return `${error.code}: ${error.message}`
  }
}

const TABLE: readonly (readonly [about: string, act: () => unknown, message: string])[] = [
  [
    'a count below zero',
    () => requireCount(-1, 'a size'),
    `internal: Cannot use -1 as a size: ${COUNT}`,
  ],
  [
    'a bundle of nothing',
    () => encodeBundle([]),
    'internal: Cannot bundle 0 entries: expected 1 to 256',
  ],
  [
    'a bundle of too many',
    () => encodeBundle(someEntries(257)),
    'internal: Cannot bundle 257 entries: expected 1 to 256',
  ],
  [
    'an entry too long for a bundle',
    () => encodeBundle([new Uint8Array(65_536)]),
    'internal: Cannot bundle an entry of 65536 bytes: expected at most 65535',
  ],
  ...[
    ['of a name with a plus', { origin: 'a+b', size: 1, root: HASH }] as const,
    ['of half a leaf', { origin: 'a', size: 0.5, root: HASH }] as const,
    ['of a short root', { origin: 'a', size: 1, root: HASH.slice(1) }] as const,
  ].map(
    ([about, head]) =>
      [
        `a checkpoint ${about}`,
        () => formatCheckpoint(head),
        `internal: Cannot write checkpoint of \`${head.origin}\` at size ${head.size}: expected a name without blank or plus, a size and its root`,
      ] as const,
  ),
  ...[
    { timeS: 0, signature: new Uint8Array(64) },
    { timeS: 0.5, signature: new Uint8Array(64) },
    { timeS: 1, signature: new Uint8Array(63) },
  ].map(
    (cosignature) =>
      [
        `a cosignature at ${cosignature.timeS} of ${cosignature.signature.length} bytes`,
        () => encodeCosignature(cosignature),
        `internal: Cannot write cosignature: time ${cosignature.timeS} with ${cosignature.signature.length} bytes, expected seconds from 1 and 64 bytes`,
      ] as const,
  ),
  [
    'a node above half a hash',
    () => nodeHash(HASH, HASH.slice(16)),
    'internal: Cannot hash node: its children have 32 and 16 bytes, expected 32 each',
  ],
  [
    'a node above half a hash at its left',
    () => nodeHash(HASH.slice(16), HASH),
    'internal: Cannot hash node: its children have 16 and 32 bytes, expected 32 each',
  ],
  ...[0, 16, 96].map(
    (length) =>
      [
        `the root of a row of ${length} bytes`,
        () => rowRoot(new Uint8Array(length)),
        `internal: Cannot hash a row of ${length} bytes: expected 32 times a power of two`,
      ] as const,
  ),
  [
    'a note without a signature',
    () => formatNote({ body: BODY, signatures: [] }),
    'internal: Cannot write note: expected a body ending in a newline without control characters, and a signature',
  ],
  [
    'a note whose body has no end',
    () => signNote({ body: 'a', signers: [{ ...LINE, sign: () => LINE.signature }] }),
    'internal: Cannot write note: expected a body ending in a newline without control characters, and a signature',
  ],
  [
    'a signature of nobody',
    () => formatSignatureLine({ ...LINE, name: '' }),
    'internal: Cannot write signature of ``: expected a name without blank or plus and a signature',
  ],
  [
    'an empty signature',
    () => formatSignatureLine({ ...LINE, signature: new Uint8Array(0) }),
    'internal: Cannot write signature of `log.example`: expected a name without blank or plus and a signature',
  ],
  [
    'two verifiers of one name and id',
    () => verifyNote({ text: NOTE, verifiers: [VERIFIER, VERIFIER] }),
    'internal: Cannot verify note: two verifiers have one name and key id, expected distinct ones',
  ],
  ...[
    { name: 'a b', type: 1, publicKey: KEY.publicKey } as const,
    { name: 'ab', type: 1, publicKey: KEY.publicKey.slice(1) } as const,
  ].map(
    (key) =>
      [
        `a verifier key of \`${key.name}\` with ${key.publicKey.length} bytes`,
        () => formatVkey(key),
        `internal: Cannot write verifier key of \`${key.name}\`: expected a name without blank or plus and a 32-byte key`,
      ] as const,
  ),
  ...[
    { index: -1, proof: [], checkpoint: NOTE },
    { index: 0, proof: [HASH.slice(1)], checkpoint: NOTE },
    { index: 0, proof: Array<Uint8Array>(64).fill(HASH), checkpoint: NOTE },
    { index: 0, proof: [], checkpoint: BODY },
  ].map(
    (proof, i) =>
      [
        `a proof, case ${i}`,
        () => formatTlogProof(proof),
        `internal: Cannot write proof of leaf ${proof.index}: expected an index, at most 63 hashes and a signed note`,
      ] as const,
  ),
  [
    'a tile wider than there are',
    () => tilePath({ kind: 'tile', level: 0, index: 0, width: 257 }),
    'internal: Cannot name tile: {"kind":"tile","level":0,"index":0,"width":257}, expected level 0 to 63, index from 0, width 1 to 256',
  ],
  [
    'a row of tiles above the highest',
    () => tilePath({ kind: 'tile', level: 64, index: 0, width: 1 }),
    'internal: Cannot name tile: {"kind":"tile","level":64,"index":0,"width":1}, expected level 0 to 63, index from 0, width 1 to 256',
  ],
  [
    'an empty tile',
    () => tilePath({ kind: 'entries', index: 0, width: 0 }),
    'internal: Cannot name tile: {"kind":"entries","index":0,"width":0}, expected level 0 to 63, index from 0, width 1 to 256',
  ],
  [
    'a tree that shrinks',
    () => [...newTiles({ from: 2, to: 1 })],
    'internal: Cannot list new tiles: size 2 is beyond 1, expected a tree that grows',
  ],
  [
    'growth from half a leaf',
    () => [...newTiles({ from: 0.5, to: 1 })],
    `internal: Cannot use 0.5 as a tree size: ${COUNT}`,
  ],
  [
    'growth to half a leaf',
    () => [...newTiles({ from: 0, to: 0.5 })],
    `internal: Cannot use 0.5 as a tree size: ${COUNT}`,
  ],
  [
    'tiles of no size',
    () => [...tilesOf(Number.NaN)],
    `internal: Cannot use NaN as a tree size: ${COUNT}`,
  ],
  [
    'a node that is not complete',
    () => tileOfNode({ level: 1, index: 1 }, 3),
    'internal: Cannot read node 1/1: it is not complete in a tree of 3 leaves',
  ],
  [
    'a tile that is gone',
    () => hashReaderOverTiles(async () => null, 3)([{ level: 0, index: 0 }]),
    'log_unavailable: Cannot read `tile/0/000.p/3`: it is missing, expected 96 bytes',
  ],
  [
    'a tile that is cut',
    () => hashReaderOverTiles(async () => new Uint8Array(95), 3)([{ level: 0, index: 0 }]),
    'log_unavailable: Cannot read `tile/0/000.p/3`: it has 95 bytes, expected 96 bytes',
  ],
  [
    'the root of a size that is none',
    () => planRoot(-1),
    `internal: Cannot use -1 as a tree size: ${COUNT}`,
  ],
  [
    'a leaf of a size that is none',
    () => planInclusion({ index: 0, size: 1.5 }),
    `internal: Cannot use 1.5 as a tree size: ${COUNT}`,
  ],
  [
    'a leaf below the first',
    () => planInclusion({ index: -1, size: 1 }),
    `internal: Cannot use -1 as a leaf index: ${COUNT}`,
  ],
  [
    'a leaf beyond the last',
    () => planInclusion({ index: 1, size: 1 }),
    'internal: Cannot prove leaf 1: the tree has 1 leaves, expected an index below',
  ],
  [
    'consistency from a size that is none',
    () => planConsistency({ from: -1, to: 1 }),
    `internal: Cannot use -1 as a tree size: ${COUNT}`,
  ],
  [
    'consistency to a size that is none',
    () => planConsistency({ from: 0, to: 0.5 }),
    `internal: Cannot use 0.5 as a tree size: ${COUNT}`,
  ],
  [
    'consistency with a smaller tree',
    () => planConsistency({ from: 2, to: 1 }),
    'internal: Cannot prove consistency: size 2 is beyond 1, expected the older tree first',
  ],
  [
    'hashes that were not asked for',
    () => assemble(planRoot(3), [HASH]),
    'internal: Cannot assemble proof: 1 hashes were read, expected 2',
  ],
  [
    'a root out of too many hashes',
    () => rootFrom(2, () => [HASH, HASH]),
    'internal: Cannot assemble proof: 2 hashes were read, expected 1',
  ],
  [
    'a leaf that is no hash',
    () => grow({ edge: emptyEdge(), leaves: [HASH.slice(1)] }),
    'internal: Cannot grow tree: a leaf is not 32 bytes, expected a hash',
  ],
  [
    'entries without leaves',
    () =>
      grow({ edge: emptyEdge(), leaves: [], entries: { unfinished: [], added: someEntries(2) } }),
    'internal: Cannot grow tree: 0 + 2 entries were given, expected 0 + 0',
  ],
  [
    'an entry that does not hash to its leaf',
    () =>
      grow({
        edge: emptyEdge(),
        leaves: [HASH],
        entries: { unfinished: [], added: someEntries(1) },
      }),
    'halted: Cannot grow tree: entry 0 does not hash to its leaf, expected unchanged bytes',
  ],
]

test.each(TABLE)('%s is refused with its reason', async (_, act, message) => {
  expect(await thrown(act)).toBe(message)
})

describe('an edge that is none', () => {
  test.each([
    { size: 1, rows: [] },
    { size: 0, rows: [HASH] },
    { size: 1, rows: [HASH.slice(1)] },
    { size: -1, rows: [] },
    { size: 0.5, rows: [] },
  ])('of size $size is neither written nor grown', async (edge) => {
    expect(await thrown(() => encodeEdge(edge))).toMatch(/^internal: Cannot use/)
    expect(await thrown(() => grow({ edge, leaves: [] }))).toMatch(/^internal: Cannot use/)
  })

  test('is not read: a size beyond counting, bytes too few, bytes too many', () => {
    expect(decodeEdge(new Uint8Array(7))).toEqual({ ok: false, error: 'wrong_length' })
    expect(decodeEdge(new Uint8Array(9))).toEqual({ ok: false, error: 'wrong_length' })
    expect(decodeEdge(new Uint8Array(8).fill(255))).toEqual({
      ok: false,
      error: 'size_out_of_range',
    })
  })
})

describe('limits', () => {
  test('are these', () => {
    expect([MAX_NOTE_CHARS, MAX_NOTE_SIGNATURES]).toEqual([524_288, 64])
    expect([MAX_WITNESS_POLICY_CHARS, MAX_WITNESS_ANSWER_BYTES]).toEqual([131_072, 65_536])
    expect(COSIGNATURE_SKEW_S).toBe(300)
  })

  test('of a note are met to the character', () => {
    const long = `${'x'.repeat(MAX_NOTE_CHARS - NOTE.length)}${NOTE}`
    expect(parseNote(long).ok).toBe(true)
    expect(parseNote(`x${long}`)).toEqual({ ok: false, error: 'note_too_large' })
  })

  test('of a proof are those of two notes', () => {
    const proof = formatTlogProof({ index: 0, proof: [], checkpoint: NOTE })
    const room = 2 * MAX_NOTE_CHARS - proof.length - 'extra \n'.length
    const longer = (chars: number): string =>
      proof.replace('index', () => `extra ${'A'.repeat(chars)}\nindex`)
    expect(parseTlogProof(longer(room - (room % 4))).ok).toBe(true)
    expect(parseTlogProof(longer(room + 4))).toEqual({ ok: false, error: 'tlog_proof_too_large' })
  })

  test('of a policy and of an answer are met to the character', () => {
    const policy = (chars: number): string => `#${'x'.repeat(chars - 14)}\nquorum none\n`
    expect(parseWitnessPolicy(policy(MAX_WITNESS_POLICY_CHARS)).ok).toBe(true)
    expect(parseWitnessPolicy(policy(MAX_WITNESS_POLICY_CHARS + 1))).toEqual({
      ok: false,
      error: [{ line: 1, message: 'the policy is longer than 131072' }],
    })
    const answer = (length: number): object =>
      readAnswer({ status: 500, type: null, body: new Uint8Array(length) })
    expect(answer(MAX_WITNESS_ANSWER_BYTES)).toMatchObject({ fault: 'unexpected_status' })
    expect(answer(MAX_WITNESS_ANSWER_BYTES + 1)).toMatchObject({ fault: 'answer_too_large' })
  })

  test('of what is repeated to a person are 80 characters', () => {
    const name = 'w'.repeat(100)
    const url = `https://${'x'.repeat(100)}?`
    const key = formatVkey({ name: 'w', type: 4, publicKey: KEY.publicKey })
    const read = parseAskedPolicy(`witness ${name} ${key} ${url}\nquorum ${name}\n`)
    expect(read.ok ? [] : read.error.map(({ message }) => message)).toEqual([
      `\`${name.slice(0, 80)}\` has the address \`${url.slice(0, 80)}\`, expected a submission prefix: https://host/path, or http to this machine`,
    ])
  })
})

describe('counting', () => {
  test.each<[string, unknown, unknown]>([
    ['the greatest count', isCount(2 ** 53 - 1), true],
    ['one more', isCount(2 ** 53), false],
    ['zero', isCount(0), true],
    ['below zero', isCount(-1), false],
    ['a word', isCount('1'), false],
    ['zero in text', parseDecimal('0'), 0],
    ['the greatest count in text', parseDecimal('9007199254740991'), 2 ** 53 - 1],
    ['one more in text', parseDecimal('9007199254740992'), null],
    ['a leading zero', parseDecimal('01'), null],
    ['a sign', parseDecimal('+1'), null],
    ['nothing', parseDecimal(''), null],
    ['half of an odd number beyond 32 bits', half(2 ** 40 + 1), 2 ** 39],
    ['an odd number beyond 32 bits', isOdd(2 ** 40 + 1), true],
    ['an even number', isOdd(2 ** 40), false],
    ['the highest bit of one', floorLog2(1), 0],
    ['the highest bit at 31', floorLog2(2 ** 32 - 1), 31],
    ['the highest bit at 32', floorLog2(2 ** 32), 32],
    ['the highest bit of all', floorLog2(2 ** 53 - 1), 52],
    ['the powers of a count beyond 32 bits', powersOf(2 ** 33 + 6), [2 ** 33, 4, 2]],
    ['the powers of nothing', powersOf(0), []],
  ])('%s', (_, got, expected) => expect(got).toEqual(expected))
})

describe('equality', () => {
  test('is of length and of every byte', () => {
    expect(sameBytes(HASH, HASH.slice())).toBe(true)
    expect(sameBytes(HASH, HASH.slice(1))).toBe(false)
    expect(sameBytes(HASH.slice(1), HASH)).toBe(false)
    expect(sameBytes(HASH, new Uint8Array(32).fill(7, 0, 31))).toBe(false)
    expect(sameHash(HASH, HASH.slice())).toBe(true)
    expect(sameHash(HASH.slice(1), HASH.slice(1))).toBe(false)
    expect(sameHash(HASH, HASH.slice(1))).toBe(false)
    expect(sameHash(HASH.slice(1), HASH)).toBe(false)
  })
})

describe('what is read', () => {
  test('of a signature line is a key id and at least a byte of signature', () => {
    const line = (bytes: number): unknown =>
      parseSignatureLine(`\u2014 a ${toBase64(new Uint8Array(bytes).fill(1))}`)
    expect(line(4)).toBeNull()
    expect(line(5)).toEqual({ name: 'a', keyId: 0x01010101, signature: Uint8Array.of(1) })
  })

  test('of a cosignature is a time from one on', () => {
    const at = (time: Uint8Array): unknown =>
      decodeCosignature(Uint8Array.from([...time, ...new Uint8Array(64)]))
    expect(at(new Uint8Array(8))).toBeNull()
    expect(at(new Uint8Array(8).fill(255))).toBeNull()
    expect(at(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1))).toEqual({
      timeS: 1,
      signature: new Uint8Array(64),
    })
    expect(decodeCosignature(new Uint8Array(71).fill(1))).toBeNull()
    expect(decodeCosignature(new Uint8Array(73).fill(1))).toBeNull()
  })

  test('of a tile path is a level in one spelling', () => {
    expect(parseTilePath('tile/00/000')).toBeNull()
    expect(parseTilePath('tile/64/000')).toBeNull()
    expect(parseTilePath('tile/63/000')).toEqual({ kind: 'tile', level: 63, index: 0, width: 256 })
    expect(widthOf({ level: 0, index: 2, size: 256 })).toBe(0)
  })

  test('of tiles is each once, and a whole one only where it takes the place of a part', async () => {
    const asked: string[] = []
    const missing = async (tile: Parameters<typeof tilePath>[0]): Promise<null> => {
      asked.push(tilePath(tile))
      return null
    }
    const nodes = [0, 1].map((index) => ({ level: 0, index }))
    await thrown(() => hashReaderOverTiles(missing, 300)(nodes))
    expect(asked).toEqual(['tile/0/000'])
    await thrown(() => hashReaderOverTiles(missing, 3)(nodes))
    expect(asked.slice(1)).toEqual(['tile/0/000.p/3', 'tile/0/000'])
  })

  test('of a checkpoint are the signatures of the log apart from those of witnesses', async () => {
    const by = (name: string, keyId: number): typeof VERIFIER => ({ ...VERIFIER, name, keyId })
    const signatures = [by('log.example', 9), by('log.example', 8), by('w', 9)].map(
      ({ name, keyId }) => ({ name, keyId, signature: new Uint8Array(64) }),
    )
    const opened = await openCheckpoint({
      note: formatNote({ body: BODY, signatures }),
      origin: 'log.example',
      verifiers: [by('log.example', 9)],
      witnesses: [by('w', 9), by('log.example', 8)],
    })
    expect(opened).toMatchObject({
      ok: true,
      value: {
        signatures: [{ name: 'log.example', keyId: 9 }],
        cosignatures: [
          { name: 'log.example', keyId: 8 },
          { name: 'w', keyId: 9 },
        ],
      },
    })
  })

  test('of a proof without a quorum is the word of the log alone', async () => {
    const text = formatTlogProof({ index: 0, proof: [], checkpoint: NOTE })
    const claim = { text, leaf: HASH, origin: 'log.example' }
    const verifiers = [{ name: 'log.example', keyId: 9, verify: () => true }]
    expect(await verifyTlogProof({ ...claim, verifiers })).toMatchObject({ ok: true })
    expect(await verifyTlogProof({ ...claim, verifiers, quorum: 1 })).toEqual({
      ok: false,
      error: 'quorum_missed',
    })
    expect(EMPTY_ROOT).toHaveLength(32)
  })

  test('of witnesses has names that stay', () => {
    expect(WITNESS_FAULTS.join(' ')).toBe(
      'unreachable timed_out redirected answer_too_large not_a_witness bad_request log_not_accepted unknown_log conflict_unexplained proof_refused busy unexpected_status cosignature_missing cosignature_invalid cosignature_time ahead other_root not_kept',
    )
  })
})
