/** The Log port of the edge host, over RPC and the bucket: the same contract as every other log. */
import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { createEdgeLog, type EdgeLog } from '../../src/adapters/cloudflare/edge-log.ts'
import { originOfShard, sequencerName } from '../../src/adapters/cloudflare/names.ts'
import { opened } from '../../src/adapters/cloudflare/rpc.ts'
import type { SequencerObject } from '../../src/adapters/cloudflare/sequencer-object.ts'
import { aRecord, type StoreUnderTest } from '../contract/fixtures.ts'
import { logContract } from '../contract/log-contract.ts'

const SHARD = 1

function stub() {
  return env.SEQUENCERS.get(env.SEQUENCERS.idFromName(sequencerName(SHARD)))
}

/** Runs rounds until nothing waits, whatever the alarm is set to. */
function publish(): Promise<void> {
  return runInDurableObject(stub(), async (object) => {
    while (await opened((object as unknown as SequencerObject).publish()));
  })
}

/** A log as a Worker that has just started sees it. */
function seenAnew(): EdgeLog {
  const origin = originOfShard(env.LIVEGATE_ORIGIN ?? '', SHARD, 2)
  return createEdgeLog({ origin, sequencer: stub(), bucket: env.LOG, prefix: `${SHARD}/` })
}

logContract('edge', async () => {
  const log = seenAnew()
  await log.status()
  return { log, publish, close: reset } as unknown as StoreUnderTest
})

describe('the log as another isolate sees it', () => {
  it('serves nothing that no published checkpoint covers, and everything that one does', async () => {
    const log = seenAnew()
    await log.append([aRecord({ kind: 'heartbeat' })], [])
    expect(log.size()).toBe(3)
    // Its files may be there before the checkpoint is: they are not the log's yet.
    await env.LOG.put(`${SHARD}/tile/0/000.p/3`, 'early')
    expect(await log.tile('tile/0/000.p/3')).toBeNull()
    await env.LOG.delete(`${SHARD}/tile/0/000.p/3`)
    await expect(log.checkpoint()).rejects.toMatchObject({ code: 'log_unavailable' })
    await publish()
    expect(await log.tile('tile/0/000.p/3')).toHaveLength(96)
    const other = seenAnew()
    expect(await other.tile('tile/0/000.p/2')).toHaveLength(64)
    expect(await other.tile('tile/0/000.p/4')).toBeNull()
    expect(await other.checkpoint()).toBe(await log.checkpoint())
    expect(await other.status()).toMatchObject({ entries: 3, published: 3 })
    expect(other.size()).toBe(3)
    await reset()
  })

  it('says that its object does not answer', async () => {
    const lost = { status: () => Promise.reject(new Error('gone')) }
    const log = createEdgeLog({
      ...{ origin: 'x', bucket: env.LOG, prefix: 'none/' },
      sequencer: {
        ...lost,
        checkpoint: lost.status,
        proof: lost.status,
        appendDeployment: lost.status,
      },
    })
    await expect(log.status()).rejects.toMatchObject({ code: 'log_unavailable', retry_after_s: 1 })
    expect(await log.tile('tile/0/000.p/1')).toBeNull()
  })
})
