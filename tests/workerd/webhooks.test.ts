/**
 * Webhooks on the edge: real records of a real deployment, told out of an object's storage through crashes, alarms that come
 * twice, receivers and objects that do not answer, and erasures. A crash is a run that is dropped and opened again over the same
 * storage.
 */
import { listDurableObjectIds, reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createDoSql } from '../../src/adapters/cloudflare/do-sql.ts'
import {
  createHooksRun,
  type HooksRun,
  type HooksRunParts,
} from '../../src/adapters/cloudflare/hooks-run.ts'
import {
  logPrefix,
  originOfShard,
  sequencerName,
  shardOf,
  subjectObjectName,
} from '../../src/adapters/cloudflare/names.ts'
import { createR2Tiles } from '../../src/adapters/cloudflare/r2-tiles.ts'
import { opened } from '../../src/adapters/cloudflare/rpc.ts'
import type { SequencerObject } from '../../src/adapters/cloudflare/sequencer-object.ts'
import { systemClock } from '../../src/adapters/cloudflare/worker-system.ts'
import { signerOf, together } from '../../src/adapters/webhooks/sign.ts'
import { toBase64 } from '../../src/core/encoding.ts'
import { epochMs, HOUR_MS } from '../../src/core/time.ts'
import {
  type Post,
  type Posted,
  WEBHOOK_TYPES,
  type WebhookEndpoint,
} from '../../src/gate/webhooks/port.ts'
import { ask } from '../support/gate.ts'
import { config, gate, pepper, stubs } from './deployment.ts'
import { chain } from './sequencers.ts'

const SECRET = `whsec_${toBase64(new Uint8Array(32).fill(3))}`
const SHARD = 0
const ok = (status: number): Posted => ({ status, retry_after_s: null })

interface Told {
  readonly id: string
  readonly type: string
  readonly data: {
    readonly subject?: string
    readonly record: { readonly id: string; readonly origin: string }
  }
}

interface World {
  readonly told: readonly Told[]
  /** What the receiver answers to the next. */
  answer: (message: Told) => Posted | Promise<Posted>
  /** When the alarm is set for, as far as it is. */
  readonly alarm: () => number | null
  readonly storage: HooksRunParts['storage']
  readonly endpoint: WebhookEndpoint
  /** The alarm went off, and nobody heard it. */
  loseAlarm(): void
  readonly errors: unknown[]
  clock: { at: number }
  /** How often the alarm went off. */
  rings: number
  /** A run over what is stored: another isolate, if there was one. */
  open(given?: Partial<HooksRunParts>): HooksRun
  /** Lets the alarm go off until none is due within the time given. */
  pass(run: HooksRun | (() => HooksRun), ms: number): Promise<void>
}

let worlds = 0
/** Runs inside a new object for one endpoint of the first log. */
async function inWorld<T>(work: (world: World) => Promise<T>): Promise<T> {
  worlds++
  const stub = env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId())
  const signers = await signerOf(SECRET)
  if (!signers.ok) throw new Error(signers.error)
  const endpoint: WebhookEndpoint = {
    ...{ id: 'platform', url: 'https://hooks.example/', private: false },
    ...{ types: new Set(WEBHOOK_TYPES), sign: together([signers.value]) },
  }
  return runInDurableObject(stub as never, (_object: never, state) =>
    work(worldOver(state, endpoint)),
  )
}

function worldOver({ storage }: DurableObjectState, endpoint: WebhookEndpoint): World {
  const told: Told[] = []
  const errors: unknown[] = []
  const clock = { at: Date.UTC(2026, 10, 24) }
  let alarm: number | null = null
  const post: Post = ({ headers, body }) => {
    expect(() =>
      new Webhook(SECRET).verify(body, { ...headers, ...fresh(headers, body) }),
    ).not.toThrow()
    const message = { id: headers['webhook-id'] ?? '', ...(JSON.parse(body) as Omit<Told, 'id'>) }
    told.push(message)
    return Promise.resolve(world.answer(message))
  }
  const world: World = {
    ...{ told, errors, clock, rings: 0, endpoint },
    answer: () => ok(204),
    storage: {
      getAlarm: async () => alarm,
      async setAlarm(time) {
        alarm = Number(time)
      },
      async deleteAlarm() {
        alarm = null
      },
    },
    alarm: () => alarm,
    loseAlarm() {
      alarm = null
    },
    open: (given = {}) =>
      createHooksRun({
        sql: createDoSql(storage),
        storage: world.storage,
        ...{ endpoint, post, clock: { now: () => epochMs(clock.at) } },
        origin: originOfShard(config.origin, SHARD, config.shards),
        tiles: createR2Tiles(env.LOG, logPrefix(SHARD)),
        ...{ sequencer: stubs.sequencer(SHARD), subject: stubs.subject },
        random: { bytes: (length) => new Uint8Array(length) },
        onError: (error) => errors.push(error),
        ...given,
      }),
    async pass(given, ms) {
      const end = clock.at + ms
      while (alarm !== null && alarm <= end) {
        clock.at = Math.max(clock.at, alarm)
        alarm = null
        world.rings++
        await (typeof given === 'function' ? given() : given).alarm()
      }
      clock.at = end
    },
  }
  return world
}

/** The same signature an instant ago: the library refuses what is older than minutes, and clocks here stand still. */
function fresh(headers: Readonly<Record<string, string>>, body: string): Record<string, string> {
  const now = new Date()
  const id = headers['webhook-id'] ?? ''
  const at = new Date(Number(headers['webhook-timestamp']) * 1000)
  const given = new Webhook(SECRET).sign(id, at, body)
  if (headers['webhook-signature'] !== given) return {}
  return {
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(SECRET).sign(id, now, body),
  }
}

let named = 0
/** A subject of the first log. */
function aSubject(): string {
  for (;;) {
    const subject = `hooked-${++named}`
    if (shardOf(subjectObjectName(pepper, subject), config.shards) === SHARD) return subject
  }
}

async function decide(subject: string = aSubject()): Promise<{ subject: string; id: string }> {
  const { id } = await gate.decide(ask(subject))
  return { subject, id: `msg_${id}` }
}

/** Publishes everything; how much that is. */
async function publish(): Promise<number> {
  const sequencer = env.SEQUENCERS.getByName(sequencerName(SHARD))
  for (let more = true; more; )
    more = await runInDurableObject(sequencer as never, async (object: SequencerObject) =>
      opened(object.publish()),
    )
  return (await opened(stubs.sequencer(SHARD).status())).published
}

let from = 0
beforeEach(async () => {
  await decide()
  from = await publish()
})
afterAll(reset)

describe('an endpoint on the edge', () => {
  it('is told of what is published from its first news on, each once, signed; then nothing is left to wake for', () =>
    inWorld(async (world) => {
      const run = world.open()
      await run.told({ from, size: from })
      expect(world.alarm()).toBeNull()
      const made = [await decide(), await decide()]
      const { subject } = made[0] ?? { subject: '' }
      const strike = { id: `s-${subject}`, subject, category: 'terrorism.link' } as const
      await gate.strike({ ...strike, severity: 'high', issued_at: systemClock.now() })
      await gate.reverse({ strike: strike.id, reason: 'wrong person' })
      const size = await publish()
      await run.told({ from, size })
      await world.pass(run, 0)
      const told = world.told.map(({ id }) => id)
      expect(told.slice(0, 2).sort()).toEqual(made.map(({ id }) => id).sort())
      const types = world.told.map(({ type }) => type)
      for (const type of ['strike.recorded', 'strike.reversed', 'broadcast.cut'])
        expect(types).toContain(type)
      expect(new Set(told).size).toBe(told.length)
      expect(world.told[0]?.data.record.origin).toBe(`${config.origin}/0`)
      expect(world.alarm()).toBeNull()
      expect(await run.standing()).toMatchObject({ behind: 0, waiting: 0, dead: 0 })
      await run.told({ from, size })
      expect(world.alarm(), 'news it has been told of').toBeNull()
    }))

  it('is told of activations, and asks about nothing it was not to be told of', () =>
    inWorld(async (world) => {
      await decide()
      const size = await publish()
      const unasked: HooksRunParts['sequencer'] = {
        records: () => Promise.reject(new Error('nobody asked')),
      }
      const endpoint = {
        ...{ id: 'policies', url: 'https://hooks.example/', private: false, sign: () => 'v1,x' },
        types: new Set(['policy.activated'] as const),
      }
      const types: string[] = []
      const post: Post = async ({ body }) => {
        types.push((JSON.parse(body) as Told).type)
        return ok(204)
      }
      const run = world.open({ endpoint, sequencer: unasked, post })
      await run.told({ from: 0, size })
      await world.pass(run, 0)
      expect(types).toEqual(['policy.activated'])
      expect(await run.standing()).toMatchObject({ behind: 0 })
    }))

  it('hears again, under the same ids, what was under way when its object ended', () =>
    inWorld(async (world) => {
      const first = world.open()
      await first.told({ from, size: from })
      const made = [await decide(), await decide(), await decide()]
      await first.told({ from, size: await publish() })
      let sent = 0
      let allSent = (): void => {}
      const under = new Promise<void>((go) => {
        allSent = go
      })
      world.answer = () => {
        if (++sent === made.length) allSent()
        return new Promise(() => {})
      }
      world.loseAlarm()
      void first.alarm()
      await under
      // The object is gone between the sending and the note of it; its alarm is not.
      expect(world.alarm()).not.toBeNull()
      world.answer = () => ok(200)
      await world.pass(world.open(), 60_000)
      const ids = made.map(({ id }) => id).sort()
      const told = world.told.map(({ id }) => id)
      expect(told.slice(0, 3).sort()).toEqual(ids)
      expect(told.slice(3).sort()).toEqual(ids)
      expect(world.alarm()).toBeNull()
    }))

  it('is told once although the alarm goes off twice, and with what came while it was told', () =>
    inWorld(async (world) => {
      const run = world.open()
      await run.told({ from, size: from })
      const first = await decide()
      await run.told({ from, size: await publish() })
      let late: { id: string } | null = null
      world.answer = async () => {
        if (late !== null) return ok(204)
        late = await decide()
        await run.told({ from, size: await publish() })
        return ok(204)
      }
      await Promise.all([run.alarm(), run.alarm()])
      await world.pass(run, 0)
      expect(world.told.map(({ id }) => id)).toEqual([
        first.id,
        (late as { id: string } | null)?.id,
      ])
    }))

  it('is told what comes while its last alarm is taken away', () =>
    inWorld(async (world) => {
      let late: (() => Promise<void>) | null = null
      const run = world.open({
        storage: {
          ...world.storage,
          async deleteAlarm() {
            await world.storage.deleteAlarm()
            const bring = late
            late = null
            await bring?.()
          },
        },
      })
      const first = await decide()
      await run.told({ from, size: await publish() })
      const second = await decide()
      const size = await publish()
      late = () => run.told({ from, size })
      await world.pass(run, 0)
      expect(world.told.map(({ id }) => id)).toEqual([first.id, second.id])
    }))

  it('that is down keeps its place, and is told of everything when it is back', () =>
    inWorld(async (world) => {
      const run = world.open()
      await run.told({ from, size: from })
      world.answer = () => ({ fault: 'unreachable' })
      const made = await Promise.all(Array.from({ length: 5 }, () => decide()))
      await run.told({ from, size: await publish() })
      await world.pass(run, 3_000)
      expect(await run.standing()).toMatchObject({ behind: expect.any(Number), waiting: 0 })
      world.answer = () => ok(204)
      const before = world.told.length
      await world.pass(run, 60_000)
      const after = world.told.slice(before).map(({ id }) => id)
      expect(after.sort()).toEqual(made.map(({ id }) => id).sort())
    }))

  it('that refuses a message has it laid aside though its object ends each time, dead after ten, and sent when replayed', () =>
    inWorld(async (world) => {
      await world.open().told({ from, size: from })
      const bad = await decide()
      await world.open().told({ from, size: await publish() })
      world.answer = ({ id }) => ok(id === bad.id ? 400 : 204)
      await world.pass(world.open, 60_000)
      expect(await world.open().standing()).toMatchObject({ behind: 0, waiting: 1 })
      const good = await decide()
      await world.open().told({ from, size: await publish() })
      await world.pass(world.open, 1_000)
      expect(world.told.at(-1)?.id).toBe(good.id)
      const woken = world.rings
      await world.pass(world.open, 100 * HOUR_MS)
      expect(world.rings - woken, 'once for each attempt').toBeLessThan(10)
      expect(world.told.filter(({ id }) => id === bad.id)).toHaveLength(3 + 9)
      expect(await world.open().standing()).toMatchObject({ waiting: 0, dead: 1 })
      expect(world.alarm(), 'nobody wakes for the dead').toBeNull()
      const { letters } = await world.open().dead({ from: 0, limit: 10 })
      expect(letters).toMatchObject([{ message: bad.id, attempts: 10, error: 'status 400' }])
      world.answer = () => ok(204)
      expect(await world.open().replay([0])).toEqual({ revived: 0, enabled: false })
      expect(await world.open().replay(null)).toEqual({ revived: 1, enabled: false })
      await world.pass(world.open, 0)
      expect(world.told.at(-1)?.id).toBe(bad.id)
      expect(await world.open().standing()).toMatchObject({
        ...{ waiting: 0, dead: 0 },
        // Of objects that ended after each of them.
        posted: { status_2xx: world.told.length - 12, status_4xx: 12 },
      })
    }))

  it('that is gone wakes for nothing until somebody says so', () =>
    inWorld(async (world) => {
      const run = world.open()
      await run.told({ from, size: from })
      const { id } = await decide()
      world.answer = () => ok(410)
      await run.told({ from, size: await publish() })
      await world.pass(run, 0)
      expect(world.alarm()).toBeNull()
      await run.told({ from, size: await publish() })
      expect(world.alarm()).toBeNull()
      expect((await run.standing()).disabled_at).not.toBeNull()
      world.answer = () => ok(204)
      expect(await run.replay(null)).toMatchObject({ enabled: true })
      await world.pass(run, 0)
      expect(world.told.map((one) => one.id)).toEqual([id, id])
    }))

  it('that was not in the file when its alarm went off is told what waited, when it is named again', () =>
    inWorld(async (world) => {
      await world.open().told({ from, size: from })
      const bad = await decide()
      const size = await publish()
      world.answer = () => ok(500)
      await world.open().told({ from, size })
      await world.pass(world.open, 60_000)
      expect(await world.open().standing()).toMatchObject({ behind: 0, waiting: 1 })
      world.loseAlarm()
      world.answer = () => ok(204)
      await world.open().told({ from, size })
      const before = world.told.length
      await world.pass(world.open, HOUR_MS)
      expect(world.told.slice(before).map(({ id }) => id)).toEqual([bad.id])
      expect(world.alarm()).toBeNull()
    }))

  it('that rests does not wake for each round, and goes on when it has rested', () =>
    inWorld(async (world) => {
      const run = world.open()
      await run.told({ from, size: from })
      world.answer = () => ({ status: 503, retry_after_s: 40 })
      const first = await decide()
      await run.told({ from, size: await publish() })
      await world.pass(run, 1_000)
      const until = world.alarm()
      const second = await decide()
      await world.open().told({ from, size: await publish() })
      expect(world.alarm()).toBe(until)
      world.loseAlarm()
      await world.open().told({ from, size: await publish() })
      expect(world.alarm(), 'an alarm that was lost is set again').toBe(until)
      world.answer = () => ok(204)
      await world.pass(world.open, 60_000)
      const told = world.told.map(({ id }) => id)
      expect(told.slice(0, 1)).toEqual([first.id])
      expect(told.slice(1).sort()).toEqual([first.id, second.id].sort())
    }))

  it('is not kept from others by a subject whose object does not answer', () =>
    inWorld(async (world) => {
      const [lost, found] = [await decide(), await decide()]
      let silent = true
      const object = subjectObjectName(pepper, lost.subject)
      const subject: HooksRunParts['subject'] = (name) =>
        name === object && silent
          ? { records: () => Promise.reject(new Error('gone')) }
          : stubs.subject(name)
      const run = world.open({ subject })
      await run.told({ from, size: await publish() })
      await world.pass(run, 1_000)
      expect(world.told.map(({ id }) => id)).toEqual([found.id])
      expect(await run.standing()).toMatchObject({ behind: 0, waiting: 1 })
      silent = false
      await world.pass(run, 60_000)
      expect(world.told.map(({ id }) => id)).toEqual([found.id, lost.id])
    }))

  it('goes on where the bucket did not answer', () =>
    inWorld(async (world) => {
      const made = await decide()
      const tiles = createR2Tiles(env.LOG, logPrefix(SHARD))
      let down = true
      const get = (path: string): Promise<Uint8Array | null> =>
        down ? Promise.reject(new Error('bucket down')) : tiles.get(path)
      const run = world.open({ tiles: { ...tiles, get } })
      await run.told({ from, size: await publish() })
      await world.pass(run, 0)
      expect(world.errors.splice(0)).toEqual([new Error('bucket down')])
      down = false
      await world.pass(run, 60_000)
      expect(world.told.map(({ id }) => id)).toEqual([made.id])
    }))

  it('finds a strike among hundreds of entries nobody is told of', () =>
    inWorld(async (world) => {
      const strike = async (id: string): Promise<void> => {
        const given = { id, subject: aSubject(), category: 'terrorism.link', severity: 'high' }
        await gate.strike({ ...given, severity: 'high', issued_at: systemClock.now() })
      }
      await strike(`near-${from}`)
      await opened(stubs.sequencer(SHARD).append(chain(`noise-${from}`, 1, 500)))
      await strike(`far-${from}`)
      await opened(stubs.sequencer(SHARD).append(chain(`noise-${from}`, 501, 500)))
      const size = await publish()
      const endpoint = { ...world.endpoint, types: new Set(['strike.recorded'] as const) }
      const run = world.open({ endpoint })
      await run.told({ from, size })
      await world.pass(run, 10_000)
      expect(world.told.map(({ type }) => type)).toEqual(['strike.recorded', 'strike.recorded'])
      expect(await run.standing()).toMatchObject({ behind: 0 })
    }))
})

describe('what was erased', () => {
  const basis = { basis: 'Art. 17 GDPR' }

  it('is never sent, and no letter of it is kept', () =>
    inWorld(async (world) => {
      const run = world.open()
      await run.told({ from, size: from })
      const [mine, other, unsent] = [await decide(), await decide(), await decide()]
      world.answer = ({ id }) => ok(id === mine.id || id === other.id ? 500 : 204)
      await run.told({ from, size: await publish() })
      await world.pass(run, 100 * HOUR_MS)
      expect(await run.standing()).toMatchObject({ waiting: 0, dead: 2 })
      for (const { subject } of [mine, unsent]) {
        const object = stubs.subject(subjectObjectName(pepper, subject))
        await opened(object.erase({ subject, scope: 'full', ...basis }))
      }
      const before = world.told.length
      await run.told({ from, size: await publish() })
      await world.pass(run, 120_000)
      expect(await run.standing()).toMatchObject({ behind: 0, waiting: 0, dead: 1 })
      const { letters } = await run.dead({ from: 0, limit: 10 })
      expect(letters.map(({ message }) => message)).toEqual([other.id])
      expect(world.alarm()).toBeNull()
      world.answer = () => ok(204)
      await run.replay(null)
      await world.pass(run, 0)
      expect(world.told.slice(before).map(({ id }) => id)).toEqual([other.id])
    }))
})

it('where no endpoint is configured nobody is told: there is no object but those of this file', async () => {
  await decide()
  await publish()
  expect(await listDurableObjectIds(env.WEBHOOKS as never)).toHaveLength(worlds)
})
