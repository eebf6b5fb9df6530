/** Endpoints are told of everything at least once, through receivers that fail in every way and gates that die. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWebhookDesk } from '../../../src/gate/webhooks/desk.ts'
import type { Posted } from '../../../src/gate/webhooks/port.ts'
import { MAX_ATTEMPTS } from '../../../src/gate/webhooks/schedule.ts'
import { MAX_LETTERS } from '../../../src/gate/webhooks/step.ts'
import type { StoredRecord } from '../../../src/ports.ts'
import { aGate, ask } from '../../support/gate.ts'
import { aWebhookWorld, ENDPOINT, type WebhookWorld } from '../../support/webhooks.ts'

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const DAY = 24 * HOUR

async function decisions(count: number): Promise<readonly StoredRecord[]> {
  const { gate, store } = await aGate()
  for (let i = 0; i < count; i++) await gate.decide(ask(`u_${i}`))
  return (await store.directory.records({ from: 0, limit: count })).records
}

const records = await decisions(100)
const ids = (from: number, to: number) =>
  records.slice(from, to).map((record) => `msg_${record.id}`)
const status = (code: number): Posted => ({ status: code, retry_after_s: null })

let world: WebhookWorld
beforeEach(() => {
  world = aWebhookWorld()
})
afterEach(() => {
  expect(world.errors).toEqual([])
  world.close()
})

const receivedIds = () => world.received.map(({ id }) => id)
const distinct = () => [...new Set(receivedIds())].sort()

describe('an endpoint', () => {
  it('named for the first time is told of what happens from then on, each once', async () => {
    world.log(records.slice(0, 10))
    const dispatcher = await world.start()
    expect(world.received).toEqual([])
    world.log(records.slice(10, 100))
    dispatcher.wake()
    await world.pass(SECOND)
    expect(receivedIds().sort()).toEqual(ids(10, 100).sort())
  })

  it('is told of nothing it did not ask for', async () => {
    const dispatcher = await world.start([{ ...ENDPOINT, types: new Set(['strike.recorded']) }])
    world.log(records)
    dispatcher.wake()
    await world.pass(SECOND)
    expect(world.received).toEqual([])
    expect(world.outbox.place('platform')?.next).toBe(100)
  })

  it('that is down keeps its place and is told of everything when it is back', async () => {
    const dispatcher = await world.start()
    world.answer = () => ({ fault: 'unreachable' })
    world.log(records)
    dispatcher.wake()
    await world.pass(3 * HOUR)
    world.answer = () => status(200)
    const before = world.received.length
    await world.pass(5 * HOUR)
    const after = world.received.slice(before).map(({ id }) => id)
    expect([...new Set(after)].sort()).toEqual(ids(0, 100).sort())
    expect(world.outbox.counts('platform')).toEqual({ waiting: 0, dead: 0 })
  })

  it('that refuses one message is told of the others at once', async () => {
    const dispatcher = await world.start()
    const [poison] = ids(7, 8)
    world.answer = ({ id }) => status(id === poison ? 400 : 200)
    world.log(records)
    dispatcher.wake()
    await world.pass(SECOND)
    expect(distinct()).toEqual(ids(0, 100).sort())
    expect(world.outbox.counts('platform')).toEqual({ waiting: 1, dead: 0 })
  })

  it('that refuses the only message there is does not stay with it', async () => {
    const dispatcher = await world.start()
    const [poison] = ids(0, 1)
    world.answer = ({ id }) => status(id === poison ? 500 : 200)
    world.log(records.slice(0, 1))
    dispatcher.wake()
    await world.pass(60 * SECOND)
    world.log(records.slice(1, 2))
    dispatcher.wake()
    await world.pass(60 * SECOND)
    expect(receivedIds()).toContain(ids(1, 2)[0])
  })

  it('that never takes a message has it as a dead letter after ten attempts, and gets it when it is replayed', async () => {
    const dispatcher = await world.start()
    const [poison] = ids(3, 4)
    world.answer = ({ id }) => status(id === poison ? 500 : 200)
    world.log(records.slice(0, 5))
    dispatcher.wake()
    await world.pass(4 * DAY)
    expect(receivedIds().filter((id) => id === poison)).toHaveLength(MAX_ATTEMPTS)
    expect(world.outbox.counts('platform')).toEqual({ waiting: 0, dead: 1 })
    const desk = deskOver(dispatcher)
    expect(await desk.dead('platform', { shard: 0, from: 0, limit: 10 })).toMatchObject({
      letters: [
        { index: 3, message: poison, type: 'decision.made', attempts: 10, error: 'status 500' },
      ],
      next: null,
    })
    world.answer = () => status(200)
    expect(await desk.replay('platform', { shard: 0, indexes: [4] })).toEqual({
      revived: 0,
      enabled: false,
    })
    expect(await desk.replay('platform', { shard: null, indexes: null })).toEqual({
      revived: 1,
      enabled: false,
    })
    await world.pass(SECOND)
    expect(receivedIds().at(-1)).toBe(poison)
    expect(world.outbox.counts('platform')).toEqual({ waiting: 0, dead: 0 })
  })

  it('that asks to be left alone for a while is', async () => {
    const dispatcher = await world.start()
    const [late] = ids(1, 2)
    world.answer = ({ id }) => (id === late ? { status: 429, retry_after_s: 600 } : status(200))
    world.log(records.slice(0, 4))
    dispatcher.wake()
    await world.pass(599 * SECOND)
    expect(receivedIds().filter((id) => id === late)).toHaveLength(1)
    await world.pass(2 * SECOND)
    expect(receivedIds().filter((id) => id === late)).toHaveLength(2)
  })

  it('that is gone is sent nothing until somebody says so, and then everything', async () => {
    const dispatcher = await world.start()
    world.answer = () => status(410)
    world.log(records.slice(0, 3))
    dispatcher.wake()
    await world.pass(DAY)
    const before = world.received.length
    expect(before).toBeLessThanOrEqual(3)
    const desk = deskOver(dispatcher)
    expect(await desk.list()).toMatchObject([
      { id: 'platform', behind: 3, disabled_at: expect.any(Number) },
    ])
    world.answer = () => status(200)
    expect(await desk.replay('platform', { shard: null, indexes: null })).toMatchObject({
      enabled: true,
    })
    await world.pass(SECOND)
    expect([...new Set(receivedIds().slice(before))].sort()).toEqual(ids(0, 3).sort())
  })

  it('is sent nothing of what was erased before it arrived', async () => {
    const dispatcher = await world.start()
    world.answer = ({ id }) => status(id === ids(1, 2)[0] ? 500 : 200)
    world.log(records.slice(0, 3))
    dispatcher.wake()
    await world.pass(SECOND)
    world.erase(1)
    const before = world.received.length
    await world.pass(DAY)
    expect(world.received).toHaveLength(before)
    expect(world.outbox.counts('platform')).toEqual({ waiting: 0, dead: 0 })
  })

  it('hears again, under the same ids, what was under way when the gate died', async () => {
    world.answer = () => status(200)
    const first = await world.start()
    world.log(records.slice(0, 20))
    first.wake()
    // The process is gone between an answer and the note of it: what is stored is what was stored before.
    const place = world.outbox.place('platform')
    await world.pass(SECOND)
    await first.stop()
    await world.outbox.advance('platform', place?.next ?? 0, [])
    await world.start()
    expect(distinct()).toEqual(ids(0, 20).sort())
    expect(world.received).toHaveLength(40)
  })

  it('with too many letters stays where it is and loses nothing', async () => {
    const dispatcher = await world.start()
    const old = Array.from({ length: MAX_LETTERS }, (_, i) => ({
      ...{ index: -1 - i, attempts: 1, failed_at: world.now(), error: 'status 500' },
      due_at: (world.now() + 10 * DAY) as typeof world.now extends () => infer T ? T : never,
    }))
    await world.outbox.advance('platform', 0, old)
    const [poison] = ids(0, 1)
    world.answer = ({ id }) => status(id === poison ? 500 : 200)
    world.log(records.slice(0, 2))
    dispatcher.wake()
    await world.pass(HOUR)
    expect(world.outbox.place('platform')?.next).toBe(0)
    world.answer = () => status(200)
    await world.pass(HOUR)
    expect(world.outbox.place('platform')?.next).toBe(2)
  })

  it('is told of news beside a heap of letters that time out', async () => {
    const dispatcher = await world.start()
    world.answer = () => ({ fault: 'timeout' })
    world.log(records.slice(0, 40))
    dispatcher.wake()
    await world.pass(60 * SECOND)
    expect(world.outbox.counts('platform').waiting).toBeGreaterThan(20)
    await world.pass(10 * SECOND)
    const before = world.received.length
    world.log(records.slice(40, 41))
    dispatcher.wake()
    await world.pass(SECOND)
    const [news] = ids(40, 41)
    const place = receivedIds()
      .slice(before)
      .indexOf(news ?? '')
    expect(place).toBeGreaterThanOrEqual(0)
    expect(place).toBeLessThanOrEqual(16)
  })

  it('costs one endpoint’s patience, not another’s', async () => {
    const other = { ...ENDPOINT, id: 'other', sign: () => 'v1,other' }
    const dispatcher = await world.start([ENDPOINT, other])
    let refused = 0
    world.answer = () => status(refused++ % 2 === 0 ? 500 : 200)
    world.log(records.slice(0, 50))
    dispatcher.wake()
    await world.pass(4 * DAY)
    expect(world.outbox.place('platform')?.next).toBe(50)
    expect(world.outbox.place('other')?.next).toBe(50)
  })
})

function deskOver(dispatcher: { wake(): void }) {
  const { outbox } = world
  return createWebhookDesk({
    ...{ origin: 'gate.example/log', endpoints: [ENDPOINT], outbox, dispatcher },
    clock: { now: world.now },
  })
}

it('the desk knows only endpoints of the file', async () => {
  const dispatcher = await world.start()
  const desk = deskOver(dispatcher)
  const page = { shard: 0, from: 0, limit: 1 }
  await expect(desk.dead('nobody', page)).rejects.toThrow('none has this id')
  await expect(desk.dead('platform', { ...page, shard: 1 })).rejects.toMatchObject({
    code: 'not_found',
  })
  await expect(desk.replay('nobody', { shard: null, indexes: null })).rejects.toMatchObject({
    code: 'not_found',
  })
})
