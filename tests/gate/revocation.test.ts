/**
 * A strike ends what runs (G5), and what ran before it was decided is decided late (G11): marked in its own commit, looked at before its answer, cut by whoever can, confirmed in a record.
 */
import { describe, expect, it } from 'vitest'
import { CUT_FOR_MS, MAX_CUTTING } from '../../src/core/limits.ts'
import type { Answer } from '../../src/gate-types.ts'
import type { UngatedCause } from '../../src/ports.ts'
import {
  aStrike,
  ask,
  HOLD_RULE,
  HOUR,
  MINUTE,
  NOW,
  opened,
  policyOf,
  STRIKE_RULE,
  settle,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
const policy = policyOf(STRIKE_RULE)
const MILD = policyOf(
  '  - { id: struck, ground: terms, count: { category: ["hate.*"] }, ladder: { 1: 30d }, outcome: deny }',
)
const start = (world: TestGate, session: string, subject = 'u1'): Promise<Answer> =>
  world.gate.decide(
    ask(subject, {
      stream: { id: 'sk_1' },
      session: { server: 'edge', session, handle: `h ${session}` },
    }),
  )
const said = (world: TestGate): readonly object[] =>
  world.store
    .entries()
    .filter(({ kind }) => kind === 'broadcast')
    .map(({ openings }) => {
      const { facts: _facts, ...rest } = opened(openings, 'facts')
      return rest
    })

describe('a strike on who is live', () => {
  it('revokes what it would now deny, and says which', async () => {
    const world = await gates({ policy })
    const [one, two] = [await start(world, 'c1'), await start(world, 'c2')]
    world.pass(MINUTE)
    const { revoked } = await world.gate.strike(aStrike('s1', 'u1'))
    expect(revoked).toEqual([one.id, two.id])
    const state = await world.state('u1')
    const [first, second] = world.store.entries().slice(-2)
    const since = NOW + MINUTE
    const cutting = { since, until: NOW + 4 * HOUR, order: first?.id, cause: 'strike' }
    expect(state.broadcasts).toEqual([
      {
        ...{ id: one.id, stream: 'sk_1', opened_at: NOW, lease_until: since, role: 'host' },
        ...{ server: 'edge', session: 'c1', handle: 'h c1', cutting },
      },
      expect.objectContaining({ id: two.id, cutting: { ...cutting, order: second?.id } }),
    ])
    expect(world.revoked).toMatchObject([
      { id: one.id, subject: 'u1', server: 'edge', session: 'c1', handle: 'h c1', cutting },
      { id: two.id },
    ])
    expect(said(world)).toEqual([
      { event: 'revoked', broadcast: one.id, reason: 'strike' },
      { event: 'revoked', broadcast: two.id, reason: 'strike' },
    ])
    expect((await world.gate.subject('u1')).broadcasts).toEqual([])
  })

  it('leaves running what it does not concern, unmarked and unrecorded', async () => {
    const world = await gates({ policy: MILD })
    const { id } = await start(world, 'c1')
    expect((await world.gate.strike(aStrike('s1', 'u1'))).revoked).toEqual([])
    expect((await world.state('u1')).broadcasts).toEqual([
      expect.not.objectContaining({ recheck: 'strike' }),
    ])
    expect(await world.gate.broadcast(id)).toMatchObject({ id, cutting: null })
    expect(said(world)).toEqual([])
  })

  it('tries to cut for five minutes at least', async () => {
    const world = await gates({ policy })
    await start(world, 'c1')
    world.pass(4 * HOUR - 1)
    await world.gate.strike(aStrike('s1', 'u1'))
    const since = NOW + 4 * HOUR - 1
    expect(world.revoked).toMatchObject([{ cutting: { since, until: since + CUT_FOR_MS } }])
  })

  it('said again after its answer was lost says the same', async () => {
    const world = await gates({ policy })
    const { id } = await start(world, 'c1')
    world.fates.push('after')
    await expect(world.gate.strike(aStrike('s1', 'u1'))).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    expect((await world.state('u1')).broadcasts).toMatchObject([{ id, recheck: 'strike' }])
    expect(await world.gate.strike(aStrike('s1', 'u1'))).toMatchObject({
      ...{ created: false, revoked: [id] },
    })
    expect(said(world)).toHaveLength(1)
  })

  it('is answered when what follows from it hangs, and that goes on', async () => {
    let release = (): void => {}
    let commits = 0
    const world = await gates({
      policy,
      async around(what, work) {
        if (what === 'commit' && ++commits === 3)
          await new Promise<void>((done) => {
            release = done
          })
        return work()
      },
    })
    const { id } = await start(world, 'c1')
    const answer = world.gate.strike(aStrike('s1', 'u1'))
    await settle()
    world.pass(1000)
    expect((await answer).revoked).toEqual([])
    expect((await world.state('u1')).broadcasts).toMatchObject([{ id, recheck: 'strike' }])
    release()
    await settle()
    expect(world.revoked).toMatchObject([{ id }])
  })

  it('ends what somebody joined, at its host', async () => {
    const world = await gates({ policy })
    const hosts = [{ subject: 'b' }, { subject: 'c' }]
    const { id } = await world.gate.decide(ask('a', { stream: { id: 's', hosts } }))
    world.pass(MINUTE)
    expect((await world.gate.strike(aStrike('s1', 'b'))).revoked).toEqual([id])
    expect((await world.state('a')).broadcasts).toMatchObject([
      { id, cutting: { cause: 'cohost' } },
    ])
    for (const joined of ['b', 'c']) expect((await world.state(joined)).broadcasts).toEqual([])
  })

  it('on somebody who joined keeps the lease of what may go on, with all of them', async () => {
    const world = await gates({ policy: MILD })
    const hosts = [{ subject: 'b' }, { subject: 'c' }]
    const { id } = await world.gate.decide(ask('a', { stream: { id: 's', hosts } }))
    world.pass(HOUR)
    expect((await world.gate.strike(aStrike('s1', 'b'))).revoked).toEqual([])
    for (const subject of ['a', 'b', 'c'])
      expect((await world.state(subject)).broadcasts).toEqual([
        expect.objectContaining({ id, lease_until: NOW + 4 * HOUR, opened_at: NOW }),
      ])
    expect((await world.state('b')).broadcasts).not.toMatchObject([{ recheck: 'strike' }])
    const renewed = await world.gate.renew({ broadcast: id, caller: 'key' })
    expect(renewed.event).toBe('renewed')
    for (const subject of ['a', 'b', 'c'])
      expect((await world.state(subject)).broadcasts).toMatchObject([
        { id, lease_until: renewed.lease_until },
      ])
  })

  it('lets the same stream start again once it may, and what is cut stays to be cut', async () => {
    const world = await gates({ policy })
    const first = await world.gate.decide(ask('u1'))
    await world.gate.strike(aStrike('s1', 'u1'))
    await world.gate.reverse({ strike: 's1', reason: 'mistaken' })
    const second = await world.gate.decide(ask('u1'))
    expect((await world.state('u1')).broadcasts).toMatchObject([
      { id: first.id, cutting: { cause: 'strike' } },
      { id: second.id },
    ])
  })
})

describe('a cut', () => {
  const cut = async (world: TestGate): Promise<{ id: string; order: string }> => {
    const { id } = await start(world, 'c1')
    await world.gate.strike(aStrike('s1', 'u1'))
    return { id, order: world.revoked[0]?.cutting?.order ?? '' }
  }

  it.each(['dropped', 'absent', 'none'] as const)(
    'that ends as %s is recorded once',
    async (how) => {
      const world = await gates({ policy })
      const { id, order } = await cut(world)
      world.pass(300)
      const done = { confirmed: how, attempts: 2 }
      expect(await world.gate.cutDone(id, done)).toBe(true)
      expect(await world.gate.cutDone(id, done)).toBe(false)
      expect(said(world).at(-1)).toEqual({
        ...{ event: 'cut', broadcast: id, reason: 'strike', ordered: order, confirmed: how },
        ...{ took_ms: 300, attempts: 2 },
      })
      expect(await world.gate.broadcast(id)).toBeNull()
      expect((await world.state('u1')).broadcasts).toEqual([])
    },
  )

  it('is confirmed by the end of its session', async () => {
    const world = await gates({ policy })
    const { id, order } = await cut(world)
    expect(await world.gate.endSession('edge', 'c1')).toBe(true)
    expect(said(world).at(-1)).toMatchObject({
      ...{ event: 'cut', broadcast: id, ordered: order, confirmed: 'reported', attempts: 0 },
    })
  })

  it('is confirmed by who asked for the broadcast', async () => {
    const world = await gates({ policy })
    const { id } = await cut(world)
    expect(await world.gate.end({ broadcast: id, caller: 'key_1' })).toBe(true)
    expect(said(world).at(-1)).toMatchObject({ event: 'cut', confirmed: 'reported' })
  })

  it('of what runs, or of nothing, is none', async () => {
    const world = await gates({ policy })
    const { id } = await start(world, 'c1')
    const done = { confirmed: 'dropped', attempts: 1 } as const
    expect(await world.gate.cutDone(id, done)).toBe(false)
    expect(await world.gate.cutDone('A'.repeat(22), done)).toBe(false)
    expect(said(world)).toEqual([])
  })

  it('is over for everybody when nobody tries any more', async () => {
    const world = await gates({ policy })
    const { id } = await cut(world)
    world.pass(4 * HOUR)
    expect(await world.gate.broadcast(id)).toBeNull()
    expect(
      (await world.store.broadcasts.list({ limit: 9 }, world.clock.now() as never)).items,
    ).toEqual([])
  })
})

describe('what ran before anybody decided', () => {
  const late = (
    world: TestGate,
    session: string,
    ungated: UngatedCause = 'gate_unreachable',
  ): Promise<Answer> =>
    world.gate.decide(
      ask('u1', {
        ...{ stream: { id: 'sk_1' }, session: { server: 'edge', session, handle: 'h' } },
        ...{ ungated, caller: 'hook:edge' },
      }),
    )

  it('may go on under a lease, and both is recorded', async () => {
    const world = await gates({ policy })
    const { id } = await late(world, 'c1')
    expect(said(world)).toEqual([{ event: 'ungated', broadcast: id, reason: 'gate_unreachable' }])
    expect((await world.state('u1')).broadcasts).toEqual([
      {
        ...{ id, stream: 'sk_1', opened_at: NOW, lease_until: NOW + 4 * HOUR, role: 'host' },
        ...{ server: 'edge', session: 'c1', handle: 'h' },
      },
    ])
    const request = opened(world.store.entries().at(-2)?.openings ?? {}, 'request')
    expect(request).toMatchObject({ caller: 'hook:edge', server: 'edge', session: 'c1' })
    expect(request).not.toHaveProperty('handle')
  })

  it('is cut where it may not, by order of its own decision', async () => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    const { id, outcome } = await late(world, 'c1')
    expect(outcome).toBe('deny')
    const cutting = { since: NOW, until: NOW + CUT_FOR_MS, order: id, cause: 'ungated' }
    expect(world.revoked).toMatchObject([{ id, session: 'c1', handle: 'h', cutting }])
    expect(said(world)).toEqual([{ event: 'ungated', broadcast: id, reason: 'gate_unreachable' }])
    expect(await world.gate.cutDone(id, { confirmed: 'dropped', attempts: 1 })).toBe(true)
    expect(said(world).at(-1)).toMatchObject({ event: 'cut', broadcast: id, ordered: id })
  })

  it('is decided for itself each time, although the last refusal was the same', async () => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    const ids = [await late(world, 'c1'), await late(world, 'c2')].map(({ id }) => id)
    expect(new Set(ids).size).toBe(2)
    expect(world.revoked.map(({ session }) => session)).toEqual(['c1', 'c2'])
  })

  it('takes the place of what its session was let start, and an auditor follows that', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    await start(world, 'c1')
    const few = { facts: { followers: 1 }, stream: { id: 'sk_1' } }
    const session = { server: 'edge', session: 'c1' }
    const { id } = await world.gate.decide(ask('u1', { ...few, session, ungated: 'lease_lost' }))
    expect((await world.state('u1')).broadcasts).toMatchObject([{ id, cutting: {} }])
    const { openings } = await start(world, 'c2')
    const { hosts } = opened<{ hosts: object[] }>(openings, 'facts')
    expect(hosts).toMatchObject([{ open_broadcasts: 0 }])
  })

  it('is told later when that fails, by whoever touches it next', async () => {
    const world = await gates({ policy })
    world.fates.push('done', 'before')
    const { id } = await late(world, 'c1', 'start_lost')
    expect((await world.state('u1')).broadcasts).toMatchObject([{ id, ungated: 'start_lost' }])
    expect(said(world)).toEqual([])
    await world.gate.recheck('u1', 'restart')
    expect(said(world)).toEqual([{ event: 'ungated', broadcast: id, reason: 'start_lost' }])
    await world.gate.recheck('u1', 'restart')
    expect(said(world)).toHaveLength(1)
  })

  it('fills no state, however often it comes back', async () => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    for (let i = 0; i < MAX_CUTTING + 3; i++) await late(world, `c${i}`)
    const { broadcasts } = await world.state('u1')
    expect(broadcasts).toHaveLength(MAX_CUTTING)
    expect(broadcasts[0]?.session).toBe('c3')
  })
})
