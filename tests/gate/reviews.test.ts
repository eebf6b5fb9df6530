/**
 * Reviews: asked for with the decision's commit, one for each subject, stream and rule; claimed, released, refused; and what counts
 * when nobody says anything. Everything logged is audited after each test.
 */
import { describe, expect, it } from 'vitest'
import { CLAIM_MS, MAX_REVIEW_ITEMS, type ReviewView } from '../../src/gate/review-items.ts'
import type { DecideRequest } from '../../src/gate-types.ts'
import {
  aStrike,
  ask,
  askOnce,
  MINUTE,
  opened,
  policyOf,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()

const LOOK = (at_deadline = 'deny', id = 'look', queue = 'live'): string =>
  `  - { id: ${id}, ground: terms, when: "subject.followers < 1000", outcome: delay, review: { queue: ${queue}, within: 30m, at_deadline: ${at_deadline} } }`
const STRUCK =
  '  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d }, outcome: deny }'

const queueOf = async ({ store }: TestGate, state?: 'open' | 'released' | 'refused') =>
  (await store.reviews.list({ limit: 200, ...(state === undefined ? {} : { state }) })).items

async function only(world: TestGate): Promise<ReviewView> {
  const [item, ...more] = await queueOf(world)
  if (item === undefined || more.length > 0) throw new Error('not one item is open')
  return item
}

const act = (
  { gate }: TestGate,
  id: string,
  action: 'claim' | 'release' | 'refuse',
  caller = 'key_r',
) => gate.review({ id, action, caller })

async function outcome({ gate }: TestGate, request: DecideRequest = ask('u')): Promise<string> {
  const { outcome: found, decision } = await gate.decide(request)
  return decision.mode === null ? found : `${found} ${decision.mode}`
}

describe('a delay that asks a person', () => {
  it('opens one item, with the deadline of the first ask, whoever asks again', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    const first = await world.gate.decide(ask('u'))
    const item = await only(world)
    expect(item).toEqual({
      ...{ id: `${first.id}.0.0`, subject: 'u', stream: 'b_u', rule: 'look', queue: 'live' },
      ...{ decision: first.id, opened_at: first.decided_at, at_deadline: 'deny' },
      by: first.decided_at + 30 * MINUTE,
    })
    world.pass(MINUTE)
    await world.gate.decide(ask('u', { facts: { followers: 7 } }))
    await world.gate.decide(ask('u', { caller: 'key_2' }))
    expect(await only(world)).toEqual(item)
    await world.gate.decide(ask('u', { stream: { id: 'other' } }))
    expect(await queueOf(world)).toHaveLength(2)
  })

  it('opens one for each rule that asks, in its own queue', async () => {
    const rules = `${LOOK()}\n${LOOK('allow', 'legal', 'law')}`
    const world = await gates({ policy: policyOf(rules) })
    await world.gate.decide(ask('u'))
    const found = (await queueOf(world)).map(({ rule, queue }) => `${rule} ${queue}`)
    expect(found.toSorted()).toEqual(['legal law', 'look live'])
    const { items } = await world.store.reviews.list({ queue: 'law', limit: 5 })
    expect(items.map(({ rule }) => rule)).toEqual(['legal'])
  })

  it('opens none for a refusal, which no word would change', async () => {
    const world = await gates({ policy: policyOf(`${LOOK()}\n${STRUCK}`) })
    await world.gate.strike(aStrike('s1', 'u'))
    expect(await outcome(world)).toBe('deny')
    expect(await queueOf(world)).toEqual([])
  })

  it('opens one for a co-host whose rule it is, which their release satisfies', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    const together = ask('u', {
      facts: { followers: 5000 },
      stream: { id: 's', hosts: [{ subject: 'v', facts: { followers: 3 } }] },
    })
    expect(await outcome(world, together)).toBe('delay review')
    const item = await only(world)
    expect([item.subject, item.id.endsWith('.1.0')]).toEqual(['v', true])
    expect((await act(world, item.id, 'release')).item.subject).toBe('v')
    expect(await outcome(world, together)).toBe('allow')
  })

  it('is not committed with an item when its record is not', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    world.fates.push('before')
    await expect(world.gate.decide(ask('u'))).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(await queueOf(world)).toEqual([])
    world.fates.push('after')
    await expect(world.gate.decide(ask('u'))).rejects.toMatchObject({ code: 'log_unavailable' })
    const item = await only(world)
    expect(world.kinds().at(-1)).toBe('decision')
    await world.gate.decide(ask('u'))
    expect(await only(world)).toEqual(item)
  })
})

describe('a word', () => {
  it('of release is seen by the next decision, under an Idempotency-Key too', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    const first = await world.gate.decide(askOnce('k', ask('u')))
    const done = await act(world, (await only(world)).id, 'release')
    expect(done).toMatchObject({ changed: true, revoked: [] })
    const next = await world.gate.decide(askOnce('k', ask('u')))
    expect([first.outcome, next.outcome, next.supersedes]).toEqual(['delay', 'allow', first.id])
    expect(opened(world.store.entries().at(-2)?.openings ?? {}, 'facts')).toMatchObject({
      ...{ rule: 'look', result: 'released', stream: 'b_u', decision: first.id },
    })
    expect(await queueOf(world)).toEqual([])
    expect(await queueOf(world, 'released')).toHaveLength(1)
  })

  it('of refusal denies, and can be taken back; the same again is no second record', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    await world.gate.decide(ask('u'))
    const { id } = await only(world)
    await act(world, id, 'refuse')
    expect(await act(world, id, 'refuse')).toMatchObject({ changed: false, receipt: null })
    expect(await outcome(world)).toBe('deny')
    world.pass(1)
    await act(world, id, 'release')
    expect(await outcome(world)).toBe('allow')
    expect(world.kinds().filter((kind) => kind === 'review')).toHaveLength(2)
  })

  it('of refusal about what runs stops it', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    await world.gate.decide(ask('u'))
    const { id } = await only(world)
    await act(world, id, 'release')
    const { id: broadcast } = await world.gate.decide(ask('u'))
    world.pass(MINUTE)
    expect(await act(world, id, 'refuse')).toMatchObject({ changed: true, revoked: [broadcast] })
    expect(world.kinds().slice(-2)).toEqual(['review', 'broadcast'])
  })

  const BROKEN = ['before', 'after'] as const
  for (const fate of BROKEN)
    it(`whose write is ${fate} is nothing or all, and again is fine`, async () => {
      const world = await gates({ policy: policyOf(LOOK()) })
      await world.gate.decide(ask('u'))
      const { id } = await only(world)
      world.fates.push(fate)
      await expect(act(world, id, 'release')).rejects.toMatchObject({ code: 'log_unavailable' })
      expect(await queueOf(world, 'released')).toHaveLength(fate === 'before' ? 0 : 1)
      await act(world, id, 'release')
      expect(world.kinds().filter((kind) => kind === 'review')).toHaveLength(1)
      expect(await outcome(world)).toBe('allow')
    })

  it('of two at once is both, one after the other: the later counts', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    await world.gate.decide(ask('u'))
    const { id } = await only(world)
    await Promise.all([act(world, id, 'release', 'a'), act(world, id, 'refuse', 'b')])
    expect(world.kinds().filter((kind) => kind === 'review')).toHaveLength(2)
    // Of two in one millisecond the refusal.
    expect(await outcome(world)).toBe('deny')
  })

  const UNKNOWN = ['x', `${'A'.repeat(22)}.0.0`, 'A.0', '']
  it.each(UNKNOWN)('about %j, which is no item, is refused', async (id) => {
    const world = await gates({ policy: policyOf(LOOK()) })
    await expect(act(world, id, 'release')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('about an item of a decision that asked nobody is refused', async () => {
    const world = await gates({ policy: policyOf('') })
    const { id } = await world.gate.decide(ask('u'))
    for (const item of [`${id}.0.0`, `${id}.1.0`])
      await expect(act(world, item, 'release')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('a claim', () => {
  it('keeps others away until it is over, and is prolonged by whoever has it', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    await world.gate.decide(ask('u'))
    const { id } = await only(world)
    await act(world, id, 'claim', 'a')
    const away = { code: 'conflict', retry_after_s: CLAIM_MS / 1000 }
    for (const action of ['claim', 'release', 'refuse'] as const)
      await expect(act(world, id, action, 'b')).rejects.toMatchObject(away)
    world.pass(CLAIM_MS - 1)
    await expect(act(world, id, 'release', 'b')).rejects.toMatchObject({ code: 'conflict' })
    await act(world, id, 'claim', 'a')
    world.pass(1)
    await expect(act(world, id, 'release', 'b')).rejects.toMatchObject({ code: 'conflict' })
    const { claim, opened_at } = await only(world)
    expect(claim).toEqual({ by: 'a', until: opened_at + 2 * CLAIM_MS - 1 })
    expect(world.kinds().includes('review')).toBe(false)
    await act(world, id, 'release', 'a')
    await expect(act(world, id, 'claim', 'a')).rejects.toThrow('it is released')
  })
})

describe('a deadline', () => {
  it.each([
    ['deny', 'deny', 'refused'],
    ['allow', 'allow', 'released'],
  ])(
    'that says %s counts from its millisecond on, written down by whoever decides',
    async (at_deadline, found, state) => {
      const world = await gates({ policy: policyOf(LOOK(at_deadline)) })
      await world.gate.decide(ask('u'))
      world.pass(30 * MINUTE - 1)
      expect(await outcome(world)).toBe('delay review')
      world.pass(1)
      const { decision } = await world.gate.explain(ask('u'))
      expect([decision.outcome, world.kinds().includes('review')]).toEqual([found, false])
      expect(await outcome(world)).toBe(found)
      expect(world.kinds().slice(-2)).toEqual(['review', 'decision'])
      const [item] = await queueOf(world, state as 'refused' | 'released')
      expect(item?.result).toMatchObject({ result: state, by: 'livegate' })
      expect(opened(world.store.entries().at(-2)?.openings ?? {}, 'facts')).toMatchObject({
        reason: 'deadline',
      })
    },
  )

  it('is not the last word', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    await world.gate.decide(ask('u'))
    const { id } = await only(world)
    world.pass(60 * MINUTE)
    await act(world, id, 'release')
    expect(world.kinds().slice(-2)).toEqual(['review', 'review'])
    expect(await outcome(world)).toBe('allow')
  })

  it('counts for a co-host as well', async () => {
    const world = await gates({ policy: policyOf(LOOK('allow')) })
    const together = ask('u', {
      facts: { followers: 5000 },
      stream: { id: 's', hosts: [{ subject: 'v', facts: { followers: 3 } }] },
    })
    await world.gate.decide(together)
    world.pass(30 * MINUTE)
    expect(await outcome(world, together)).toBe('allow')
  })
})

describe('what is kept', () => {
  it('is the newest items of a subject, and none of who is erased', async () => {
    const world = await gates({ policy: policyOf(LOOK()) })
    for (let n = 0; n < MAX_REVIEW_ITEMS + 3; n++) {
      await world.gate.decide(ask('u', { stream: { id: `s${n}` } }))
      world.pass(1)
    }
    const kept = await queueOf(world)
    const { now } = await world.erasure.exported('u', null)
    expect(now?.asked).toHaveLength(MAX_REVIEW_ITEMS)
    expect([kept.length, kept[0]?.stream]).toEqual([MAX_REVIEW_ITEMS, 's3'])
    await world.erasure.erase({ subject: 'u', scope: 'subject', basis: 'art17' })
    expect(await queueOf(world)).toEqual([])
  })
})
