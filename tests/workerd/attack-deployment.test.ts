/**
 * A deployment that is set up otherwise than it began: with another pepper every history would be looked for in an empty object,
 * with another number of logs half of the chains would go on elsewhere. Nothing is decided then, and it says why.
 */
import { describe, expect, it } from 'vitest'
import { createRecordSigner } from '../../src/adapters/cloudflare/edge-keys.ts'
import type { Caller } from '../../src/adapters/cloudflare/rpc.ts'
import { toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { policyDigest } from '../../src/core/record/policy-parts.ts'
import { ask } from '../support/gate.ts'
import { chain, inPlace, type Place, SEED } from './sequencers.ts'
import { aWorld, type World } from './subject-world.ts'

const FIXED = { shards: 4, pepper: 'probe-of-the-pepper' }
const OTHERS = [
  ['LIVEGATE_PEPPER', { ...FIXED, pepper: 'probe-of-another' }],
  ['LIVEGATE_SHARDS', { ...FIXED, shards: 8 }],
] as const
const POLICY = utf8('policy text')

const sealOf = ({ prefix }: Place, fixed = FIXED) => ({ key: `${prefix}deployment.json`, fixed })

async function callerOf(seed: string): Promise<Caller> {
  const { signer } = await createRecordSigner(seed)
  return { ...FIXED, kid: signer.kid }
}

describe('a deployment', () => {
  for (const [name, other] of OTHERS) {
    it(`whose ${name} was changed halts its logs, and goes on once that is taken back`, () =>
      inPlace(async (place) => {
        await (await place.open({ seal: sealOf(place) })).append(chain('sealed', 1))
        const changed = await place.open({ seal: sealOf(place, other) })
        expect((await changed.status()).halted).toContain(name)
        const told = { code: 'halted', hint: `Set ${name} to what it was.` }
        await expect(changed.append(chain('sealed', 2))).rejects.toMatchObject(told)
        const back = await place.open({ seal: sealOf(place) })
        expect(await back.append(chain('sealed', 2))).toEqual([3])
      }))

    it(`whose ${name} was changed begins no log more, although it is told to`, () =>
      inPlace(async (place) => {
        await place.bucket.put(sealOf(place).key, JSON.stringify(FIXED))
        const next = `${place.prefix}4/`
        const log = await place.open({ prefix: next, seal: sealOf(place, other), create: true })
        expect((await log.status()).halted).toContain(name)
        expect((await place.bucket.list({ prefix: next })).objects).toEqual([])
        expect((await log.status()).entries).toBe(0)
      }))
  }

  it('that began before there were seals is sealed when it is opened', () =>
    inPlace(async (place) => {
      await place.open()
      await place.open({ seal: sealOf(place) })
      const [, other] = OTHERS[0]
      expect((await (await place.open({ seal: sealOf(place, other) })).status()).halted).toContain(
        'LIVEGATE_PEPPER',
      )
    }))

  it('whose seal somebody damaged halts', () =>
    inPlace(async (place) => {
      await place.open({ seal: sealOf(place) })
      await place.bucket.put(sealOf(place).key, '{}')
      const { halted } = await (await place.open({ seal: sealOf(place) })).status()
      expect(halted).toContain('malformed')
    }))

  it('logs nothing for an object that runs with another key, pepper or number of logs than the log', () =>
    inPlace(async (place) => {
      const log = await place.open({ seal: sealOf(place) })
      const policy = { digest: policyDigest(POLICY), bytes: POLICY }
      const caller = await callerOf(SEED)
      await log.ready(policy, caller)
      const strangers: (readonly [string, Caller])[] = [
        ['LIVEGATE_RECORD_KEY', await callerOf(toBase64Url(new Uint8Array(32).fill(9)))],
        ...OTHERS.map(([name, other]) => [name, { ...caller, ...other }] as const),
      ]
      for (const [name, stranger] of strangers)
        await expect(log.ready(policy, stranger)).rejects.toMatchObject({
          code: 'log_unavailable',
          message: expect.stringContaining(name),
        })
    }))
})

describe('a log that takes nothing', () => {
  it('is asked before the next record is written: one record waits, however often somebody asks', async () => {
    const world: World = aWorld()
    await world.ask('away', (host) => host.decide(ask('away')))
    world.around = async (step, call) => {
      if (step !== 'append' && step !== 'ready') return call()
      throw new Error('Network connection lost.')
    }
    await expect(world.ask('away', (host) => host.decide(ask('away')))).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    const before = world.writes
    for (const subject of ['away', 'stranger', 'another'])
      await expect(world.ask(subject, (host) => host.decide(ask(subject)))).rejects.toMatchObject({
        code: 'log_unavailable',
      })
    expect(world.writes).toBe(before)
    world.around = (_step, call) => call()
    const answer = await world.ask('stranger', (host) => host.decide(ask('stranger')))
    expect(answer.outcome).toBe('allow')
    await world.ask('away', (host) => host.view('away'))
    await world.verify('away', 'stranger')
  })

  it('says so to whoever asks whether it is ready: closed, full, or with too much waiting', () =>
    inPlace(async (place) => {
      const policy = { digest: policyDigest(POLICY), bytes: POLICY }
      await (await place.open()).ready(policy)
      const full = await place.open({ maxBytes: 1 })
      await expect(full.ready(policy)).rejects.toMatchObject({ code: 'log_unavailable' })
      const busy = await place.open({ commit: { limits: { queueJobs: 1 }, schedule: () => {} } })
      void busy.append(chain('waits', 1))
      await expect(busy.ready(policy)).rejects.toMatchObject({ code: 'overloaded' })
    }))
})

describe('records that name thousands of strikes', () => {
  it('count with what they weigh: the queue sheds the next', () =>
    inPlace(async (place) => {
      await place.open()
      const log = await place.open({
        commit: { limits: { queueBytes: 600_000 }, schedule: () => {} },
      })
      const strikes = Array.from({ length: 4096 }, (_, i) => `${i}`.padStart(128, '0'))
      const heavy = (object: string) =>
        chain(object, 1).map((entry) => ({
          ...entry,
          decision: { outcome: 'deny' as const, mode: null, rules: ['many'], strikes },
        }))
      void log.append(heavy('one'))
      await expect(log.append(heavy('two'))).rejects.toMatchObject({ code: 'overloaded' })
    }))
})
