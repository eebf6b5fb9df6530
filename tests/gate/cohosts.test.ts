/**
 * Co-hosts answer with their own history, in their own turns, and nobody waits for anybody while holding one.
 */
import { describe, expect, it } from 'vitest'
import { MAX_WITH_COHOSTS } from '../../src/core/limits.ts'
import { MAX_WAITERS } from '../../src/gate/turns.ts'
import type { Answer, CohostRequest, DecideRequest } from '../../src/gate-types.ts'
import {
  aStrike,
  ask,
  askOnce,
  type GateOptions,
  HOLD_RULE,
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
const ONE_AT_A_TIME =
  '  - { id: one, ground: terms, when: "subject.open_broadcasts >= 1", outcome: deny }'

const together = (
  subject: string,
  hosts: readonly (string | CohostRequest)[],
  given: Partial<DecideRequest> = {},
): DecideRequest =>
  ask(subject, {
    ...given,
    stream: {
      id: `b_${subject}`,
      audience: 'public',
      hosts: hosts.map((host) => (typeof host === 'string' ? { subject: host } : host)),
    },
  })

const opens = async (world: TestGate, subject: string): Promise<readonly object[]> =>
  (await world.state(subject)).broadcasts.map(({ id, role, lease_until }) => ({
    id,
    role,
    lease_until,
  }))

describe('a broadcast with co-hosts', () => {
  it('opens with every host under the same id and lease', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const { id, decision } = await world.gate.decide(together('a', ['b', 'c']))
    const { lease_until } = decision
    expect(await opens(world, 'a')).toEqual([{ id, role: 'host', lease_until }])
    for (const cohost of ['b', 'c'])
      expect(await opens(world, cohost)).toEqual([{ id, role: 'cohost', lease_until }])
  })

  it('counts each co-host once, and the one who asks not as its own', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const facts = { followers: 7 }
    const answer = await world.gate.decide(
      together('a', [{ subject: 'b', facts }, 'a', { subject: 'b', facts: { followers: 9 } }]),
    )
    expect(opened(answer.openings, 'subject')).toEqual({ subject: 'a', cohosts: ['b'] })
    const { hosts } = opened<{ hosts: { facts: object }[] }>(answer.openings, 'facts')
    expect(hosts.map((host) => host.facts)).toEqual([expect.anything(), facts])
  })

  it('takes sixteen co-hosts and no more', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const many = Array.from({ length: 16 }, (_, i) => `c${i}`)
    expect((await world.gate.decide(together('a', [...many, 'a', 'c0']))).outcome).toBe('allow')
    await expect(world.gate.decide(together('a', [...many, 'c16']))).rejects.toMatchObject({
      code: 'invalid_request',
      faults: [{ pointer: '/stream/hosts' }],
    })
    expect(await opens(world, 'c0')).toHaveLength(1)
  })

  it('is shed beyond 64 of one subject at a time, and taken again when one has ended', async () => {
    let go = (): void => {}
    const gone = new Promise<void>((resolve) => {
      go = resolve
    })
    const world = await gates({
      policy: policyOf(STRIKE_RULE),
      around: async (what, work) => {
        if (what === 'load') await gone
        return work()
      },
    })
    const { explain, decide } = world.gate
    const waiting = Array.from({ length: MAX_WITH_COHOSTS - 1 }, () =>
      explain(together('a', ['b'])),
    )
    const last = decide(together('a', ['b']))
    const shed = { code: 'overloaded', retry_after_s: 1 }
    await expect(decide(together('a', ['c']))).rejects.toMatchObject(shed)
    await expect(explain(together('a', ['c']))).rejects.toMatchObject(shed)
    const others = [decide(ask('a')), decide(together('b', ['c']))]
    go()
    await Promise.all([...waiting, last, ...others])
    expect((await decide(together('a', ['c']))).outcome).toBe('allow')
  })

  it('is denied for a struck co-host, and says whose rule it was', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.strike(aStrike('s1', 'c'))
    const answer = await world.gate.decide(together('a', ['b', 'c']))
    expect(answer.outcome).toBe('deny')
    expect(answer.decision.reasons).toMatchObject([{ rule: 'struck', host: 2, strikes: ['s1'] }])
    expect(answer.decision.restrictions).toMatchObject([
      { subject: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) },
    ])
    for (const subject of ['a', 'b', 'c']) expect(await opens(world, subject)).toEqual([])
    const { decisions } = await world.gate.reverse({ strike: 's1', reason: 'appeal' })
    // The decision stands on the chain of the one who asked; who upholds the appeal has to hear of it all the same.
    expect(decisions).toEqual([{ id: answer.id, outcome: 'deny', at: NOW }])
  })

  it('is denied for a struck co-host also when the clock has stepped back since the strike', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.strike(aStrike('s1', 'c'))
    world.pass(-5_000)
    expect((await world.gate.decide(together('a', ['c']))).outcome).toBe('deny')
    expect((await world.gate.explain(together('b', ['c']))).decision.outcome).toBe('deny')
  })

  it("keeps a co-host's hold with the co-host, from the first ask", async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    const request = together('a', [{ subject: 'b', facts: { followers: 1 } }])
    const first = await world.gate.decide(request)
    expect(first.decision).toMatchObject({ mode: 'hold', not_before: NOW + 15 * MINUTE })
    expect((await world.state('b')).holds).toEqual([
      { stream: 'b_a', rule: 'wait', first_asked_at: NOW },
    ])
    expect((await world.state('a')).holds).toEqual([])
    world.pass(5 * MINUTE)
    expect(await world.gate.decide(request)).toMatchObject({ id: first.id, repeated: true })
    expect(await opens(world, 'b')).toEqual([])
    world.pass(10 * MINUTE)
    expect((await world.gate.decide(request)).outcome).toBe('allow')
  })

  it('ends with every host when its session ends', async () => {
    const world = await gates({ policy: policyOf(ONE_AT_A_TIME) })
    const session = { server: 'edge', session: 'c1' }
    const { id } = await world.gate.decide(together('a', ['b'], { session }))
    expect((await world.gate.decide(ask('b'))).outcome).toBe('deny')
    expect(await world.gate.endSession('edge', 'c1')).toBe(true)
    expect(await opens(world, 'a')).toEqual([])
    expect(await opens(world, 'b')).toEqual([])
    const ended = world.store.entries().at(-1)
    expect(opened(ended?.openings ?? {}, 'subject')).toEqual({ subject: 'a', cohosts: ['b'] })
    expect(opened(ended?.openings ?? {}, 'facts')).toMatchObject({ broadcast: id })
    expect((await world.gate.decide(ask('b'))).outcome).toBe('allow')
  })

  it('whose end was interrupted is ended by ending it again', async () => {
    const world = await gates({ policy: policyOf(ONE_AT_A_TIME) })
    const session = { server: 'edge', session: 'c1' }
    await world.gate.decide(together('a', ['b'], { session }))
    world.fates.push('done', 'before')
    await expect(world.gate.endSession('edge', 'c1')).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    expect(await world.gate.endSession('edge', 'c1')).toBe(true)
    expect(await opens(world, 'b')).toEqual([])
  })

  it('under a key gives the same answer again, and is decided anew once a co-host is struck', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const request = askOnce('k', together('a', ['b']))
    const first = await world.gate.decide(request)
    expect(await world.gate.decide(request)).toEqual({ ...first, repeated: true })
    expect(await opens(world, 'b')).toHaveLength(1)
    await world.gate.strike(aStrike('s1', 'b'))
    expect(await world.gate.decide(request)).toMatchObject({
      outcome: 'deny',
      supersedes: first.id,
    })
  })

  it('under a key puts back what a co-host no longer has', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const request = askOnce('k', together('a', ['b']))
    const first = await world.gate.decide(request)
    const { seq, head, version, pseudonym } = await world.state('b')
    await world.store.ledger.commit({
      ...{ subject: 'b', at: NOW, expect: { seq, head, version }, pseudonym },
      ...{ record: null, requires: [], bumps_version: false, ends: first.id },
    })
    await world.gate.decide(request)
    expect(await opens(world, 'b')).toMatchObject([{ id: first.id, role: 'cohost' }])
  })

  it('asked for again takes the place of the earlier one with every host', async () => {
    const world = await gates({ policy: policyOf(ONE_AT_A_TIME) })
    await world.gate.decide(together('a', ['b']))
    const second = await world.gate.decide(together('a', ['b']))
    expect(second.outcome).toBe('allow')
    for (const subject of ['a', 'b'])
      expect(await opens(world, subject)).toMatchObject([{ id: second.id }])
  })
})

describe('what goes wrong between hosts', () => {
  /** Commits with co-host b: 1 joins it, 2 decides for a, 3 confirms b. */
  const faults: readonly {
    readonly name: string
    readonly fates: readonly ('done' | 'before' | 'after')[]
    readonly kinds: readonly string[]
  }[] = [
    { name: 'the co-host cannot be registered', fates: ['before'], kinds: [] },
    { name: 'its registration is not acknowledged', fates: ['after'], kinds: [] },
    { name: 'the decision cannot be logged', fates: ['done', 'before'], kinds: [] },
    {
      name: 'the decision is not acknowledged',
      fates: ['done', 'after'],
      kinds: ['decision', 'broadcast'],
    },
    {
      name: 'the co-host cannot be confirmed',
      fates: ['done', 'done', 'before'],
      kinds: ['decision', 'broadcast'],
    },
    {
      name: 'the confirmation is not acknowledged',
      fates: ['done', 'done', 'after'],
      kinds: ['decision', 'broadcast'],
    },
  ]
  it.each(faults)('leaves nothing open when $name', async ({ fates, kinds }) => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    world.fates.push(...fates)
    await expect(world.gate.decide(together('a', ['b']))).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    expect(world.kinds().slice(2)).toEqual(kinds)
    expect(await opens(world, 'a')).toEqual([])
    expect(await opens(world, 'b')).toEqual([])
  })

  it('takes every co-host back when one of them cannot be registered', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    world.fates.push('done', 'done', 'before')
    await expect(world.gate.decide(together('a', ['b', 'c', 'd']))).rejects.toThrow()
    for (const subject of ['b', 'c', 'd']) expect(await opens(world, subject)).toEqual([])
  })

  it('takes every co-host back when the key was used with another body', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.decide(askOnce('k', ask('a'), 'one'))
    await expect(
      world.gate.decide(askOnce('k', together('a', ['b']), 'two')),
    ).rejects.toMatchObject({ code: 'idempotency_mismatch' })
    expect(await opens(world, 'b')).toEqual([])
  })

  it('ends by itself within a minute when nobody can settle it', async () => {
    const world = await gates({ policy: policyOf(ONE_AT_A_TIME) })
    world.fates.push('done', 'before', 'before')
    await expect(world.gate.decide(together('a', ['b']))).rejects.toThrow()
    expect((await world.gate.decide(ask('b'))).outcome).toBe('deny')
    world.pass(MINUTE)
    expect((await world.gate.decide(ask('b'))).outcome).toBe('allow')
  })

  /** Strikes b at the moment `a`'s decision is signed: b's standing was read, nothing is answered yet. */
  const struckMeanwhile = (times: number): GateOptions & { world: TestGate | null } => {
    let left = times
    const options: GateOptions & { world: TestGate | null } = {
      policy: policyOf(STRIKE_RULE),
      world: null,
      async around(what, work) {
        if (what === 'issue' && left > 0 && options.world !== null) {
          left--
          const { gate } = options.world
          await gate.strike(aStrike(`s${left}`, 'b', { category: 'spam.none' }))
        }
        return work()
      },
    }
    return options
  }

  it('decides anew when a co-host is struck between its reading and the answer', async () => {
    const options = struckMeanwhile(1)
    const world = await gates(options)
    options.world = world
    const answer = await world.gate.decide(together('a', ['b']))
    expect(answer.outcome).toBe('deny')
    expect(answer.decision.reasons).toMatchObject([{ host: 1, strikes: ['s0'] }])
    expect(await opens(world, 'a')).toEqual([])
    expect(await opens(world, 'b')).toEqual([])
    expect(world.kinds().slice(2)).toEqual(['strike', 'decision', 'broadcast', 'decision'])
  })

  it('gives up when a co-host changes under every attempt, and leaves nothing open', async () => {
    let world: TestGate | null = null
    world = await gates({
      policy: policyOf(STRIKE_RULE),
      async around(what, work) {
        if (what === 'issue') await world?.gate.patchFacts('b', { followers: 1 }, NOW)
        return work()
      },
    })
    await expect(world.gate.decide(together('a', ['b']))).rejects.toMatchObject({
      code: 'log_unavailable',
      message: 'Cannot decide: a co-host keeps changing',
    })
    expect(await opens(world, 'a')).toEqual([])
    expect(await opens(world, 'b')).toEqual([])
  })

  it('does not deadlock when two broadcasts name each other, again and again', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const answers: Answer[] = []
    for (let round = 0; round < 10; round++)
      answers.push(
        ...(await Promise.all([
          world.gate.decide(together('a', ['b', 'c'])),
          world.gate.decide(together('b', ['c', 'a'])),
          world.gate.decide(together('c', ['a', 'b'])),
          world.gate.strike(aStrike(`s${round}`, 'd')).then(() => world.gate.decide(ask('a'))),
        ])),
      )
    expect(answers.map((answer) => answer.outcome)).toEqual(Array(40).fill('allow'))
  })

  it('settles with a co-host nobody else gets a turn of any more', async () => {
    let release = (): void => {}
    const flood: Promise<unknown>[] = []
    const world = await gates({
      policy: policyOf(STRIKE_RULE),
      async around(what, work) {
        if (what === 'issue' && flood.length === 0) {
          const hold = new Promise<void>((done) => {
            release = done
          })
          world.hold = { when: 'before', until: hold }
          for (let i = 0; i < MAX_WAITERS + 1; i++)
            flood.push(world.gate.putFacts('b', { followers: i }, NOW).catch((error) => error.code))
          await settle()
          world.hold = null
          setImmediate(() => release())
        }
        return work()
      },
    })
    const answer = await world.gate.decide(together('a', ['b']))
    const codes = await Promise.all(flood)
    expect(codes).toContain('overloaded')
    expect(answer.outcome).toBe('allow')
    expect(await opens(world, 'b')).toMatchObject([{ id: answer.id }])
    expect(await opens(world, 'a')).toMatchObject([{ id: answer.id }])
  })

  it('leaves nothing open when the log hangs while a co-host is confirmed', async () => {
    let release = (): void => {}
    let commits = 0
    const world = await gates({
      policy: policyOf(STRIKE_RULE),
      async around(what, work) {
        if (what === 'commit' && ++commits === 3)
          await new Promise<void>((done) => {
            release = done
          })
        return work()
      },
    })
    const asked = expect(world.gate.decide(together('a', ['b']))).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    await settle()
    world.pass(2_000)
    await asked
    release()
    await settle()
    expect(await opens(world, 'a')).toEqual([])
    expect(await opens(world, 'b')).toEqual([])
  })
})

describe('an explanation', () => {
  it('sees co-hosts and changes nothing', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.strike(aStrike('s1', 'b'))
    const before = [world.store.entries().length, await world.state('b'), await world.state('a')]
    const explanation = await world.gate.explain(together('a', ['b']))
    expect(explanation.decision.outcome).toBe('deny')
    expect([world.store.entries().length, await world.state('b'), await world.state('a')]).toEqual(
      before,
    )
  })
})
