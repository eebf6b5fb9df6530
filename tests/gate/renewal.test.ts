/**
 * What runs is looked at again (G5): on what was given at its start, what was given since, and what is known now.
 */
import { describe, expect, it } from 'vitest'
import { decodeFacts } from '../../src/core/record/decode-facts.ts'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import {
  aStrike,
  ask,
  DAY,
  HOLD_RULE,
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

async function started(world: TestGate, given: Partial<DecideRequest> = {}): Promise<Answer> {
  const answer = await world.gate.decide(ask('u1', given))
  expect(answer.decision.lease_until).not.toBeNull()
  return answer
}

describe('a renewal', () => {
  it('extends the lease, counts the broadcast not as open, and is a record that says so', async () => {
    const one =
      '  - { id: one, ground: terms, when: "subject.open_broadcasts >= 1", outcome: deny }'
    const world = await gates({ policy: policyOf(one) })
    const { id } = await started(world)
    world.pass(2 * HOUR)
    const answer = await world.gate.renew({ broadcast: id, caller })
    expect(answer).toMatchObject({ broadcast: id, event: 'renewed', at: NOW + 2 * HOUR })
    expect(answer.lease_until).toBe(NOW + 6 * HOUR)
    const record = await world.store.directory.record(answer.id ?? '')
    const { openings = {} } = record ?? {}
    const said = opened<{ facts: unknown }>(openings, 'facts')
    expect(said).toMatchObject({ event: 'renewed', broadcast: id, reason: 'caller' })
    const facts = decodeFacts(said.facts)
    expect(facts.ok && facts.value).toMatchObject({
      ...{ at: NOW + 2 * HOUR, running_since: NOW, stream: { id: 'b_u1', audience: 'public' } },
      ...{ request: { territory: 'FR', ingest: 'rtmp' } },
      hosts: [{ open_broadcasts: 0, facts: { followers: 100 } }],
    })
    expect(opened(openings, 'result')).toMatchObject({
      ...{ outcome: 'allow', lease_until: NOW + 6 * HOUR },
    })
    expect(opened(openings, 'request')).toEqual({ caller, stream: 'b_u1' })
    expect((await world.state('u1')).broadcasts).toMatchObject([
      { id, lease_until: NOW + 6 * HOUR, renewed: answer.id, opened_at: NOW },
    ])
  })

  it('that would add next to nothing adds nothing, and no record', async () => {
    const world = await gates({ policy: policyOf('') })
    const { id } = await started(world)
    world.pass(MINUTE)
    const answer = await world.gate.renew({ broadcast: id, caller, cause: 'lease' })
    expect(answer).toMatchObject({ event: 'unchanged', id: null, lease_until: NOW + 4 * HOUR })
    expect(world.kinds().filter((kind) => kind === 'broadcast')).toEqual([])
  })

  it.each(['strike', 'facts', 'policy', 'incident', 'review', 'cohost', 'restart'] as const)(
    'because of %s extends nothing',
    async (cause) => {
      const world = await gates({ policy: policyOf('') })
      const { id } = await started(world)
      world.pass(3 * HOUR)
      expect(await world.gate.renew({ broadcast: id, caller, cause })).toMatchObject({
        ...{ event: 'unchanged', id: null, lease_until: NOW + 4 * HOUR },
      })
    },
  )

  const young = '  - { id: few, ground: terms, when: "subject.followers < 10", outcome: deny }'

  it('goes by what its caller gives now, and remembers it', async () => {
    const world = await gates({ policy: policyOf(young) })
    const { id } = await started(world, { facts: { followers: 5000, labels: ['a'] } })
    world.pass(HOUR)
    await world.gate.renew({ broadcast: id, caller, facts: { followers: 20 } })
    world.pass(HOUR)
    const again = await world.gate.renew({ broadcast: id, caller })
    const record = await world.store.directory.record(again.id ?? '')
    const { facts } = opened<{ facts: { hosts: object[] } }>(record?.openings ?? {}, 'facts')
    expect(facts.hosts).toMatchObject([
      {
        facts: { followers: 20, labels: ['a'] },
        sources: {
          followers: { from: 'request', as_of: NOW + HOUR },
          labels: { from: 'request', as_of: NOW },
        },
      },
    ])
    world.pass(HOUR)
    expect(
      await world.gate.renew({ broadcast: id, caller, facts: { followers: 3 } }),
    ).toMatchObject({ event: 'revoked', decision: { outcome: 'deny', rules: ['few'] } })
  })

  it('goes by what was stored since it was given', async () => {
    const world = await gates({ policy: policyOf(young) })
    const { id } = await started(world, { facts: { followers: 5000 } })
    world.pass(HOUR)
    await world.gate.patchFacts('u1', { followers: 2 }, world.clock.now() as never)
    expect((await world.state('u1')).broadcasts).toMatchObject([
      { id, cutting: { cause: 'facts', since: NOW + HOUR } },
    ])
  })

  it('knows no more what was given too long ago, and unknown is not allowed', async () => {
    const world = await gates({ policy: policyOf(young), settings: { facts_max_age_ms: 5 * HOUR } })
    const { id } = await started(world, { facts: { followers: 5000 } })
    world.pass(3 * HOUR)
    expect(await world.gate.renew({ broadcast: id, caller })).toMatchObject({ event: 'renewed' })
    world.pass(3 * HOUR)
    expect(await world.gate.renew({ broadcast: id, caller })).toMatchObject({
      ...{ event: 'revoked', decision: { outcome: 'delay', mode: 'retry' } },
    })
  })

  it('gives linked accounts as they were hashed, once', async () => {
    const world = await gates({ policy: policyOf('') })
    const { id } = await started(world, { facts: { linked: ['u9'] } })
    world.pass(2 * HOUR)
    const renewed = await world.gate.renew({ broadcast: id, caller })
    const first = await world.store.directory.record(id)
    const second = await world.store.directory.record(renewed.id ?? '')
    const before = opened<{ hosts: { facts: object }[] }>(first?.openings ?? {}, 'facts')
    const after = opened<{ facts: typeof before }>(second?.openings ?? {}, 'facts').facts
    expect(after.hosts[0]?.facts).toEqual(before.hosts[0]?.facts)
  })

  it('does not let a hold run out that was over at the start', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    const few = { facts: { followers: 1 } }
    expect((await world.gate.decide(ask('u1', few))).outcome).toBe('delay')
    world.pass(16 * MINUTE)
    const { id } = await started(world, few)
    for (let hours = 0; hours < 9; hours += 3) {
      world.pass(3 * HOUR)
      expect(await world.gate.renew({ broadcast: id, caller })).toMatchObject({ event: 'renewed' })
    }
    // Somebody who was not held before is held now.
    const { id: other } = await world.gate.decide(ask('u2', { facts: { followers: 50 } }))
    expect(
      await world.gate.renew({ broadcast: other, caller, facts: { followers: 1 } }),
    ).toMatchObject({ event: 'revoked', decision: { mode: 'hold' } })
    expect((await world.state('u2')).holds).toMatchObject([
      { stream: 'b_u2', rule: 'wait', first_asked_at: world.clock.now() },
    ])
  })

  it.each([
    { name: 'nobody decided', id: async () => 'A'.repeat(22), code: 'not_found' },
    {
      name: 'was refused',
      id: async (world: TestGate) => {
        await world.gate.strike(aStrike('s1', 'u2'))
        return (await world.gate.decide(ask('u2'))).id
      },
      code: 'conflict',
    },
    {
      name: 'has ended',
      id: async (world: TestGate) => {
        const { id } = await started(world)
        expect(await world.gate.end({ broadcast: id, caller })).toBe(true)
        return id
      },
      code: 'conflict',
    },
    {
      name: 'has ended with its lease',
      id: async (world: TestGate) => {
        const { id } = await started(world)
        world.pass(4 * HOUR)
        return id
      },
      code: 'conflict',
    },
    {
      name: 'is being cut',
      id: async (world: TestGate) => {
        const { id } = await started(world)
        expect((await world.gate.strike(aStrike('s1', 'u1'))).revoked).toEqual([id])
        return id
      },
      code: 'conflict',
    },
  ])('of what $name is refused, and nothing is recorded', async ({ id, code }) => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const broadcast = await id(world)
    const entries = world.kinds().length
    await expect(world.gate.renew({ broadcast, caller })).rejects.toMatchObject({ code })
    expect(world.kinds()).toHaveLength(entries)
  })

  it('of what can no longer be read adds nothing, and a strike still ends it', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const stream = { id: 'b_u1', audience: 'public' as const, hosts: [{ subject: 'b' }] }
    const { id } = await started(world, { stream })
    await world.erasure.erase({ subject: 'b', scope: 'full', basis: 'asked', by: 'key' } as never)
    world.pass(3 * HOUR)
    expect(await world.gate.renew({ broadcast: id, caller })).toMatchObject({
      ...{ event: 'unchanged', lease_until: NOW + 4 * HOUR },
    })
    expect((await world.gate.strike(aStrike('s1', 'u1'))).revoked).toEqual([id])
  })

  it('under another policy names that one', async () => {
    const world = await gates({ policy: policyOf(''), numbered: true })
    const { id } = await started(world)
    world.pass(DAY / 12)
    const { policy } = await world.gate.renew({ broadcast: id, caller })
    expect(policy).toMatchObject({ name: 'test', revision: 1 })
  })
})
