/**
 * Retries: the same key gives the same answer while nothing changed, and never reopens the gate. An allow is a lease (G5):
 * past its end the same question is decided anew.
 */
import { describe, expect, it } from 'vitest'
import { DECISION_BUDGET_MS } from '../../src/core/limits.ts'
import { epochMs } from '../../src/core/time.ts'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import {
  aStrike,
  ask,
  askOnce,
  DAY,
  defaultPolicy,
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
const SHUT = '  - { id: shut, ground: terms, when: "subject.followers >= 0", outcome: deny }'
const decisions = (world: TestGate): number =>
  world.kinds().filter((kind) => kind === 'decision').length

describe('a retry under an Idempotency-Key', () => {
  it('gets the same allow, record and receipt while nothing changed', async () => {
    const world = await gates()
    const request = askOnce('k', ask('u1'))
    const first = await world.gate.decide(request)
    world.pass(MINUTE)
    const again = await world.gate.decide(request)
    expect(again).toEqual({ ...first, repeated: true })
    expect(decisions(world)).toBe(1)
  })

  const changes: readonly {
    readonly name: string
    readonly change: (world: TestGate, first: Answer) => Promise<unknown>
    readonly outcome: string
  }[] = [
    {
      name: 'a strike',
      change: (world) => world.gate.strike(aStrike('s1', 'u1')),
      outcome: 'deny',
    },
    {
      name: 'a strike and its reversal',
      change: async (world) => {
        await world.gate.strike(aStrike('s1', 'u1'))
        await world.gate.reverse({ strike: 's1', reason: 'appeal' })
      },
      outcome: 'allow',
    },
    {
      name: 'new facts',
      change: (world) => world.gate.putFacts('u1', { followers: 1 }, world.clock.now()),
      outcome: 'allow',
    },
    {
      name: 'another policy',
      change: (world) => world.activate(policyOf(STRIKE_RULE)),
      outcome: 'allow',
    },
    {
      name: 'a policy that denies',
      change: (world) => world.activate(policyOf(SHUT)),
      outcome: 'deny',
    },
    {
      name: 'an incident',
      change: async (world) => {
        world.incident = { active: true, id: 'i1' }
      },
      outcome: 'allow',
    },
    {
      name: 'the end of a shift',
      change: async (world) => {
        world.platform = { moderation_available: false }
      },
      outcome: 'allow',
    },
    {
      name: 'the end of the broadcast',
      change: (world) => world.gate.endSession('edge', 'c1'),
      outcome: 'allow',
    },
    {
      name: 'the end of the lease',
      change: async (world) => world.pass(4 * HOUR),
      outcome: 'allow',
    },
  ]
  it.each(changes)('after $name is a new decision that names what it supersedes', async (row) => {
    const world = await gates()
    const session = { server: 'edge', session: 'c1' }
    const request = askOnce('k', ask('u1', { session }))
    const first = await world.gate.decide(request)
    await row.change(world, first)
    const again = await world.gate.decide(request)
    expect(again).toMatchObject({ repeated: false, outcome: row.outcome, supersedes: first.id })
    expect(opened(again.openings, 'request')).toMatchObject({ supersedes: first.id })
    expect(await world.gate.decide(request)).toEqual({ ...again, repeated: true })
    const { broadcasts } = await world.state('u1')
    const now = world.clock.now()
    const running = broadcasts.filter((open) => open.lease_until > now).map((open) => open.id)
    // A refusal does not end what may be running: a strike must still find it.
    if (row.outcome === 'allow') expect(running).toEqual([again.id])
  })

  it('one millisecond before the end of the lease is still the same answer', async () => {
    const world = await gates()
    const request = askOnce('k', ask('u1'))
    const first = await world.gate.decide(request)
    world.pass(4 * HOUR - 1)
    expect((await world.gate.decide(request)).id).toBe(first.id)
    world.pass(1)
    expect((await world.gate.decide(request)).id).not.toBe(first.id)
  })

  it('is decided anew when a crash has shortened what the first one opened', async () => {
    const world = await gates()
    const request = askOnce('k', ask('u1'))
    const first = await world.gate.decide(request)
    const { broadcasts, seq, head, version, pseudonym } = await world.state('u1')
    const [open] = broadcasts
    if (open === undefined) throw new Error('nothing is open')
    await world.store.ledger.commit({
      ...{ subject: 'u1', at: NOW, expect: { seq, head, version }, pseudonym },
      ...{ record: null, requires: [], bumps_version: false },
      opens: { ...open, lease_until: epochMs(NOW + MINUTE) },
    })
    world.pass(1)
    const again = await world.gate.decide(request)
    expect(again).toMatchObject({ outcome: 'allow', repeated: false, supersedes: first.id })
    expect((await world.state('u1')).broadcasts.map(({ id }) => id)).toEqual([again.id])
  })

  it('gets the same refusal, and the hold its first ask began', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    const request = askOnce('k', ask('u1', { facts: { followers: 1 } }))
    const first = await world.gate.decide(request)
    world.pass(MINUTE)
    const again = await world.gate.decide(request)
    expect(again).toMatchObject({ id: first.id, repeated: true, outcome: 'delay' })
    expect(again.decision.not_before).toBe(first.decided_at + 15 * MINUTE)
    expect(decisions(world)).toBe(1)
  })

  it('after the hold is over is the allow it waited for, which names the refusal', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    const request = askOnce('k', ask('u1', { facts: { followers: 1 } }))
    const first = await world.gate.decide(request)
    world.pass(15 * MINUTE)
    expect(await world.gate.decide(request)).toMatchObject({
      outcome: 'allow',
      supersedes: first.id,
    })
  })

  it('is refused with another body, and that changes nothing', async () => {
    const world = await gates()
    const first = await world.gate.decide(askOnce('k', ask('u1'), 'one'))
    await expect(world.gate.decide(askOnce('k', ask('u1'), 'two'))).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    })
    expect((await world.gate.decide(askOnce('k', ask('u1'), 'one'))).id).toBe(first.id)
    expect((await world.state('u1')).broadcasts).toHaveLength(1)
  })

  it.each([
    { name: 'caller', other: askOnce('k', ask('u1', { caller: 'key_2' })) },
    { name: 'subject', other: askOnce('k', ask('u2')) },
    { name: 'key', other: askOnce('k2', ask('u1')) },
  ])('of another $name is another decision', async ({ other }) => {
    const world = await gates()
    const first = await world.gate.decide(askOnce('k', ask('u1')))
    const second = await world.gate.decide(other)
    expect(second).toMatchObject({ repeated: false, supersedes: null })
    expect(second.id).not.toBe(first.id)
  })

  it('while the first runs is told to wait, and neither is lost', async () => {
    const world = await gates()
    const request = askOnce('k', ask('u1'))
    const [first, second] = await Promise.allSettled([
      world.gate.decide(request),
      world.gate.decide(request),
    ])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { code: 'in_progress', retry_after_s: 1 } })
    expect((await world.gate.decide(request)).repeated).toBe(true)
  })

  it('after a failure may be sent at once', async () => {
    const world = await gates()
    const request = askOnce('k', ask('u1'))
    world.fates.push('before')
    await expect(world.gate.decide(request)).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(await world.gate.decide(request)).toMatchObject({ outcome: 'allow', supersedes: null })
  })

  it('after a day is a new question, whatever its body', async () => {
    const world = await gates()
    await world.gate.decide(askOnce('k', ask('u1'), 'one'))
    world.pass(DAY)
    expect(await world.gate.decide(askOnce('k', ask('u1'), 'two'))).toMatchObject({
      outcome: 'allow',
      supersedes: null,
    })
  })

  it('never shows the key: the record holds only its keyed hash', async () => {
    const world = await gates()
    const { openings } = await world.gate.decide(askOnce('very-secret-key', ask('u1')))
    expect(
      JSON.stringify(Object.keys(openings).map((group) => opened(openings, group))),
    ).not.toContain('very-secret-key')
    expect(opened(openings, 'request')).toMatchObject({ idempotency: expect.any(String) })
  })
})

describe('an identical refusal', () => {
  const struck = async (policy = policyOf(STRIKE_RULE)): Promise<TestGate> => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    return world
  }

  it('uses up the key it was asked under, though nothing is logged', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    const size = world.store.entries().length
    const again = await world.gate.decide(askOnce('k', ask('u1')))
    expect(again).toMatchObject({ id: first.id, repeated: true })
    await expect(world.gate.decide(askOnce('k', ask('u1'), 'another body'))).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    })
    expect(world.store.entries().length).toBe(size)
  })

  it('is answered with the earlier record, and the log does not grow', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    const size = world.store.entries().length
    for (let i = 0; i < 50; i++) {
      world.pass(1_000)
      expect(await world.gate.decide(ask('u1'))).toEqual({ ...first, repeated: true })
    }
    expect(world.store.entries()).toHaveLength(size)
  })

  it('with a key that superseded nothing adds no record either', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    for (const key of ['a', 'b', 'a'])
      expect((await world.gate.decide(askOnce(key, ask('u1')))).id).toBe(first.id)
  })

  const b = { id: 'b_u1', audience: 'public' }
  const differences: readonly {
    readonly name: string
    readonly other?: DecideRequest
    readonly change?: (world: TestGate) => Promise<unknown>
  }[] = [
    { name: 'another stream', other: ask('u1', { stream: { id: 'other' } }) },
    { name: 'no stream', other: ask('u1', { stream: {} }) },
    { name: 'another audience', other: ask('u1', { stream: { ...b, audience: 'followers' } }) },
    { name: 'a co-host', other: ask('u1', { stream: { ...b, hosts: [{ subject: 'u2' }] } }) },
    { name: 'another caller', other: ask('u1', { caller: 'key_2' }) },
    { name: 'another territory', other: ask('u1', { request: { territory: 'DE' } }) },
    {
      name: 'one more strike',
      change: (world) => world.gate.strike(aStrike('s2', 'u1')),
    },
    {
      name: 'another policy with the same rules',
      change: (world) => world.activate(`${policyOf(STRIKE_RULE)}# second edition\n`),
    },
  ]
  it.each(differences)('is a new record with $name', async ({ other, change }) => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    await change?.(world)
    const second = await world.gate.decide(other ?? ask('u1'))
    expect(second).toMatchObject({ outcome: 'deny', repeated: false })
    expect(second.id).not.toBe(first.id)
  })

  it('is told again once a day, so that the log shows it goes on', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    world.pass(DAY - 1)
    expect((await world.gate.decide(ask('u1'))).id).toBe(first.id)
    world.pass(1)
    expect((await world.gate.decide(ask('u1'))).id).not.toBe(first.id)
  })

  it('is not given once its end has passed', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    expect(first.decision.until).toBe(first.decided_at + 30 * DAY)
    world.clock.set(first.decided_at + 30 * DAY - 1)
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('deny')
    world.pass(1)
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
  })

  it('comes back under the policy that gave it when that one is active again', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    await world.activate(policyOf(''))
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
    await world.activate(policyOf(STRIKE_RULE))
    const again = await world.gate.decide(ask('u1'))
    expect(again).toMatchObject({ id: first.id, policy: first.policy, outcome: 'deny' })
  })

  it('of a review is a refusal once the deadline it names has passed, where the policy says so', async () => {
    const world = await gates({
      policy: policyOf(
        '  - { id: look, ground: terms, when: "subject.followers < 1000", outcome: delay, review: { queue: live, within: 30m, at_deadline: deny } }',
      ),
    })
    const first = await world.gate.decide(ask('u1'))
    expect(first.decision.mode).toBe('review')
    world.pass(30 * MINUTE - 1)
    expect((await world.gate.decide(ask('u1'))).id).toBe(first.id)
    world.pass(1)
    const next = await world.gate.decide(ask('u1'))
    expect(next.decision.reasons).toMatchObject([{ rule: 'look', code: 'review_refused' }])
    expect([next.outcome, world.kinds().slice(-2)]).toEqual(['deny', ['review', 'decision']])
  })

  it('known already is told anew to a key whose allow it takes back', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const request = askOnce('k', ask('u1'))
    const allowed = await world.gate.decide(request)
    await world.gate.strike(aStrike('s1', 'u1'))
    const refused = await world.gate.decide(ask('u1'))
    const again = await world.gate.decide(request)
    expect(again).toMatchObject({ outcome: 'deny', repeated: false, supersedes: allowed.id })
    expect(again.id).not.toBe(refused.id)
    expect(await world.gate.decide(request)).toEqual({ ...again, repeated: true })
  })

  it('whose stored facts no longer give what was signed is told anew', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    const other = await world.gate.decide(ask('u2'))
    const { directory } = world.store
    const record = directory.record.bind(directory)
    Object.assign(directory, {
      record: async (id: string) => {
        const found = await record(id)
        const openings = { ...found?.openings, facts: other.openings.facts ?? '' }
        return found === null ? null : { ...found, openings }
      },
    })
    const second = await world.gate.decide(ask('u1'))
    expect(second).toMatchObject({ outcome: 'deny', repeated: false })
    expect(second.id).not.toBe(first.id)
  })

  it('whose openings are gone is told anew', async () => {
    const world = await struck()
    const first = await world.gate.decide(ask('u1'))
    const { directory } = world.store
    const record = directory.record.bind(directory)
    Object.assign(directory, {
      record: (id: string) => {
        const found = record(id)
        return found === null || found instanceof Promise ? found : { ...found, openings: {} }
      },
    })
    const second = await world.gate.decide(ask('u1'))
    expect(second).toMatchObject({ outcome: 'deny', repeated: false })
    expect(second.id).not.toBe(first.id)
  })

  it('is never an allow: each start has its own record', async () => {
    const world = await gates({ policy: defaultPolicy() })
    const ids = [1, 2].map(() => world.gate.decide(ask('u1')))
    const [first, second] = await Promise.all(ids)
    expect(first?.id).not.toBe(second?.id)
    expect(decisions(world)).toBe(2)
  })
})

describe('a broadcast that is asked for again while it runs', () => {
  const LEASE = 4 * HOUR
  const cases: readonly {
    readonly name: string
    /** ms between one ask and the next. */
    readonly pauses: readonly number[]
    /** ms after the first ask; undefined: nobody may have heard of any. */
    readonly heard_until: number | undefined
  }[] = [
    { name: 'for the first time was not heard of before', pauses: [], heard_until: undefined },
    { name: 'is known to run under the lease it had', pauses: [HOUR], heard_until: LEASE },
    {
      name: 'is known to run under the longest lease it ever had',
      pauses: [HOUR, HOUR],
      heard_until: HOUR + LEASE,
    },
    {
      name: 'at once may be a retry of what was never answered',
      pauses: [DECISION_BUDGET_MS],
      heard_until: undefined,
    },
    {
      name: 'after the budget of a decision was answered or taken back',
      pauses: [DECISION_BUDGET_MS + 1],
      heard_until: LEASE,
    },
    {
      name: 'twice at once keeps what was heard before',
      pauses: [HOUR, 1],
      heard_until: LEASE,
    },
    { name: 'after its lease was over begins anew', pauses: [LEASE], heard_until: undefined },
  ]
  for (const { name, pauses, heard_until } of cases)
    it(name, async () => {
      const world = await gates({ policy: policyOf(STRIKE_RULE) })
      const request = ask('u1', {
        stream: { id: 'b', audience: 'public', hosts: [{ subject: 'u2' }] },
      })
      await world.gate.decide(request)
      for (const pause of pauses) {
        world.pass(pause)
        expect((await world.gate.decide(request)).outcome).toBe('allow')
      }
      for (const subject of ['u1', 'u2']) {
        const { broadcasts } = await world.state(subject)
        expect(broadcasts).toHaveLength(1)
        expect(broadcasts[0]?.heard_until).toBe(
          heard_until === undefined ? undefined : NOW + heard_until,
        )
      }
    })
})
