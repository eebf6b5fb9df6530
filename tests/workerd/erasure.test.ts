/**
 * An erasure in a subject's object, with everything around it failing: before a step and after it, once and twice, with the object
 * evicted between any two, and with questions and alarms in between.
 */
import { describe, expect, it } from 'vitest'
import type { ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import { PATIENCE_MS } from '../../src/adapters/cloudflare/subject-calls.ts'
import { ERASURE_KNOWN_MS } from '../../src/core/limits.ts'
import { parseRetention } from '../../src/core/retention.ts'
import { epochMs } from '../../src/core/time.ts'
import type { ErasureAnswer } from '../../src/gate/erasure.ts'
import type { Answer } from '../../src/gate-types.ts'
import { aStrike, ask, DAY, policyOf, STRIKE_RULE } from '../support/gate.ts'
import { type Around, aWorld, lost, never, type Step, type World } from './subject-world.ts'

const BASIS = 'Art. 17 GDPR'

const erase = (world: World, subject = 'u_1', scope: 'subject' | 'full' = 'subject') =>
  world.ask(subject, (host): Promise<ErasureAnswer> => host.erase({ subject, scope, basis: BASIS }))
const decide = (world: World, subject = 'u_1', stream = 'b'): Promise<Answer> =>
  world.ask(subject, (host) => host.decide(ask(subject, { stream: { id: stream } })))
const strike = (world: World, id: string, subject = 'u_1') =>
  world.ask(subject, (host) => host.strike(aStrike(id, subject)))

/** Somebody with a running restriction and a chain of four: what ran when the strike came was revoked. */
async function struck(): Promise<World> {
  const world = aWorld(policyOf(STRIKE_RULE))
  await decide(world, 'u_1', 'secret-stream')
  await strike(world, 'secret-strike')
  expect((await decide(world)).outcome).toBe('deny')
  return world
}

/** Erasure records in the log. */
const ended = (world: World): number =>
  world.log.entries.filter((entry) => !('record' in entry) && entry.kind === 'erasure').length

/** All that lies in the object, as text. */
const stored = (world: World, subject = 'u_1'): Promise<string> =>
  world.storage(subject, ({ sql }) => {
    const tables = sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .filter(({ name }) => !name.startsWith('_cf'))
    return JSON.stringify(
      tables.map(({ name }) => [name, sql.exec(`SELECT * FROM ${name}`).toArray()]),
    )
  })

/** Whatever happened: one record in the log, nothing of the past, and the restriction goes on. */
async function expectErased(world: World): Promise<void> {
  expect(ended(world)).toBe(1)
  const left = await stored(world)
  for (const value of ['secret-stream', 'secret-strike']) expect(left).not.toContain(value)
  // As a whole text: three characters are in many a hash.
  expect(left).not.toMatch(/"u_1\\?"/)
  const answer = await decide(world)
  expect(answer.outcome).toBe('deny')
  expect(answer.decision.reasons.map(({ code }) => code)).toEqual(['restriction_kept'])
  const [record, ...more] = await world.verify('u_1')
  expect([record?.seq, more]).toEqual([1, []])
}

const STEPS: readonly Step[] = ['eraseChain', 'dropSubject', 'forgetChain']

/** Does a step, or loses it, the first `times` times. */
function failing(step: Step, when: 'before' | 'after', times: number): Around {
  let left = times
  return async (at, call) => {
    if (at !== step || left <= 0) return call()
    left--
    if (when === 'after') await call()
    throw lost()
  }
}

/** The next call of a step, done or not, never answers; resolves when it hangs. */
async function hangs(world: World, step: Step, when: 'before' | 'after'): Promise<void> {
  let [isMet, hung] = [false, false]
  world.around = async (at, call) => {
    if (at !== step || isMet) return call()
    isMet = true
    if (when === 'after') await call()
    hung = true
    return never()
  }
  await turnUntil(() => hung)
}

async function turnUntil(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !done(); turn++) await scheduler.wait(1)
  expect(done()).toBe(true)
}

/** Copies of the newest record behind it, in object and log alike: a long chain without deciding it. */
async function growTo(world: World, count: number): Promise<void> {
  const entries = world.log.entries as ChainEntry[]
  const newest = entries.at(-1)
  if (newest === undefined) throw new Error('no record to copy')
  const first = entries.length
  for (let seq = 2; seq <= count; seq++) entries.push({ ...newest, seq })
  await world.storage('u_1', ({ sql }) => {
    const columns =
      'second, number, id, kind, subject, at, outcome, mode, rules, leaf, jws, openings'
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO records (idx, seq, prev_idx, prev_place, ${columns})
        SELECT i, i + 1, i - 1, ? + i - 2, ${columns} FROM n, records WHERE idx = 0`,
      count - 1,
      first,
    )
    sql.exec(
      'UPDATE subjects SET seq = ?, head_idx = ?, placed = ?, place = ?',
      ...[count, count - 1, count - 1, first + count - 2],
    )
  })
  world.wake('u_1')
}

describe('an erasure in an object', () => {
  it('ends the chain in the log, empties the storage, and leaves what goes on', async () => {
    const world = await struck()
    const done = await erase(world)
    expect(done).toMatchObject({ state: 'done', erasure: { counts: { records: 4, strikes: 1 } } })
    expect(done.erasure?.receipt?.index).toBe(world.log.entries.length - 1)
    await expectErased(world)
  })

  for (const step of STEPS)
    for (const when of ['before', 'after'] as const)
      for (const times of [1, 2])
        for (const evicted of [false, true])
          it(`is finished although ${step} was lost ${when} its effect ${times} times${evicted ? ', and the object each time' : ''}`, async () => {
            const world = await struck()
            world.around = failing(step, when, times)
            let state: string | null = null
            for (let i = 0; i <= times && state !== 'done'; i++) {
              state = (await erase(world).catch(() => null))?.state ?? null
              if (evicted) world.wake('u_1')
            }
            expect(state).toBe('done')
            await expectErased(world)
          })

  for (const step of STEPS)
    for (const when of ['before', 'after'] as const)
      for (const times of [1, 2])
        it(`is finished although ${step} never came back, ${when === 'after' ? 'but was done' : 'and was not done'}, ${times} times, and the object died each time`, async () => {
          const world = await struck()
          for (let i = 0; i < times; i++) {
            const hung = hangs(world, step, when)
            void erase(world).catch(() => {})
            await hung
            world.wake('u_1')
          }
          expect((await erase(world)).state).toBe('done')
          await expectErased(world)
        })

  for (const step of STEPS)
    it(`waits for ${step} no longer than for any call, and goes on when it is asked again`, async () => {
      const world = await struck()
      const hung = hangs(world, step, 'after')
      const asked = erase(world).catch(() => null)
      await hung
      await world.pass('u_1', PATIENCE_MS)
      await asked
      expect((await erase(world)).state).toBe('done')
      await expectErased(world)
    })

  for (const step of STEPS)
    it(`is finished by the alarm, which may go off twice, when nobody asks again after ${step} was lost`, async () => {
      const world = await struck()
      world.around = failing(step, 'after', 1)
      await erase(world).catch(() => null)
      expect(world.alarms.has('u_1')).toBe(true)
      world.wake('u_1')
      await world.alarm('u_1', 2)
      world.wake('u_1')
      await world.alarm('u_1')
      await expectErased(world)
    })

  it('is one, however many ask for it at once, with decisions in between', async () => {
    const world = await struck()
    const answers = await Promise.all([
      erase(world),
      decide(world, 'u_1', 'b_1'),
      erase(world),
      decide(world, 'u_1', 'b_2'),
    ])
    expect([answers[1].outcome, answers[3].outcome]).toEqual(['deny', 'deny'])
    // The second is of the chain that the decision before it began.
    expect(ended(world)).toBe(2)
    const left = await stored(world)
    expect(left).not.toContain('secret')
    const again = await Promise.all([erase(world), erase(world)])
    expect(again[0]).toEqual(again[1])
    expect(ended(world)).toBe(3)
  })

  it('lets no chain begin before what outlives it is in place', async () => {
    const world = await struck()
    // The storage is gone, and what was to be written with that as well: no platform does this, a broken disk may.
    world.around = failing('forgetChain', 'before', 100)
    await erase(world)
    await world.storage('u_1', (storage) => storage.deleteAll())
    world.wake('u_1')
    await expect(decide(world)).rejects.toMatchObject({ code: 'halted' })
  })

  it('knows for a day what it did, then the object holds nothing but what goes on, at last nothing', async () => {
    const world = await struck()
    const first = await erase(world)
    expect(await erase(world)).toEqual(first)
    const due = world.alarms.get('u_1') ?? 0
    world.clock.set(due)
    await world.alarm('u_1')
    expect(world.alarms.get('u_1')).toBe((first.erasure?.at ?? 0) + ERASURE_KNOWN_MS)
    world.clock.set(world.alarms.get('u_1') ?? 0)
    await world.alarm('u_1')
    expect(await erase(world)).toEqual({ state: 'nothing_left', erasure: null })
    expect(await stored(world)).toContain('struck')
    world.clock.set(world.clock.now() + 37 * DAY)
    await world.alarm('u_1')
    expect(await stored(world)).toBe('[]')
    expect(world.alarms.has('u_1')).toBe(false)
    world.wake('u_1')
    expect((await decide(world)).outcome).toBe('allow')
  })

  it('that the storage was set back behind shows nothing of what was', async () => {
    const world = await struck()
    const [object] = world.log.entries.flatMap((e) => ('record' in e ? [e.object] : []))
    const { record } = world.log.entries.at(-1) as ChainEntry
    const erasure = { ...record, id: 'e', kind: 'erasure' as const, leaf: new Uint8Array(32) }
    await world.log.rpc.eraseChain({
      ...{ object: object ?? '', seq: 4, record: erasure, requires: [], strikes: [], named: [] },
    })
    world.wake('u_1')
    const view = world.ask('u_1', (host) => host.view('u_1'))
    await expect(view).rejects.toMatchObject({ code: 'halted' })
    await expect(decide(world, 'u_1', 'b_new')).rejects.toMatchObject({ code: 'halted' })
  })

  it('keeps nothing when it is full', async () => {
    const world = await struck()
    expect(await erase(world, 'u_1', 'full')).toMatchObject({ erasure: { suppressed: 0 } })
    expect((await decide(world)).outcome).toBe('allow')
  })

  it('of a co-host takes its name out of records of others; of the host, the host out of the co-host’s object', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    const together = ask('u_host', { stream: { id: 'duo', hosts: [{ subject: 'u_guest' }] } })
    const { id } = await world.ask('u_host', (host) => host.decide(together))
    expect(await stored(world, 'u_host')).toContain('duo')
    expect(await stored(world, 'u_guest')).toContain('u_host')
    expect(await erase(world, 'u_guest')).toMatchObject({
      erasure: { counts: { appearances: 1 } },
    })
    const [record] = await world.ask('u_host', (host) => host.records([1]))
    expect(record?.id).toBe(id)
    expect(Object.keys(record?.openings ?? {}).sort()).toEqual(['chain', 'request', 'result'])
    expect(await stored(world, 'u_guest')).not.toContain('u_host')

    const again = ask('u_host', { stream: { id: 'duo2', hosts: [{ subject: 'u_other' }] } })
    await world.ask('u_host', (host) => host.decide(again))
    await erase(world, 'u_host')
    const cohosts = await world.storage('u_other', ({ sql }) =>
      sql.exec('SELECT * FROM cohosts').toArray(),
    )
    expect(cohosts).toEqual([])
  })

  it('of ten thousand records takes less than two seconds', { timeout: 120_000 }, async () => {
    const world = aWorld()
    await decide(world)
    await growTo(world, 10_000)
    const began = performance.now()
    const done = await erase(world)
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(done).toMatchObject({ state: 'done', erasure: { counts: { records: 10_000 } } })
  })
})

function keeping(text: string): World {
  const rules = parseRetention(text)
  if (!rules.ok) throw new Error(rules.error)
  return aWorld(policyOf(STRIKE_RULE, 'strikes: { expire: { default: 60d } }\n'), {
    retention: rules.value,
  })
}

/** Sleeps until the alarm goes off; when that was. */
async function ring(world: World): Promise<number> {
  const due = world.alarms.get('u_1')
  if (due === undefined) throw new Error('no alarm is set')
  world.clock.set(due)
  await world.alarm('u_1')
  return due
}

const contents = async (world: World): Promise<readonly boolean[]> => {
  const records = await world.ask('u_1', (host) => host.records([1, 2, 3, 4]))
  return records.map(({ openings }) => Object.keys(openings).length > 0)
}

describe('retention in an object', () => {
  it('sets no alarm for whoever has nothing that ever goes', async () => {
    for (const world of [aWorld(), keeping('reviews=30d')]) {
      await decide(world)
      expect(world.alarms.has('u_1')).toBe(false)
    }
  })

  it('removes what records say when their time is over, all of a day at once, and sets one alarm for it', async () => {
    const world = keeping('decisions=30d')
    const began = world.clock.now()
    await decide(world, 'u_1', 'secret-1')
    const due = world.alarms.get('u_1') ?? 0
    expect(due).toBeGreaterThan(began + 30 * DAY)
    expect(due).toBeLessThanOrEqual(began + 31 * DAY)
    await decide(world, 'u_1', 'secret-2')
    expect(world.alarms.get('u_1')).toBe(due)
    world.clock.set(began + 20 * DAY)
    await decide(world, 'u_1', 'kept')
    await ring(world)
    expect(await contents(world)).toEqual([false, false, true])
    expect(await ring(world)).toBeGreaterThan(began + 50 * DAY)
    expect(await contents(world)).toEqual([false, false, false])
    expect(world.alarms.has('u_1')).toBe(false)
    expect(world.events).toContainEqual({ type: 'retained', what: 'decisions', count: 2 })
  })

  it('forgets a strike once it can no longer count, on the record, and not before', async () => {
    const world = keeping('strikes=10d')
    await strike(world, 's_1')
    while ((world.alarms.get('u_1') ?? 0) < world.clock.now() + DAY) await ring(world)
    await ring(world)
    expect(ended(world)).toBe(0)
    expect((await decide(world)).outcome).toBe('deny')
    for (let i = 0; i < 300 && ended(world) === 0; i++) await ring(world)
    expect(ended(world)).toBe(1)
    const { strikes } = await world.ask('u_1', (host) => host.view('u_1'))
    expect(strikes).toEqual([])
    expect(await contents(world)).toEqual([false, true])
    expect((await decide(world)).outcome).toBe('allow')
  })

  it('waits for the end of a legal hold, or for its being lifted', async () => {
    const world = keeping('decisions=30d')
    await decide(world)
    const until = epochMs(world.clock.now() + 400 * DAY)
    const hold = { subject: 'u_1', until, basis: 'court order 1', by: 'key_1' }
    await world.ask('u_1', (host) => host.holdLegally(hold))
    await ring(world)
    expect(await contents(world)).toEqual([true])
    expect(world.alarms.get('u_1')).toBe(until)
    expect(await world.ask('u_1', (host) => host.liftHold('u_1'))).toBe(true)
    await ring(world)
    expect(await contents(world)).toEqual([false])
  })

  it('tells a co-host that a record no longer names it', async () => {
    const world = keeping('decisions=30d')
    const together = ask('u_1', { stream: { id: 'duo', hosts: [{ subject: 'u_guest' }] } })
    await world.ask('u_1', (host) => host.decide(together))
    for (let i = 0; i < 5 && (await contents(world))[0] === true; i++) await ring(world)
    const cohosts = await world.storage('u_guest', ({ sql }) =>
      sql.exec('SELECT * FROM cohosts').toArray(),
    )
    expect(cohosts).toEqual([])
  })
})
