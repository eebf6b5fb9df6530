/** Co-hosts in objects of their own: calls that get lost on the way, and a host that dies between them. */
import { describe, expect, it } from 'vitest'
import { textFromBase64Url } from '../../src/core/encoding.ts'
import { UNCONFIRMED_BROADCAST_MS } from '../../src/core/limits.ts'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import type { OpenBroadcast } from '../../src/ports.ts'
import {
  aStrike,
  ask,
  askOnce,
  chainOf,
  NOW,
  opened,
  policyOf,
  STRIKE_RULE,
} from '../support/gate.ts'
import { type Around, aWorld, lost, never, type World } from './subject-world.ts'

const HOSTS = ['u_2', 'u_3']
const TOGETHER: DecideRequest = ask('u_1', {
  stream: { id: 'b_1', hosts: HOSTS.map((subject) => ({ subject, facts: ask(subject).facts })) },
})
const LEASE = NOW + 4 * 3_600_000

const decide = (world: World, request: DecideRequest = TOGETHER): Promise<Answer> =>
  world.ask(request.subject, (host) => host.decide(request))
const broadcasts = async (world: World, subject: string): Promise<readonly OpenBroadcast[]> =>
  (await world.ask(subject, (host) => host.view(subject))).broadcasts
const calm = (world: World): void => {
  world.around = (_step, call) => call()
}
const turnUntil = async (done: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await done())) await new Promise<void>((go) => setTimeout(go, 0))
}

describe('co-hosts in other objects', () => {
  it('have the broadcast under the lease of the decision', async () => {
    const world = aWorld()
    const { id } = await decide(world)
    for (const subject of HOSTS)
      expect(await broadcasts(world, subject)).toMatchObject([
        { id, role: 'cohost', lease_until: LEASE },
      ])
    await world.verify('u_1')
  })

  it('have it no more when it came too late for who asked, unless somebody else was given the same decision', async () => {
    const world = aWorld()
    const { id } = await decide(world)
    const unheard = (decision: string) => world.ask('u_1', (host) => host.unheard('u_1', decision))
    await unheard('another')
    expect(await broadcasts(world, 'u_1')).toHaveLength(1)
    for (let i = 0; i < 2; i++) await unheard(id)
    for (const subject of ['u_1', ...HOSTS]) expect(await broadcasts(world, subject)).toEqual([])
    const twice = askOnce('key', TOGETHER)
    const { id: heard } = await decide(world, twice)
    expect(await decide(world, twice)).toMatchObject({ id: heard, repeated: true })
    await unheard(heard)
    for (const subject of ['u_1', ...HOSTS])
      expect(await broadcasts(world, subject)).toMatchObject([{ id: heard }])
    const [, ended] = await world.verify('u_1')
    expect(ended).toMatchObject({ kind: 'broadcast' })
  })

  it('refuse for what they did themselves, even when it lands while the host decides', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    let struck = false
    world.around = async (step, call) => {
      if (step === 'append' && !struck) {
        struck = true
        await world.ask('u_2', (host) => host.strike(aStrike('s_1', 'u_2')))
      }
      return call()
    }
    expect((await decide(world)).outcome).toBe('deny')
    for (const subject of ['u_1', ...HOSTS]) expect(await broadcasts(world, subject)).toEqual([])
    await world.verify('u_1', 'u_2')
  })

  it('are asked by each other at once, and all get an answer', async () => {
    const world = aWorld()
    const subjects = ['u_1', 'u_2', 'u_3']
    const answers = await Promise.all(
      subjects.map((subject) => {
        const hosts = subjects
          .filter((other) => other !== subject)
          .map((other) => ({ subject: other, facts: ask(other).facts }))
        return decide(world, ask(subject, { stream: { id: `b_${subject}`, hosts } }))
      }),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(['allow', 'allow', 'allow'])
    for (const subject of subjects) expect(await broadcasts(world, subject)).toHaveLength(3)
    await world.verify(...subjects)
  })

  const kinds: readonly { readonly name: string; readonly lose: Around }[] = [
    { name: 'on the way there', lose: () => Promise.reject(lost()) },
    {
      name: 'on the way back',
      lose: async (_step, call) => {
        await call()
        throw lost()
      },
    },
  ]
  for (const { name, lose } of kinds)
    for (const nth of [1, 2, 3, 4])
      it(`leave nothing running that nobody heard of when call ${nth} of four is lost ${name}`, async () => {
        const world = aWorld()
        let calls = 0
        world.around = (step, call) =>
          step === 'cohost' && ++calls === nth ? lose(step, call) : call()
        await expect(decide(world)).rejects.toMatchObject({ code: 'log_unavailable' })
        calm(world)
        expect(await broadcasts(world, 'u_1')).toEqual([])
        for (const subject of HOSTS)
          for (const { lease_until } of await broadcasts(world, subject))
            expect(lease_until).toBeLessThanOrEqual(NOW + UNCONFIRMED_BROADCAST_MS)
        expect((await decide(world)).outcome).toBe('allow')
        await world.verify('u_1')
      })

  it('let go by themselves when the host dies before it decided', async () => {
    const world = aWorld()
    world.around = (step, call) => (step === 'append' ? never() : call())
    void decide(world).catch(() => {})
    await turnUntil(() => (world.calls.get('append') ?? 0) > 0)
    calm(world)
    world.wake('u_1')
    for (const subject of HOSTS)
      expect(await broadcasts(world, subject)).toMatchObject([
        { lease_until: NOW + UNCONFIRMED_BROADCAST_MS },
      ])
  })

  it('count it no longer than the host does when the host dies before its answer', async () => {
    const world = aWorld()
    let settled = 0
    world.around = async (step, call) => {
      const result = await call()
      if (step !== 'cohost' || (world.calls.get('cohost') ?? 0) <= 2) return result
      settled++
      return never()
    }
    void decide(world).catch(() => {})
    await turnUntil(() => settled === 2)
    calm(world)
    for (const subject of HOSTS)
      expect(await broadcasts(world, subject)).toMatchObject([{ lease_until: LEASE }])
    world.wake('u_1')
    const unheard = { lease_until: NOW + UNCONFIRMED_BROADCAST_MS }
    expect(await broadcasts(world, 'u_1')).toMatchObject([unheard])
    await turnUntil(async () => {
      const open = await Promise.all(HOSTS.map((subject) => broadcasts(world, subject)))
      return open.flat().every(({ lease_until }) => lease_until === unheard.lease_until)
    })
    await world.verify('u_1')
  })

  it('count it no longer when the alarm went off before the answer', async () => {
    const world = aWorld()
    let settled = 0
    world.around = async (step, call) => {
      const result = await call()
      if (step !== 'cohost' || (world.calls.get('cohost') ?? 0) <= 2) return result
      settled++
      return never()
    }
    void decide(world).catch(() => {})
    await turnUntil(() => settled === 2)
    await world.alarm('u_1')
    calm(world)
    world.wake('u_1')
    expect(await broadcasts(world, 'u_1')).toMatchObject([
      { lease_until: NOW + UNCONFIRMED_BROADCAST_MS },
    ])
  })

  it('count it no longer when another record has carried the place of the decision since', async () => {
    const world = aWorld()
    let settled = 0
    world.around = async (step, call) => {
      const result = await call()
      if (step !== 'cohost' || (world.calls.get('cohost') ?? 0) <= 2) return result
      settled++
      return never()
    }
    void decide(world).catch(() => {})
    await turnUntil(() => settled === 2)
    // Somebody else is answered about the same person meanwhile, and the object dies.
    await decide(world, ask('u_1', { stream: { id: 'b_2' } }))
    calm(world)
    world.wake('u_1')
    const until = NOW + UNCONFIRMED_BROADCAST_MS
    const leases = (await broadcasts(world, 'u_1')).map((open) => open.lease_until)
    expect(leases).toEqual([until, until])
    await turnUntil(async () => {
      const open = await Promise.all(HOSTS.map((subject) => broadcasts(world, subject)))
      return open.flat().every(({ lease_until }) => lease_until === until)
    })
    await world.verify('u_1')
  })

  it('who are forgotten while the host decides are named by no record: it is decided anew, about a stranger', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    const first = await decide(world, ask('u_2'))
    const { sub: then } = chainOf(first.openings)
    let erased = false
    world.around = async (step, call) => {
      const result = await call()
      if (step === 'cohost' && !erased) {
        erased = true
        const request = { subject: 'u_2', basis: 'Art. 17 GDPR', scope: 'subject' } as const
        await world.ask('u_2', (host) => host.erase(request))
      }
      return result
    }
    const about = ask('u_1', { stream: { id: 'b_9', hosts: [{ subject: 'u_2', facts: {} }] } })
    const answered = await decide(world, about).catch((error: { code: string }) => error.code)
    calm(world)
    expect(erased).toBe(true)
    const again = typeof answered === 'string' ? await decide(world, about) : answered
    expect(typeof answered === 'string' ? answered : 'log_unavailable').toBe('log_unavailable')
    const hosts = (opened(again.openings, 'facts') as { hosts: { subject: string }[] }).hosts
    expect(hosts[1]?.subject).not.toBe(then)
    const stored = await world.ask('u_1', (host) => host.records([1, 2, 3]))
    expect(
      JSON.stringify(stored.map(({ openings }) => Object.values(openings).map(plain))),
    ).not.toContain(then)
  })
})

const plain = (text: string): string => textFromBase64Url(text) ?? ''
