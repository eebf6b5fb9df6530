/** What a hostile caller, a clock, a crash or an old table could do to where the edge keeps things. */
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/adapters/cloudflare/r2-tiles.ts'
import { MAX_READS } from '../../src/adapters/cloudflare/sequencer-segments.ts'
import { utf8 } from '../../src/core/encoding.ts'
import type { MoveHeader } from '../../src/core/move/lines.ts'
import { policyDigest } from '../../src/core/record/policy-parts.ts'
import { HOUR_MS } from '../../src/core/time.ts'
import { newId } from '../contract/fixtures.ts'
import { aStrike, ask, policyOf, STRIKE_RULE } from '../support/gate.ts'
import fileText from '../vectors/move/deployment.jsonl?raw'
import { chain, indexesFound, inPlace, type Place } from './sequencers.ts'
import { aWorld } from './subject-world.ts'

const { header } = JSON.parse(fileText.split('\n', 1)[0] ?? '') as { readonly header: MoveHeader }

describe('a search by time', () => {
  it('finds what moved in after the log began, however long after', () =>
    inPlace(async (place) => {
      const log = await place.open()
      // Too large to share a row with what comes: the first pack stays as old as the log.
      const bytes = utf8(`name: large\n# ${'x'.repeat(30_000)}`)
      await log.ready({ digest: policyDigest(bytes), bytes })
      const made = place.clock.at + 12 * HOUR_MS
      place.clock.at += 24 * HOUR_MS
      await log.move({ begin: header })
      const [entry] = chain('moved', 1)
      if (entry === undefined) throw new Error('no entry')
      const { object, seq, decision } = entry
      const id = newId(made as never)
      const { kind, leaf } = entry.record
      const at = made as never
      const seed = { object, seq, place: -1, id, kind: kind as never, at, leaf, decision }
      await log.move({ seeds: [seed] })
      await log.move({ progress: { lines: 9, finished: true } })
      const from = (made - HOUR_MS / 2) as never
      expect(await indexesFound(log, { limit: 9 })).toEqual([-1])
      expect(await indexesFound(log, { limit: 9, from })).toEqual([-1])
      const [index] = await log.append(chain('new', 1).map((one) => ({ ...one, at })))
      expect(await indexesFound(log, { limit: 1, from })).toEqual([index, -1])
    }))
})

describe('who may only look', () => {
  /** Counts what is read from the bucket at the same time, and holds it until let go. */
  function held(bucket: R2Bucket) {
    const waiting = new Set<() => void>()
    let [open, most, total] = [0, 0, 0]
    const here: Bucket = {
      get: (async (key: string) => {
        if (!key.startsWith('records/')) return bucket.get(key)
        most = Math.max(most, ++open)
        total++
        await new Promise<void>((go) => waiting.add(go))
        open--
        return bucket.get(key)
      }) as R2Bucket['get'],
      put: bucket.put.bind(bucket),
      list: bucket.list.bind(bucket),
      delete: bucket.delete.bind(bucket),
    }
    const letGo = async (): Promise<void> => {
      for (const go of [...waiting]) if (waiting.delete(go)) go()
      await scheduler.wait(0)
    }
    return { here, letGo, most: () => most, total: () => total }
  }

  /** Two dozen segments, a minute each. */
  async function aLong(place: Place): Promise<void> {
    const log = await place.open({ segmentEntries: 256 })
    for (let first = 1; first <= 6_144; first += 256) {
      await log.append(chain('long', first, 256))
      place.clock.at += 60_000
    }
    await log.append(chain('last', 1, 300))
    while (await log.publish());
  }

  it('has two segments read at once at most, each once for all who wait for it; the next is told to come back', () =>
    inPlace(async (place) => {
      const t0 = place.clock.at
      await aLong(place)
      const { here, letGo, most, total } = held(place.bucket)
      const log = await place.open({ segmentEntries: 256, bucket: here })
      const idAt = (minute: number): string => newId((t0 + 60_000 * minute) as never)
      const many = Array.from({ length: 200 }, (_, i) => log.find(idAt(i % 24)))
      let done = false
      const all = Promise.allSettled(many).finally(() => {
        done = true
      })
      while (!done) await letGo()
      const results = await all
      expect(most()).toBe(MAX_READS)
      expect(total()).toBe(18)
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(8 * 9 + 10 * 8)
      for (const result of results)
        if (result.status === 'rejected')
          expect(result.reason).toMatchObject({ code: 'overloaded', retry_after_s: 1 })
    }))
})

describe('who is refused and asks again', () => {
  it('is answered from the end of their chain, however long that is', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    const decide = (stream: string) =>
      world.ask('u_1', (host) => host.decide(ask('u_1', { stream: { id: stream } })))
    for (let i = 0; i < 60; i++) await decide(`b_${i}`)
    await world.ask('u_1', (host) => host.strike(aStrike('s_1', 'u_1')))
    const { id, outcome } = await decide('again')
    expect(outcome).toBe('deny')
    let read: { readonly rowsRead: number }[] = []
    await world.storage('u_1', ({ sql }) => {
      const exec = sql.exec.bind(sql)
      const value = (...given: Parameters<typeof exec>) => {
        const cursor = exec(...given)
        read.push(cursor)
        return cursor
      }
      Object.defineProperty(sql, 'exec', { configurable: true, value })
    })
    read = []
    expect(await decide('again')).toMatchObject({ id, repeated: true })
    const rows = await world.storage('u_1', () =>
      read.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
    )
    expect(rows).toBeGreaterThan(0)
    expect(rows).toBeLessThan(20)
  })
})

describe('what shares an insert', () => {
  it('fits its row, in whatever script strikes are named', () =>
    inPlace(async (place) => {
      const log = await place.open()
      const denied = Array.from({ length: 150 }, (_, i) =>
        chain(`denied-${i}`, 1).map((entry) => {
          const strikes = Array.from({ length: 64 }, (_, j) => `${i}.${j}.`.padEnd(128, '打'))
          return {
            ...entry,
            decision: { outcome: 'deny' as const, mode: null, rules: ['r'], strikes },
          }
        }),
      )
      expect(await Promise.all(denied.map((entries) => log.append(entries)))).toHaveLength(150)
      // What the platform takes; the runtime here takes more.
      const longest = `SELECT max(length(CAST(strikes AS BLOB)) + length(CAST(lines AS BLOB))
        + length(leaves) + length(entries)) AS bytes FROM packs`
      expect(place.state.storage.sql.exec(longest).one().bytes).toBeLessThan(2_000_000)
    }))
})
