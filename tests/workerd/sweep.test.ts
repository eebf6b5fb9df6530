/**
 * What runs is looked at again when what decides has changed, whoever dies meanwhile: over real objects, logs and alarms,
 * for callers who have no media server. The audit of every log afterwards finds nothing.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createEdgeIncidents } from '../../src/adapters/cloudflare/edge-incidents.ts'
import { planOfText } from '../../src/adapters/cloudflare/edge-policy.ts'
import {
  createEdgeSweep,
  type EdgeSweep,
  LOOK_EVERY_MS,
  SKEW_MS,
  type SweepParts,
  type SweepState,
} from '../../src/adapters/cloudflare/edge-sweep.ts'
import type { KeeperObject } from '../../src/adapters/cloudflare/keeper-object.ts'
import { keeperOfLog, shardOf, subjectObjectName } from '../../src/adapters/cloudflare/names.ts'
import { opened } from '../../src/adapters/cloudflare/rpc.ts'
import { systemClock as clock } from '../../src/adapters/cloudflare/worker-system.ts'
import { utf8 } from '../../src/core/encoding.ts'
import type { Activation } from '../../src/core/model.ts'
import { DAY_MS, epochMs, HOUR_MS } from '../../src/core/time.ts'
import type { GateEvent } from '../../src/ports.ts'
import { activePolicy, ask, opened as disclosed, policyOf } from '../support/gate.ts'
import { auditLogs, chainOf, chainsOf, config, gate, pepper, stubs } from './deployment.ts'
import { lost, never } from './subject-world.ts'

const RULES = `  - { id: small, ground: terms, when: "subject.followers < 10", outcome: deny }
  - { id: shut, ground: terms, when: 'incident.active && incident.scope == "all"', outcome: deny }`
const shards = Array.from({ length: config.shards }, (_, shard) => shard)
/** Changes what no Worker hears of, and nobody waits until everybody has heard. */
const incidents = createEdgeIncidents({
  logs: shards.map(stubs.sequencer),
  after: (_delay_ms, fire) => {
    fire()
    return () => {}
  },
})
const everybody: string[] = []

/** One who runs in a log; without a media server. */
async function running(
  shard: number,
  followers = 100,
): Promise<{ readonly subject: string; readonly id: string }> {
  for (;;) {
    const subject = `swept-${everybody.length}-${crypto.randomUUID()}`
    if (shardOf(subjectObjectName(pepper, subject), config.shards) !== shard) continue
    everybody.push(subject)
    const { facts } = ask(subject)
    const answer = await gate.decide(ask(subject, { facts: { ...facts, followers } }))
    expect(answer.outcome).toBe('allow')
    return { subject, id: answer.id }
  }
}

const some = (shard: number, count: number) =>
  Promise.all(Array.from({ length: count }, () => running(shard)))

/** Events on record about a broadcast, with why. */
async function told(subject: string, id: string): Promise<readonly string[]> {
  const chain = await chainOf(subject)
  return chain.flatMap(({ kind, openings }) => {
    if (kind !== 'broadcast') return []
    const { event, broadcast, reason } = disclosed(openings, 'facts')
    return broadcast === id ? [`${event} ${reason}`] : []
  })
}

async function api(method: string, path: string, body?: unknown): Promise<number> {
  const response = await exports.default.fetch(
    new Request(`https://gate.example${path}`, {
      method,
      headers: {
        authorization: `Bearer ${config.admin_key}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
  if (response.status >= 300) console.error(await response.text())
  return response.status
}

const expires_at = epochMs(clock.now() + HOUR_MS)

const SOON = { timeout: 20_000, interval: 100 }

afterAll(async () => {
  await auditLogs(await chainsOf(everybody))
})

describe('a policy that takes force', () => {
  let kept: Awaited<ReturnType<typeof running>>
  let small: readonly Awaited<ReturnType<typeof running>>[]
  beforeAll(async () => {
    kept = await running(0)
    small = await Promise.all([...shards, ...shards].map((shard) => running(shard, 5)))
    expect(await api('PUT', '/v1/policies', { policy: policyOf(RULES) })).toBe(201)
  })

  it('ends what it denies in every log, without a renewal and before a lease is over', async () => {
    for (const { subject, id } of small)
      await vi.waitFor(
        async () => expect(await told(subject, id)).toEqual(['revoked policy']),
        SOON,
      )
  })

  it('leaves alone what it lets run, and writes nothing of it', async () => {
    expect(await told(kept.subject, kept.id)).toEqual([])
    const view = await gate.subject(kept.subject)
    expect(view.broadcasts).toMatchObject([{ id: kept.id }])
  })
})

describe('an incident', () => {
  it('ends what it denies at once, in every log, and nothing once it is over', async () => {
    const all = [...(await some(0, 3)), ...(await some(1, 3))]
    const body = { scope: 'all', reason: 'a raid', expires_at: new Date(Date.now() + HOUR_MS) }
    expect(await api('PUT', '/v1/incident', body)).toBe(201)
    for (const { subject, id } of all)
      await vi.waitFor(
        async () => expect(await told(subject, id)).toEqual(['revoked incident']),
        SOON,
      )
    expect(await api('DELETE', '/v1/incident')).toBe(200)
    const [one] = await some(0, 1)
    await ringAll()
    expect(await told(one?.subject ?? '', one?.id ?? '')).toEqual([])
  })
})

/** Every keeper has looked at least once since this was called. */
async function ringAll(): Promise<void> {
  for (const shard of shards)
    await runInDurableObject(keeperStub(shard), (object: KeeperObject) => object.alarm())
}

function keeperStub(shard: number): DurableObjectStub<KeeperObject> {
  return env.KEEPERS.getByName(keeperOfLog(shard)) as never
}

/** A sweep of the first log over state of its own, with faults on order and a clock that may be moved on. */
function aSweep(given: Partial<SweepParts> = {}) {
  const state: { now: SweepState | null } = { now: null }
  const log = stubs.sequencer(0)
  const asked: string[] = []
  let ahead_ms = 0
  const open = (more: Partial<SweepParts> = {}): EdgeSweep =>
    createEdgeSweep({
      ...{ log, observe: () => {} },
      clock: { now: () => epochMs(Date.now() + ahead_ms) },
      subject: (object) => {
        asked.push(object)
        return stubs.subject(object)
      },
      planOf: (digest) => planOfText(digest, () => opened(log.policyText(digest))),
      kept: {
        load: async () => structuredClone(state.now),
        async save(next) {
          state.now = structuredClone(next)
        },
      },
      ...given,
      ...more,
    })
  const pass = (ms: number): void => {
    ahead_ms += ms
  }
  /** Until there is nothing left to look at. */
  async function settle(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await open().tend()
      pass(60_000)
    }
    expect(state.now?.job).toBeNull()
  }
  return { state, asked, open, pass, settle }
}

describe('a sweep', () => {
  it('asks everybody who may run something once, and nobody again while nothing changes', async () => {
    const all = await some(0, 3)
    const { asked, settle, open } = aSweep()
    await settle()
    for (const { subject } of all)
      expect(asked.filter((one) => one === subjectObjectName(pepper, subject))).toHaveLength(1)
    const { length } = asked
    await open().tend()
    expect(asked).toHaveLength(length)
  })

  it('tries again what failed, and does not take it for done', async () => {
    const [one] = await some(0, 1)
    const object = subjectObjectName(pepper, one?.subject ?? '')
    const { state, asked, open, pass, settle } = aSweep()
    await open({ subject: () => ({ life: () => Promise.reject(lost()) }) }).tend()
    expect(state.now?.job?.failed).toContain(object)
    pass(10_000)
    await open({ subject: () => ({ life: () => Promise.reject(lost()) }) }).tend()
    expect(state.now?.job?.failed).toContain(object)
    await settle()
    expect(asked).toContain(object)
  })

  it('leaves to their leases those nobody could look at for a day', async () => {
    await some(0, 1)
    const told_of: GateEvent[] = []
    const { state, open, pass } = aSweep({ observe: (event) => void told_of.push(event) })
    const failing = { subject: () => ({ life: () => Promise.reject(lost()) }) }
    await open(failing).tend()
    const failed = state.now?.job?.failed.length ?? 0
    expect(failed).toBeGreaterThan(0)
    pass(DAY_MS)
    await open(failing).tend()
    expect(state.now?.job).toBeNull()
    expect(told_of).toEqual(Array(failed).fill({ type: 'left_to_lease', what: 'recheck' }))
  })

  it('that cannot ask the log rejects and changes nothing', async () => {
    const { state, open, settle } = aSweep()
    await settle()
    const before = state.now
    const { incidents: list, running: chains } = stubs.sequencer(0)
    const log = { incidents: list, running: chains, activations: () => Promise.reject(lost()) }
    await expect(open({ log }).tend()).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(state.now).toEqual(before)
  })

  it('looks when what is activated for later takes force, and when an incident ends by itself', async () => {
    const { open, settle } = aSweep()
    await settle()
    const { activations, running: chains } = stubs.sequencer(0)
    const now = epochMs(Date.now() + 180_000)
    const known = await opened(activations())
    const coming = { ...known[0], revision: 99, active_from: epochMs(now + 20_000) } as Activation
    const log = {
      running: chains,
      incidents: async () => ({ ok: true as const, value: [] }),
      activations: async () => ({ ok: true as const, value: [...known, coming] }),
    }
    const at = await open({ log, clock: { now: () => now } }).tend()
    expect(at).toBe(now + 20_000 + SKEW_MS)
    const until = epochMs(now + 3_000)
    const started = { change: 1, active: true, id: 'i', scope: 'x', at: now, until, by: 'a' }
    const incident = { ...log, incidents: async () => ({ ok: true as const, value: [started] }) }
    const alone = { ...incident, activations }
    expect(await open({ log: alone, clock: { now: () => now } }).tend()).toBe(until + SKEW_MS)
  })

  it('that dies at any subject is gone on with, by whoever comes next and however often the alarm comes', async () => {
    const own = aSweep()
    await own.settle()
    const all = await some(0, 40)
    await incidents.commit({ is: 'start', by: 'died', scope: 'all', reason: 'a test', expires_at })
    for (const deaths of [1, 5, 17]) {
      let left = deaths
      await new Promise<void>((reached) => {
        const life = (): Promise<never> => {
          reached()
          return never()
        }
        const subject: SweepParts['subject'] = (object) =>
          left-- > 0 ? stubs.subject(object) : { life }
        void own.open({ subject }).tend()
      })
    }
    // The rest is for the object itself, which is evicted while it is at it.
    const stub = keeperStub(0)
    const alarms = (): Promise<unknown> =>
      runInDurableObject(stub, (object: KeeperObject) =>
        Promise.all([object.alarm(), object.alarm()]),
      )
    const first = alarms().catch(() => {})
    await evictDurableObject(stub).catch(() => {})
    await first
    await alarms()
    await alarms()
    for (const { subject, id } of all) expect(await told(subject, id)).toEqual(['revoked incident'])
  })
})

describe('a policy that grows too old', () => {
  const from = epochMs(Date.now() - HOUR_MS)
  const stale_at = epochMs(from + HOUR_MS + 5_000 + SKEW_MS)
  const done = { revision: 1, incident: null }

  /** A sweep that is done with revision 1, whose text is good for an hour and five seconds. */
  function grows(on_stale: string) {
    const text = policyOf('', `max_age: 3605s\non_stale: ${on_stale}\n`)
    const { digest } = activePolicy(text).plan
    const one = { revision: 1, digest, active_from: from, scheduled: false } as Activation
    const own = aSweep({
      clock: { now: () => now },
      planOf: (name) => planOfText(name, async () => (name === digest ? utf8(text) : null)),
      log: {
        running: stubs.sequencer(0).running,
        activations: async () => ({ ok: true as const, value: [one] }),
        incidents: async () => ({ ok: true as const, value: [] }),
      },
    })
    own.state.now = { done, job: null }
    return own
  }
  let now = from

  it.each(['deny', 'unknown'])(
    'and then says %s is swept for at that instant, once',
    async (on_stale) => {
      const { open, state } = grows(on_stale)
      now = epochMs(from + HOUR_MS)
      const keeper = open()
      expect([await keeper.tend(), state.now?.job]).toEqual([stale_at, null])
      now = epochMs(stale_at - 1)
      expect([await keeper.tend(), state.now?.job]).toEqual([stale_at, null])
      now = stale_at
      await keeper.tend()
      expect(state.now?.job).toMatchObject({ cause: 'policy', by: { ...done, stale: true } })
      for (let look = 0; look < 3; look++) {
        now = epochMs(now + 30_000)
        // Whoever comes next knows it from storage.
        await open().tend()
      }
      expect(state.now).toEqual({ done: { ...done, stale: true }, job: null })
    },
  )

  it('and only says so is swept for by nobody', async () => {
    const { open, state, asked } = grows('keep')
    now = epochMs(stale_at - 1)
    expect(await open().tend()).toBe(now + LOOK_EVERY_MS)
    now = stale_at
    await open().tend()
    expect([state.now, asked]).toEqual([{ done, job: null }, []])
  })

  it('ends what runs in every log, without a renewal and before a lease is over', async () => {
    const policy = policyOf('', 'max_age: 12s\non_stale: deny\n')
    const { digest } = activePolicy(policy).plan
    expect(await api('PUT', '/v1/policies', { policy })).toBe(201)
    await vi.waitFor(async () => {
      const subject = `waits-${crypto.randomUUID()}`
      everybody.push(subject)
      expect((await gate.decide(ask(subject))).policy.digest).toBe(digest)
    }, SOON)
    for (const { subject, id } of await Promise.all(shards.map((shard) => running(shard))))
      await vi.waitFor(async () => expect(await told(subject, id)).toEqual(['revoked policy']), {
        ...{ timeout: 40_000, interval: 200 },
      })
  }, 90_000)
})
