/**
 * Every write of an exchange of keys on the edge × {fails, done but reported failed, hangs, crash after} × {once, twice in a
 * row}: whoever asks again gets there, the log says each thing once, and what it publishes is signed by who should.
 *
 * Private keys are secrets that are there already, so what can go wrong is a record: the new key's, and the old one's end.
 * The same on Node: adapters/node/node-keys.test.ts; in memory: gate/key-rotation.test.ts.
 */
import { describe, expect, it } from 'vitest'
import {
  createCheckpointSigner,
  createRecordSigner,
} from '../../src/adapters/cloudflare/edge-keys.ts'
import type { Sequencer, SequencerStorage } from '../../src/adapters/cloudflare/sequencer.ts'
import { type KeySecrets, RECORD_OVERLAP_S } from '../../src/adapters/cloudflare/sequencer-keys.ts'
import { toBase64Url } from '../../src/core/encoding.ts'
import { parseNote } from '../../src/core/tlog/note.ts'
import { FAULTS, type Fault } from '../support/round-steps.ts'
import { chain, inPlace, ORIGIN, type Place, storageOf, verifyPublished } from './sequencers.ts'

const NEXT_SEED = toBase64Url(new Uint8Array(32).fill(9))

interface World {
  readonly place: Place
  readonly next: KeySecrets['next']
  /** What befalls the next writes of a change of keys. */
  plan: { readonly fault: Fault; left: number } | null
  process: { dead: boolean }
}

async function worldIn(place: Place): Promise<World> {
  await place.open()
  const record = await createRecordSigner(NEXT_SEED)
  const next = { record, checkpoint: await createCheckpointSigner(NEXT_SEED, ORIGIN) }
  return { place, next, plan: null, process: { dead: false } }
}

/** Opened anew, with both secrets; the process before is over. */
async function open(world: World): Promise<Sequencer> {
  world.process.dead = true
  const process = { dead: false }
  world.process = process
  const { place, next } = world
  const storage = storageIn(world, process)
  return place.open({ storage, create: false, ...(next === undefined ? {} : { next }) })
}

function storageIn(world: World, process: World['process']): SequencerStorage {
  const storage = storageOf(world.place.state, world.place.alarm)
  const never = (): Promise<never> => new Promise(() => {})
  let unheard: Fault | null = null
  return {
    ...storage,
    transactionSync(work) {
      if (process.dead) throw new Error('the process has ended')
      const { plan } = world
      unheard = null
      if (plan !== null && plan.left > 0) {
        plan.left--
        unheard = plan.fault
      }
      return storage.transactionSync(() => {
        const result = work()
        if (unheard === 'fails') throw new Error('cannot commit')
        return result
      })
    },
    async sync() {
      const fault = unheard
      unheard = null
      await storage.sync()
      if (fault === 'done but reported failed') throw new Error('cannot sync')
      if (fault === 'crash after') process.dead = true
      if (fault === 'crash after' || fault === 'hangs') return never()
    },
  }
}

type Wish = Parameters<Sequencer['changeKey']>[0]

/** Asks until the plan is over; whoever hangs or has died is opened again. */
async function afflicted(world: World, first: Sequencer, wish: Wish): Promise<Sequencer> {
  let log = first
  const times = world.plan?.left ?? 0
  for (let attempt = 0; (world.plan?.left ?? 0) > 0; attempt++) {
    if (attempt > 2) throw new Error('the write was not met')
    let settled = false
    const done = log.changeKey(wish).then(
      () => {
        settled = true
      },
      () => {
        settled = true
      },
    )
    for (let turn = 0; turn < 40 && !settled; turn++) await scheduler.wait(1)
    if (settled) await done
    else {
      const { plan } = world
      world.plan = null
      log = await open(world)
      world.plan = plan
    }
    // What is done already is not written again, so nothing more can befall it.
    if (settled && (await isDone(log, wish))) break
  }
  expect(world.plan?.left).toBeLessThan(times)
  world.plan = null
  return log
}

async function isDone(log: Sequencer, wish: Wish): Promise<boolean> {
  const { keys } = await log.keys()
  const of = keys.filter(({ use }) => wish.step !== 'revoke' && use === wish.use)
  return wish.step === 'begin' ? of.length > 1 : of.some(({ status }) => status === 'retired')
}

async function statuses(log: Sequencer, use: string): Promise<readonly string[]> {
  const { keys, signing } = await log.keys()
  const of = keys.filter((key) => key.use === use)
  return of.map(({ status, kid }) => `${status}${signing.includes(kid) ? ', signs' : ''}`)
}

/** Signatures on the checkpoint, once everything is published. */
async function lines(log: Sequencer): Promise<number> {
  while (await log.publish());
  const note = parseNote(await log.checkpoint())
  return note.ok ? note.value.signatures.length : 0
}

describe.each(['record', 'checkpoint'] as const)('an exchange of the %s key', (use) => {
  for (const step of ['begin', 'finish'] as const)
    for (const fault of FAULTS)
      for (const times of [1, 2])
        it(`is gone on with (${step}: ${fault}, ${times === 1 ? 'once' : 'twice in a row'})`, () =>
          inPlace(async (place) => {
            const world = await worldIn(place)
            const begun = await open(world)
            if (step === 'finish') await begun.changeKey({ step: 'begin', use })
            place.clock.at += RECORD_OVERLAP_S * 1000
            const before = (await begun.status()).entries
            world.plan = { fault, left: times }
            const log = await afflicted(world, begun, { step, use })
            await log.changeKey({ step, use })
            expect(await log.changeKey({ step, use })).toBe(false)
            // One record, however often it was asked for.
            expect((await log.status()).entries).toBe(before + 1)
            if (step === 'begin')
              expect(await statuses(log, use)).toEqual(
                use === 'record' ? ['active', 'active, signs'] : ['active, signs', 'active, signs'],
              )
            else expect(await statuses(log, use)).toEqual(['retired', 'active, signs'])

            const again = await open(world)
            expect((await again.status()).halted).toBeNull()
            expect(await again.append(chain(`after-${use}`, 1))).toEqual([before + 1])
            const both = use === 'checkpoint' && step === 'begin'
            expect(await lines(again)).toBe(both ? 2 : 1)
            if (use === 'record')
              expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(before + 2)
          }))
})
