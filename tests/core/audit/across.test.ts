/**
 * Chains of several logs against each other: found exactly when two logs have records of one, whoever took it over.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acrossLogs, chainsOfState } from '../../../src/core/audit/across.ts'
import { Chains, type ChainsState, type Link } from '../../../src/core/audit/chains.ts'
import { Findings } from '../../../src/core/audit/findings.ts'
import type { AuditState } from '../../../src/core/audit/state.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { epochMs } from '../../../src/core/time.ts'

const ORIGINS = ['gate.example/log/0', 'gate.example/log/1', 'gate.example/log/2'] as const

test('every chain in more than one log is found once, with all its places, and no other', () => {
  const log = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 6 })
  fc.assert(
    fc.property(fc.array(log, { maxLength: 3 }), (subjects) => {
      const logs = subjects.map((some, i) => ({
        origin: ORIGINS[i] ?? '',
        firsts: new Map(some.map((n, at) => [`pseudo${n}`, at + 2])),
      }))
      const places = Array.from({ length: 10 }, (_, n) =>
        logs.flatMap(({ origin, firsts }) => {
          const index = firsts.get(`pseudo${n}`)
          return index === undefined ? [] : [{ origin, index }]
        }),
      )
      const { chains, total, findings } = acrossLogs(logs)
      const twice = places.filter((some) => some.length > 1)
      expect(chains).toBe(places.filter((some) => some.length > 0).length)
      expect(total).toBe(twice.length)
      const found = findings.map((finding) => finding.places)
      expect(found).toHaveLength(twice.length)
      expect(found).toEqual(expect.arrayContaining(twice))
      expect(findings.map(({ message }) => message).join('')).not.toContain('pseudo')
    }),
  )
})

test('beyond a thousand, findings are counted only', () => {
  const firsts = new Map(Array.from({ length: 1001 }, (_, n) => [`pseudo${n}`, n]))
  const report = acrossLogs(ORIGINS.slice(0, 2).map((origin) => ({ origin, firsts })))
  expect(report.total).toBe(1001)
  expect(report.findings).toHaveLength(1000)
})

const leafOf = (sub: string, seq: number, index: number): string =>
  portableHasher.digestText(`${sub}${seq}@${index}`)

const link = (sub: string, seq: number, index: number, prev: string | null): Link => ({
  ...{ index, leaf: leafOf(sub, seq, index) },
  chain: { sub, seq, prev, at: epochMs(1000 + seq) },
})

/** A1 and B1, in the log before. */
function closed(): Chains {
  const chains = new Chains()
  const findings = new Findings()
  chains.link(link('A', 1, 2, null), findings)
  chains.link(link('B', 1, 3, null), findings)
  expect([...chains.firsts()]).toEqual([
    ['A', 2],
    ['B', 3],
  ])
  return chains
}

test('a chain taken over counts from its first record here', () => {
  const next = new Chains()
  next.follow(closed().state())
  expect([...next.firsts()]).toEqual([])
  const findings = new Findings()
  next.link(link('A', 2, 7, leafOf('A', 1, 2)), findings)
  next.link(link('A', 3, 9, leafOf('A', 2, 7)), findings)
  expect(findings.list()).toEqual([])
  expect([...next.firsts()]).toEqual([['A', 7]])
})

test('a record beside the chain counts too: a fork here is no reason to look away', () => {
  const next = new Chains()
  next.follow(closed().state())
  const findings = new Findings()
  next.link(link('B', 1, 5, null), findings)
  next.link(link('B', 2, 6, leafOf('B', 1, 3)), findings)
  expect(findings.list().map(({ code }) => code)).toEqual(['chain_fork'])
  expect([...next.firsts()]).toEqual([['B', 5]])
})

test('a state knows its chains, unless it is of a time before it was remembered where they begin', () => {
  const head = { seq: 1, at: 0, unopened: 0, leaves: ['A1'] }
  const state = (heads: ChainsState['heads'], predecessor: boolean): AuditState => ({
    ...{ version: 1, origin: ORIGINS[0], size: 9, keys: [], recent: [] },
    tree: { root: '', edge: '' },
    policies: { texts: {}, parts: [] },
    chains: { heads, unopened: 0 },
    time: { latest: 0, elapsed: 0 },
    heartbeats: { next: 0, runs: [] },
    ...(predecessor
      ? {
          succession: {
            closing: null,
            predecessor: { origin: ORIGINS[1], checked: true, keys: [] },
          },
        }
      : {}),
  })
  const firsts = new Map([['A', 7]])
  const heads = { A: { ...head, first: 7 } }
  expect(chainsOfState(state(heads, false))).toEqual({ origin: ORIGINS[0], firsts })
  // Without records here as yet: taken over, or of an old state.
  expect(chainsOfState(state({ ...heads, B: head }, true))?.firsts).toEqual(firsts)
  expect(chainsOfState(state({ ...heads, B: head }, false))).toBeNull()
})
