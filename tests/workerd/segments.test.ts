/** What a log keeps, where, and what that costs: packs, segments in the bucket, heads; found wherever it lies. */
import { env, exports } from 'cloudflare:workers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/adapters/cloudflare/r2-tiles.ts'
import type { ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import type {
  Sequencer,
  SequencerParts,
  SequencerStorage,
} from '../../src/adapters/cloudflare/sequencer.ts'
import { MAX_LOOKED_AT } from '../../src/adapters/cloudflare/sequencer-search.ts'
import { SEGMENT_ENTRIES } from '../../src/adapters/cloudflare/sequencer-segments.ts'
import { toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { policyDigest } from '../../src/core/record/policy-parts.ts'
import { epochMs } from '../../src/core/time.ts'
import type { After } from '../../src/gate/context.ts'
import { aRecord, newId } from '../contract/fixtures.ts'
import {
  chain,
  indexesFound,
  inPlace,
  type Place,
  placesOf,
  storageOf,
  verifyPublished,
} from './sequencers.ts'

const SMALL = { segmentEntries: 256 }

function column({ state }: Place, text: string): unknown[] {
  return state.storage.sql
    .exec(text)
    .toArray()
    .map((row) => Object.values(row)[0])
}

async function segmentsOf({ bucket, prefix }: Place): Promise<readonly string[]> {
  const { objects } = await bucket.list({ prefix: `records/${prefix}` })
  return objects.map(({ key }) => key.slice(`records/${prefix}`.length))
}

/** A log with `count` records of one chain, a pack of 64 each, published and moved. */
async function aLong(
  place: Place,
  count: number,
  given: Partial<SequencerParts> = {},
): Promise<Sequencer> {
  const log = await place.open({ ...SMALL, ...given })
  for (let first = 1; first <= count; first += 64)
    await log.append(chain('long', first, Math.min(64, count + 1 - first)))
  await log.publish()
  return log
}

/** Writes segments, but says it did not. */
function lostAfter(bucket: R2Bucket): R2Bucket['put'] {
  return (async (key: string, value: Uint8Array, options: R2PutOptions) => {
    const put = await bucket.put(key, value, options)
    if (key.startsWith('records/')) throw new Error('lost')
    return put
  }) as R2Bucket['put']
}

function around(bucket: R2Bucket): Bucket {
  return {
    get: bucket.get.bind(bucket),
    put: bucket.put.bind(bucket),
    list: bucket.list.bind(bucket),
    delete: bucket.delete.bind(bucket),
  }
}

describe('what is published', () => {
  it('leaves storage but for the unfinished bundle, keys and policies; the log stays whole', () =>
    inPlace(async (place) => {
      const log = await place.open(SMALL)
      const bytes = utf8('name: kept')
      await log.ready({ digest: policyDigest(bytes), bytes })
      for (const [first, count] of [
        [1, 300],
        [301, 209],
      ] as const) {
        await log.append(chain('pruned', first, count))
        await log.publish()
      }
      expect(column(place, 'SELECT idx FROM entries ORDER BY idx')).toEqual([0, 1, 2])
      // 512 entries: the pack with the newest stays although its bundle is full.
      expect(column(place, 'SELECT first FROM packs')).toEqual([303])
      expect(column(place, 'SELECT count FROM segments')).toEqual([303])
      expect(await segmentsOf(place)).toEqual(['000000000000-303'])
      const reopened = await place.open(SMALL)
      expect((await reopened.status()).entries).toBe(512)
      expect(await reopened.policyText(policyDigest(bytes))).toEqual(bytes)
      expect(await reopened.append(chain('pruned', 509, 2))).toEqual([511, 512])
      await reopened.publish()
      const { size, entries } = await verifyPublished(place.bucket, place.prefix)
      expect(size).toBe(513)
      expect(entries[400]).toBe(chain('pruned', 398)[0]?.record.jws)
    }))

  it('is moved in thousands, as one object and one row', () =>
    inPlace(async (place) => {
      const log = await place.open()
      for (let first = 1; first < 2 * SEGMENT_ENTRIES; first += 512)
        await log.append(chain('thousands', first, 512))
      while (await log.publish());
      expect(column(place, 'SELECT count FROM segments')).toEqual([SEGMENT_ENTRIES + 2])
      expect(await segmentsOf(place)).toHaveLength(1)
      const found = await indexesFound(log, { limit: 200 })
      expect(found).toEqual(
        Array.from({ length: 2 * SEGMENT_ENTRIES }, (_, i) => 2 * SEGMENT_ENTRIES + 1 - i),
      )
    }))

  it('lies where no path leads, not even for who may do everything', async () => {
    const key = '0/000000000000-4098'
    const ask = (path: string): Promise<Response> =>
      exports.default.fetch(`https://gate.example${path}`, {
        headers: { authorization: `Bearer ${env.LIVEGATE_ADMIN_KEY}` },
      })
    while ((await ask('/log/0/checkpoint')).status !== 200) await scheduler.wait(50)
    for (const there of [`records/${key}`, '0/records/1']) await env.LOG.put(there, 'private')
    for (const path of [
      `records/${key}`,
      `0/records/${key}`,
      '0/records/1',
      `0/../records/${key}`,
      `0/%2e%2e/records/${key}`,
      `0/%2e%2e%2frecords%2f${key}`,
      `..%2frecords%2f${key}`,
      `0/tile/../../records/${key}`,
      `records%2f${key}`,
    ]) {
      const response = await ask(`/log/${path}`)
      expect([path, response.status]).toEqual([path, 404])
      expect(await response.text()).not.toContain('private')
    }
  })
})

describe('a record that moved', () => {
  it('is found by id, by index, by time, by rule; the log that is opened again finds it too', () =>
    inPlace(async (place) => {
      await aLong(place, 900)
      expect(column(place, 'SELECT first FROM segments')).toHaveLength(2)
      const log = await place.open(SMALL)
      for (const seq of [1, 256, 257, 300, 513, 900]) {
        const [entry] = chain('long', seq)
        expect(await log.find(entry?.record.id ?? '')).toMatchObject({
          object: 'long',
          seq,
          index: seq + 1,
        })
      }
      expect(await log.find(newId())).toBeNull()
      expect(await log.find('of another make')).toBeNull()
      const all = Array.from({ length: 900 }, (_, i) => i + 2)
      expect((await placesOf(log, 70)).map(({ index }) => index)).toEqual(all)
      expect(await indexesFound(log, { limit: 70 })).toEqual(all.toReversed())
      expect(await indexesFound(log, { limit: 9, rule: 'default' })).toHaveLength(900)
      expect(await indexesFound(log, { limit: 9, rule: 'none' })).toEqual([])
      const [from, to] = [chain('long', 100)[0]?.at, chain('long', 110)[0]?.at]
      const between = { limit: 4, from: from ?? epochMs(0), to: to ?? epochMs(0) }
      expect(await indexesFound(log, between)).toEqual(all.slice(99, 109).toReversed())
    }))

  it('and is sent again has the index it had; another in its place is refused', () =>
    inPlace(async (place) => {
      await aLong(place, 600)
      const log = await place.open(SMALL)
      expect(await log.append(chain('long', 200, 100))).toEqual(
        Array.from({ length: 100 }, (_, i) => 201 + i),
      )
      const [known] = chain('long', 200)
      const [forked] = chain('another', 200)
      if (known === undefined || forked === undefined) throw new Error('no entries')
      for (const record of [forked.record, { ...forked.record, id: known.record.id }])
        await expect(log.append([{ ...known, record }])).rejects.toMatchObject({ code: 'conflict' })
      // One that is sent again beside one that is new, of two at once.
      const both = [chain('long', 599, 3), chain('long', 600, 3)]
      expect(await Promise.all(both.map((entries) => log.append(entries)))).toEqual([
        [600, 601, 602],
        [601, 602, 603],
      ])
    }))

  const DAMAGE: readonly (readonly [string, (place: Place, key: string) => Promise<unknown>])[] = [
    ['is gone', ({ bucket }, key) => bucket.delete(key)],
    [
      'has other bytes',
      async ({ bucket }, key) => {
        const text = (await (await bucket.get(key))?.text()) ?? ''
        await bucket.put(key, text.replace('"decision"', '"decisions"'))
      },
    ],
  ]
  for (const [name, damage] of DAMAGE)
    it(`in an object that ${name} is not taken for missing: who looks for it is told, others go on`, () =>
      inPlace(async (place) => {
        await aLong(place, 600)
        const key = `records/${place.prefix}${(await segmentsOf(place))[0]}`
        await damage(place, key)
        const log = await place.open(SMALL)
        const told = { code: 'internal', message: expect.stringContaining(key) }
        const [entry] = chain('long', 1)
        await expect(log.find(entry?.record.id ?? '')).rejects.toMatchObject(told)
        await expect(log.append(chain('long', 1))).rejects.toMatchObject(told)
        await expect(indexesFound(log, { limit: 50 })).rejects.toMatchObject(told)
        expect(await log.append([...chain('long', 601), ...chain('other', 1)])).toEqual([602, 603])
        expect(await log.find(chain('long', 600)[0]?.record.id ?? '')).toMatchObject({ seq: 600 })
      }))

  it('in a bucket that does not answer is looked for later', () =>
    inPlace(async (place) => {
      await aLong(place, 600)
      let down = true
      const { bucket } = place
      const get = (key: string) =>
        down && key.startsWith('records/') ? Promise.reject(new Error('down')) : bucket.get(key)
      const log = await place.open({ ...SMALL, bucket: { ...around(bucket), get } as Bucket })
      const told = { code: 'log_unavailable', retry_after_s: 1 }
      await expect(log.append(chain('long', 1))).rejects.toMatchObject(told)
      down = false
      expect(await log.append(chain('long', 1))).toEqual([2])
    }))
})

describe('a segment', () => {
  for (const method of ['put', 'get'] as const)
    it(`whose ${method} never comes back is tried again with the next round, and holds no round`, () =>
      inPlace(async (place) => {
        const { bucket } = place
        let hung = false
        const timers = new Set<() => void>()
        const hangs = (key: string): boolean => {
          const first = key.startsWith('records/') && !hung
          hung ||= first
          return first
        }
        const here = around(bucket)
        const hanging = {
          ...here,
          [method]: (key: string, ...rest: never[]) =>
            hangs(key)
              ? new Promise(() => {})
              : (here[method] as (...given: unknown[]) => unknown)(key, ...rest),
        } as Bucket
        const after: After = (_delay_ms, fire) => {
          timers.add(fire)
          return () => timers.delete(fire)
        }
        // What an attempt before left: so that it is read as well.
        if (method === 'get') {
          const lost = { ...around(bucket), put: lostAfter(bucket) } as Bucket
          await aLong(place, 600, { bucket: lost })
        }
        const log = await place.open({ ...SMALL, bucket: hanging, after })
        if (method === 'put')
          for (let i = 0; i < 10; i++) await log.append(chain('long', 1 + 60 * i, 60))
        const published = log.publish()
        while (!hung) await scheduler.wait(0)
        expect((await log.status()).published).toBe(602)
        for (const fire of [...timers]) fire()
        await published
        expect(column(place, 'SELECT first FROM segments')).toEqual([])
        await log.append(chain('long', 601))
        await log.publish()
        expect(column(place, 'SELECT first FROM segments')).toEqual([0])
        expect((await placesOf(log)).map(({ seq }) => seq)).toEqual(
          Array.from({ length: 601 }, (_, i) => i + 1),
        )
      }))

  it('the bucket does not take is counted until it does', () =>
    inPlace(async (place) => {
      let down = true
      const { bucket } = place
      const put = ((key: string, ...rest: [string, R2PutOptions]) =>
        down && key.startsWith('records/')
          ? Promise.reject(new Error('no'))
          : bucket.put(key, ...rest)) as Bucket['put']
      const log = await place.open({ ...SMALL, bucket: { ...around(bucket), put } })
      for (let i = 0; i < 10; i++) await log.append(chain('refused', 1 + 60 * i, 60))
      const unmoved = async (): Promise<unknown> => (await log.status()).unmoved
      expect(await unmoved()).toBe(0)
      for (const times of [1, 2, 3]) {
        await log.append(chain('refused', 600 + times))
        await log.publish()
        // A round and whoever asked for it share an attempt or make two.
        expect(await unmoved()).toBeGreaterThanOrEqual(times)
      }
      down = false
      await log.publish()
      expect(await unmoved()).toBe(0)
    }))

  it('that is there with other bytes halts the log', () =>
    inPlace(async (place) => {
      const log = await place.open(SMALL)
      await log.append(chain('halts', 1, 254))
      await log.append(chain('halts', 255, 10))
      await place.bucket.put(`records/${place.prefix}000000000000-256`, 'another')
      await log.publish()
      expect((await log.status()).halted).toContain('000000000000-256` is in its bucket with other')
      expect(column(place, 'SELECT first FROM packs')).toHaveLength(3)
    }))

  it('of a lost log keeps another from beginning in its place', () =>
    inPlace(async (place) => {
      await place.bucket.put(`records/${place.prefix}000000000000-256`, 'of a lost log')
      expect((await (await place.open()).status()).halted).toContain('its storage is empty')
    }))
})

describe('records that come late', () => {
  /** A record that was made at a second of its own. */
  const madeAt = (object: string, made_s: number): ChainEntry => {
    const [entry] = chain(object, 1)
    if (entry === undefined) throw new Error('no entry')
    const at = epochMs(1000 * made_s)
    return { ...entry, at, record: { ...entry.record, id: newId(at) } }
  }

  it('are found by id, and by time, in packs and in segments, whatever the clock did', () =>
    inPlace(async (place) => {
      const log = await place.open(SMALL)
      const t0 = Math.floor(place.clock.at / 1000)
      const late: ChainEntry[] = []
      for (let i = 0; i < 20; i++) {
        place.clock.at += [1_000, 60_000, -90_000, 0, 7_000][i % 5] ?? 0
        const taken = Math.floor(place.clock.at / 1000)
        const entry = madeAt(`late-${i}`, taken - ([0, 6, 3_000, -1, 5, -90][i % 6] ?? 0))
        late.push(entry)
        await log.append([entry, ...chain(`filler-${i}`, 1, 30)])
      }
      await log.publish()
      const reopened = await place.open(SMALL)
      for (const [i, { record }] of late.entries())
        expect(await reopened.find(record.id)).toMatchObject({
          object: `late-${i}`,
          seq: 1,
          index: 2 + 31 * i,
        })
      const all = await indexesFound(reopened, { limit: 33 })
      expect(all).toEqual(Array.from({ length: 620 }, (_, i) => 621 - i))
      const before = { limit: 7, to: epochMs(1000 * (t0 - 2_000)) }
      const expected = late.flatMap(({ at }, i) => (at < before.to ? [2 + 31 * i] : []))
      expect(expected.length).toBeGreaterThan(2)
      expect(await indexesFound(reopened, before)).toEqual(expected.toReversed())
    }))
})

describe('a strike that is named again and again', () => {
  it('keeps its newest two hundred decisions', () =>
    inPlace(async (place) => {
      const log = await place.open(SMALL)
      const named = chain('denied', 1, 700).map((entry) => ({
        ...entry,
        decision: {
          ...{ outcome: 'deny' as const, mode: null, rules: ['r'] },
          strikes: entry.seq === 1 ? ['s-1', 's-rare'] : ['s-1'],
        },
      }))
      for (let i = 0; i < 700; i += 100) await log.append(named.slice(i, i + 100))
      await log.publish()
      const rows = column(place, "SELECT count(*) FROM relying WHERE strike = 's-1'")
      expect(rows).toEqual([200])
      const listed = await log.decisionsRelyingOn('s-1')
      expect(listed.map(({ id }) => id)).toEqual(
        named
          .slice(-200)
          .map(({ record }) => record.id)
          .toReversed(),
      )
      expect(listed[0]).toMatchObject({ outcome: 'deny', at: named[699]?.at })
      expect(await log.decisionsRelyingOn('s-rare')).toHaveLength(1)
    }))
})

/** Storage that counts the rows that are billed. */
function counting(storage: SequencerStorage): { storage: SequencerStorage; written: () => number } {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
  const exec: SqlStorage['exec'] = (text, ...values) => {
    const cursor = storage.sql.exec(text, ...values)
    cursors.push(cursor)
    return cursor as never
  }
  const sql = new Proxy(storage.sql, {
    get: (target, name) => (name === 'exec' ? exec : Reflect.get(target, name, target)),
  })
  return {
    storage: { ...storage, sql },
    written: () => cursors.splice(0).reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
  }
}

describe('what a record costs', () => {
  /** As large as a decision's. */
  const ordinary = (object: string, seq: number): ChainEntry[] =>
    chain(object, seq).map((entry) => {
      const { openings: _, ...record } = aRecord({ claims: { pad: 'x'.repeat(580) } })
      return { ...entry, record }
    })

  for (const { n, packs } of [
    { n: 1, packs: 1 / 12 },
    { n: 4, packs: 1 / 12 },
    { n: 16, packs: 1 / 16 },
    { n: 256, packs: 1 / 256 },
  ])
    it(`is a row, a share of the one ${n} write together, and one of ${1 / packs} that is dropped`, () =>
      inPlace(async (place) => {
        const { storage, written } = counting(storageOf(place.state, place.alarm))
        const log = await place.open({ storage, segmentEntries: 512 })
        await log.publish()
        written()
        const [size] = ordinary('size', 1)
        expect(size?.record.jws.length).toBeGreaterThan(850)
        const inserts = 1_024 / n
        for (let i = 0; i < inserts; i++)
          await Promise.all(
            Array.from({ length: n }, (_, j) => log.append(ordinary(`${n}-${j}`, 1 + i))),
          )
        // A row for each head, and one it is found by when it is new; one for each insert.
        expect(written()).toBe(1_024 + n + inserts)
        const count = (table: string): number =>
          Number(column(place, `SELECT count(*) FROM ${table}`)[0])
        const written_packs = count('packs')
        expect(written_packs).toBeLessThanOrEqual(1 + 1_024 * packs)
        await log.publish()
        // What a round writes, what is dropped, and a row a segment.
        expect(written()).toBe(1 + written_packs - count('packs') + count('segments'))
        expect(count('segments')).toBeGreaterThan(0)
      }))

  it('leaves next to nothing in storage once it is moved', () =>
    inPlace(async (place) => {
      const log = await place.open()
      const sizes: number[] = []
      let seq = 1
      const grow = async (): Promise<void> => {
        for (let i = 0; i < 8; i++, seq += 512) await log.append(chain('grows', seq, 512))
        while (await log.publish());
        sizes.push(place.state.storage.sql.databaseSize)
      }
      for (let i = 0; i < 4; i++) await grow()
      const [, first = 0, , last = 0] = sizes
      expect((last - first) / (2 * SEGMENT_ENTRIES)).toBeLessThan(1)
    }))

  it('is a row for each person, below 80 bytes', () =>
    inPlace(async (place) => {
      const log = await place.open({ segmentEntries: 256 })
      const name = (): string => toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
      const crowd = async (count: number): Promise<number> => {
        for (let i = 0; i < count; i += 512)
          await log.append(Array.from({ length: 512 }, () => chain(name(), 1)[0] as ChainEntry))
        while (await log.publish());
        return place.state.storage.sql.databaseSize
      }
      const before = await crowd(2_048)
      const after = await crowd(8_192)
      expect((after - before) / 8_192).toBeLessThan(80)
    }))
})

describe('a search while a segment moves', () => {
  it('misses no record and gives none twice', async () => {
    const step = fc.record({
      adds: fc.integer({ min: 1, max: 90 }),
      publishes: fc.boolean(),
      pages: fc.integer({ min: 0, max: 3 }),
    })
    const plan = fc.record({
      steps: fc.array(step, { minLength: 3, maxLength: 9 }),
      limit: fc.integer({ min: 1, max: 60 }),
      segmentEntries: fc.integer({ min: 20, max: 300 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, ({ steps, limit, segmentEntries }) =>
        inPlace(async (place) => {
          const log = await place.open({ segmentEntries })
          await log.append(chain('moving', 1, 200))
          let [seq, from, up] = [201, 0 as number | null, [] as number[]]
          let [cursor, down] = ['' as string | null, [] as number[]]
          const page = async (): Promise<void> => {
            if (from !== null) {
              const { places, next } = await log.records({ from, limit })
              up.push(...places.map(({ index }) => index))
              from = next
            }
            if (cursor === null) return
            const found = await log.searchDecisions({ limit, ...(cursor === '' ? {} : { cursor }) })
            down.push(...found.places.map(({ index }) => index))
            cursor = found.next
          }
          for (const { adds, publishes, pages } of steps) {
            place.clock.at += 700
            await log.append(chain('moving', seq, adds))
            seq += adds
            const moving = publishes ? log.publish() : null
            for (let i = 0; i < pages; i++) await page()
            await moving
          }
          while (from !== null || cursor !== null) await page()
          // Downwards: what was there at the first page. Upwards: all there was when the end was reached.
          expect(down).toEqual(Array.from({ length: down.length }, (_, i) => down.length + 1 - i))
          expect(down.length).toBeGreaterThanOrEqual(200)
          expect(up).toEqual(Array.from({ length: up.length }, (_, i) => i + 2))
          expect(up.length).toBeGreaterThanOrEqual(200)
        }),
      ),
      { numRuns: 25 },
    )
  })

  it('looks at a bounded number of records a call', () =>
    inPlace(async (place) => {
      const log = await place.open()
      for (let first = 1; first < 2 * MAX_LOOKED_AT; first += 512)
        await log.append(chain('bounded', first, 512))
      while (await log.publish());
      const none = await log.searchDecisions({ limit: 9, rule: 'none' })
      expect(none.places).toEqual([])
      expect(none.next).not.toBeNull()
    }))
})

describe('a log that was set back by less than a round', () => {
  const TABLES = ['packs', 'heads'] as const

  /** The log forgets what came after its newest checkpoint, as a restored storage does. */
  async function setBack(place: Place, log: Sequencer): Promise<Sequencer> {
    await log.publish()
    const { sql } = place.state.storage
    const rows = TABLES.map((table) => sql.exec(`SELECT * FROM ${table}`).toArray())
    await log.append(chain('set-back', 4, 2))
    for (const [i, table] of TABLES.entries()) {
      sql.exec(`DELETE FROM ${table}`)
      for (const row of rows[i] ?? []) {
        const marks = Object.keys(row).map(() => '?')
        sql.exec(`INSERT INTO ${table} VALUES (${marks})`, ...Object.values(row))
      }
    }
    return place.open()
  }

  const CASES = [
    { name: 'who was told a place it lacks', seq: 6, after: 6, why: 'but 3 is the newest here' },
    { name: 'whose record stands elsewhere', seq: 4, after: 9, why: 'but is at 4 here' },
  ]
  for (const { name, seq, after, why } of CASES)
    it(`is told so by the first ${name}, and halts`, () =>
      inPlace(async (place) => {
        const log = await place.open()
        await log.append(chain('set-back', 1, 3))
        const next = await setBack(place, log)
        expect((await next.status()).halted).toBeNull()
        const told = chain('set-back', seq).map((entry) => ({ ...entry, after }))
        await expect(next.append(told)).rejects.toMatchObject({ code: 'halted' })
        expect((await next.status()).halted).toContain(why)
        await expect(next.append(chain('others', 1))).rejects.toMatchObject({ code: 'halted' })
      }))

  it('is no suspicion against a log that has what its callers remember', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.append(chain('set-back', 1, 3))
      const [fourth, fifth] = chain('set-back', 4, 2)
      if (fourth === undefined || fifth === undefined) throw new Error('no entries')
      const told = [
        { ...fourth, after: 4 },
        { ...fifth, after: null },
      ]
      expect(await log.append(told)).toEqual([5, 6])
      expect(await log.append(told)).toEqual([5, 6])
      await expect(log.append(chain('set-back', 9))).rejects.toMatchObject({ code: 'conflict' })
      expect((await log.status()).halted).toBeNull()
    }))
})
