/** A co-host who comes later is decided about like everybody: with what was given at the start, and what is known now. */
import { describe, expect, it } from 'vitest'
import {
  aStrike,
  ask,
  HOUR,
  MINUTE,
  NOW,
  opened,
  policyOf,
  STRIKE_RULE,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
const caller = 'key_2'
const session = { server: 'edge', session: 'c1', handle: 'h1' }

async function live(world: TestGate, hosts: readonly string[] = []): Promise<string> {
  const stream = {
    id: 'sk_1',
    audience: 'public' as const,
    hosts: hosts.map((subject) => ({ subject })),
  }
  const { id } = await world.gate.decide(ask('a', { stream, session }))
  return id
}
const ids = async (world: TestGate, subject: string): Promise<readonly string[]> =>
  (await world.state(subject)).broadcasts.map(({ id }) => id)

describe('one who joins what runs', () => {
  it('takes its place with everybody, on what was given at the start', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const first = await live(world, ['b'])
    world.pass(HOUR)
    const cohost = { subject: 'c', facts: { followers: 5 } }
    const answer = await world.gate.join({ broadcast: first, cohost, caller })
    expect(answer).toMatchObject({ outcome: 'allow', supersedes: first })
    const { hosts } = opened<{ hosts: { facts: object; sources: object }[] }>(
      answer.openings,
      'facts',
    )
    expect(hosts).toMatchObject([
      { facts: { followers: 100 }, sources: { followers: { from: 'request', as_of: NOW } } },
      {},
      { facts: { followers: 5 }, sources: { followers: { as_of: NOW + HOUR } } },
    ])
    expect(opened(answer.openings, 'subject')).toEqual({ subject: 'a', cohosts: ['b', 'c'] })
    for (const subject of ['a', 'b', 'c']) expect(await ids(world, subject)).toEqual([answer.id])
    expect((await world.state('a')).broadcasts).toMatchObject([
      { ...session, lease_until: NOW + 5 * HOUR },
    ])
  })

  it('may not, and it goes on as it was', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const first = await live(world, ['b'])
    await world.gate.strike(aStrike('s1', 'c'))
    const answer = await world.gate.join({ broadcast: first, cohost: { subject: 'c' }, caller })
    expect(answer).toMatchObject({ outcome: 'deny', supersedes: first })
    for (const subject of ['a', 'b']) expect(await ids(world, subject)).toEqual([first])
    expect(await ids(world, 'c')).toEqual([])
    expect((await world.state('a')).broadcasts).toMatchObject([{ lease_until: NOW + 4 * HOUR }])
  })

  it('again is asked about anew, once', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const first = await live(world, ['b'])
    const answer = await world.gate.join({ broadcast: first, cohost: { subject: 'b' }, caller })
    expect(opened(answer.openings, 'subject')).toEqual({ subject: 'a', cohosts: ['b'] })
  })

  it('is a broadcast of no session, too, and the next joins that', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const { id } = await world.gate.decide(ask('a', { stream: {} }))
    const one = await world.gate.join({ broadcast: id, cohost: { subject: 'b' }, caller })
    const two = await world.gate.join({ broadcast: one.id, cohost: { subject: 'c' }, caller })
    for (const subject of ['a', 'b', 'c']) expect(await ids(world, subject)).toEqual([two.id])
    await expect(
      world.gate.join({ broadcast: one.id, cohost: { subject: 'd' }, caller }),
    ).rejects.toMatchObject({ code: 'conflict' })
  })

  it.each([
    { name: 'nobody decided', broadcast: async () => 'A'.repeat(22), code: 'not_found' },
    {
      name: 'has ended',
      broadcast: async (world: TestGate) => {
        const id = await live(world)
        await world.gate.end({ broadcast: id, caller })
        return id
      },
      code: 'conflict',
    },
    {
      name: 'is being cut',
      broadcast: async (world: TestGate) => {
        const id = await live(world)
        await world.gate.strike(aStrike('s1', 'a'))
        return id
      },
      code: 'conflict',
    },
    {
      name: 'has sixteen already',
      broadcast: (world: TestGate) =>
        live(
          world,
          Array.from({ length: 16 }, (_, i) => `c${i}`),
        ),
      code: 'conflict',
    },
    {
      name: 'began with somebody who was erased',
      broadcast: async (world: TestGate) => {
        const id = await live(world, ['e'])
        await world.erasure.erase({ subject: 'e', scope: 'full', basis: 'asked' })
        return id
      },
      code: 'conflict',
    },
  ])('finds no room in what $name', async ({ broadcast, code }) => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const id = await broadcast(world)
    world.pass(MINUTE)
    await expect(
      world.gate.join({ broadcast: id, cohost: { subject: 'z' }, caller }),
    ).rejects.toMatchObject({ code })
    expect(await ids(world, 'z')).toEqual([])
  })
})
