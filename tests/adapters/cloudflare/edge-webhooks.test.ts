/** The desk of a deployment with several logs: sums over all of them, letters of one. */
import { describe, expect, it } from 'vitest'
import { createEdgeWebhooks } from '../../../src/adapters/cloudflare/edge-webhooks.ts'
import type { HooksStubs } from '../../../src/adapters/cloudflare/rpc-webhooks.ts'
import { epochMs } from '../../../src/core/time.ts'

const asked: unknown[] = []
const hooks: HooksStubs = ({ shard }) => ({
  told: () => Promise.reject(new Error('nobody tells')),
  standing: async () => {
    const disabled_at = shard === 1 ? epochMs(5_000) : null
    const posted = shard === 2 ? {} : { posted: { status_2xx: shard + 1, [`fault_${shard}`]: 1 } }
    return { ok: true, value: { behind: shard, waiting: 2, dead: 1, disabled_at, ...posted } }
  },
  dead: async (page) => {
    asked.push([shard, page])
    return { ok: true, value: { letters: [], next: 7 } }
  },
  replay: async (indexes) => {
    asked.push([shard, indexes])
    return { ok: true, value: { revived: 1, enabled: shard === 1 } }
  },
})
const endpoints = [{ id: 'platform', types: new Set(['strike.recorded'] as const) }]
const desk = createEdgeWebhooks({ endpoints, hooks, shards: 3 })

describe('an endpoint of three logs', () => {
  it('stands where all of them say', async () => {
    const [view] = await desk.list()
    expect(view).toMatchObject({ behind: 3, waiting: 6, dead: 3, disabled_at: 5_000 })
    expect(view?.logs.map(({ behind }) => behind)).toEqual([0, 1, 2])
  })

  it('was told as often as all of them say, and shows no counts to who lists it', async () => {
    const posted = { status_2xx: 3, fault_0: 1, fault_1: 1 }
    expect(await desk.counted()).toEqual([{ id: 'platform', waiting: 9, posted }])
    expect(JSON.stringify(await desk.list())).not.toContain('posted')
  })

  it('has its letters listed and replayed where they are', async () => {
    asked.length = 0
    const page = { from: 4, limit: 10 }
    expect(await desk.dead('platform', { shard: 2, ...page })).toEqual({ letters: [], next: 7 })
    expect(await desk.replay('platform', { shard: 1, indexes: [4] })).toMatchObject({ revived: 1 })
    expect(await desk.replay('platform', { shard: null, indexes: null })).toEqual({
      ...{ revived: 3, enabled: true },
    })
    expect(asked).toEqual([
      [2, page],
      [1, [4]],
      [0, null],
      [1, null],
      [2, null],
    ])
  })

  it('is no other endpoint, and has no other log', async () => {
    const nobody = { shard: null, indexes: null }
    await expect(desk.replay('nobody', nobody)).rejects.toMatchObject({ code: 'not_found' })
    const page = { from: 0, limit: 1 }
    for (const [id, shard] of [
      ['nobody', 0],
      ['platform', 3],
    ] as const)
      await expect(desk.dead(id, { shard, ...page })).rejects.toMatchObject({ code: 'not_found' })
  })
})
