/**
 * What a chain remembers of its last records is enough to tell a repeat from a lie, also once it was stored.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Chains } from '../../../src/core/audit/chains.ts'
import { Findings } from '../../../src/core/audit/findings.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { epochMs } from '../../../src/core/time.ts'

const leafOf = (seq: number): string => portableHasher.digestText(`record ${seq}`)
const SUB = 'A'.repeat(22)

function linked(chains: Chains, seq: number, leaf: string): readonly string[] {
  const findings = new Findings()
  const prev = seq === 1 ? null : leafOf(seq - 1)
  chains.link({ index: seq, leaf, chain: { sub: SUB, seq, prev, at: epochMs(seq) } }, findings)
  return findings.list().map(({ code }) => code)
}

test('the last sixteen records may be repeated byte by byte, none with other bytes, and no older one', () => {
  let chains = new Chains()
  for (let seq = 1; seq <= 40; seq++) expect(linked(chains, seq, leafOf(seq))).toEqual([])
  for (const _stored of [false, true]) {
    for (let seq = 40; seq > 24; seq--) {
      expect(linked(chains, seq, leafOf(seq)), `seq ${seq}`).toEqual([])
      expect(linked(chains, seq, leafOf(seq + 1)), `seq ${seq}`).toEqual(['chain_fork'])
    }
    expect(linked(chains, 24, leafOf(24))).toEqual(['chain_fork'])
    chains = new Chains(JSON.parse(JSON.stringify(chains.state())))
  }
  expect(linked(chains, 41, leafOf(41))).toEqual([])
  expect(chains.headOf(SUB)).toMatchObject({ seq: 41, at: 41 })
})

test('records that were not opened keep their places: what stands before them may be repeated', () => {
  let chains = new Chains()
  for (const seq of [1, 2, 3]) expect(linked(chains, seq, leafOf(seq))).toEqual([])
  chains.unopened()
  chains.unopened()
  expect(linked(chains, 6, leafOf(6))).toEqual([])
  for (const _stored of [false, true]) {
    for (const seq of [1, 2, 3, 6]) {
      expect(linked(chains, seq, leafOf(seq)), `seq ${seq}`).toEqual([])
      expect(linked(chains, seq, leafOf(seq + 1)), `seq ${seq}`).toEqual(['chain_fork'])
    }
    for (const seq of [4, 5]) expect(linked(chains, seq, leafOf(seq))).toEqual(['chain_fork'])
    chains = new Chains(JSON.parse(JSON.stringify(chains.state())))
  }
  for (let i = 0; i < 40; i++) chains.unopened()
  expect(linked(chains, 40, leafOf(40))).toEqual([])
  expect(linked(chains, 6, leafOf(6))).toEqual(['chain_fork'])
  expect(linked(chains, 40, leafOf(40))).toEqual([])
  expect(linked(chains, 41, leafOf(41))).toEqual([])
})

test.each([
  ['as an audit writes them', ['a'.repeat(22), 'b'.repeat(22), 'c'.repeat(43)]],
  ['longer than needed', ['a'.repeat(43), 'b'.repeat(43), 'c'.repeat(43)]],
  ['of different lengths', ['a'.repeat(22), 'b'.repeat(30), 'c'.repeat(43)]],
  [
    'more than are kept',
    [...Array.from({ length: 30 }, (_, i) => `${i + 10}`.repeat(11)), 'c'.repeat(43)],
  ],
  ['one', ['c'.repeat(43)]],
])('leaves joined to one text are those of the list: %s', (_, leaves) => {
  const head = { seq: 40, at: 5, unopened: 0 }
  const read = (given: readonly string[] | string): object =>
    new Chains({ heads: { sub: { ...head, leaves: given } }, unopened: 0 }).state()
  expect(read(leaves.join('.'))).toEqual(read(leaves))
})

/** What chains.ts says in the fewest words, over lists of whole leaves. */
class PlainChains {
  readonly #leaves = new Map<string, (string | null)[]>()

  link(sub: string, seq: number, leaf: string, prev: string | null): readonly string[] {
    const leaves = this.#leaves.get(sub) ?? []
    this.#leaves.set(sub, leaves)
    if (seq <= leaves.length)
      return seq > leaves.length - 16 && leaves[seq - 1] === leaf ? [] : ['chain_fork']
    const faults = []
    if (seq > leaves.length + 1) faults.push('chain_gap')
    else if (prev !== (leaves.at(-1) ?? null)) faults.push('chain_prev')
    while (leaves.length < seq - 1) leaves.push(null)
    leaves.push(leaf)
    return faults
  }
}

const STEP = fc.record({
  sub: fc.integer({ min: 0, max: 40 }),
  // Mostly the next of its chain; else a repeat, a fork, or a jump.
  ahead: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.integer({ min: -20, max: 4 })),
  other: fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constant('other')),
  prev: fc.oneof({ weight: 9, arbitrary: fc.constant('') }, fc.constant('other')),
  stored: fc.oneof({ weight: 30, arbitrary: fc.constant(false) }, fc.constant(true)),
})

test('rows of bytes say what lists of leaves would, stored and read again at any time', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 300 }), fc.integer(), (steps, seed) => {
      let chains = new Chains(undefined, seed)
      const plain = new PlainChains()
      const seqs = new Map<string, number>()
      for (const [index, { sub: n, ahead, other, prev: told, stored }] of steps.entries()) {
        // Few have most records.
        const sub = `${'x'.repeat(n % 64)}${Math.floor(n / 4)}`
        const known = seqs.get(sub) ?? 0
        const seq = Math.max(1, known + ahead)
        const leaf = portableHasher.digestText(`${sub} ${seq} ${other}`)
        const before = portableHasher.digestText(`${sub} ${seq - 1} ${told}`)
        const prev = seq === 1 && told === '' ? null : before
        const findings = new Findings()
        const chain = { sub, seq, prev, at: epochMs(seq) }
        chains.link({ index, leaf, chain }, findings)
        const codes = findings.list().map(({ code }) => code)
        expect(codes).toEqual(plain.link(sub, seq, leaf, prev))
        seqs.set(sub, Math.max(known, seq))
        expect(chains.headOf(sub)).toMatchObject({ seq: seqs.get(sub) })
        if (!stored) continue
        const next = new Chains({ ...chains.state({ heads: false }) }, seed)
        for (const one of JSON.parse(JSON.stringify([...chains.each()]))) next.adopt(one)
        expect(next.state()).toEqual(chains.state())
        chains = next
      }
      expect(chains.counts().subjects).toBe(seqs.size)
    }),
    { numRuns: 60 },
  )
})

test('ten thousand chains are found again by their pseudonyms, whatever the seed', () => {
  for (const seed of [0, 1, -1, 0x9e3779b1]) {
    const chains = new Chains(undefined, seed)
    const findings = new Findings()
    const sub = (n: number): string => portableHasher.digestText(`subject ${n}`).slice(0, 22)
    for (let n = 0; n < 10_000; n++)
      chains.link(
        { index: n, leaf: leafOf(n), chain: { sub: sub(n), seq: 1, prev: null, at: epochMs(n) } },
        findings,
      )
    expect(findings.list()).toEqual([])
    expect(chains.headOf(sub(10_000))).toBeNull()
    const firsts = chains.firsts()
    expect(firsts.size).toBe(10_000)
    for (let n = 0; n < 10_000; n += 97) {
      expect(chains.headOf(sub(n))).toMatchObject({ seq: 1, at: n })
      expect(firsts.get(sub(n))).toBe(n)
    }
  }
})
