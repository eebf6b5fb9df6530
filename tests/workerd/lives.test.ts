/** What runs in a subject's object is renewed, revoked and cut there: by strikes, across objects, through losses and deaths. */
import { describe, expect, it } from 'vitest'
import type { AtServer, CutAtServer } from '../../src/adapters/cloudflare/subject-cuts.ts'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import type { BroadcastView, OpenBroadcast } from '../../src/ports.ts'
import { aStrike, ask, HOUR, NOW, policyOf, STRIKE_RULE } from '../support/gate.ts'
import { type Around, aWorld, lost, type World } from './subject-world.ts'

const SESSION = { server: 'edge-1', session: '41', handle: 'app=live' }
const STRICT = policyOf(STRIKE_RULE)

const decide = (world: World, request: DecideRequest): Promise<Answer> =>
  world.ask(request.subject, (host) => host.decide(request))
const live = (world: World): Promise<Answer> => decide(world, ask('u_1', { session: SESSION }))
const strike = (world: World, subject: string, id = 's_1') =>
  world.ask(subject, (host) => host.strike(aStrike(id, subject)))
const openOf = async (world: World, subject: string): Promise<readonly OpenBroadcast[]> =>
  (await world.ask(subject, (host) => host.view(subject))).broadcasts
/** What runs or is being cut; null when it has ended. */
const seen = (world: World, subject: string, id: string) =>
  world.ask(subject, (host) => host.life(subject, { about: 'view', id }))
const kinds = async (world: World, subject: string): Promise<readonly string[]> =>
  (await world.verify(subject)).map(({ kind }) => kind)

describe('what runs in a subject’s object', () => {
  it('is renewed for as long as the policy lets it, on record', async () => {
    const world = aWorld(STRICT)
    const { id } = await live(world)
    world.clock.set(NOW + HOUR)
    const request = { broadcast: id, caller: 'hook:edge-1', cause: 'lease' } as const
    const renewed = await world.ask('u_1', (host) => host.life('u_1', { about: 'renew', request }))
    expect(renewed).toMatchObject({ event: 'renewed', lease_until: NOW + 5 * HOUR })
    expect(await openOf(world, 'u_1')).toMatchObject([{ id, lease_until: NOW + 5 * HOUR }])
    expect(await kinds(world, 'u_1')).toEqual(['decision', 'broadcast'])
  })

  it('has to stop with a strike: the answer says so, the cut is recorded once it is confirmed', async () => {
    const world = aWorld(STRICT)
    const { id } = await live(world)
    expect(await strike(world, 'u_1')).toMatchObject({ revoked: [id] })
    expect(await seen(world, 'u_1', id)).toMatchObject({
      handle: 'app=live',
      cutting: { cause: 'strike' },
    })
    const done = { confirmed: 'dropped', attempts: 1 } as const
    const cut = (): Promise<boolean> =>
      world.ask('u_1', (host) => host.life('u_1', { about: 'cut_done', broadcast: id, done }))
    expect([await cut(), await cut()]).toEqual([true, false])
    expect(await openOf(world, 'u_1')).toEqual([])
    expect(await kinds(world, 'u_1')).toEqual(['decision', 'strike', 'broadcast', 'broadcast'])
  })

  it('ends, is seen, and keeps a handle that is told later', async () => {
    const world = aWorld(STRICT)
    const { id } = await decide(world, ask('u_1', { session: { server: 'door', session: 'a' } }))
    const life = (question: Parameters<Parameters<Parameters<World['ask']>[1]>[0]['life']>[1]) =>
      world.ask('u_1', (host) => host.life('u_1', question))
    const handle = { about: 'handle', server: 'door', session: 'a', handle: '/s/1' } as const
    expect(await life(handle)).toBe(true)
    expect(await life({ about: 'view', id })).toMatchObject({ id, handle: '/s/1', cutting: null })
    const request = { broadcast: id, caller: 'api' }
    expect(await life({ about: 'end', request })).toBe(true)
    expect(await life({ about: 'end', request })).toBe(false)
    expect(await life({ about: 'view', id })).toBeNull()
  })

  it('is looked at by the alarm when the object died between the strike and the look', async () => {
    const world = aWorld(STRICT)
    const { id } = await live(world)
    let appended = 0
    // The strike is in the log; what follows from it never gets there, and its caller never hears.
    world.around = (step, call) =>
      step === 'append' && ++appended > 1 ? Promise.reject(lost()) : call()
    await strike(world, 'u_1').catch(() => {})
    world.around = (_step, call) => call()
    world.wake('u_1')
    world.clock.set(NOW + 10_000)
    await world.alarm('u_1')
    expect(await seen(world, 'u_1', id)).toMatchObject({ cutting: { cause: expect.any(String) } })
    await world.verify('u_1')
  })
})

describe('a broadcast somebody joined', () => {
  const TOGETHER = ask('u_1', {
    session: SESSION,
    stream: { id: 'b_1', hosts: [{ subject: 'u_2', facts: ask('u_2').facts }] },
  })

  it('has to stop when one who joined it is struck, in an object of its own', async () => {
    const world = aWorld(STRICT)
    const { id } = await decide(world, TOGETHER)
    expect(await strike(world, 'u_2')).toMatchObject({ revoked: [id] })
    expect(await seen(world, 'u_1', id)).toMatchObject({ cutting: { cause: 'cohost' } })
    await world.verify('u_1', 'u_2')
  })

  const losses: readonly [string, Around][] = [
    [
      'the log cannot say whose it is',
      (step, call) => (step === 'find' ? Promise.reject(lost()) : call()),
    ],
    [
      'the host cannot be asked',
      (step, call) => (step === 'life' ? Promise.reject(lost()) : call()),
    ],
    [
      'the host was asked and the answer is lost',
      async (step, call) => {
        const answer = await call()
        if (step === 'life') throw lost()
        return answer
      },
    ],
  ]
  it.each(losses)('stops by the next alarm when %s', async (_name, around) => {
    const world = aWorld(STRICT)
    const { id } = await decide(world, TOGETHER)
    world.around = around
    await strike(world, 'u_2')
    world.around = (_step, call) => call()
    world.wake('u_1', 'u_2')
    world.clock.set(NOW + 10_000)
    await world.alarm('u_2')
    expect(await seen(world, 'u_1', id)).toMatchObject({ cutting: { cause: 'cohost' } })
    await world.verify('u_1', 'u_2')
  })
})

describe('what must stop at a media server', () => {
  interface Scene {
    readonly world: World
    readonly asked: AtServer[]
    /** What the server says to the next calls; then that nobody was dropped. */
    readonly answers: (number | 'unknown')[]
    readonly id: string
  }

  async function struck(...answers: (number | 'unknown')[]): Promise<Scene> {
    const asked: AtServer[] = []
    const cut: CutAtServer = async (at) => {
      asked.push(at)
      return answers.shift() ?? 0
    }
    const world = aWorld(STRICT, { cut })
    const { id } = await live(world)
    await strike(world, 'u_1')
    return { world, asked, answers, id }
  }

  const quiet = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise<void>((go) => setTimeout(go, 0))
  }

  it('is ended by its subject’s object as soon as the strike is answered, and on record once somebody was dropped', async () => {
    const { world, asked, id } = await struck(1)
    await quiet()
    expect(asked).toEqual([SESSION])
    expect(await seen(world, 'u_1', id)).toBeNull()
    expect(await kinds(world, 'u_1')).toEqual(['decision', 'strike', 'broadcast', 'broadcast'])
  })

  it('is tried again while nobody was dropped or nothing is known, until somebody is', async () => {
    const { world, asked, id } = await struck(0, 'unknown', 1)
    for (let i = 0; i < 3; i++) {
      await quiet()
      await world.pass('u_1', 1_000)
    }
    await quiet()
    expect(asked).toHaveLength(3)
    expect(await seen(world, 'u_1', id)).toBeNull()
  })

  it('is tried again by the alarm after the object died between the order and the cut', async () => {
    const { world, asked, answers, id } = await struck()
    await quiet()
    world.wake('u_1')
    answers.push(1)
    world.clock.set(NOW + 10_000)
    await world.alarm('u_1')
    expect(asked.length).toBeGreaterThan(1)
    expect(await seen(world, 'u_1', id)).toBeNull()
    await world.verify('u_1')
  })

  it('is given up, on record, when its time for trying is over', async () => {
    const { world, id } = await struck()
    await quiet()
    world.wake('u_1')
    const view = await seen(world, 'u_1', id)
    const until = (view as BroadcastView | null)?.cutting?.until ?? 0
    world.clock.set(until - 1_000)
    await world.alarm('u_1')
    expect(await seen(world, 'u_1', id)).toBeNull()
    expect((await kinds(world, 'u_1')).at(-1)).toBe('broadcast')
  })
})
