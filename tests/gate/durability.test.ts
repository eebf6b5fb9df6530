/**
 * G1: no answer with an outcome without a durable record, whatever the log does, and nothing left open unheard.
 */
import { describe, expect, it } from 'vitest'
import type { DecideRequest } from '../../src/gate-types.ts'
import {
  aStrike,
  ask,
  askOnce,
  chainOf,
  NOW,
  opened,
  policyOf,
  STRIKE_RULE,
  settle,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
const UNAVAILABLE = { code: 'log_unavailable', retry_after_s: 1 }

function deferred(): { readonly promise: Promise<void>; readonly done: () => void } {
  let done = (): void => {}
  const promise = new Promise<void>((resolve) => {
    done = resolve
  })
  return { promise, done }
}

const open = async (world: TestGate, subject: string): Promise<readonly string[]> =>
  (await world.state(subject)).broadcasts.map((broadcast) => broadcast.id)

describe('an answer', () => {
  it('carries the record that stands in the log at its index', async () => {
    const world = await gates()
    const answer = await world.gate.decide(ask('u1'))
    expect(answer.outcome).toBe('allow')
    const entry = world.store.entries()[answer.receipt.index]
    expect(entry?.jws).toBe(answer.jws)
    expect(entry?.id).toBe(answer.id)
    expect(world.timers()).toBe(0)
  })

  it.each([
    { name: 'is not given when the log refuses the record', fate: 'before', logged: [] },
    {
      name: 'is not given when the log loses its acknowledgement, and the broadcast it opened ends',
      fate: 'after',
      logged: ['decision', 'broadcast'],
    },
  ] as const)('$name', async ({ fate, logged }) => {
    const world = await gates()
    world.fates.push(fate)
    await expect(world.gate.decide(ask('u1'))).rejects.toMatchObject(UNAVAILABLE)
    expect(world.kinds().slice(2)).toEqual(logged)
    expect(await open(world, 'u1')).toEqual([])
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
  })

  it('is not given when the taking back fails too: the lease ends what nobody heard of', async () => {
    const world = await gates()
    world.fates.push('after', 'before')
    await expect(world.gate.decide(ask('u1'))).rejects.toMatchObject(UNAVAILABLE)
    expect(await open(world, 'u1')).toHaveLength(1)
    expect(world.events).toContainEqual({ type: 'left_to_lease', what: 'unanswered_broadcast' })
    expect(world.events.map(({ type }) => type)).not.toContain('shed')
  })

  it.each(['before', 'after'] as const)(
    'comes as 503 at the budget while the log hangs %s the write; nothing stays open when it moves again',
    async (when) => {
      const world = await gates()
      const { promise, done } = deferred()
      world.hold = { when, until: promise }
      const asked = world.gate.decide(ask('u1'))
      const refused = expect(asked).rejects.toMatchObject(UNAVAILABLE)
      await settle()
      world.pass(2_000)
      await refused
      world.hold = null
      done()
      await settle()
      expect(world.kinds().slice(2)).toEqual(['decision', 'broadcast'])
      const ended = world.store.entries().at(-1)
      expect(opened(ended?.openings ?? {}, 'facts')).toMatchObject({
        event: 'ended',
        reason: 'unanswered',
      })
      expect(await open(world, 'u1')).toEqual([])
    },
  )

  it('is not worked on when its caller went away while waiting for the turn', async () => {
    const world = await gates()
    const { promise, done } = deferred()
    world.hold = { when: 'before', until: promise }
    const asked = [1, 2, 3].map(() => world.gate.decide(ask('u1')).catch((error) => error.code))
    await settle()
    world.pass(2_000)
    expect(await Promise.all(asked)).toEqual(Array(3).fill('log_unavailable'))
    world.hold = null
    done()
    await settle()
    expect(world.kinds().slice(2)).toEqual(['decision', 'broadcast'])
  })

  it('under an Idempotency-Key is in progress until an unheard one is taken back, then made anew', async () => {
    const world = await gates()
    const { promise, done } = deferred()
    world.hold = { when: 'after', until: promise }
    const request = askOnce('k', ask('u1'))
    const first = expect(world.gate.decide(request)).rejects.toMatchObject(UNAVAILABLE)
    await settle()
    world.pass(2_000)
    await first
    await expect(world.gate.decide(request)).rejects.toMatchObject({ code: 'in_progress' })
    world.hold = null
    done()
    await settle()
    const again = await world.gate.decide(request)
    expect(again).toMatchObject({ outcome: 'allow', repeated: false })
    expect(again.supersedes).toBe(world.store.entries()[2]?.id)
    expect(await open(world, 'u1')).toEqual([again.id])
  })

  it.each([
    { what: 'the policy', drop: 'policy' },
    { what: 'the key', drop: 'key' },
  ])('is not given while $what is not in the log', async ({ drop }) => {
    const world = await gates()
    const has = world.store.log.has.bind(world.store.log)
    const gone = drop === 'policy' ? world.policies.active().plan.digest : 'A'
    Object.assign(world.store.log, {
      has: (name: string) =>
        (drop === 'key' ? name.startsWith('sha256-') : name !== gone) && has(name),
    })
    await expect(world.gate.decide(ask('u1'))).rejects.toMatchObject(UNAVAILABLE)
    expect(world.kinds().slice(2)).toEqual([])
  })
})

describe('every other write', () => {
  it('comes as 503 at the budget while the log hangs, and is kept when it lands late', async () => {
    const world = await gates()
    const { promise, done } = deferred()
    world.hold = { when: 'before', until: promise }
    const writes = [
      world.gate.strike(aStrike('s1', 'u1')),
      world.gate.putFacts('u2', { followers: 1 }, NOW),
      world.gate.patchFacts('u3', { followers: 1 }, NOW),
    ].map((write) => write.catch((error) => error.code))
    await settle()
    world.pass(2_000)
    expect(await Promise.all(writes)).toEqual(Array(3).fill('log_unavailable'))
    world.hold = null
    done()
    await settle()
    expect(await world.gate.strike(aStrike('s1', 'u1'))).toMatchObject({ created: false })
  })

  it.each(['before', 'after'] as const)(
    'a strike whose acknowledgement is lost (%s) is recorded once by sending it again',
    async (fate) => {
      const world = await gates()
      world.fates.push(fate)
      await expect(world.gate.strike(aStrike('s1', 'u1'))).rejects.toMatchObject(UNAVAILABLE)
      const again = await world.gate.strike(aStrike('s1', 'u1'))
      expect(again.created).toBe(fate === 'before')
      expect(world.kinds().filter((kind) => kind === 'strike')).toHaveLength(1)
      expect((await world.gate.decide(ask('u1'))).outcome).toBe('deny')
    },
  )
})

describe('one subject', () => {
  it('gives forty concurrent decisions forty consecutive places on its chain', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        world.gate.decide(ask('u1', { stream: { id: `b${i}` } })),
      ),
    )
    const seqs = answers.map((answer) => chainOf(answer.openings).seq)
    expect(seqs).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(new Set(answers.map((answer) => answer.receipt.index)).size).toBe(40)
  })

  it('never lets time fall when the clock steps back, and goes on with the clock when it catches up', async () => {
    const world = await gates()
    const at: number[] = []
    for (const now of [NOW, NOW - 60_000, NOW - 30_000, NOW + 1]) {
      world.clock.set(now)
      const answer = await world.gate.decide(ask('u1', { stream: { id: `b${now}` } }))
      at.push(answer.decided_at)
      expect(chainOf(answer.openings).at).toBe(answer.decided_at)
    }
    expect(at).toEqual([NOW, NOW, NOW, NOW + 1])
  })

  it('has one pseudonym, another subject another, and neither is in the public record', async () => {
    const world = await gates()
    const [a, b, c] = [
      await world.gate.decide(ask('user-one')),
      await world.gate.decide(ask('user-one', { stream: { id: 'x' } })),
      await world.gate.decide(ask('user-two')),
    ]
    expect(chainOf(b.openings).sub).toBe(chainOf(a.openings).sub)
    expect(chainOf(c.openings).sub).not.toBe(chainOf(a.openings).sub)
    const text = Buffer.from(a.jws.split('.')[1] ?? '', 'base64url').toString()
    expect(text).not.toContain('user-one')
    expect(text).not.toContain(chainOf(a.openings).sub)
  })
})

describe('a failure', () => {
  const requests: readonly { readonly name: string; readonly request: DecideRequest }[] = [
    { name: 'a log that is down', request: ask('secret-subject') },
    { name: 'a key used with another body', request: askOnce('k', ask('secret-subject'), 'b') },
    {
      name: 'too many co-hosts',
      request: ask('secret-subject', {
        stream: {
          hosts: Array.from({ length: 17 }, (_, i) => ({ subject: `secret-subject-${i}` })),
        },
      }),
    },
  ]
  it.each(requests)('of $name never names the subject', async ({ request }) => {
    const world = await gates()
    await world.gate.decide(askOnce('k', ask('secret-subject'), 'a'))
    world.fates.push('before')
    const error: Error = await world.gate.decide(request).then(
      () => new Error('it was answered'),
      (reason) => reason,
    )
    expect(error.name).toBe('LivegateError')
    expect(JSON.stringify([error.message, error])).not.toContain('secret')
  })
})
