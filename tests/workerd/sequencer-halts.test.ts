/** G6 on the edge: whatever contradicts itself halts the log, which then writes nothing and says why and what to do. */
import { describe, expect, it } from 'vitest'
import {
  createCheckpointSigner,
  createRecordSigner,
} from '../../src/adapters/cloudflare/edge-keys.ts'
import type { Sequencer } from '../../src/adapters/cloudflare/sequencer.ts'
import { toBase64Url } from '../../src/core/encoding.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { EMPTY_ROOT } from '../../src/core/tlog/hash.ts'
import { signNote } from '../../src/core/tlog/note.ts'
import {
  chain,
  inPlace,
  newWorld,
  ORIGIN,
  openIn,
  type Place,
  twoPlaces,
  verifyPublished,
} from './sequencers.ts'

const OTHER_SEED = toBase64Url(new Uint8Array(32).fill(9))
const TABLES = ['entries', 'log_state', 'log_requirements', 'heads', 'packs', 'segments', 'beat']

type Rows = Map<string, Record<string, SqlStorageValue>[]>

/** Everything in storage, as a backup has it. */
function backup({ state }: Place): Rows {
  return new Map(
    TABLES.map((table) => [table, state.storage.sql.exec(`SELECT * FROM ${table}`).toArray()]),
  )
}

function restore({ state }: Place, rows: Rows): void {
  state.storage.transactionSync(() => {
    for (const [table, all] of rows) {
      state.storage.sql.exec(`DELETE FROM ${table}`)
      for (const row of all) {
        const columns = Object.keys(row)
        const places = columns.map(() => '?').join(', ')
        const text = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`
        state.storage.sql.exec(text, ...Object.values(row))
      }
    }
  })
}

async function expectHalted(place: Place, log: Sequencer, why: string): Promise<void> {
  const { halted, entries } = await log.status()
  expect(halted).toContain(why)
  const told = { code: 'halted', hint: expect.any(String) }
  await expect(log.append(chain('halted', 1))).rejects.toMatchObject(told)
  await expect(log.publish()).rejects.toMatchObject(told)
  const access = { by: 'k', via: 'records', groups: ['chain'], ids: ['x'] } as const
  await expect(log.access(access)).rejects.toMatchObject(told)
  await log.heartbeat()
  place.alarm.at = null
  await log.alarm()
  expect(place.alarm.at).toBeNull()
  expect((await log.status()).entries).toBe(entries)
}

/** A log with a published checkpoint over `count` records of one chain. */
async function aLog(place: Place, count: number): Promise<Sequencer> {
  const log = await place.open()
  await log.append(chain('halts', 1, count))
  await log.publish()
  return log
}

describe('a log halts', () => {
  it('when its storage was restored to an older state, and signs nothing more', () =>
    inPlace(async (place) => {
      const log = await aLog(place, 10)
      const old = backup(place)
      await log.append(chain('halts', 11, 10))
      await log.publish()
      restore(place, old)
      const world = newWorld()
      const next = await openIn(world, place)
      await expectHalted(
        place,
        next,
        'the published checkpoint is at 22, the database behind it at 12',
      )
      expect(world.writes).toEqual([])
      expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(22)
      expect(await next.find(chain('halts', 3)[0]?.record.id ?? '')).toMatchObject({ seq: 3 })
    }))

  it('when storage lost acknowledged entries: the chains that go on are refused, not forked', () =>
    inPlace(async (place) => {
      const log = await aLog(place, 10)
      const old = backup(place)
      await log.append(chain('halts', 11, 5))
      restore(place, old)
      const next = await place.open()
      await expect(next.append(chain('halts', 16))).rejects.toMatchObject({ code: 'conflict' })
    }))

  it('when the bucket is another deployment’s', () =>
    inPlace(async (place) => {
      await aLog(place, 3)
      const origin = 'other.example/log'
      const { signer } = await createCheckpointSigner(OTHER_SEED, origin)
      const body = formatCheckpoint({ origin, size: 0, root: EMPTY_ROOT })
      await place.bucket.put(
        `${place.prefix}checkpoint`,
        await signNote({ body, signers: [signer] }),
      )
      await expectHalted(place, await place.open(), `is not one of \`${ORIGIN}\``)
    }))

  it('when the bucket is empty under a log', () =>
    inPlace(async (place) => {
      const log = await aLog(place, 3)
      await log.append(chain('halts', 4))
      await log.publish()
      const { bucket, prefix } = place
      const { objects } = await bucket.list({ prefix })
      await bucket.delete(objects.map(({ key }) => key))
      await expectHalted(place, await place.open(), 'no checkpoint is published')
    }))

  it('when a file of the next round is there with other bytes', () =>
    inPlace(async (place) => {
      const log = await aLog(place, 3)
      await place.bucket.put(`${place.prefix}tile/0/000.p/6`, new Uint8Array(192))
      await log.append(chain('halts', 4))
      await expect(log.publish()).rejects.toMatchObject({ code: 'halted' })
      await expectHalted(place, log, 'the object is there with other bytes')
      await expectHalted(place, await place.open(), 'the object is there with other bytes')
    }))

  it('when the name of the log was changed', () =>
    inPlace(async (place) => {
      await aLog(place, 3)
      const log = await place.open({ origin: 'renamed.example/log' })
      await expectHalted(place, log, `its storage holds the log \`${ORIGIN}\``)
    }))

  it('when the record key is not the one in the log', () =>
    inPlace(async (place) => {
      await aLog(place, 3)
      const record = await createRecordSigner(OTHER_SEED)
      await expectHalted(place, await place.open({ record }), 'its record key is not in its log')
    }))

  it('when the checkpoint key is not the one it was begun with', () =>
    inPlace(async (place) => {
      await aLog(place, 3)
      const checkpoint = await createCheckpointSigner(OTHER_SEED, ORIGIN)
      const why = 'its checkpoint key is not in its log'
      await expectHalted(place, await place.open({ checkpoint }), why)
    }))
})

describe('two sequencers over one bucket', () => {
  it('are one: the second to begin halts, with nothing of it published', async () => {
    const [first, second] = twoPlaces()
    await first((place) => aLog(place, 3))
    await second(async (place) => {
      const why = 'its storage is empty, but a log is in the bucket'
      await expectHalted(place, await place.open(), why)
      expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(5)
    })
  })

  it('that begin at the same moment are one: whoever publishes second halts', async () => {
    const [first, second] = twoPlaces()
    const one = await first((place) => place.open())
    const other = await second((place) => place.open())
    await first(() => one.publish())
    await second(async (place) => {
      expect((await other.status()).halted).toBeNull()
      await expect(other.publish()).rejects.toMatchObject({ code: 'halted' })
      await expectHalted(place, other, 'the object is there with other bytes')
    })
    await first(async (place) => {
      await one.append(chain('first', 1))
      await one.publish()
      expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(3)
    })
  })

  const copies: readonly (readonly [name: string, halts: string, appended: number])[] = [
    ['fallen behind', 'somebody else has published another one', 20],
    ['gone another way', 'the object is there with other bytes', 1],
  ]
  for (const [name, why, appended] of copies)
    it(`with copied storage are one: a copy that has ${name} halts, and moves nothing`, async () => {
      const [first, second] = twoPlaces()
      const [log, copy] = await first(async (place) => [await aLog(place, 10), backup(place)])
      const behind = await second(async (place) => {
        await place.open({ create: false })
        restore(place, copy)
        return place.open()
      })
      await first(async () => {
        await log.append(chain('halts', 11, 2))
        await log.publish()
      })
      await second(async (place) => {
        expect((await behind.status()).halted).toBeNull()
        await behind.append(chain('copied', 1, 1 + appended))
        await expect(behind.publish()).rejects.toMatchObject({ code: 'halted' })
        await expectHalted(place, behind, why)
        expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(14)
      })
    })
})

describe('a bucket that does not answer', () => {
  it('keeps a log from being opened, and then nothing is appended', () =>
    inPlace(async (place) => {
      await aLog(place, 3)
      const down = { get: () => Promise.reject(new Error('down')) } as unknown as R2Bucket
      await expect(place.open({ bucket: down })).rejects.toMatchObject({
        code: 'log_unavailable',
        retry_after_s: 1,
      })
      expect((await (await place.open()).status()).entries).toBe(5)
    }))

  it('keeps a log from being created', () =>
    inPlace(async (place) => {
      const down = { list: () => Promise.reject(new Error('down')) } as unknown as R2Bucket
      await expect(place.open({ bucket: down })).rejects.toMatchObject({ code: 'log_unavailable' })
      expect((await (await place.open()).status()).entries).toBe(2)
    }))
})
