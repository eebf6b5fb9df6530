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
