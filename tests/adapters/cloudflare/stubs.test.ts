/** Calls of the Worker: an object that never answers costs seconds, not a request that hangs. */
import { describe, expect, it } from 'vitest'
import { createEdgeDirectory } from '../../../src/adapters/cloudflare/edge-directory.ts'
import { createEdgeStreamKeys } from '../../../src/adapters/cloudflare/edge-stream-keys.ts'
import type { Env } from '../../../src/adapters/cloudflare/env.ts'
import { opened, type Stubs } from '../../../src/adapters/cloudflare/rpc.ts'
import {
  CALL_PATIENCE_MS,
  LONG_PATIENCE_MS,
  stubsOf,
} from '../../../src/adapters/cloudflare/stubs.ts'
import { edgeReadiness } from '../../../src/adapters/cloudflare/worker-health.ts'
import { recordKeysOf, sequencersOf } from '../../../src/adapters/cloudflare/worker-logs.ts'
import { activePolicy, defaultPolicy } from '../../support/gate.ts'

const pepper = { hash: (what: string, text: string) => `hash of ${what} ${text}` }
const silence = new Promise<never>(() => {})

/** Objects whose every method goes on for ever, and the timers that wait for them, by delay. */
function hanging(): { readonly stubs: Stubs; readonly timers: Map<() => void, number> } {
  const timers = new Map<() => void, number>()
  const object = new Proxy({}, { get: () => () => silence })
  const namespace = { getByName: () => object }
  const env = {
    SUBJECTS: namespace,
    SEQUENCERS: namespace,
    DIRECTORIES: namespace,
    KEEPERS: namespace,
  }
  const stubs = stubsOf(env as unknown as Env, (delay_ms, fire) => {
    timers.set(fire, delay_ms)
    return () => timers.delete(fire)
  })
  return { stubs, timers }
}

const directory = (stubs: Stubs) => createEdgeDirectory({ stubs, pepper, shards: 1 })
const keys = (stubs: Stubs) => createEdgeStreamKeys({ pepper, directoryOf: stubs.directory })
const key = {
  ...{ id: 'k', key_hash: 'h', subject: 'u', created_at: 0, revoked_at: null },
} as never
const CALLS: Readonly<Record<string, (stubs: Stubs) => PromiseLike<unknown> | unknown>> = {
  'who owns a strike': (stubs) => directory(stubs).subjectOfStrike('s'),
  'a record': (stubs) => directory(stubs).record('d'),
  'a search': (stubs) => directory(stubs).searchDecisions({ limit: 1 }),
  'records of a log': (stubs) => directory(stubs).records({ from: 0, limit: 1 }),
  'what relies on a strike': (stubs) => directory(stubs).decisionsRelyingOn('s'),
  'a session': (stubs) => directory(stubs).broadcastOfSession('edge', '1'),
  'a stream key by hash': (stubs) => keys(stubs).byHash('h'),
  'a stream key by id': (stubs) => keys(stubs).byId('k'),
  'a new stream key': (stubs) => keys(stubs).bind(key),
  'the end of a stream key': (stubs) => keys(stubs).revoke('k', 0 as never),
  'the keys of a log': (stubs) => recordKeysOf(sequencersOf(stubs, { origin: 'o', shards: 1 })),
}

describe('a call of the Worker that nobody answers', () => {
  for (const [name, call] of Object.entries(CALLS))
    it(`is given up after seconds, to come back to: ${name}`, async () => {
      const { stubs, timers } = hanging()
      const answer = Promise.resolve(call(stubs))
      expect(new Set(timers.values())).toEqual(new Set([CALL_PATIENCE_MS]))
      for (const fire of timers.keys()) fire()
      await expect(answer).rejects.toMatchObject({ code: 'log_unavailable', retry_after_s: 1 })
    })

  it('makes the deployment not ready, and says which log', async () => {
    const { stubs, timers } = hanging()
    const logs = sequencersOf(stubs, { origin: 'gate.example/log', shards: 1 })
    const readiness = edgeReadiness({
      policy: async () => activePolicy(defaultPolicy()),
      file: 'p',
      logs,
    })
    for (const fire of timers.keys()) fire()
    expect(await readiness).toEqual({
      ...{ ready: false, code: 'log_unavailable' },
      why: 'the log gate.example/log does not answer',
    })
  })

  it('may take longer where a checkpoint is waited for', async () => {
    const { stubs, timers } = hanging()
    const answer = opened(stubs.sequencer(0).proof(0, 1_000))
    expect([...timers.values()]).toEqual([LONG_PATIENCE_MS])
    for (const fire of timers.keys()) fire()
    await expect(answer).rejects.toMatchObject({ code: 'log_unavailable' })
  })
})
