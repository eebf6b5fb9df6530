/** What stands at the very edge of a format: read there, refused one further on, and each refusal in its own words. */
import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../../src/core/encoding.ts'
import { requireEdge } from '../../../src/core/tlog/edge.ts'
import { growEdge } from '../../../src/core/tlog/grow.ts'
import { HASH_BYTES } from '../../../src/core/tlog/hash.ts'
import { ed25519Verifier, parseNote } from '../../../src/core/tlog/note.ts'
import { formatVkey, parseVkey } from '../../../src/core/tlog/note-key.ts'
import { parseTlogProof } from '../../../src/core/tlog/proof.ts'
import { hashesAt, newTiles, TILE_WIDTH } from '../../../src/core/tlog/tile.ts'
import { parseWitnessPolicy } from '../../../src/core/tlog/witness-policy.ts'
import { keyFromSeed, must, verifyEd25519 } from './support.ts'

const key = (seed: number): Uint8Array => keyFromSeed(new Uint8Array(32).fill(seed)).publicKey
const LINE = `— gate.example ${toBase64(new Uint8Array(68))}\n`

describe('a note', () => {
  test('may have an empty line for a body', () =>
    expect(must(parseNote(`\n\n${LINE}`)).body).toBe('\n'))

  test('without a body is none', () =>
    expect(parseNote(`\n${LINE}`)).toEqual({ ok: false, error: 'note_malformed' }))
})

describe('a verifier key', () => {
  const good = formatVkey({ name: 'gate.example', type: 1, publicKey: key(1) })

  test.each([
    ['that is not base64', 'gate.example+00000000+A'],
    ['of a type byte alone', `gate.example+00000000+${toBase64(Uint8Array.of(1))}`],
    ['that is too short', `gate.example+00000000+${toBase64(new Uint8Array(32).fill(1))}`],
  ])('%s is malformed', (_, text) => {
    expect(parseVkey(text)).toEqual({ ok: false, error: 'vkey_malformed' })
    expect(ed25519Verifier(text, verifyEd25519)).toEqual({ ok: false, error: 'vkey_malformed' })
  })

  test('makes a verifier', () =>
    expect(must(ed25519Verifier(good, verifyEd25519)).name).toBe('gate.example'))
})

describe('a proof', () => {
  const hash = toBase64(new Uint8Array(HASH_BYTES))
  const proof = (hashes: number): string =>
    `c2sp.org/tlog-proof@v1\nindex 1\n${`${hash}\n`.repeat(hashes)}\nbody\n\n${LINE}`

  test('has at most 63 hashes', () => {
    expect(must(parseTlogProof(proof(63))).proof).toHaveLength(63)
    expect(parseTlogProof(proof(64))).toEqual({ ok: false, error: 'tlog_proof_malformed' })
  })
})

describe('a tree', () => {
  /** The largest there is, and one more. */
  const size = Number.MAX_SAFE_INTEGER
  const rows: Uint8Array[] = []
  for (let level = 0; hashesAt(level, size) > 0; level++)
    rows.push(new Uint8Array((hashesAt(level, size) % TILE_WIDTH) * HASH_BYTES))

  test('does not grow beyond what can be counted', () => {
    expect(() => requireEdge({ size, rows })).not.toThrow()
    const leaves = [new Uint8Array(HASH_BYTES)]
    expect(() => growEdge({ edge: { size, rows }, leaves })).toThrow('a tree size')
  })

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('of %s leaves has no edge', (wrong) =>
    expect(() => requireEdge({ size: wrong, rows: [] })).toThrow(`do not fit size ${wrong}`),
  )

  test('lists the files of entries apart from those of hashes', () => {
    expect([...newTiles({ from: 1, to: 2 })]).toEqual([
      { kind: 'entries', index: 0, width: 2 },
      { kind: 'tile', level: 0, index: 0, width: 2 },
    ])
  })
})

describe('a witness policy', () => {
  const line = (name: string, seed: number): string =>
    `log ${formatVkey({ name, type: 1, publicKey: key(seed) })}\n`

  test('names its logs in the order of the text', () => {
    const names = ['c.example', 'a.example', 'b.example']
    const text = `${names.map((name, i) => line(name, i + 1)).join('')}quorum none\n`
    expect(must(parseWitnessPolicy(text)).logs.map(({ key: { name } }) => name)).toEqual(names)
  })

  test('repeats no more than 80 characters of a name', () => {
    const name = `${'n'.repeat(81)}.example`
    const told = parseWitnessPolicy(`${line(name, 1)}${line(name, 1)}quorum none\n`)
    expect(JSON.stringify(told)).toContain(`\`${'n'.repeat(80)}\``)
  })
})
