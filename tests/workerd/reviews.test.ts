/**
 * Reviews in objects: listed before they are asked for, said in the subject's own turn, and over by their deadline; with calls to the
 * queue that fail on the way. What the log holds is audited.
 */
import { describe, expect, it } from 'vitest'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import { ask, MINUTE, NOW, policyOf } from '../support/gate.ts'
import { type Around, aWorld, lost, type World } from './subject-world.ts'

const LOOK = policyOf(
  '  - { id: look, ground: terms, when: "subject.followers < 1000", outcome: delay, review: { queue: live, within: 30m, at_deadline: deny } }',
)

const decide = (world: World, request: DecideRequest = ask('u_1')): Promise<Answer> =>
  world.ask(request.subject, (host) => host.decide(request))
const act = (world: World, id: string, action: 'claim' | 'release' | 'refuse', subject = 'u_1') =>
  world.ask(subject, (host) => host.review(subject, { id, action, caller: 'key_r' }))

/** The queue does not answer. */
const deaf: Around = async (step, call) => {
  if (step === 'putReviews') throw lost()
  return call()
}

/** Of the queue, by rule or result. */
const listed = (world: World): readonly string[] =>
  [...world.reviews.values()].map(({ rule, result }) => `${rule} ${result?.result ?? 'open'}`)

describe('a review in an object', () => {
  it('is listed when its delay is answered, and counts at once when somebody says a word', async () => {
    const world = aWorld(LOOK)
    const first = await decide(world)
    expect([first.decision.mode, listed(world)]).toEqual(['review', ['look open']])
    const id = `${first.id}.0.0`
    await act(world, id, 'claim')
    expect(world.reviews.get(id)?.claim).toMatchObject({ by: 'key_r' })
    expect(await act(world, id, 'release')).toMatchObject({ changed: true })
    expect(listed(world)).toEqual(['look released'])
    world.wake('u_1')
    expect((await decide(world)).outcome).toBe('allow')
    await act(world, id, 'refuse')
    expect((await decide(world)).outcome).toBe('deny')
    await world.verify('u_1')
  })

  it('is not there when the queue could not be told; the same question again asks', async () => {
    const world = aWorld(LOOK)
    world.around = deaf
    await expect(decide(world)).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(await world.ask('u_1', (host) => host.records([1]))).toEqual([])
    world.around = (_step, call) => call()
    await decide(world)
    expect(listed(world)).toEqual(['look open'])
    await world.verify('u_1')
  })

  it('has its word also when the queue does not hear of it', async () => {
    const world = aWorld(LOOK)
    const { id } = await decide(world)
    world.around = deaf
    expect(await act(world, `${id}.0.0`, 'release')).toMatchObject({ changed: true })
    expect(listed(world)).toEqual(['look open'])
    expect((await decide(world)).outcome).toBe('allow')
    await world.verify('u_1')
  })

  it('is refused by its deadline, whoever asks next and whatever has slept', async () => {
    const world = aWorld(LOOK)
    await decide(world)
    world.clock.set(NOW + 30 * MINUTE)
    world.wake('u_1')
    expect((await decide(world)).outcome).toBe('deny')
    expect(listed(world)).toEqual(['look refused'])
    const kinds = (await world.verify('u_1')).map(({ kind }) => kind)
    expect(kinds).toEqual(['decision', 'review', 'decision'])
  })

  it('is of the co-host whose rule it is, in the object of that one', async () => {
    const world = aWorld(LOOK)
    const together = ask('u_1', {
      facts: { followers: 5_000 },
      stream: { id: 's', hosts: [{ subject: 'u_2', facts: { followers: 3 } }] },
    })
    const { id } = await decide(world, together)
    expect([...world.reviews.keys()]).toEqual([`${id}.1.0`])
    await act(world, `${id}.1.0`, 'release', 'u_2')
    expect((await decide(world, together)).outcome).toBe('allow')
    await world.verify('u_1', 'u_2')
  })

  it('is nobody else’s', async () => {
    const world = aWorld(LOOK)
    const { id } = await decide(world)
    await decide(world, ask('u_2'))
    await expect(act(world, `${id}.0.0`, 'release', 'u_2')).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})
