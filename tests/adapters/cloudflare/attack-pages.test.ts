/** Pages of records as large as records get: an isolate has 128 MB, and nothing of a page may be lost or come twice. */
import { expect, it } from 'vitest'
import { createEdgeDirectory } from '../../../src/adapters/cloudflare/edge-directory.ts'
import type { FoundPlace, Reply, Stubs } from '../../../src/adapters/cloudflare/rpc.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { DecisionSearch, Directory, StoredRecord } from '../../../src/ports.ts'

const COUNT = 120
const SHARDS = 2
/** The first bytes of a name say its shard. */
const OBJECTS = ['AAAAAAAA', 'AAAAAQAA']
const ok = async <T>(value: T): Promise<Reply<T>> => ({ ok: true, value })

/** Two logs of one object each, with records of `size` characters; `most` is what was ever handed over at once. */
function large(size: number): { readonly directory: Directory; readonly most: () => number } {
  let [most, inFlight] = [0, 0]
  const places = OBJECTS.map((object) =>
    Array.from({ length: COUNT }, (_, i): FoundPlace => {
      return { object, seq: i + 1, index: i, second: Math.floor(i / 7) }
    }),
  )
  const stubs = {
    sequencer: (shard: number) => ({
      records: ({ from, limit }: { from: number; limit: number }) =>
        ok({
          places: places[shard]?.slice(from, from + limit),
          next: from + limit < COUNT ? from + limit : null,
        }),
      searchDecisions: ({ cursor, limit }: DecisionSearch) =>
        ok(search(places[shard] ?? [], cursor, limit)),
    }),
    subject: (object: string) => ({
      records: async (seqs: readonly number[]) => {
        inFlight += size * seqs.length
        most = Math.max(most, inFlight)
        await Promise.resolve()
        inFlight -= size * seqs.length
        return ok(seqs.map((seq) => aRecord(object, seq, size)))
      },
    }),
  } as unknown as Stubs
  const pepper = { hash: () => '' }
  return { directory: createEdgeDirectory({ stubs, pepper, shards: SHARDS }), most: () => most }
}

function search(all: readonly FoundPlace[], cursor: string | undefined, limit: number) {
  const [second, index] = (cursor ?? '9999999999.0').split('.').map(Number) as [number, number]
  const rest = all
    .filter((place) => place.second < second || (place.second === second && place.index < index))
    .toSorted((a, b) => b.second - a.second || b.index - a.index)
  const found = rest.slice(0, limit)
  const last = found.at(-1)
  return {
    places: found,
    next: last === undefined || rest.length <= limit ? null : `${last.second}.${last.index}`,
  }
}

function aRecord(object: string, seq: number, size: number): StoredRecord {
  return {
    ...{ id: `${object}-${seq}`, kind: 'decision', subject: object, seq, at: epochMs(seq) },
    ...{ jws: 'a.b.c', openings: { facts: 'x'.repeat(size) } },
    receipt: { origin: 'o', index: seq - 1, leaf: 'l' },
  }
}

for (const size of [10, 40_000, 1_985_000]) {
  it(`of ${size} characters each are searched page by page, each once`, async () => {
    const { directory, most } = large(size)
    const seen: string[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const question = cursor === undefined ? { limit: 200 } : { limit: 200, cursor }
      const { records, next } = await directory.searchDecisions(question)
      seen.push(...records.map(({ id }) => id))
      cursor = next
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.length).toBe(COUNT * OBJECTS.length)
    expect(most()).toBeLessThan(32_000_000)
  })

  it(`of ${size} characters each are listed page by page, each once`, async () => {
    const { directory, most } = large(size)
    const seen: number[] = []
    for (let from: number | null = 0; from !== null; ) {
      const { records, next } = await directory.records({ from, limit: 500 })
      seen.push(...records.map(({ seq }) => seq))
      from = next
    }
    expect(seen).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1))
    expect(most()).toBeLessThan(32_000_000)
  })
}
