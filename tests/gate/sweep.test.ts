/**
 * Sweeps (G5): another policy or an incident ends what it would not let start, whatever fails on the way.
 */
import { describe, expect, it } from 'vitest'
import { LivegateError } from '../../src/core/errors.ts'
import {
  AGAIN_MS,
  createSweeps,
  LATE_MS,
  type SweepParts,
  type Sweeps,
} from '../../src/gate/sweep.ts'
import { ask, HOUR, MINUTE, NOW, policyOf, type TestGate, useGates } from '../support/gate.ts'

const gates = useGates()
const FEW = '  - { id: few, ground: terms, when: "subject.followers < 10", outcome: deny }'
const IN_INCIDENT = '  - { id: calm, ground: terms, when: "incident.active", outcome: deny }'

function sweepsOf(
  world: TestGate,
  given: Partial<SweepParts> = {},
): {
  readonly sweeps: Sweeps
  readonly timers: (readonly [number, () => void])[]
  /** Looks that come later, for what was about to begin. */
  readonly late: (readonly [number, () => void])[]
} {
  const timers: (readonly [number, () => void])[] = []
  const late: (readonly [number, () => void])[] = []
  const { gate, store, clock } = world
  const after: SweepParts['after'] = (ms, fire) => {
    const timer = [ms, fire] as const
    // A pause without length only lets others in.
    const those = ms === LATE_MS ? late : timers
    if (ms === 0) queueMicrotask(fire)
    else those.push(timer)
    return () => those.splice(those.indexOf(timer), those.includes(timer) ? 1 : 0)
  }
  const onError = (error: unknown): never => {
    throw error
  }
  const { broadcasts } = store
  return {
    sweeps: createSweeps({ gate, broadcasts, clock, after, onError, ...given }),
    timers,
    late,
  }
}

async function live(world: TestGate, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const facts = { followers: i % 2 === 0 ? 1 : 100 }
    ids.push((await world.gate.decide(ask(`u${i}`, { facts }))).id)
  }
  return ids
}

describe('a sweep', () => {
  it('ends what the policy that took force denies, and nothing else', async () => {
    const world = await gates({ policy: policyOf('') })
    const ids = await live(world, 450)
    const { sweeps } = sweepsOf(world)
    expect(await sweeps.sweep('policy')).toEqual({ looked: 450, revoked: 0 })
    const entries = world.kinds().length
    await world.activate(policyOf(FEW))
    world.pass(MINUTE)
    expect(await sweeps.sweep('policy')).toEqual({ looked: 450, revoked: 225 })
    expect(world.kinds().filter((kind) => kind === 'broadcast')).toHaveLength(225)
    expect(world.kinds().length - entries).toBe(225 + 1)
    expect(world.revoked.map(({ id, cutting }) => [id, cutting?.cause])).toEqual(
      ids.filter((_, i) => i % 2 === 0).map((id) => [id, 'policy']),
    )
    expect(await sweeps.sweep('policy')).toEqual({ looked: 225, revoked: 0 })
  })

  it('ends what a policy that has grown too old says, and nothing before', async () => {
    for (const [on_stale, revoked] of [
      ['keep', 0],
      ['unknown', 2],
      ['deny', 2],
    ] as const) {
      const rest = `max_age: 1h\non_stale: ${on_stale}\n`
      const world = await gates({ policy: policyOf('', rest), numbered: true })
      await live(world, 2)
      world.pass(HOUR - 1)
      const { sweeps } = sweepsOf(world)
      expect(await sweeps.sweep('policy')).toEqual({ looked: 2, revoked: 0 })
      world.pass(1)
      expect(await sweeps.sweep('policy')).toEqual({ looked: 2, revoked })
    }
  })

  it('is not made for what one hour forbids: that is found at the next renewal, and no later than the lease ends', async () => {
    const opens = new Date(NOW + HOUR).toISOString()
    const night = `  - { id: night, ground: terms, when: 'now >= timestamp("${opens}")', outcome: deny }`
    const world = await gates({ policy: policyOf(night) })
    const [renewed] = await live(world, 2)
    world.pass(HOUR)
    expect((await world.gate.decide(ask('u3'))).outcome).toBe('deny')
    expect(world.revoked).toEqual([])
    const caller = 'livegate'
    expect(
      await world.gate.renew({ broadcast: renewed ?? '', caller, cause: 'lease' }),
    ).toMatchObject({
      event: 'revoked',
    })
    world.pass(3 * HOUR)
    const left = await world.store.broadcasts.list({ cutting: false, limit: 10 }, world.clock.now())
    expect(left.items).toEqual([])
  })

  it('ends in an incident what its policy says', async () => {
    const world = await gates({ policy: policyOf(IN_INCIDENT) })
    await live(world, 3)
    world.incident = { active: true, id: 'i1' }
    expect(await sweepsOf(world).sweeps.sweep('incident')).toEqual({ looked: 3, revoked: 3 })
    expect(world.revoked[0]?.cutting?.cause).toBe('incident')
  })

  it('looks again at what could not be looked at, until it could', async () => {
    const world = await gates({ policy: policyOf('') })
    const [id] = await live(world, 1)
    await world.activate(policyOf(FEW))
    world.fates.push('before', 'before')
    const { sweeps, timers } = sweepsOf(world)
    const swept = sweeps.sweep('policy')
    const waits: number[] = []
    while (world.revoked.length === 0) {
      await new Promise<void>((done) => setImmediate(done))
      const [timer] = timers.splice(0, 1)
      if (timer === undefined) continue
      waits.push(timer[0])
      timer[1]()
    }
    expect(await swept).toEqual({ looked: 1, revoked: 1 })
    expect(waits).toEqual([1000, 2000])
    expect(world.revoked).toMatchObject([{ id }])
  })

  it('asked for while one runs begins after it, once for the same cause', async () => {
    const world = await gates({ policy: policyOf('') })
    await live(world, 40)
    let looks = 0
    const renew: TestGate['gate']['renew'] = (request) => {
      looks++
      return world.gate.renew(request)
    }
    const { sweeps } = sweepsOf(world, { gate: { ...world.gate, renew } })
    const first = sweeps.sweep('policy')
    await Promise.resolve().then(() => {})
    const others = [sweeps.sweep('policy'), sweeps.sweep('policy'), sweeps.sweep('incident')]
    await Promise.all([first, ...others])
    expect(looks).toBe(3 * 40)
  })

  it('never has more than sixteen under way, and stops between two', async () => {
    const world = await gates({ policy: policyOf('') })
    await live(world, 40)
    let [now, most, looks] = [0, 0, 0]
    const renew: TestGate['gate']['renew'] = async (request) => {
      looks++
      most = Math.max(most, ++now)
      const answer = await world.gate.renew(request)
      now--
      if (looks === 32) void sweeps.stop()
      return answer
    }
    const { sweeps } = sweepsOf(world, { gate: { ...world.gate, renew } })
    expect(await sweeps.sweep('restart')).toEqual({ looked: 32, revoked: 0 })
    expect(most).toBe(16)
    await sweeps.stop()
  })

  it('says what it does not understand, and goes on', async () => {
    const world = await gates({ policy: policyOf('') })
    await live(world, 2)
    const errors: unknown[] = []
    let failures = 1
    const renew: TestGate['gate']['renew'] = async (request) => {
      if (failures-- > 0) throw new TypeError('a fault')
      return world.gate.renew(request)
    }
    const { sweeps, timers } = sweepsOf(world, {
      gate: { ...world.gate, renew },
      onError: (error) => errors.push(error),
    })
    const swept = sweeps.sweep('restart')
    while (timers.length === 0) await new Promise<void>((done) => setImmediate(done))
    timers.splice(0, 1)[0]?.[1]()
    expect(await swept).toEqual({ looked: 2, revoked: 0 })
    expect(errors).toEqual([new TypeError('a fault')])
  })
})

/** Lets go what waits for its turn. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise<void>((done) => setImmediate(done))
}

describe('what was about to begin when a sweep began', () => {
  it('is ended a little later, when it has', async () => {
    const world = await gates({ policy: policyOf('') })
    const before = await world.gate.decide(ask('u1', { facts: { followers: 100 } }))
    let go = (): void => {}
    world.hold = { when: 'before', until: new Promise((done) => (go = done)) }
    const deciding = world.gate.decide(ask('u2', { facts: { followers: 1 } }))
    await turns()
    world.hold = null
    await world.activate(policyOf(FEW))
    const { sweeps, late } = sweepsOf(world)
    expect(await sweeps.sweep('policy')).toEqual({ looked: 1, revoked: 0 })
    go()
    // Decided by what was in force when it was asked.
    const { id, outcome } = await deciding
    expect(outcome).toBe('allow')
    world.pass(LATE_MS)
    late.splice(0, 1)[0]?.[1]()
    await turns()
    expect(world.revoked).toMatchObject([{ id, cutting: { cause: 'policy' } }])
    expect((await world.state('u1')).broadcasts).toMatchObject([{ id: before.id }])
    expect(late).toEqual([])
    await sweeps.stop()
  })

  it('is all that is looked at then', async () => {
    const world = await gates({ policy: policyOf('') })
    await live(world, 5)
    world.pass(10 * MINUTE)
    await world.gate.decide(ask('late'))
    let looks = 0
    const renew: TestGate['gate']['renew'] = (request) => {
      looks++
      return world.gate.renew(request)
    }
    const { sweeps, late } = sweepsOf(world, { gate: { ...world.gate, renew } })
    await sweeps.sweep('incident')
    expect([looks, late.length]).toEqual([6, 1])
    late.splice(0, 1)[0]?.[1]()
    await turns()
    expect(looks).toBe(7)
  })

  it('is not looked for after a stop', async () => {
    const world = await gates({ policy: policyOf('') })
    const { sweeps, late } = sweepsOf(world)
    await sweeps.sweep('policy')
    expect(late).toHaveLength(1)
    await sweeps.stop()
    expect(late).toEqual([])
  })
})

describe('a broadcast that cannot be looked at', () => {
  it('keeps no other sweep waiting: the next one takes it over', async () => {
    const world = await gates({ policy: policyOf('') })
    const [sick, other] = await live(world, 2)
    let ill = true
    const renew: TestGate['gate']['renew'] = async (request) => {
      if (ill && request.broadcast === sick) throw new LivegateError('log_unavailable', 'Cannot')
      return world.gate.renew(request)
    }
    const { sweeps, timers } = sweepsOf(world, { gate: { ...world.gate, renew } })
    const first = sweeps.sweep('policy')
    while (timers.length === 0) await turns()
    await world.activate(policyOf(IN_INCIDENT))
    world.incident = { active: true, id: 'i1' }
    const second = sweeps.sweep('incident')
    // Nobody rings: it goes on because the next one was asked for.
    expect(await first).toEqual({ looked: 1, revoked: 0 })
    await turns()
    expect(world.revoked.map(({ id }) => id)).toEqual([other])
    ill = false
    timers.splice(0, 1)[0]?.[1]()
    expect(await second).toEqual({ looked: 2, revoked: 2 })
    expect(world.revoked.map(({ id }) => id)).toEqual([other, sick])
    await sweeps.stop()
  })
})

describe('what was left to do', () => {
  it('is done at the start, and again every half minute', async () => {
    const world = await gates({ policy: policyOf(FEW) })
    const { id } = await world.gate.decide(ask('u1'))
    const other = await world.gate.decide(ask('u2'))
    // The facts are stored, the revocation is not, and the process dies.
    world.fates.push('done', 'before')
    await world.gate.putFacts('u1', { followers: 1 }, (world.clock.now() + 1) as never)
    expect((await world.state('u1')).broadcasts).toMatchObject([{ id, recheck: 'facts' }])
    const { sweeps, timers } = sweepsOf(world)
    sweeps.start()
    while (timers.length === 0) await new Promise<void>((done) => setImmediate(done))
    expect(world.revoked).toMatchObject([{ id, cutting: { cause: 'facts' } }])
    expect(timers.map(([ms]) => ms)).toEqual([AGAIN_MS])
    world.fates.push('done', 'before')
    await world.gate.putFacts('u2', { followers: 1 }, (world.clock.now() + 1) as never)
    timers.splice(0, 1)[0]?.[1]()
    while (timers.length === 0) await new Promise<void>((done) => setImmediate(done))
    expect(world.revoked.map((view) => view.id)).toEqual([id, other.id])
    await sweeps.stop()
    expect(timers).toEqual([])
  })

  it('is tried again when the list cannot be read', async () => {
    const world = await gates({ policy: policyOf('') })
    const errors: unknown[] = []
    const down = new LivegateError('log_unavailable', 'Cannot read')
    const { sweeps, timers } = sweepsOf(world, {
      broadcasts: { list: () => Promise.reject(down) },
      onError: (error) => errors.push(error),
    })
    sweeps.start()
    while (timers.length === 0) await new Promise<void>((done) => setImmediate(done))
    expect(errors).toEqual([down])
    await sweeps.stop()
  })

  it('is begun anew where what runs cannot be read', async () => {
    const world = await gates({ policy: policyOf('') })
    await live(world, 1)
    let failures = 1
    const list: TestGate['store']['broadcasts']['list'] = async (query, at) => {
      if (failures-- > 0) throw new LivegateError('log_unavailable', 'Cannot read')
      return world.store.broadcasts.list(query, at)
    }
    const { sweeps, timers } = sweepsOf(world, { broadcasts: { list }, onError: () => {} })
    const swept = sweeps.sweep('restart')
    while (timers.length === 0) await new Promise<void>((done) => setImmediate(done))
    timers.splice(0, 1)[0]?.[1]()
    expect(await swept).toEqual({ looked: 1, revoked: 0 })
  })
})
