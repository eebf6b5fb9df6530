import { beforeEach, describe, expect, it } from 'vitest'
import { type KnownKeys, rememberKeys } from '../../../src/adapters/media/known-keys.ts'
import { createMemoryStreamKeys } from '../../../src/adapters/memory/keys.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { StreamKey, StreamKeys } from '../../../src/ports.ts'

const T0 = epochMs(Date.UTC(2026, 10, 20))
const aKey = (n: number): StreamKey => ({
  ...{ id: `sk_${n}`, subject: `u_${n}`, key_hash: `H${n}` },
  ...{ created_at: T0, revoked_at: null },
})

describe('stream keys that were shown lately', () => {
  let inner: StreamKeys
  let reads: string[]
  let keys: KnownKeys
  beforeEach(async () => {
    reads = []
    inner = createMemoryStreamKeys(() => 'done')
    const counted: StreamKeys = {
      ...inner,
      byHash(hash) {
        reads.push(hash)
        return inner.byHash(hash)
      },
    }
    keys = rememberKeys(counted, 2)
    await keys.bind(aKey(1))
  })

  it('are read once', async () => {
    for (let i = 0; i < 3; i++) expect(await keys.byHash('H1')).toEqual(aKey(1))
    expect(reads).toEqual(['H1'])
  })

  it('are no more than so many', async () => {
    await keys.bind(aKey(2))
    await keys.bind(aKey(3))
    for (const hash of ['H1', 'H2', 'H3', 'H1']) await keys.byHash(hash)
    expect(reads).toEqual(['H1', 'H2', 'H3', 'H1'])
  })

  it('work from the moment they are bound, though they were shown before', async () => {
    expect(await keys.byHash('H2')).toBeNull()
    await keys.bind(aKey(2))
    expect(await keys.byHash('H2')).toEqual(aKey(2))
  })

  it('are revoked for everybody who shows them once that is acknowledged', async () => {
    await keys.byHash('H1')
    const revoking = keys.revoke('sk_1', epochMs(T0 + 1))
    await keys.byHash('H1')
    expect(await revoking).toBe(true)
    expect((await keys.byHash('H1'))?.revoked_at).toBe(T0 + 1)
  })

  it('are read anew after an erasure', async () => {
    await keys.byHash('H1')
    keys.forget()
    await keys.byHash('H1')
    expect(reads).toEqual(['H1', 'H1'])
  })

  it('are not remembered where the store has to be waited for', async () => {
    const slow = rememberKeys({
      ...inner,
      byHash: async (hash) => {
        reads.push(hash)
        return inner.byHash(hash)
      },
    })
    await slow.byHash('H1')
    await slow.byHash('H1')
    expect(reads).toEqual(['H1', 'H1'])
  })
})
