/**
 * Every write in the life of a broadcast that has to stop (G5) × {fails, is done but reported failed, the process dies before it or
 * after it}: after the next start it is revoked and cut all the same, once each, and nobody who may go on is.
 */
import { describe, expect, it } from 'vitest'
import { LivegateError } from '../../src/core/errors.ts'
import type { BroadcastContent } from '../../src/core/record/groups.ts'
import { createSweeps } from '../../src/gate/sweep.ts'
import {
  aStrike,
  ask,
  MINUTE,
  opened,
  policyOf,
  STRIKE_RULE,
  settle,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
const MILD =
  '  - { id: hate, ground: terms, count: { category: ["hate.*"] }, ladder: { 1: 30d }, outcome: deny }'

type Fault =
  | 'fails'
  | 'is reported failed'
  | 'finds the process dead'
  | 'is the last before it dies'
const FAULTS: readonly Fault[] = [
  'fails',
  'is reported failed',
  'finds the process dead',
  'is the last before it dies',
]

interface Process {
  /** Commits from now on until the fault; null for none. */
  left: number | null
  readonly fault: Fault
  dead: boolean
}

/** The n-th commit from `arm` on goes wrong. */
async function aWorld(
  fault: Fault,
  policy: string,
): Promise<{
  readonly world: TestGate
  readonly arm: (at: number) => void
  readonly revive: () => void
}> {
  const process: Process = { left: null, fault, dead: false }
  const gone = (): LivegateError => new LivegateError('log_unavailable', 'Cannot write: gone')
  const world = await gates({
    policy,
    async around(what, work) {
      if (process.dead) throw gone()
      if (what !== 'commit' || process.left === null || process.left-- > 0) return work()
      process.left = null
      process.dead = fault === 'finds the process dead' || fault === 'is the last before it dies'
      if (fault === 'fails' || fault === 'finds the process dead') throw gone()
      await work()
      throw gone()
    },
  })
  return {
    world,
    arm(at) {
      process.left = at
    },
    revive() {
      process.dead = false
      process.left = null
    },
  }
}

/** What a host does when it starts: everything that was left, then everything that runs. */
async function restart(world: TestGate): Promise<void> {
  const { gate, clock, store } = world
  const after = (ms: number, fire: () => void): (() => void) => {
    if (ms === 0) queueMicrotask(fire)
    return () => {}
  }
  const onError = (error: unknown): never => {
    throw error
  }
  const sweeps = createSweeps({ gate, broadcasts: store.broadcasts, clock, after, onError })
  sweeps.start()
  await sweeps.sweep('restart')
  await sweeps.stop()
}

const told = (world: TestGate): readonly BroadcastContent[] =>
  world.store
    .entries()
    .filter(({ kind }) => kind === 'broadcast')
    .map(({ openings }) => opened<BroadcastContent>(openings, 'facts'))
const count = (world: TestGate, event: BroadcastContent['event']): number =>
  told(world).filter((one) => one.event === event).length

/** As often as a caller asks again who is told to come back. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let i = 0; ; i++) {
    try {
      return await work()
    } catch (error) {
      if (i === 2 || !(error instanceof LivegateError)) throw error
    }
  }
}

/** What a keeper finds to cut at its start; a hint may die with the process. */
async function cuttings(world: TestGate): Promise<readonly string[]> {
  const query = { cutting: true, limit: 100 }
  const { items } = await world.store.broadcasts.list(query, world.clock.now() as never)
  return items.map(({ id }) => id).sort()
}

/** Says every cut until it is known. */
async function cutAll(world: TestGate): Promise<void> {
  for (const id of await cuttings(world))
    await again(() => world.gate.cutDone(id, { confirmed: 'dropped', attempts: 1 }))
}

describe.each(FAULTS)('a write that %s', (fault) => {
  it.each([
    { name: 'the strike', at: 0 },
    { name: 'the revocation', at: 1 },
    { name: 'the revocation of another', at: 2 },
  ])('$name: a strike that was answered ends both broadcasts, once', async ({ at }) => {
    const { world, arm, revive } = await aWorld(fault, policyOf(STRIKE_RULE))
    const ids = [
      (await world.gate.decide(ask('u1', { stream: { id: 'one' } }))).id,
      (await world.gate.decide(ask('u1', { stream: { id: 'two' } }))).id,
    ]
    world.pass(MINUTE)
    arm(at)
    const answered = await world.gate.strike(aStrike('s1', 'u1')).then(
      () => true,
      () => false,
    )
    revive()
    // Whoever was not answered says it again, perhaps much later; what was answered holds without.
    if (!answered) await again(() => world.gate.strike(aStrike('s1', 'u1')))
    await restart(world)
    expect(count(world, 'revoked')).toBe(2)
    expect((await world.state('u1')).broadcasts.map(({ cutting }) => cutting?.cause)).toEqual([
      'strike',
      'strike',
    ])
    expect(await cuttings(world)).toEqual(ids.sort())
    await cutAll(world)
    expect(count(world, 'cut')).toBe(2)
  })

  it.each([
    { name: 'a strike durable, its mark with it', at: 0 },
    { name: 'the mark taken away', at: 1 },
  ])('$name: what may go on goes on, unmarked, and nothing is recorded', async ({ at }) => {
    const { world, arm, revive } = await aWorld(fault, policyOf(MILD))
    const { id, decision } = await world.gate.decide(ask('u1'))
    arm(at)
    await world.gate.strike(aStrike('s1', 'u1')).catch(() => {})
    revive()
    await again(() => world.gate.strike(aStrike('s1', 'u1')))
    await restart(world)
    const { broadcasts } = await world.state('u1')
    expect(broadcasts).toMatchObject([{ id, lease_until: decision.lease_until }])
    expect(broadcasts[0]).not.toHaveProperty('recheck')
    expect(told(world)).toEqual([])
  })

  it('a cut is recorded once', async () => {
    const { world, arm, revive } = await aWorld(fault, policyOf(STRIKE_RULE))
    const { id } = await world.gate.decide(ask('u1'))
    await world.gate.strike(aStrike('s1', 'u1'))
    arm(0)
    const done = { confirmed: 'dropped', attempts: 1 } as const
    await expect(world.gate.cutDone(id, done)).rejects.toMatchObject({ code: 'log_unavailable' })
    revive()
    await restart(world)
    await cutAll(world)
    await world.gate.cutDone(id, done)
    expect(count(world, 'cut')).toBe(1)
    expect((await world.state('u1')).broadcasts).toEqual([])
  })

  it.each([
    { name: 'the co-host is struck', at: 0 },
    { name: 'the co-host is visited', at: 1 },
    { name: 'the host’s broadcast is revoked', at: 2 },
    { name: 'the co-host is told', at: 3 },
  ])('while $name: a strike on one who joined ends it at its host, once', async ({ at }) => {
    const { world, arm, revive } = await aWorld(fault, policyOf(STRIKE_RULE))
    const stream = { id: 's', hosts: [{ subject: 'b' }] }
    const { id } = await world.gate.decide(ask('a', { stream }))
    arm(at)
    const answered = await world.gate.strike(aStrike('s1', 'b')).then(
      () => true,
      () => false,
    )
    revive()
    if (!answered) await again(() => world.gate.strike(aStrike('s1', 'b')))
    await restart(world)
    expect(count(world, 'revoked')).toBe(1)
    expect((await world.state('a')).broadcasts).toMatchObject([{ id, cutting: {} }])
    expect((await world.state('b')).broadcasts).toEqual([])
  })

  it.each([
    { name: 'the decision', at: 0 },
    { name: 'the word that it was late', at: 1 },
  ])('$name: what ran ungated is decided, told and cut', async ({ at }) => {
    const { world, arm, revive } = await aWorld(fault, policyOf(STRIKE_RULE))
    await world.gate.strike(aStrike('s1', 'u1'))
    arm(at)
    const late = ask('u1', {
      stream: { id: 'sk_1' },
      session: { server: 'edge', session: 'c1' },
      ungated: 'gate_unreachable',
    })
    const first = await world.gate.decide(late).catch(() => null)
    revive()
    await settle()
    const listed = await world.store.broadcasts.list({ limit: 9 }, world.clock.now() as never)
    // Its server still lists it: with nothing known of it, it is asked about again.
    if (listed.items.length === 0) await world.gate.decide(late)
    await restart(world)
    expect(count(world, 'ungated')).toBeGreaterThanOrEqual(1)
    expect((await world.state('u1')).broadcasts).toMatchObject([
      { session: 'c1', cutting: { cause: 'ungated' } },
    ])
    expect((await world.state('u1')).broadcasts[0]).not.toHaveProperty('ungated')
    if (first !== null) expect(told(world)[0]?.broadcast).toBe(first.id)
    await cutAll(world)
    expect(count(world, 'cut')).toBe(1)
  })
})
