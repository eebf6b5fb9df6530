/** Heartbeats over a real store: when they come, what they count, and that an auditor counts the same. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logPolicy } from '../../../src/adapters/node/bootstrap.ts'
import { createHeartbeat, type Heartbeat } from '../../../src/adapters/node/heartbeat.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { HOUR_MS, MINUTE_MS } from '../../../src/core/time.ts'
import type { GateEvent } from '../../../src/ports.ts'
import { aNodeGate, type NodeGate, POLICY, START } from '../../support/node-gate.ts'

type Append = NodeGate['scribe']['append']

let world: NodeGate
beforeEach(async () => {
  world = await aNodeGate()
})
afterEach(() => world.close())

const SHED: GateEvent = { type: 'shed', code: 'overloaded' }

interface Beating extends Heartbeat {
  readonly errors: unknown[]
  append: Append
}

function beating(): Beating {
  const errors: unknown[] = []
  const rig: { append: Append } = { append: world.scribe.append }
  const heart = createHeartbeat({
    store: world.store,
    scribe: { append: (drafts, requires) => rig.append(drafts, requires) },
    elapsed: world.time.elapsed,
    onError: (error) => void errors.push(error),
  })
  return Object.assign(rig, heart, { errors })
}

function heartbeats(): readonly Record<string, unknown>[] {
  return world
    .entries()
    .filter(({ typ }) => typ === 'livegate-heartbeat+jwt')
    .map(({ claims }) => {
      const { from_index, to_index, totals, shed } = claims
      return { from_index, to_index, totals, shed }
    })
}

async function decide(subject: string): Promise<void> {
  const facts = { created_at: START }
  const request = { subject, stream: { id: 'b' }, request: {}, facts, supports: [], caller: 'k' }
  await world.gate.decide(request)
}

async function expectAudited(): Promise<void> {
  const { findings, counts } = await world.audit()
  expect(findings).toEqual([])
  expect(counts.by_kind.heartbeat).toBe(heartbeats().length)
}

/** Record key, checkpoint key, parts of the default policy. */
async function begun(): Promise<number> {
  return 2 + Math.ceil((await POLICY).length / 3072)
}

describe('a heartbeat', () => {
  it('counts every kind since the one before, as an auditor does', async () => {
    const heart = beating()
    const first = await begun()
    await decide('u1')
    await decide('u2')
    await world.gate.strike({
      ...{ id: 's1', subject: 'u1', category: 'terrorism.link', severity: 'high' },
      issued_at: START,
    })
    await world.gate.reverse({ strike: 's1', reason: 'appeal upheld' })
    world.time.pass(MINUTE_MS)
    await heart.tick()
    await decide('u3')
    const changed = new TextEncoder().encode(
      `${new TextDecoder().decode(await POLICY)}\n# another revision\n`,
    )
    await logPolicy(world.scribe, world.store.log, world.store.signer, changed)
    await decide('u4')
    world.time.pass(MINUTE_MS)
    await heart.tick()
    expect(heart.errors).toEqual([])
    const parts = Math.ceil(changed.length / 3072)
    expect(heartbeats()).toEqual([
      {
        from_index: 0,
        to_index: first + 4,
        totals: { key: 2, policy: first - 2, decision: 2, strike: 1, reversal: 1 },
        shed: 0,
      },
      {
        from_index: first + 4,
        to_index: first + 7 + parts,
        totals: { heartbeat: 1, decision: 2, policy: parts },
        shed: 0,
      },
    ])
    await expectAudited()
  })

  it('comes at most once a minute, however much happens', async () => {
    const heart = beating()
    for (let second = 0; second < 150; second++) {
      if (second % 7 === 0) await decide(`u${second}`)
      await heart.tick()
      world.time.pass(1_000)
    }
    expect(heartbeats()).toHaveLength(2)
    await expectAudited()
  })

  it('comes once an hour while nothing happens', async () => {
    const heart = beating()
    world.time.pass(MINUTE_MS)
    await heart.tick()
    for (let minute = 1; minute <= 125; minute++) {
      world.time.pass(MINUTE_MS)
      await heart.tick()
    }
    expect(heartbeats()).toHaveLength(3)
    await expectAudited()
  })

  it('comes after a minute in which requests were only shed, and counts them once', async () => {
    const heart = beating()
    world.time.pass(MINUTE_MS)
    await heart.tick()
    for (let i = 0; i < 3; i++) heart.observe(SHED)
    heart.observe({ type: 'shed', code: 'rate_limited' })
    heart.observe({ type: 'left_to_lease', what: 'cohost' })
    heart.observe({ type: 'hook_refused', server: 'edge-1', why: 'malformed' })
    world.time.pass(MINUTE_MS)
    await heart.tick()
    world.time.pass(HOUR_MS)
    await heart.tick()
    expect(heartbeats().map(({ shed }) => shed)).toEqual([0, 4, 0])
    await expectAudited()
  })

  it('is not lost when it cannot be written: the next one covers and counts the same', async () => {
    const heart = beating()
    heart.observe(SHED)
    heart.append = () => Promise.reject(new LivegateError('overloaded', 'Cannot write'))
    world.time.pass(MINUTE_MS)
    await heart.tick()
    expect(heart.errors).toHaveLength(1)
    expect(heartbeats()).toEqual([])
    heart.append = world.scribe.append
    heart.observe(SHED)
    await heart.tick()
    expect(heartbeats()).toMatchObject([{ from_index: 0, shed: 2 }])
    await expectAudited()
  })

  it('whose acknowledgement is lost counts nothing twice', async () => {
    const heart = beating()
    heart.observe(SHED)
    heart.append = async (...given) => {
      await world.scribe.append(...given)
      throw new LivegateError('log_unavailable', 'Cannot write')
    }
    world.time.pass(MINUTE_MS)
    await heart.tick()
    heart.append = world.scribe.append
    await decide('u1')
    heart.observe(SHED)
    await heart.tick()
    expect(heartbeats().map(({ shed }) => shed)).toEqual([1, 1])
    await expectAudited()
  })

  it('counts what is shed while it is being written in the next one', async () => {
    const heart = beating()
    heart.append = async (...given) => {
      heart.observe(SHED)
      await world.scribe.append(...given)
    }
    world.time.pass(MINUTE_MS)
    await Promise.all([heart.tick(), heart.tick()])
    heart.append = world.scribe.append
    world.time.pass(MINUTE_MS)
    await heart.tick()
    expect(heartbeats().map(({ shed }) => shed)).toEqual([0, 1])
    await expectAudited()
  })

  it('goes on after a restart where the last one ended', async () => {
    const heart = beating()
    await decide('u1')
    world.time.pass(MINUTE_MS)
    await heart.tick()
    await decide('u2')
    world = await world.restart()
    const again = beating()
    await again.tick()
    expect(heartbeats()).toHaveLength(1)
    await decide('u3')
    world.time.pass(MINUTE_MS)
    await again.tick()
    const [first, second] = heartbeats()
    expect(second).toMatchObject({
      from_index: first?.to_index,
      totals: { heartbeat: 1, decision: 2 },
    })
    await expectAudited()
  })

  it('an auditor would find one that miscounts', async () => {
    const heart = beating()
    heart.append = ([draft], requires) => {
      const claims = { ...draft?.claims, totals: { decision: 1 } }
      return world.scribe.append([{ ...draft, claims } as never], requires)
    }
    world.time.pass(MINUTE_MS)
    await heart.tick()
    const { findings } = await world.audit()
    expect(findings.map(({ code }) => code)).toEqual(['heartbeat_totals'])
  })

  it('is not under way any more once stopping has resolved', async () => {
    const heart = beating()
    world.time.pass(MINUTE_MS)
    void heart.tick()
    await heart.stop()
    expect(heartbeats()).toHaveLength(1)
  })
})
