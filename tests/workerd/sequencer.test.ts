/** The sequencer of the edge host over a real object's storage and a real bucket: order, idempotency, search, rounds. */
import { describe, expect, it } from 'vitest'
import type { ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import { utf8 } from '../../src/core/encoding.ts'
import { policyDigest } from '../../src/core/record/policy-parts.ts'
import { epochMs } from '../../src/core/time.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { verifyTlogProof } from '../../src/core/tlog/proof.ts'
import { aRecord } from '../contract/fixtures.ts'
import { chain, inPlace, ORIGIN, verifier, verifyPublished } from './sequencers.ts'

describe('a new log', () => {
  it('begins with its record key and its checkpoint key, published', () =>
    inPlace(async ({ open, bucket, prefix }) => {
      const log = await open()
      expect(await log.status()).toMatchObject({ origin: ORIGIN, halted: null, entries: 2 })
      expect(await log.publish()).toBe(true)
      const { entries } = await verifyPublished(bucket, prefix)
      const claims = entries.map((jws) => JSON.parse(atob(jws.split('.')[1] ?? '')))
      expect(claims.map(({ use, status, log }) => [use, status, log])).toEqual([
        ['record', 'active', ORIGIN],
        ['checkpoint', 'active', ORIGIN],
      ])
      expect(await log.recordKeys()).toEqual([claims[0].jwk.x])
    }))

  it('does not begin without being told to, and says what to do', () =>
    inPlace(async ({ open, state }) => {
      const log = await open({ create: false })
      expect((await log.status()).halted).toBe('no log was ever created here')
      const refused = log.append(chain('a', 1))
      await expect(refused).rejects.toMatchObject({
        code: 'halted',
        hint: expect.stringContaining('LIVEGATE_CREATE_LOG=true'),
      })
      expect(await state.storage.getAlarm()).toBeNull()
      const told = await open()
      expect((await told.status()).halted).toBeNull()
      const again = await open({ create: false })
      expect((await again.status()).halted).toBeNull()
    }))

  it('does not begin over a bucket with a log in it', () =>
    inPlace(async ({ open, bucket, prefix }) => {
      await bucket.put(`${prefix}tile/0/000.p/1`, 'x')
      const log = await open()
      expect((await log.status()).halted).toBe('its storage is empty, but a log is in the bucket')
      expect((await log.status()).entries).toBe(0)
    }))
})

describe('an append', () => {
  it('gives consecutive indexes, and the same again for the same entries', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      expect(await log.append([...chain('a', 1, 3), ...chain('b', 1, 2)])).toEqual([2, 3, 4, 5, 6])
      expect(await log.append(chain('a', 1, 4))).toEqual([2, 3, 4, 7])
      expect(await log.append(chain('b', 2))).toEqual([6])
      expect((await log.status()).entries).toBe(8)
      expect(await log.append([])).toEqual([])
      const reopened = await open()
      expect(await reopened.append(chain('a', 2, 2))).toEqual([3, 4])
    }))

  const refused: readonly (readonly [name: string, entries: () => ReturnType<typeof chain>])[] = [
    ['skips a place', () => [...chain('b', 1), ...chain('a', 4)]],
    ['begins in the middle of a chain', () => chain('c', 2)],
    ['forks a chain', () => chain('a', 2).map((entry) => ({ ...entry, ...forked(entry.seq) }))],
    [
      'forks a chain with a record of another one',
      () => chain('b', 1).map((entry) => ({ ...entry, object: 'a' })),
    ],
    ['has other bytes under a known id', () => chain('a', 2).map(otherBytes)],
    ['repeats a place within itself', () => [...chain('d', 1), ...chain('d', 1)]],
  ]
  const otherBytes = (entry: ChainEntry): ChainEntry => {
    const jws = `${entry.record.jws}x`
    return { ...entry, record: { ...entry.record, jws, leaf: leafHash(utf8(jws)) } }
  }
  const forked = (seq: number): object => ({ record: chain('fork', seq)[0]?.record })
  for (const [name, entries] of refused)
    it(`that ${name} is refused, with nothing appended`, () =>
      inPlace(async ({ open }) => {
        const log = await open()
        await log.append(chain('a', 1, 2))
        await expect(log.append(entries())).rejects.toMatchObject({ code: 'conflict' })
        expect((await log.status()).entries).toBe(4)
        expect(await log.append(chain('a', 3))).toEqual([4])
      }))

  it('of bytes that do not hash to their leaf never reaches a transaction', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      const [entry] = chain('a', 1)
      if (entry === undefined) throw new Error('no entry')
      const record = { ...entry.record, leaf: leafHash(utf8('other')) }
      const [bad, good] = await Promise.allSettled([
        log.append([{ ...entry, record }]),
        log.append(chain('b', 1)),
      ])
      expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled'])
    }))

  it('of forty callers at once gives every index once, in a few inserts', () =>
    inPlace(async ({ open, bucket, prefix }) => {
      const log = await open()
      const before = await log.status()
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, i) => log.append(chain(`caller-${i}`, 1))),
      )
      expect(all.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 2))
      const { inserts, inserted } = await log.status()
      expect(inserted - before.inserted).toBe(40)
      expect(inserts - before.inserts).toBeLessThanOrEqual(2)
      await log.publish()
      const { size, entries } = await verifyPublished(bucket, prefix)
      expect(size).toBe(42)
      for (const [i, [index]] of all.entries())
        expect(entries[index ?? 0]).toBe(chain(`caller-${i}`, 1)[0]?.record.jws)
    }))
})

describe('how far a chain has come', () => {
  it('is told to whoever woke, also of a chain nobody has heard of', () =>
    inPlace(async ({ open }) => {
      await (await open()).append(chain('a', 1, 3))
      const log = await open()
      expect([await log.head('a'), await log.head('b')]).toEqual([3, 0])
    }))
})

describe('a closed log', () => {
  it('takes nothing more, and says so, but publishes what it has', () =>
    inPlace(async ({ open, bucket, prefix }) => {
      const log = await open()
      const closing = aRecord({ kind: 'closing', claims: { successors: ['next.example/log'] } })
      await Promise.all([log.append(chain('a', 1)), log.appendDeployment([closing], [])])
      const told = { code: 'halted', message: 'Cannot append: the log is closed' }
      await expect(log.append(chain('a', 2))).rejects.toMatchObject(told)
      // Sent again by who never heard where it is.
      expect(await log.append(chain('a', 1))).toEqual([2])
      await expect(log.append(chain('a', 1, 2))).rejects.toMatchObject(told)
      const [forked] = chain('another', 1)
      if (forked === undefined) throw new Error('no entry')
      await expect(log.append([{ ...forked, object: 'a' }])).rejects.toMatchObject({
        code: 'conflict',
      })
      await expect((await open()).append(chain('b', 1))).rejects.toMatchObject(told)
      const beat = aRecord({ kind: 'heartbeat' })
      await expect(log.appendDeployment([beat], [])).rejects.toMatchObject(told)
      expect(await log.append([])).toEqual([])
      await log.publish()
      expect((await verifyPublished(bucket, prefix)).size).toBe(4)
    }))
})

describe('a log whose storage is nearly full', () => {
  it('takes no more records, publishes those it has and can be closed', () =>
    inPlace(async ({ open, state, bucket, prefix }) => {
      const log = await open()
      await log.append(chain('a', 1, 3))
      const full = await open({ maxBytes: state.storage.sql.databaseSize })
      await expect(full.append(chain('a', 4))).rejects.toMatchObject({
        code: 'log_unavailable',
        message: expect.stringContaining('its storage is full'),
        hint: expect.stringContaining('close the log'),
      })
      expect((await full.status()).halted).toContain('its storage is full')
      expect(await full.append(chain('a', 2, 2))).toEqual([3, 4])
      const closing = aRecord({ kind: 'closing', claims: { successors: ['next.example/log'] } })
      await full.appendDeployment([closing], [])
      await full.publish()
      expect((await verifyPublished(bucket, prefix)).size).toBe(6)
      const roomy = await open({ maxBytes: state.storage.sql.databaseSize + 1 })
      expect((await roomy.status()).halted).toBeNull()
    }))
})

describe('a policy', () => {
  it('is written once however many ask at once, and read back', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      const bytes = utf8(`name: test\n${'#'.repeat(4_000)}`)
      const policy = { digest: policyDigest(bytes), bytes }
      const asked = await Promise.all(Array.from({ length: 20 }, () => log.ready(policy)))
      expect(new Set(asked.map(({ origin }) => origin))).toEqual(new Set([ORIGIN]))
      expect((await log.status()).entries).toBe(4)
      expect(await log.policyText(policy.digest)).toEqual(bytes)
      const [known] = await log.policies()
      expect(known).toMatchObject({ digest: policy.digest, activated_at: expect.any(Number) })
      expect(await log.policyText('sha256-none')).toBeNull()
      const again = await open()
      await again.ready(policy)
      expect((await again.status()).entries).toBe(4)
    }))

  it('under another digest is refused', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      const bytes = utf8('x')
      const digest = policyDigest(utf8('y'))
      await expect(log.ready({ digest, bytes })).rejects.toThrow('another digest')
    }))
})

describe('a search', () => {
  it('finds records by id, by index, by time and by the strikes they rely on', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      const entries = chain('a', 1, 5).map((entry, i) => ({
        ...entry,
        decision: {
          outcome: i % 2 === 0 ? ('deny' as const) : ('allow' as const),
          mode: null,
          rules: i === 4 ? ['r', 'last'] : ['r'],
          strikes: i < 2 ? ['s-1'] : [],
        },
      }))
      await log.append(entries)
      const id = entries[1]?.record.id ?? ''
      expect(await log.find(id)).toMatchObject({ object: 'a', seq: 2, index: 3 })
      expect(await log.find('none')).toBeNull()
      const relying = await log.decisionsRelyingOn('s-1')
      expect(relying.map(({ outcome, at }) => [outcome, at])).toEqual([
        ['allow', entries[1]?.at],
        ['deny', entries[0]?.at],
      ])
      const page = await log.records({ from: 3, limit: 2 })
      expect(page.places.map(({ seq }) => seq)).toEqual([2, 3])
      expect(page.next).toBe(5)
      expect(await log.records({ from: 7, limit: 2 })).toEqual({ places: [], next: null })
      const denied = await log.searchDecisions({ outcome: 'deny', limit: 2 })
      expect(denied.places.map(({ index }) => index)).toEqual([6, 4])
      const rest = await log.searchDecisions({
        outcome: 'deny',
        limit: 2,
        ...(denied.next === null ? {} : { cursor: denied.next }),
      })
      expect(rest).toMatchObject({ places: [{ index: 2 }], next: null })
      const last = await log.searchDecisions({ rule: 'last', limit: 9 })
      expect(last.places).toHaveLength(1)
      const at = entries[3]?.at ?? epochMs(0)
      const late = await log.searchDecisions({ from: at, limit: 9 })
      expect(late.places.map(({ seq }) => seq)).toEqual([5, 4])
      await expect(log.searchDecisions({ limit: 1, cursor: 'x' })).rejects.toThrow('cursor')
    }))
})

describe('a proof', () => {
  it('waits for the round that covers its index, and holds', () =>
    inPlace(async ({ open }) => {
      const log = await open()
      await log.publish()
      const [index = 0] = await log.append(chain('a', 1))
      expect(await log.proof(index, 0)).toBeNull()
      const waiting = log.proof(index, 5_000)
      await log.publish()
      const leaf = chain('a', 1)[0]?.record.leaf ?? new Uint8Array()
      const claim = { text: (await waiting) ?? '', leaf, origin: ORIGIN }
      expect(await verifyTlogProof({ ...claim, verifiers: [await verifier()] })).toMatchObject({
        ok: true,
        value: { index },
      })
    }))
})

describe('a heartbeat', () => {
  it('is written a minute after activity, an hour after none, and counts every entry once', () =>
    inPlace(async ({ open, clock, bucket, prefix }) => {
      const log = await open()
      await log.append(chain('a', 1, 3))
      await log.heartbeat()
      expect((await log.status()).entries).toBe(5)
      clock.at += 60_000
      await Promise.all([log.heartbeat(), log.heartbeat()])
      expect((await log.status()).entries).toBe(6)
      clock.at += 60_000
      await (await open()).heartbeat()
      expect((await log.status()).entries).toBe(6)
      clock.at += 3_600_000
      const again = await open()
      await again.heartbeat()
      await again.publish()
      const { entries } = await verifyPublished(bucket, prefix)
      const beats = entries.slice(5).map((jws) => JSON.parse(atob(jws.split('.')[1] ?? '')))
      expect(beats).toMatchObject([
        { from_index: 0, to_index: 5, totals: { key: 2, decision: 3 }, shed: 0 },
        { from_index: 5, to_index: 6, totals: { heartbeat: 1 }, shed: 0 },
      ])
    }))

  it('tells how often the log itself was asked too much since the last one', () =>
    inPlace(async ({ open, clock, bucket, prefix }) => {
      const log = await open({ commit: { limits: { queueJobs: 1 } } })
      const asked = ['a', 'b', 'c', 'd'].map((object) => log.append(chain(object, 1)))
      const refused = (await Promise.allSettled(asked)).filter(
        ({ status }) => status === 'rejected',
      )
      expect(refused.length).toBeGreaterThan(0)
      clock.at += 60_000
      await log.heartbeat()
      clock.at += 3_600_000
      await log.heartbeat()
      await log.publish()
      const { entries } = await verifyPublished(bucket, prefix)
      const beats = entries
        .map((jws) => JSON.parse(atob(jws.split('.')[1] ?? '')) as { shed?: number })
        .flatMap(({ shed }) => shed ?? [])
      expect(beats).toEqual([refused.length, 0])
    }))
})
