/** What the Worker finds, whichever object holds it: also when one of them is silent, large, or has forgotten. */
import { describe, expect, it } from 'vitest'
import { createEdgeDirectory } from '../../../src/adapters/cloudflare/edge-directory.ts'
import type {
  ChainPlace,
  DirectoryRpc,
  Reply,
  SequencerRpc,
  Stubs,
  SubjectRpc,
} from '../../../src/adapters/cloudflare/rpc.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { Directory, StoredRecord } from '../../../src/ports.ts'

const T0 = Date.UTC(2026, 10, 20, 12)
const gone = (): Promise<never> => Promise.reject(new Error('gone'))
const ok = async <T>(value: T): Promise<Reply<T>> => ({ ok: true, value })

/** A record of an object's chain; `size` characters of it are openings. */
function aRecord(object: string, seq: number, index: number, size = 10): StoredRecord {
  return {
    ...{ id: `${object}-${seq}`, kind: 'decision', subject: object, seq, at: epochMs(T0 + index) },
    ...{ jws: 'a.b.c', openings: { facts: 'x'.repeat(size) } },
    receipt: { origin: 'o', index, leaf: 'l' },
  }
}

interface World {
  /** Places by log, in its order; null is a log that does not answer. */
  readonly logs: readonly (readonly ChainPlace[] | null)[]
  readonly records: readonly StoredRecord[]
  readonly subject?: Partial<SubjectRpc>
  readonly directory?: Partial<DirectoryRpc>
}

interface Seen extends Directory {
  /** Objects asked for records, with how many. */
  readonly asked: (readonly [object: string, count: number])[]
}

function over({ logs, records, subject = {}, directory = {} }: World): Seen {
  const asked: Seen['asked'] = []
  const stubs = {
    sequencer: (shard: number) => aLog(logs[shard] ?? null, records),
    directory: () => directory,
    subject: (object: string) => ({
      ...subject,
      records: (seqs: readonly number[]) => {
        asked.push([object, seqs.length])
        return ok(records.filter((one) => one.subject === object && seqs.includes(one.seq)))
      },
    }),
  } as unknown as Stubs
  const pepper = { hash: () => 'A'.repeat(43) }
  return { ...createEdgeDirectory({ stubs, pepper, shards: logs.length }), asked }
}

function aLog(
  places: readonly ChainPlace[] | null,
  records: readonly StoredRecord[],
): SequencerRpc {
  if (places === null) return new Proxy({} as SequencerRpc, { get: () => gone })
  const log: Partial<SequencerRpc> = {
    find: (id) => {
      const found = records.find((one) => one.id === id)
      const place = places.find((one) => one.object === found?.subject && one.seq === found?.seq)
      return ok(place ?? null)
    },
    records: ({ from, limit }) => {
      const rest = places.filter(({ index }) => index >= from)
      return ok({ places: rest.slice(0, limit), next: rest[limit]?.index ?? null })
    },
    decisionsRelyingOn: () =>
      ok(
        places.map(({ index, object }) => ({
          id: object,
          outcome: 'deny',
          at: epochMs(T0 + index),
        })),
      ),
  }
  return log as SequencerRpc
}

const placeOf = ({ subject, seq, receipt }: StoredRecord): ChainPlace => ({
  object: subject,
  seq,
  index: receipt.index,
})

describe('a record by its id', () => {
  const record = aRecord('u', 1, 7)

  it('is found in whichever log it is, even while another is silent', async () => {
    for (const logs of [
      [[placeOf(record)], []],
      [[], [placeOf(record)]],
      [null, [placeOf(record)]],
    ])
      expect(await over({ logs, records: [record] }).record('u-1')).toEqual(record)
  })

  it('is not said to be nowhere while a log is silent', async () => {
    const seen = over({ logs: [null, []], records: [record] })
    await expect(seen.record('u-1')).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(await over({ logs: [[], []], records: [] }).record('u-1')).toBeNull()
  })

  it('is nothing when its object has forgotten it', async () => {
    expect(await over({ logs: [[placeOf(record)]], records: [] }).record('u-1')).toBeNull()
  })
})

describe('a page of chains', () => {
  it('asks each object once, and keeps the order of the log', async () => {
    const records = [aRecord('u', 1, 2), aRecord('v', 1, 3), aRecord('u', 2, 5), aRecord('v', 2, 9)]
    const seen = over({ logs: [records.map(placeOf)], records })
    const page = await seen.records({ from: 0, limit: 3 })
    expect(page).toEqual({ records: records.slice(0, 3), next: 9 })
    expect(seen.asked).toEqual([
      ['u', 2],
      ['v', 1],
    ])
    expect(await seen.records({ from: 9, limit: 3 })).toEqual({ records: [records[3]], next: null })
  })

  it('is of the log that is named, and there are no others', async () => {
    const records = [aRecord('u', 1, 2), aRecord('v', 1, 2)]
    const logs = records.map((one) => [placeOf(one)])
    const seen = over({ logs, records })
    expect((await seen.records({ shard: 1, from: 0, limit: 9 })).records).toEqual([records[1]])
    await expect(
      (async () => seen.records({ shard: 2, from: 0, limit: 9 }))(),
    ).rejects.toMatchObject({ code: 'not_found' })
  })

  it('ends early when its records are large, and the next goes on without a gap', async () => {
    const records = Array.from({ length: 200 }, (_, i) => aRecord('u', i + 1, 10 + i, 30_000))
    const seen = over({ logs: [records.map(placeOf)], records })
    const indexes: number[] = []
    let pages = 0
    for (let from: number | null = 0; from !== null; pages++) {
      const page: Awaited<ReturnType<Directory['records']>> = await seen.records({
        from,
        limit: 500,
      })
      expect(page.records.length).toBeLessThanOrEqual(50)
      indexes.push(...page.records.map(({ receipt }) => receipt.index))
      from = page.next
    }
    expect(indexes).toEqual(records.map(({ receipt }) => receipt.index))
    expect(pages).toBe(4)
  })

  it('leaves out what was erased, and goes on behind it', async () => {
    const records = [aRecord('u', 1, 2), aRecord('v', 1, 3)]
    const seen = over({ logs: [records.map(placeOf)], records: records.slice(1) })
    const page = await seen.records({ from: 0, limit: 1 })
    expect(page).toEqual({ records: [], next: 3 })
  })
})

describe('decisions that rely on a strike', () => {
  it('are those of all logs, newest first, not more than two hundred', async () => {
    const place = (index: number): ChainPlace => ({ object: `d${index}`, seq: 1, index })
    const logs = [0, 1].map((shard) => Array.from({ length: 150 }, (_, i) => place(2 * i + shard)))
    const found = await over({ logs, records: [] }).decisionsRelyingOn('s')
    expect(found.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, i) => `d${299 - i}`))
  })
})

describe('a session of a media server', () => {
  const broadcasts = [{ id: 'b_1', stream: 's', opened_at: T0, lease_until: T0, role: 'host' }]
  const world = (found: object | null, open: object): World => ({
    ...{ logs: [[]], records: [] },
    directory: { session: () => ok(found as never) },
    subject: { view: () => ok({ broadcasts: open } as never) },
  })

  it('is what it runs, while that is open', async () => {
    const found = { subject: 'u', broadcast: 'b_1' }
    expect(await over(world(found, broadcasts)).broadcastOfSession('edge-1', '41')).toEqual({
      subject: 'u',
      broadcast: broadcasts[0],
    })
    expect(await over(world(found, [])).broadcastOfSession('edge-1', '41')).toBeNull()
    expect(await over(world(null, broadcasts)).broadcastOfSession('edge-1', '41')).toBeNull()
  })
})
