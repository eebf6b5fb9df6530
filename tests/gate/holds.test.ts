/**
 * Holds: kept per (subject, stream, rule) from the first ask, never shorter for asking again, usable for an hour.
 */
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../src/gate-types.ts'
import {
  ask,
  HOLD_RULE,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
const TWO_HOLDS = `${HOLD_RULE}\n  - { id: longer, ground: terms, when: 'stream.audience == "public"', outcome: delay, hold: 30m }`

const newcomer = (
  world: TestGate,
  stream: object = { id: 'b1' },
  subject = 'u1',
): Promise<Answer> => world.gate.decide(ask(subject, { stream, facts: { followers: 1 } }))

describe('a hold', () => {
  it('begins with the first ask and is not moved by asking again', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    for (const minute of [0, 1, 7, 14.999]) {
      world.clock.set(NOW + minute * MINUTE)
      const answer = await newcomer(world)
      expect(answer).toMatchObject({ outcome: 'delay' })
      expect(answer.decision).toMatchObject({ mode: 'hold', not_before: NOW + 15 * MINUTE })
    }
    world.clock.set(NOW + 15 * MINUTE)
    expect((await newcomer(world)).outcome).toBe('allow')
  })

  it('asked for by many at once begins once', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    const answers = await Promise.all(Array.from({ length: 10 }, () => newcomer(world)))
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(1)
    expect((await world.state('u1')).holds).toEqual([
      { stream: 'b1', rule: 'wait', first_asked_at: NOW },
    ])
  })

  it('is usable for an hour after its end, also twice, then begins anew', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    await newcomer(world)
    world.clock.set(NOW + 15 * MINUTE)
    expect((await newcomer(world)).outcome).toBe('allow')
    world.clock.set(NOW + 15 * MINUTE + HOUR - 1)
    expect((await newcomer(world)).outcome).toBe('allow')
    world.pass(1)
    const anew = await newcomer(world)
    expect(anew.outcome).toBe('delay')
    expect(anew.decision.not_before).toBe(world.clock.now() + 15 * MINUTE)
  })

  it.each([
    { name: 'another stream', stream: { id: 'b2' }, subject: 'u1' },
    { name: 'no stream id', stream: {}, subject: 'u1' },
    { name: 'another subject', stream: { id: 'b1' }, subject: 'u2' },
  ])('of one stream does not help $name', async ({ stream, subject }) => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    await newcomer(world)
    world.pass(15 * MINUTE)
    const other = await newcomer(world, stream, subject)
    expect(other.outcome).toBe('delay')
    expect(other.decision.not_before).toBe(world.clock.now() + 15 * MINUTE)
  })

  it('without a stream id is one hold for all that name none', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    await newcomer(world, {})
    world.pass(15 * MINUTE)
    expect((await newcomer(world, {})).outcome).toBe('allow')
  })

  it('of each rule runs by itself; the latest end counts', async () => {
    const world = await gates({ policy: policyOf(TWO_HOLDS) })
    await newcomer(world, { id: 'b1' })
    world.pass(10 * MINUTE)
    const both = await newcomer(world, { id: 'b1', audience: 'public' })
    expect(both.decision.not_before).toBe(world.clock.now() + 30 * MINUTE)
    expect(
      (await world.state('u1')).holds.map(({ rule, first_asked_at }) => [rule, first_asked_at]),
    ).toEqual([
      ['wait', NOW],
      ['longer', NOW + 10 * MINUTE],
    ])
  })

  it('that could not be made durable was not begun', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    world.fates.push('before')
    await expect(newcomer(world)).rejects.toMatchObject({ code: 'log_unavailable' })
    world.pass(15 * MINUTE)
    expect((await newcomer(world)).outcome).toBe('delay')
  })

  it('that begins beside an endless one is kept although the refusal reads the same', async () => {
    const policy = policyOf(
      `${HOLD_RULE}\n  - { id: cap, ground: terms, when: "subject.followers < 10", outcome: delay, broadcast_delay: 30s }`,
    )
    const world = await gates({ policy })
    const request = ask('u1', { stream: { id: 'b1' }, facts: { followers: 1 }, supports: [] })
    const first = await world.gate.decide(request)
    expect(first.decision).toMatchObject({ mode: 'hold', not_before: null })
    world.pass(15 * MINUTE + HOUR)
    const second = await world.gate.decide(request)
    expect(second.repeated).toBe(false)
    expect((await world.state('u1')).holds).toEqual([
      { stream: 'b1', rule: 'wait', first_asked_at: world.clock.now() },
    ])
  })
})
