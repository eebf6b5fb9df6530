/** One pump an endpoint: whatever wakes, stops, fails or turns the clock, one step at a time and nothing begun that should not be. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Posted } from '../../../src/gate/webhooks/port.ts'
import { aGate, ask } from '../../support/gate.ts'
import { aWebhookWorld, ENDPOINT, type WebhookWorld } from '../../support/webhooks.ts'

const SECOND = 1_000
const AT_ONCE = 8

const { gate, store } = await aGate()
for (let i = 0; i < 130; i++) await gate.decide(ask(`u_${i}`))
const { records } = await store.directory.records({ from: 0, limit: 130 })
const ids = (from: number, to: number) =>
  records.slice(from, to).map((record) => `msg_${record.id}`)
const status = (code: number, retry_after_s: number | null = null): Posted => ({
  ...{ status: code, retry_after_s },
})

let world: WebhookWorld
beforeEach(() => {
  world = aWebhookWorld()
})
afterEach(() => {
  expect(world.errors).toEqual([])
  world.close()
})

/** A receiver that answers when it is let. */
function aSlowReceiver(): { answerAll(posted: Posted): void } {
  const waiting: ((posted: Posted) => void)[] = []
  world.answer = () => new Promise((answer) => waiting.push(answer))
  return {
    answerAll(posted) {
      for (const answer of waiting.splice(0)) answer(posted)
    },
  }
}

/** All but the first of these are laid aside. */
async function layAside(count: number): Promise<{ wake(): void; stop(): Promise<void> }> {
  const dispatcher = await world.start()
  world.answer = ({ id }) => status(id === ids(0, 1)[0] ? 200 : 500)
  world.log(records.slice(0, count))
  dispatcher.wake()
  await world.pass(SECOND)
  expect(world.outbox.counts('platform').waiting).toBe(count - 1)
  return dispatcher
}

describe('a stop', () => {
  it('waits for what is under way, begins nothing more, and loses nothing', async () => {
    const receiver = aSlowReceiver()
    const dispatcher = await world.start()
    world.log(records.slice(0, 60))
    dispatcher.wake()
    await world.pass(0)
    const stopped = dispatcher.stop()
    receiver.answerAll(status(200))
    await stopped
    expect(world.received).toHaveLength(AT_ONCE)
    world.answer = () => status(200)
    await world.start()
    expect([...new Set(world.received.map(({ id }) => id))].sort()).toEqual(ids(0, 60).sort())
  })

  it('waits also for messages whose neighbour could not be noted', async () => {
    const dispatcher = await layAside(5)
    let settled = 0
    Object.assign(world.outbox, {
      settle: () => (settled++ === 0 ? Promise.reject(new Error('disk full')) : Promise.resolve()),
    })
    const answers: ((posted: Posted) => void)[] = []
    world.answer = () => new Promise((answer) => answers.push(answer))
    await world.pass(5 * SECOND)
    expect(answers).toHaveLength(4)
    answers[0]?.(status(200))
    await world.pass(120 * SECOND)
    expect(answers, 'no second step beside the first').toHaveLength(4)
    let over = false
    const stopped = dispatcher.stop().then(() => {
      over = true
    })
    await world.pass(0)
    expect(over).toBe(false)
    for (const answer of answers) answer(status(200))
    await stopped
    expect(world.errors.splice(0)).toEqual([new Error('disk full')])
  })
})

it('an endpoint that was left out goes on where it was, a new one with what happens from then on', async () => {
  const first = await world.start()
  world.log(records.slice(0, 3))
  first.wake()
  await world.pass(SECOND)
  await first.stop()
  const other = { ...ENDPOINT, id: 'other' }
  const without = await world.start([other])
  world.log(records.slice(3, 6))
  without.wake()
  await world.pass(SECOND)
  await without.stop()
  const before = world.received.map(({ id }) => id)
  expect(before).toEqual(ids(0, 6))
  expect(world.outbox.place('platform')?.next).toBe(3)
  await world.start([ENDPOINT])
  await world.pass(SECOND)
  expect(world.received.slice(before.length).map(({ id }) => id)).toEqual(ids(3, 6))
})

describe('a receiver that is gone', () => {
  it('is sent nothing beyond what was under way', async () => {
    const dispatcher = await world.start()
    world.answer = () => status(410)
    world.log(records.slice(0, 60))
    dispatcher.wake()
    await world.pass(SECOND)
    expect(world.received.length).toBeLessThanOrEqual(AT_ONCE)
  })

  it('as a letter says, is sent neither other letters nor news', async () => {
    await layAside(40)
    world.answer = () => status(410)
    world.log(records.slice(40, 60))
    const before = world.received.length
    await world.pass(60 * SECOND)
    expect(world.received.length - before).toBeLessThanOrEqual(AT_ONCE)
    expect(world.outbox.place('platform')?.disabled_at).not.toBeNull()
  })
})

describe('a rest', () => {
  it('ends although the clock was set back', async () => {
    const dispatcher = await world.start()
    world.answer = () => status(500)
    world.log(records.slice(0, 2))
    dispatcher.wake()
    await world.pass(2 * SECOND)
    world.turnClock(-3_600 * SECOND)
    world.answer = () => status(200)
    await world.pass(60 * SECOND)
    expect(world.outbox.place('platform')?.next).toBe(2)
  })

  it('is as long as the receiver asks, up to a minute', async () => {
    const dispatcher = await world.start()
    world.answer = () => status(429, 40)
    world.log(records.slice(0, 1))
    dispatcher.wake()
    await world.pass(39 * SECOND)
    expect(world.received).toHaveLength(1)
    world.answer = () => status(503, 86_400)
    await world.pass(2 * SECOND)
    expect(world.received).toHaveLength(2)
    await world.pass(59 * SECOND)
    expect(world.received).toHaveLength(3)
  })
})

describe('a disk that is full', () => {
  /** Writes fail until it has room again. */
  function aFullDisk(): { hasRoom(): void } {
    let full = true
    for (const name of ['advance', 'settle', 'disable'] as const) {
      const write = world.outbox[name] as (...given: unknown[]) => Promise<void>
      Object.assign(world.outbox, {
        [name]: (...given: unknown[]) =>
          full ? Promise.reject(new Error('disk full')) : write(...given),
      })
    }
    return {
      hasRoom() {
        full = false
      },
    }
  }
  const faults = () => new Set(world.errors.splice(0).map(String))

  it('does not make a stretch be told again and again', async () => {
    const dispatcher = await world.start()
    const disk = aFullDisk()
    world.log(records.slice(0, 60))
    dispatcher.wake()
    await world.pass(3_600 * SECOND)
    expect(world.received).toHaveLength(60)
    expect(faults()).toEqual(new Set(['Error: disk full']))
    disk.hasRoom()
    world.log(records.slice(60, 61))
    await world.pass(60 * SECOND)
    expect(world.received.map(({ id }) => id).sort()).toEqual(ids(0, 61).sort())
    expect(world.outbox.place('platform')?.next).toBe(61)
  })

  it('does not make a letter be sent again that has arrived', async () => {
    await layAside(6)
    const disk = aFullDisk()
    world.answer = () => status(200)
    const before = world.received.length
    await world.pass(3_600 * SECOND)
    expect(world.received.length - before).toBe(5)
    expect(faults()).toEqual(new Set(['Error: disk full']))
    disk.hasRoom()
    await world.pass(60 * SECOND)
    expect(world.received.length - before).toBe(5)
    expect(world.outbox.counts('platform')).toEqual({ waiting: 0, dead: 0 })
  })

  it('does not make a receiver be asked again that is gone', async () => {
    const dispatcher = await world.start()
    const disk = aFullDisk()
    world.answer = () => status(410)
    world.log(records.slice(0, 1))
    dispatcher.wake()
    await world.pass(3_600 * SECOND)
    expect(world.received).toHaveLength(1)
    expect(faults()).toEqual(new Set(['Error: disk full']))
    disk.hasRoom()
    await world.pass(60 * SECOND)
    expect(world.outbox.place('platform')?.disabled_at).not.toBeNull()
    expect(world.received).toHaveLength(1)
  })
})

it('an entry that cannot be opened now is laid aside, told when it can be, and stops nobody', async () => {
  const dispatcher = await world.start()
  const { read, entry } = world.outbox
  let shut = true
  Object.assign(world.outbox, {
    read: async (...given: Parameters<typeof read>) => {
      const { entries, next } = await read(...given)
      return { entries: entries.map((one) => (one.index === 1 ? { index: 1, shut } : one)), next }
    },
    entry: (index: number) => (shut ? { index, shut } : entry(index)),
  })
  world.log(records.slice(0, 4))
  dispatcher.wake()
  await world.pass(60 * SECOND)
  expect(world.received.map(({ id }) => id)).toEqual([...ids(0, 1), ...ids(2, 4)])
  expect(world.outbox.counts('platform')).toEqual({ waiting: 1, dead: 0 })
  shut = false
  await world.pass(400 * SECOND)
  expect(world.received.at(-1)?.id).toBe(ids(1, 2)[0])
  expect(world.outbox.counts('platform')).toEqual({ waiting: 0, dead: 0 })
})

it('a letter whose entry was erased while it was under way is not laid again', async () => {
  await layAside(2)
  world.answer = async () => {
    world.forget(1)
    return status(500)
  }
  await world.pass(10 * SECOND)
  expect(world.outbox.counts('platform')).toEqual({ waiting: 0, dead: 0 })
})

it('no wake is lost, whenever it comes', async () => {
  const dispatcher = await world.start()
  let size = 0
  for (let ticks = 0; ticks < 60; ticks++) {
    world.log(records.slice(size, size + 1))
    dispatcher.wake()
    for (let i = 0; i < ticks; i++) await null
    world.log(records.slice(size + 1, size + 2))
    dispatcher.wake()
    size += 2
    await world.pass(0)
    expect(world.received, `${ticks} ticks`).toHaveLength(size)
  }
})
