/** The object of a log as others call it: over RPC, with its own alarm, through evictions. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { sequencerName } from '../../src/adapters/cloudflare/names.ts'
import { opened } from '../../src/adapters/cloudflare/rpc.ts'
import { stubsOf } from '../../src/adapters/cloudflare/stubs.ts'
import { chain } from './sequencers.ts'

const stubOf = (name: string) => env.SEQUENCERS.get(env.SEQUENCERS.idFromName(name))

/** As subjects' objects call it. */
const { sequencer } = stubsOf(env)

/** Rings the alarm, which also goes off by itself, until a checkpoint covers `size`. */
async function published(stub: ReturnType<typeof stubOf>, size: number): Promise<void> {
  while ((await opened(stub.status())).published < size) await runDurableObjectAlarm(stub)
}

describe('the object of a log', () => {
  it('appends over RPC, publishes by its alarm, and forgets nothing when it is evicted', async () => {
    const stub = stubOf(sequencerName(0))
    const [index = -1] = await opened(sequencer(0).append(chain('rpc', 1)))
    expect(index).toBe(2)
    await published(stub, 3)
    expect(await opened(stub.status())).toMatchObject({ entries: 3, halted: null })
    await evictDurableObject(stub)
    expect(await opened(sequencer(0).append(chain('rpc', 1, 2)))).toEqual([2, 3])
    await evictDurableObject(stub)
    await published(stub, 4)
    expect(await opened(stub.status())).toMatchObject({ entries: 4, halted: null })
  })

  it('is one log for each shard, under its own name and prefix', async () => {
    const stub = stubOf(sequencerName(1))
    expect(await opened(stub.status())).toMatchObject({ origin: 'gate.example/log/edge/1' })
    await published(stub, 2)
    const note = await (await env.LOG.get('1/checkpoint'))?.text()
    expect(note).toBe(await opened(stub.checkpoint()))
    expect(note?.split('\n')[0]).toBe('gate.example/log/edge/1')
  })

  it('carries failures as what they are', async () => {
    const refused = await sequencer(1).append(chain('rpc', 9))
    expect(refused).toMatchObject({ ok: false, error: { code: 'conflict' } })
  })

  it('is no log when no shard is named so', async () => {
    const refused = await stubOf('log-2').status()
    expect(refused).toMatchObject({ ok: false, error: { code: 'internal' } })
  })
})
