/** The end of a chain in a real log: one record, once, and nothing that leads to the object any more. */
import { describe, expect, it } from 'vitest'
import type { ChainErasure } from '../../src/adapters/cloudflare/rpc.ts'
import { aRecord } from '../contract/fixtures.ts'
import { chain, inPlace, placesOf } from './sequencers.ts'

function erasureOf(object: string, seq: number, more: Partial<ChainErasure> = {}): ChainErasure {
  const { openings: _, ...record } = aRecord({ kind: 'erasure', openings: {} })
  return { object, seq, record, requires: [], strikes: [], named: [], ...more }
}

/** A decision that names strikes. */
function naming(object: string, seq: number, strikes: readonly string[]) {
  return chain(object, seq).map((entry) => ({
    ...entry,
    decision: { outcome: 'deny', mode: null, rules: ['struck'], strikes } as const,
  }))
}

describe('the end of a chain', () => {
  it('is one record, told alike until the object is forgotten, and its records are nobody’s', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      const [first, other] = [chain('erased-1', 1, 3), chain('kept-1', 1, 2)]
      await log.append([...first, ...other])
      const erasure = erasureOf('erased-1', 3)
      const done = await log.eraseChain(erasure)
      expect(done).toEqual({ index: 7 })
      expect(await log.eraseChain(erasure)).toEqual(done)
      expect(await log.eraseChain(erasureOf('erased-1', 3))).toEqual({ refused: 'conflict' })
      expect((await log.status()).entries).toBe(8)
      expect(await log.head('erased-1')).toBe(0)
      for (const { record } of first) expect(await log.find(record.id)).toBeNull()
      expect(await log.find(other[0]?.record.id ?? '')).toMatchObject({ object: 'kept-1', seq: 1 })
      expect((await placesOf(log)).map(({ object }) => object)).toEqual(['kept-1', 'kept-1'])
      const found = await log.searchDecisions({ limit: 9 })
      expect(found.places.map(({ object }) => object)).toEqual(['kept-1', 'kept-1'])
    }))

  it('lets no chain of the object begin before it is forgotten, then a new one under a number of its own', () =>
    inPlace(async ({ open, state }) => {
      const log = await open()
      await log.append(chain('erased-2', 1, 3))
      await log.eraseChain(erasureOf('erased-2', 3))
      const back = chain('erased-2', 1).map((entry) => ({ ...entry, record: stranger() }))
      await expect(log.append(back)).rejects.toMatchObject({ code: 'conflict' })
      await log.forgetChain('erased-2')
      await log.forgetChain('erased-2')
      expect(await log.append(back)).toEqual([6])
      const rows = state.storage.sql.exec('SELECT chain, object FROM heads').toArray()
      expect(rows).toEqual([
        { chain: 1, object: null },
        { chain: 2, object: 'erased-2' },
      ])
      expect((await placesOf(log)).map(({ index }) => index)).toEqual([6])
    }))

  it('is refused for a chain that is longer, unknown, or whose key the log lacks; and then nothing has changed', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      await log.append(chain('erased-3', 1, 3))
      expect(await log.eraseChain(erasureOf('erased-3', 2))).toEqual({ refused: 'conflict' })
      expect(await log.eraseChain(erasureOf('nobody', 1))).toEqual({ refused: 'conflict' })
      const requires = ['a key nobody has']
      expect(await log.eraseChain(erasureOf('erased-3', 3, { requires }))).toEqual({
        refused: 'requires',
      })
      const { openings: _, ...decision } = aRecord({ kind: 'decision' })
      const wrong = log.eraseChain(erasureOf('erased-3', 3, { record: decision }))
      await expect(wrong).rejects.toMatchObject({ code: 'internal' })
      expect(await log.head('erased-3')).toBe(3)
      expect((await log.status()).entries).toBe(5)
    }))

  it('takes with it what relied on its strikes, in packs as well, and what it relied on', () =>
    inPlace(async ({ open, state }) => {
      const log = await open()
      await log.append([
        ...naming('erased-4', 1, ['s-own', 's-theirs']),
        ...naming('kept-4', 1, ['s-own', 's-theirs']),
      ])
      const [own] = chain('erased-4', 1)
      const named = [{ strike: 's-theirs', id: own?.record.id ?? '' }]
      await log.eraseChain(erasureOf('erased-4', 1, { strikes: ['s-own'], named }))
      expect(await log.decisionsRelyingOn('s-own')).toEqual([])
      const left = await log.decisionsRelyingOn('s-theirs')
      expect(left.map(({ id }) => id)).toEqual([chain('kept-4', 1)[0]?.record.id])
      const packs = state.storage.sql.exec('SELECT strikes FROM packs').toArray()
      expect(JSON.stringify(packs)).not.toContain('s-own')
      // The newest pack goes on without them.
      await log.append(naming('kept-4', 2, ['s-new']))
      const grown = state.storage.sql.exec('SELECT strikes FROM packs').toArray()
      expect(JSON.stringify(grown)).not.toContain('s-own')
      expect(JSON.stringify(grown)).toContain('s-new')
    }))
})

function stranger(): ChainErasure['record'] {
  const { openings: _, ...record } = aRecord({ kind: 'decision' })
  return record
}
