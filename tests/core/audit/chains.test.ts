/**
 * What a chain remembers of its last records is enough to tell a repeat from a lie, also once it was stored.
 */
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
