import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/core/model.ts'
import { epochMs } from '../../src/core/time.ts'
import { createRefusedAgain } from '../../src/gate/refused-again.ts'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import type { SubjectState } from '../../src/ports.ts'
import {
  activePolicy,
  aStrike,
  ask,
  askOnce,
  DAY,
  HOLD_RULE,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  STRIKE_RULE,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
/** As a hook asks: nothing given, nobody shown the proof. */
const hook = (subject = 'u1', given: Partial<DecideRequest> = {}): DecideRequest =>
  ask(subject, { facts: {}, terse: true, caller: 'hook:edge', ...given })
const session = (id: string): Partial<DecideRequest> => ({
  session: { server: 'edge', session: id },
})

/** Someone with a strike who was refused so often that it is remembered. */
async function refused(
  policy = policyOf(STRIKE_RULE),
): Promise<TestGate & { readonly first: Answer; reads(): number }> {
  const world = await gates({ policy })
  let reads = 0
  const { directory } = world.store
  const record = directory.record.bind(directory)
  Object.assign(directory, {
    record: (id: string) => {
      reads++
      return record(id)
    },
  })
  const facts = { created_at: epochMs(Date.UTC(2020, 0)), followers: 1 }
  await world.gate.putFacts('u1', facts, world.clock.now())
  await world.gate.strike(aStrike('s1', 'u1'))
  const first = await world.gate.decide(hook())
  world.pass(1_000)
  await world.gate.decide(hook())
  return Object.assign(world, { first, reads: () => reads })
}

describe('a refusal that is asked for again and again', () => {
  it('is given again without reading its record, and the log does not grow', async () => {
    const world = await refused()
    const [reads, size] = [world.reads(), world.store.entries().length]
    for (let i = 0; i < 20; i++) {
      world.pass(2_000)
      const again = await world.gate.decide(hook('u1', session(`c${i}`)))
      const { first } = world
      expect(again).toEqual({ ...first, repeated: true, jws: '', openings: {} })
    }
    expect([world.reads(), world.store.entries().length]).toEqual([reads, size])
    const told = world.events.filter((event) => event.type === 'decided' && event.repeated)
    expect(told).toHaveLength(21)
  })

  it('is no answer at another door, that spares whom this one refuses', async () => {
    const world = await refused()
    const spared = await world.gate.decide(hook('u1', { enforce: 'off' }))
    expect(spared).toMatchObject({ outcome: 'allow', decision: { would: { outcome: 'deny' } } })
    await world.gate.end({ broadcast: spared.id, caller: 'hook:edge' })
    const { id, outcome } = await world.gate.decide(hook())
    expect([id, outcome]).toEqual([world.first.id, 'deny'])
    const canary = await world.gate.decide(hook('u1', { enforce: 'canary 99%' }))
    expect(canary.id).not.toBe(world.first.id)
  })

  it('comes with its proof to whoever shows it', async () => {
    const world = await refused()
    const { terse: _terse, ...full } = hook()
    expect(await world.gate.decide(full)).toEqual({ ...world.first, repeated: true })
  })

  const changes: readonly {
    readonly name: string
    readonly change: (world: TestGate) => unknown
    readonly expected: object
  }[] = [
    {
      name: 'one more strike',
      change: (world) => world.gate.strike(aStrike('s2', 'u1')),
      expected: { outcome: 'deny', repeated: false },
    },
    {
      name: 'an upheld appeal',
      change: (world) => world.gate.reverse({ strike: 's1', reason: 'appeal' }),
      expected: { outcome: 'allow' },
    },
    {
      name: 'a policy without the rule',
      change: (world) => world.activate(policyOf('')),
      expected: { outcome: 'allow' },
    },
    {
      name: 'an incident',
      change: (world) => {
        world.incident = { active: true, id: 'i1', scope: 'all' }
      },
      expected: { outcome: 'deny', repeated: true },
    },
    {
      name: 'nobody being on shift',
      change: (world) => {
        world.platform = { moderation_available: false }
      },
      expected: { outcome: 'deny', repeated: true },
    },
    {
      name: 'an erasure: what goes on is refused under a new chain',
      change: (world) => world.erasure.erase({ subject: 'u1', scope: 'subject', basis: 'art17' }),
      expected: { outcome: 'deny', repeated: false },
    },
    {
      name: 'its end',
      change: (world) => world.clock.set(NOW + 30 * DAY),
      expected: { outcome: 'allow' },
    },
    {
      name: 'a day',
      change: (world) => world.pass(DAY),
      expected: { outcome: 'deny', repeated: false },
    },
    {
      name: 'a clock that was set back',
      change: (world) => world.clock.set(NOW - HOUR),
      expected: { outcome: 'deny', repeated: true },
    },
  ]
  it.each(changes)('is judged anew after $name', async ({ change, expected }) => {
    const world = await refused()
    const reads = world.reads()
    await change(world)
    expect(await world.gate.decide(hook())).toMatchObject(expected)
    const told = await world.gate.decide(hook('u1', session('c1')))
    expect(told.outcome).toBe((expected as { readonly outcome: string }).outcome)
    if ((expected as { readonly repeated?: boolean }).repeated === true)
      expect(world.reads()).toBeGreaterThan(reads)
  })

  const others: readonly { readonly name: string; readonly given: Partial<DecideRequest> }[] = [
    { name: 'another stream', given: { stream: { id: 'b2' } } },
    { name: 'another server', given: { caller: 'hook:other' } },
    { name: 'another country', given: { request: { territory: 'DE' } } },
    { name: 'a co-host', given: { stream: { id: 'b_u1', hosts: [{ subject: 'u2' }] } } },
  ]
  it.each(others)('is not the answer to a question about $name', async ({ given }) => {
    const world = await refused()
    const other = await world.gate.decide(hook('u1', given))
    expect(other).toMatchObject({ outcome: 'deny', repeated: false })
    expect(other.jws).not.toBe('')
  })

  it('is not the answer to facts given with the question, nor under a key of idempotency', async () => {
    const world = await refused()
    const given = await world.gate.decide(hook('u1', { facts: { followers: 7 } }))
    expect(given.jws).not.toBe('')
    const keyed = await world.gate.decide(askOnce('k', hook()))
    expect(keyed.jws).not.toBe('')
  })

  it('gives way when the hold it named is over', async () => {
    const world = await gates({ policy: policyOf(HOLD_RULE) })
    await world.gate.putFacts('u1', { followers: 1 }, world.clock.now())
    const first = await world.gate.decide(hook())
    expect(first.decision.mode).toBe('hold')
    for (const minutes of [1, 5, 8]) {
      world.pass(minutes * MINUTE)
      expect((await world.gate.decide(hook())).id).toBe(first.id)
    }
    world.pass(MINUTE - 1)
    expect((await world.gate.decide(hook())).id).toBe(first.id)
    world.pass(1)
    expect((await world.gate.decide(hook())).outcome).toBe('allow')
  })

  it('gives way the millisecond a stored fact has grown too old', async () => {
    const world = await gates({
      policy: policyOf(
        '  - { id: small, ground: terms, when: "subject.followers < 10", outcome: deny }',
      ),
      settings: { facts_max_age_ms: HOUR },
    })
    await world.gate.putFacts('u1', { followers: 1 }, world.clock.now())
    const first = await world.gate.decide(hook())
    await world.gate.decide(hook())
    world.pass(HOUR)
    expect((await world.gate.decide(hook())).id).toBe(first.id)
    world.pass(1)
    expect(await world.gate.decide(hook())).toMatchObject({ outcome: 'delay', repeated: false })
  })

  it('says at every instant what a whole evaluation says, whatever happened between', async () => {
    const steps = ['ask', 'strike', 'reverse', 'facts', 'pass', 'day', 'policy', 'back'] as const
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...steps), { minLength: 6, maxLength: 24 }),
        async (taken) => {
          const world = await gates({ policy: policyOf(`${STRIKE_RULE}\n${HOLD_RULE}`) })
          await world.gate.putFacts('u1', { followers: 1 }, world.clock.now())
          let [strikes, policies] = [0, 0]
          for (const step of taken) {
            if (step === 'strike')
              await world.gate.strike(
                aStrike(`s${++strikes}`, 'u1', { issued_at: world.clock.now() }),
              )
            if (step === 'reverse' && strikes > 0)
              await world.gate.reverse({ strike: `s${strikes}`, reason: 'appeal' })
            if (step === 'facts')
              await world.gate.patchFacts('u1', { followers: strikes * 5 }, world.clock.now())
            if (step === 'pass') world.pass(7 * MINUTE)
            if (step === 'day') world.pass(15 * DAY)
            if (step === 'back') world.clock.set(world.clock.now() - MINUTE)
            if (step === 'policy')
              await world.activate(
                policyOf(++policies % 2 === 0 ? `${STRIKE_RULE}\n${HOLD_RULE}` : STRIKE_RULE),
              )
            for (let i = 0; i < 3; i++) {
              const terse = await world.gate.decide(hook('u1', { supports: [] }))
              if (terse.decision.lease_until !== null) break
              const { terse: _terse, ...full } = hook('u1', { supports: [] })
              const { jws: _jws, openings: _openings, ...same } = await world.gate.decide(full)
              expect({ ...terse, repeated: true }).toMatchObject({ ...same, repeated: true })
            }
          }
        },
      ),
      { numRuns: 15 },
    )
  })
})

describe('the memory of refusals', () => {
  const { plan } = activePolicy(policyOf(STRIKE_RULE))
  const aState = (given: Partial<SubjectState> = {}): SubjectState => ({
    ...{ pseudonym: 'p', seq: 1, head: 'h', last_at: NOW, version: 1, strikes: [], facts: {} },
    ...{ holds: [], reviews: [], broadcasts: [], refusals: [], ...given },
  })
  const standing = { version: 1, policy: 'p', incident: '', at: NOW }
  const facts: Facts = {
    at: NOW,
    hosts: [
      {
        ...{ subject: 'p', facts: {}, sources: {}, strikes: [], holds: [], reviews: [] },
        open_broadcasts: 0,
      },
    ],
    ...{ stream: {}, request: {}, incident: { active: false }, platform: {}, supports: [] },
  }
  const decision = { review: null } as Answer['decision']
  const answer = { id: 'd', decided_at: NOW, decision, jws: 'x', openings: {} } as Answer
  const judged = { answer, facts, plan, facts_max_age_ms: DAY }

  it('holds two generations and no more', () => {
    const memory = createRefusedAgain(2)
    const states = [1, 2, 3, 4, 5].map((seq) => aState({ seq }))
    for (const state of states) memory.keep({ request: hook(), state, standing }, judged)
    const found = states.map((state) => memory.find({ request: hook(), state, standing }) !== null)
    expect(found).toEqual([false, false, true, true, true])
  })

  it('keeps what is asked for when a generation goes', () => {
    const memory = createRefusedAgain(2)
    const [asked, ...others] = [1, 2, 3, 4, 5, 6].map((seq) => aState({ seq }))
    if (asked === undefined) throw new Error('there is one')
    for (const state of [asked, ...others]) {
      memory.keep({ request: hook(), state, standing }, judged)
      expect(memory.find({ request: hook(), state: asked, standing })).not.toBeNull()
    }
  })

  it('holds four streams of one subject', () => {
    const memory = createRefusedAgain()
    const state = aState()
    const of = (id: string): DecideRequest => hook('u1', { stream: { id } })
    for (const id of ['a', 'b', 'c', 'd', 'e'])
      memory.keep({ request: of(id), state, standing }, judged)
    const found = ['a', 'b', 'c', 'd', 'e'].map(
      (id) => memory.find({ request: of(id), state, standing }) !== null,
    )
    expect(found).toEqual([false, true, true, true, true])
  })

  it.each([
    {
      name: 'something runs',
      given: {
        broadcasts: [
          {
            ...{ id: 'b', stream: 's', opened_at: NOW, lease_until: epochMs(NOW + 1) },
            role: 'host' as const,
          },
        ],
      },
    },
    {
      name: 'a restriction begins later',
      given: {
        suppressions: [
          { id: 'r', rule: 'struck', from: epochMs(NOW + 1), until: 'forever' as const },
        ],
      },
      later: 1,
    },
  ])('keeps nothing while $name, or not longer', ({ given, later = 0 }) => {
    const memory = createRefusedAgain()
    const state = aState(given)
    memory.keep({ request: hook(), state, standing }, judged)
    const then = { ...standing, at: epochMs(NOW + later) }
    expect(memory.find({ request: hook(), state, standing: then })).toBeNull()
  })
})
