/**
 * Sessions and what is open: ended once, found by session and never by name, and bounded.
 */
import { describe, expect, it } from 'vitest'
import { MAX_OPEN_BROADCASTS } from '../../src/core/limits.ts'
import type { Answer } from '../../src/gate-types.ts'
import { ask, HOUR, opened, policyOf, type TestGate, useGates } from '../support/gate.ts'

const gates = useGates()
const policy = policyOf(
  '  - { id: one, ground: terms, when: "subject.open_broadcasts >= 1", outcome: deny }',
)
const start = (world: TestGate, session: string, subject = 'u1'): Promise<Answer> =>
  world.gate.decide(ask(subject, { stream: { id: 'sk_1' }, session: { server: 'edge', session } }))

describe('the end of a session', () => {
  it('is recorded once, with the broadcast it ended and who said so', async () => {
    const world = await gates({ policy })
    const { id } = await start(world, 'c1')
    expect(await world.gate.endSession('edge', 'c1')).toBe(true)
    expect(await world.gate.endSession('edge', 'c1')).toBe(false)
    const entries = world.store.entries().filter((entry) => entry.kind === 'broadcast')
    expect(entries).toHaveLength(1)
    const { openings } = entries[0] ?? { openings: {} }
    expect(opened(openings, 'facts')).toEqual({
      ...{ event: 'ended', broadcast: id, reason: 'publish_done' },
    })
    expect(opened(openings, 'request')).toEqual({ caller: 'hook:edge' })
  })

  it('is known at once where the host has in memory that nothing runs', async () => {
    const looked: string[] = []
    const world = await gates({
      policy,
      directory: (own) => ({
        ...own,
        mayBeOpen: (_server, session) => session === 'c1',
        broadcastOfSession(server, session) {
          looked.push(session)
          return own.broadcastOfSession(server, session)
        },
      }),
    })
    await start(world, 'c1')
    const ending = world.gate.endSession('edge', 'c9')
    expect(world.timers()).toBe(0)
    expect([await ending, await world.gate.endSession('edge', 'c1')]).toEqual([false, true])
    expect(looked).toEqual(['c1'])
  })

  it('said twice at once is recorded once', async () => {
    const world = await gates({ policy })
    await start(world, 'c1')
    const ends = await Promise.all([
      world.gate.endSession('edge', 'c1'),
      world.gate.endSession('edge', 'c1'),
    ])
    expect(ends.sort()).toEqual([false, true])
  })

  it.each([
    { name: 'nobody opened', server: 'edge', session: 'c9' },
    { name: 'runs on another server', server: 'other', session: 'c1' },
    { name: 'is a refused twin on the same name', server: 'edge', session: 'c2' },
  ])('that $name ends nothing', async ({ server, session }) => {
    const world = await gates({ policy })
    const { id } = await start(world, 'c1')
    expect((await start(world, 'c2')).outcome).toBe('deny')
    expect(await world.gate.endSession(server, session)).toBe(false)
    expect((await world.state('u1')).broadcasts.map((open) => open.id)).toEqual([id])
  })

  it('whose acknowledgement is lost is ended by saying it again', async () => {
    const world = await gates({ policy })
    await start(world, 'c1')
    world.fates.push('before')
    await expect(world.gate.endSession('edge', 'c1')).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    expect(await world.gate.endSession('edge', 'c1')).toBe(true)
  })
})

describe('an end that must confirm no cut', () => {
  it('leaves alone what was revoked while it waited for its turn', async () => {
    const verified =
      '  - { id: v, ground: terms, when: "subject.verified == false", outcome: deny }'
    const world = await gates({ policy: policyOf(verified) })
    const asked = ask('u1', {
      session: { server: 'edge', session: 'c1' },
      facts: { verified: true },
    })
    const { id: broadcast } = await world.gate.decide(asked)
    let [release, arrived] = [(): void => {}, (): void => {}]
    const committing = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    world.hold = {
      when: 'before',
      get until() {
        arrived()
        return released
      },
    }
    const revoked = world.gate.renew({ broadcast, caller: 'c', facts: { verified: false } })
    await committing
    const lost = { broadcast, caller: 'hook:edge', reason: 'lost', unless_cutting: true } as const
    const ended = world.gate.end(lost)
    // It has looked before it waits, and what it saw still ran.
    await expect.poll(async () => (await world.state('u1')).broadcasts[0]?.cutting).toBeUndefined()
    world.hold = null
    release()
    expect((await revoked).event).toBe('revoked')
    expect(await ended).toBe(false)
    expect((await world.state('u1')).broadcasts[0]?.cutting).toMatchObject({ cause: 'caller' })
  })
})

describe('a session that comes again', () => {
  it('takes the place of its earlier life and is not counted beside it', async () => {
    const world = await gates({ policy })
    await start(world, 'c1')
    const second = await start(world, 'c1')
    expect(second.outcome).toBe('allow')
    expect((await world.state('u1')).broadcasts.map((open) => open.id)).toEqual([second.id])
  })

  it('for another subject leaves the first to the media server to end', async () => {
    const world = await gates({ policy })
    await start(world, 'c1')
    expect((await start(world, 'c1', 'u2')).outcome).toBe('allow')
    expect(await world.gate.endSession('edge', 'c1')).toBe(true)
  })
})

describe('open broadcasts', () => {
  it('count while their lease runs, and the same stream not beside itself', async () => {
    const world = await gates({ policy })
    const first = await world.gate.decide(ask('u1'))
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
    expect((await world.gate.decide(ask('u1', { stream: { id: 'x' } }))).outcome).toBe('deny')
    world.clock.set((first.decision.lease_until ?? 0) - 1)
    expect((await world.gate.decide(ask('u1', { stream: { id: 'x' } }))).outcome).toBe('deny')
    world.pass(1)
    expect((await world.gate.decide(ask('u1', { stream: { id: 'x' } }))).outcome).toBe('allow')
  })

  it('of somebody else are not replaced by one of the same stream id', async () => {
    const world = await gates({ policy: policyOf('') })
    const shared = await world.gate.decide(
      ask('u2', { stream: { id: 'same', hosts: [{ subject: 'u1' }] } }),
    )
    const own = await world.gate.decide(ask('u1', { stream: { id: 'same' } }))
    const { broadcasts } = await world.state('u1')
    expect(broadcasts.map((open) => open.id)).toEqual([shared.id, own.id])
  })

  it('without a stream id cannot be told apart: each counts', async () => {
    const world = await gates({ policy })
    expect((await world.gate.decide(ask('u1', { stream: {} }))).outcome).toBe('allow')
    expect((await world.gate.decide(ask('u1', { stream: {} }))).outcome).toBe('deny')
  })

  it('of one subject are bounded, host or co-host; leases that end make room', async () => {
    const world = await gates({ policy: policyOf('') })
    for (let i = 0; i < MAX_OPEN_BROADCASTS; i++)
      await world.gate.decide(ask('u1', { stream: { id: `b${i}` } }))
    const full = { code: 'rate_limited', retry_after_s: 60 }
    await expect(world.gate.decide(ask('u1', { stream: { id: 'x' } }))).rejects.toMatchObject(full)
    const stream = { id: 'y', hosts: [{ subject: 'u1' }] }
    await expect(world.gate.decide(ask('u2', { stream }))).rejects.toMatchObject(full)
    expect((await world.gate.decide(ask('u1', { stream: { id: 'b7' } }))).outcome).toBe('allow')
    world.pass(4 * HOUR)
    expect((await world.gate.decide(ask('u1', { stream: { id: 'x' } }))).outcome).toBe('allow')
    expect((await world.state('u1')).broadcasts).toHaveLength(1)
  })
})
