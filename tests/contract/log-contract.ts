/** The duties of the Log port (src/ports.ts), as a suite any adapter runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromAscii } from '../../src/core/encoding.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { parseNote } from '../../src/core/tlog/note.ts'
import { verifyTlogProof } from '../../src/core/tlog/proof.ts'
import { newTiles, tilePath } from '../../src/core/tlog/tile.ts'
import {
  aKeyRecord,
  aPolicy,
  aRecord,
  type CreateStore,
  noteKey,
  type StoreUnderTest,
} from './fixtures.ts'

export function logContract(name: string, create: CreateStore): void {
  describe(`the log of ${name}`, () => {
    let store: StoreUnderTest
    beforeEach(async () => {
      store = await create()
    })
    afterEach(() => store.close())

    async function head(): Promise<{ size: number; note: string; keyId: number }> {
      const note = await store.log.checkpoint()
      const parsed = parseNote(note)
      const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.body) : parsed
      if (!parsed.ok || !checkpoint.ok) throw new Error('not a checkpoint')
      expect(checkpoint.value.origin).toBe(store.log.origin)
      return { size: checkpoint.value.size, note, keyId: parsed.value.signatures[0]?.keyId ?? 0 }
    }

    it('appends records in order, as one, and publishes a checkpoint over them', async () => {
      const size = store.log.size()
      const records = [aRecord({ kind: 'incident' }), aRecord({ kind: 'heartbeat' })]
      const receipts = await store.log.append(records, [])
      expect(receipts.map((r) => r.index)).toEqual([size, size + 1])
      expect(store.log.size()).toBe(size + 2)
      await store.publish()
      expect((await head()).size).toBe(size + 2)
    })

    it('refuses an append whose requirements are not in the log, whole', async () => {
      const { records, digest } = aPolicy(1)
      const size = store.log.size()
      await expect(store.log.append([aRecord({ kind: 'incident' })], [digest])).rejects.toThrow(
        'not in the log',
      )
      expect(store.log.size()).toBe(size)
      await store.log.append(records, [])
      expect(store.log.has(digest)).toBe(true)
      await store.log.append([aRecord({ kind: 'incident' })], [digest])
      expect(store.log.size()).toBe(size + 2)
    })

    it.each(['retired', 'revoked'])('takes nothing under a key that was %s', async (status) => {
      const [old, next] = [aKeyRecord(), aKeyRecord()]
      await store.log.append([old.record, next.record], [])
      await store.log.append([aRecord({ kind: 'incident' })], [old.name])
      const claims = { jwk: old.jwk, use: 'record', status }
      await store.log.append([aRecord({ kind: 'key', claims })], [next.name])
      expect([store.log.has(old.name), store.log.has(next.name)]).toEqual([false, true])
      const size = store.log.size()
      await expect(store.log.append([aRecord({ kind: 'incident' })], [old.name])).rejects.toThrow(
        'not in the log',
      )
      expect(store.log.size()).toBe(size)
    })

    it('does not confuse a checkpoint key with a record key', async () => {
      const { jwk, name } = aKeyRecord()
      const claims = { jwk, use: 'checkpoint', status: 'active' }
      await store.log.append([aRecord({ kind: 'key', claims })], [])
      expect(store.log.has(name)).toBe(false)
    })

    it('proves every entry under its newest checkpoint', async () => {
      const records = Array.from({ length: 9 }, () => aRecord({ kind: 'heartbeat' }))
      const receipts = await store.log.append(records, [])
      await store.publish()
      const { keyId } = await head()
      const verifier = { ...noteKey(store.log.origin).verifier, keyId }
      for (const [i, receipt] of receipts.entries()) {
        const text = await store.log.proof(receipt.index, 0)
        const leaf = records[i]?.leaf ?? new Uint8Array(0)
        const { origin } = store.log
        const claim = { text: text ?? '', leaf, origin, verifiers: [verifier] }
        expect(await verifyTlogProof(claim)).toMatchObject({
          ok: true,
          value: { index: receipt.index },
        })
      }
      for (const index of [-1, 0.5, store.log.size(), Number.NaN])
        expect(await store.log.proof(index, 0)).toBeNull()
    })

    it('serves every tile of every size it ever published, and nothing else', async () => {
      const sizes: number[] = []
      const entries: string[] = []
      const before = store.log.size()
      for (const count of [1, 3, 250, 10]) {
        const records = Array.from({ length: count }, () => aRecord({ kind: 'heartbeat' }))
        entries.push(...records.map((r) => r.jws))
        await store.log.append(records, [])
        await store.publish()
        sizes.push(store.log.size())
      }
      for (const to of sizes)
        for (const ref of newTiles({ from: 0, to })) {
          const bytes = await store.log.tile(tilePath(ref))
          expect(bytes, tilePath(ref)).not.toBeNull()
          if (ref.kind === 'tile') expect(bytes).toHaveLength(32 * ref.width)
          else expect(decodeBundle(bytes ?? new Uint8Array(0), ref.width).ok).toBe(true)
        }
      const bundle = decodeBundle(
        (await store.log.tile('tile/entries/000')) ?? new Uint8Array(0),
        256,
      )
      const texts = bundle.ok ? bundle.value.map((entry) => fromAscii(entry)) : []
      expect(texts.slice(before)).toEqual(entries.slice(0, 256 - before))
      for (const path of ['tile/0/009', 'tile/2/000', '../keys/pepper', 'checkpoint', 'tile/0/0'])
        expect(await store.log.tile(path), path).toBeNull()
    })
  })
}
