/**
 * The life of broadcasts against a model (G5): whatever callers, media servers, moderators, policies and restarts do, the gate says
 * of each what the model says, and its log is in order (audited after each history).
 */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { logPolicy } from '../../src/adapters/node/bootstrap.ts'
import { LivegateError } from '../../src/core/errors.ts'
import type { EpochMs } from '../../src/core/time.ts'
import { createSweeps } from '../../src/gate/sweep.ts'
import type { Gate } from '../../src/gate-types.ts'
import type { OpenBroadcasts, SubjectState } from '../../src/ports.ts'
import { LEASE, Model, type ModelBroadcast } from '../support/broadcast-model.ts'
import { activePolicy, aGate, aStrike, ask, MINUTE, NOW, policyOf } from '../support/gate.ts'
import { aNodeGate } from '../support/node-gate.ts'

const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 120) }
const STRICT = policyOf(
  '  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: forever }, outcome: deny }',
)
const MILD = policyOf('')

type Step =
  | {
      readonly do: 'start'
      readonly host: string
      readonly session: string | null
      readonly cohosts: readonly string[]
    }
  | { readonly do: 'late'; readonly host: string; readonly session: string }
  | { readonly do: 'end_session'; readonly host: string; readonly session: string }
  | { readonly do: 'end' | 'renew' | 'cut'; readonly which: number }
  | { readonly do: 'strike' | 'reverse'; readonly subject: string }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'policy'; readonly strict: boolean }
  | { readonly do: 'restart' }

const subject = fc.constantFrom('a', 'b', 'c')
const session = fc.constantFrom('p', 'q')
const which = fc.nat(9)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      host: subject,
      session: fc.option(session, { freq: 3 }),
      cohosts: fc.uniqueArray(subject, { maxLength: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('late' as const), host: subject, session }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('end_session' as const), host: subject, session }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('end', 'renew', 'renew', 'cut'), which }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('strike', 'reverse'), subject }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, MINUTE, 6 * MINUTE, 60 * MINUTE, LEASE - 1, LEASE),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy' as const), strict: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

/** What a host of the gate is here. */
interface World {
  readonly gate: Gate
  readonly store: { readonly broadcasts: OpenBroadcasts }
  readonly clock: { now(): EpochMs }
  pass(ms: number): void
  state(subject: string): Promise<SubjectState>
  activate(text: string): Promise<void>
  /** What is not on disk is gone. */
  restart(): Promise<void>
  verify(): Promise<void>
}

/** A gate and its model, and every broadcast there ever was. */
interface Life {
  readonly world: World
  readonly model: Model
  readonly ids: string[]
  strikes: number
}

async function sweep({ world, model }: Life, cause: 'policy' | 'restart'): Promise<void> {
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
  await sweeps.sweep(cause)
  await sweeps.stop()
  model.sweep()
}

async function start(life: Life, asked: Extract<Step, { do: 'start' }>): Promise<void> {
  const { world, model, ids } = life
  const { host, session: name } = asked
  const cohosts = asked.cohosts.filter((cohost) => cohost !== host)
  const request = ask(host, {
    stream: { id: 's', hosts: cohosts.map((cohost) => ({ subject: cohost })) },
    ...(name === null ? {} : { session: { server: 'edge', session: `${host} ${name}` } }),
  })
  const { id, outcome } = await world.gate.decide(request)
  expect(outcome).toBe(model.denies([host, ...cohosts]) ? 'deny' : 'allow')
  if (outcome === 'deny') return
  ids.push(id)
  model.open(id, { host, cohosts, session: name })
}

async function late({ world, model, ids }: Life, host: string, name: string): Promise<void> {
  const session = { server: 'edge', session: `${host} ${name}` }
  const stream = { id: 's' }
  const { id, outcome } = await world.gate.decide(
    ask(host, { stream, session, ungated: 'gate_unreachable', caller: 'hook:edge' }),
  )
  expect(outcome).toBe(model.denies([host]) ? 'deny' : 'allow')
  ids.push(id)
  const who = { host, session: name }
  if (outcome === 'deny') model.refuseLate(id, who)
  else model.open(id, { ...who, cohosts: [] })
}

/** On one of those there ever were. */
async function act(life: Life, what: 'end' | 'renew' | 'cut', which: number): Promise<void> {
  const { world, model, ids } = life
  const broadcast = ids.at(-1 - (which % Math.max(1, ids.length)))
  if (broadcast === undefined) return
  const known = model.find(broadcast)
  if (what === 'end') {
    const ended = await world.gate.end({ broadcast, caller: 'key' })
    // What is over by itself may still be told of.
    if (known !== undefined) expect(ended).toBe(true)
    return model.drop(known)
  }
  if (what === 'cut') {
    const done = await world.gate.cutDone(broadcast, { confirmed: 'dropped', attempts: 1 })
    const was = known !== undefined && model.isCut(known)
    if (was) model.drop(known)
    if (known !== undefined) expect(done).toBe(was)
    return
  }
  const renewed = await world.gate.renew({ broadcast, caller: 'key' }).catch((error: unknown) => {
    if (error instanceof LivegateError) return error.code
    throw error
  })
  if (known === undefined || !model.runs(known)) return expect(renewed).toBe('conflict')
  const at = model.now
  const event = model.renew(known)
  expect(renewed).toMatchObject({ event, at: NOW + at, lease_until: NOW + known.lease_until })
}

async function perform(life: Life, one: Step): Promise<void> {
  const { world, model } = life
  switch (one.do) {
    case 'start':
      return start(life, one)
    case 'late':
      return late(life, one.host, one.session)
    case 'end_session': {
      const known = model.ofSession(one.host, one.session)
      const ended = await world.gate.endSession('edge', `${one.host} ${one.session}`)
      if (known !== undefined && model.find(known.id) !== undefined) expect(ended).toBe(true)
      return model.drop(known)
    }
    case 'end':
    case 'renew':
    case 'cut':
      return act(life, one.do, one.which)
    case 'strike': {
      const id = `s${life.strikes++} ${one.subject}`
      const { revoked } = await world.gate.strike(aStrike(id, one.subject))
      expect([...revoked].sort()).toEqual([...model.strike(one.subject)].sort())
      return
    }
    case 'reverse': {
      const { strikes } = await world.state(one.subject)
      const [active] = strikes.filter(({ status }) => status === 'active')
      if (active === undefined) return
      await world.gate.reverse({ strike: active.id, reason: 'upheld' })
      model.strikes.set(one.subject, (model.strikes.get(one.subject) ?? 0) - 1)
      return
    }
    case 'pass':
      world.pass(one.ms)
      model.now += one.ms
      return
    case 'policy':
      await world.activate(one.strict ? STRICT : MILD)
      model.strict = one.strict
      return sweep(life, 'policy')
    case 'restart':
      await world.restart()
      return sweep(life, 'restart')
  }
}

/** Of every broadcast there ever was the gate says what the model says, one by one and in its lists. */
async function agree({ world, model, ids }: Life): Promise<void> {
  const shown = (one: ModelBroadcast): object => ({
    ...{ id: one.id, subject: one.host, lease_until: NOW + one.lease_until },
    cutting:
      one.cutting === null
        ? null
        : { since: NOW + one.cutting.since, until: NOW + one.cutting.until },
  })
  for (const id of ids) {
    const found = await world.gate.broadcast(id)
    const known = model.find(id)
    if (known === undefined) expect(found).toBeNull()
    else expect(found).toMatchObject(shown(known))
  }
  const at = world.clock.now() as never
  for (const cutting of [true, false]) {
    const { items } = await world.store.broadcasts.list({ cutting, limit: 100 }, at)
    const expected = model.all.filter((one) => (cutting ? model.isCut(one) : model.runs(one)))
    expect(items.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort())
  }
  for (const subject of ['a', 'b', 'c']) {
    const open = (await world.gate.subject(subject)).broadcasts.map(({ id }) => id)
    const expected = model.all.filter(
      (one) => model.runs(one) && (one.host === subject || one.cohosts.includes(subject)),
    )
    expect(open.sort()).toEqual(expected.map(({ id }) => id).sort())
  }
}

async function inMemory(): Promise<World> {
  const world = await aGate({ policy: STRICT })
  return Object.assign(world, { restart: async () => {} })
}

/** A real data directory, closed and opened again. */
async function onNode(): Promise<World & { close(): Promise<void> }> {
  let node = await aNodeGate()
  let text = STRICT
  let gate = node.gate
  const activate = async (next: string): Promise<void> => {
    const policy = activePolicy(next)
    await logPolicy(node.scribe, node.store.log, node.store.signer, policy.bytes)
    text = next
    gate = node.gateUnder({ active: () => policy })
  }
  await activate(text)
  return {
    get gate() {
      return gate
    },
    get store() {
      return node.store
    },
    clock: node.time,
    pass: (ms) => node.time.pass(ms),
    state: async (subject) => node.store.ledger.load(subject),
    activate,
    async restart() {
      node = await node.restart()
      await activate(text)
    },
    async verify() {
      expect((await node.audit()).findings).toEqual([])
    },
    close: () => node.close(),
  }
}

/** The model begins at the world's own instant. */
async function live(world: World, steps: readonly Step[]): Promise<void> {
  expect(world.clock.now()).toBe(NOW)
  const life: Life = { world, model: new Model(), ids: [], strikes: 0 }
  for (const one of steps) {
    await perform(life, one)
    await agree(life)
  }
  await world.verify()
}

const histories = fc.array(step, { minLength: 1, maxLength: 25 })

it('the gate and the model agree on every broadcast, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => live(await inMemory(), steps)),
    RUNS,
  )
}, 120_000)

it('and so they do on disk, through every restart', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      const world = await onNode()
      try {
        await live(world, steps)
      } finally {
        await world.close()
      }
    }),
    { numRuns: Math.ceil(RUNS.numRuns / 8) },
  )
}, 120_000)
