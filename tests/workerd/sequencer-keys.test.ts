/**
 * Keys of a log on the edge: secrets beside secrets, the log's word which of them signs, crashes in between.
 */
import { describe, expect, it } from 'vitest'
import {
  createCheckpointSigner,
  createRecordSigner,
} from '../../src/adapters/cloudflare/edge-keys.ts'
import type { Caller, ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import type { Sequencer, SequencerParts } from '../../src/adapters/cloudflare/sequencer.ts'
import { type KeySecrets, RECORD_OVERLAP_S } from '../../src/adapters/cloudflare/sequencer-keys.ts'
import { textToBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { parseNote } from '../../src/core/tlog/note.ts'
import { chain, inPlace, ORIGIN, type Place, SEED } from './sequencers.ts'

const NEXT_SEED = toBase64Url(new Uint8Array(32).fill(9))

async function secretsOf(seed: string): Promise<Pick<KeySecrets, 'record' | 'checkpoint'>> {
  const record = await createRecordSigner(seed)
  return { record, checkpoint: await createCheckpointSigner(seed, ORIGIN) }
}

async function beside(): Promise<Pick<KeySecrets, 'next'>> {
  return { next: await secretsOf(NEXT_SEED) }
}

async function statuses(log: Sequencer): Promise<readonly string[]> {
  const { keys, signing } = await log.keys()
  return keys.map(
    ({ use, status, kid }) => `${use} ${status}${signing.includes(kid) ? ', signs' : ''}`,
  )
}

async function lines(log: Sequencer): Promise<number> {
  while (await log.publish());
  const note = parseNote(await log.checkpoint())
  return note.ok ? note.value.signatures.length : 0
}

/** Opened anew, as after a crash or a deployment. */
const again = (place: Place, parts: Partial<SequencerParts>): Promise<Sequencer> =>
  place.open({ ...parts, create: false })

const asks = (kids: readonly string[]): Caller => ({
  ...{ kid: kids[0] ?? '', kids, shards: 1, pepper: 'p' },
})

const rotate = { step: 'begin', use: 'record' } as const
const finish = { step: 'finish', use: 'record' } as const

describe('a record key', () => {
  it('takes over when the operator asks, and the old one ends after the overlap', () =>
    inPlace(async (place) => {
      await place.open()
      const log = await again(place, await beside())
      const [old, next] = [await createRecordSigner(SEED), await createRecordSigner(NEXT_SEED)]
      expect((await log.ready(null)).kid).toBe(old.signer.kid)
      expect(await log.changeKey(rotate)).toBe(true)
      expect(await log.changeKey(rotate)).toBe(false)
      const { kid, kids } = await log.ready(null)
      expect([kid, kids]).toEqual([next.signer.kid, [old.signer.kid, next.signer.kid]])
      await expect(log.changeKey(finish)).rejects.toMatchObject({ code: 'conflict' })
      place.clock.at += RECORD_OVERLAP_S * 1000
      expect(await log.changeKey(finish)).toBe(true)
      expect(await statuses(log)).toEqual([
        'record retired',
        'checkpoint active, signs',
        'record active, signs',
      ])
      expect(await log.recordKeys()).toEqual([old.jwk.x, next.jwk.x])
    }))

  it('goes on after a crash, and alone once its secret stands in the old one’s place', () =>
    inPlace(async (place) => {
      await place.open()
      await (await again(place, await beside())).changeKey(rotate)
      const log = await again(place, await beside())
      expect((await statuses(log)).at(-1)).toBe('record active, signs')
      place.clock.at += RECORD_OVERLAP_S * 1000
      await log.changeKey(finish)
      const { record } = await secretsOf(NEXT_SEED)
      const after = await again(place, { record, next: {} })
      expect((await after.status()).halted).toBe(null)
      expect((await after.ready(null)).kid).toBe(record.signer.kid)
    }))

  it('that was never asked for changes nothing', () =>
    inPlace(async (place) => {
      await place.open()
      const log = await again(place, await beside())
      expect(await statuses(log)).toEqual(['record active, signs', 'checkpoint active, signs'])
    }))

  it('without its secret is asked for in plain words', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await expect(log.changeKey(rotate)).rejects.toThrow('LIVEGATE_RECORD_KEY_NEXT is not set')
    }))

  it('that has ended opens no log', () =>
    inPlace(async (place) => {
      await place.open()
      const log = await again(place, await beside())
      await log.changeKey(rotate)
      place.clock.at += RECORD_OVERLAP_S * 1000
      await log.changeKey(finish)
      const { halted } = await (await again(place, {})).status()
      expect(halted).toMatch(/^its record key .{43} was retired at index \d+$/)
    }))

  it('is the only thing whoever asks may differ in, if they have it too', () =>
    inPlace(async (place) => {
      await place.open()
      const log = await again(place, await beside())
      await log.changeKey(rotate)
      const [old, next] = [await createRecordSigner(SEED), await createRecordSigner(NEXT_SEED)]
      await log.ready(null, asks([old.signer.kid, next.signer.kid]))
      await expect(log.ready(null, asks([old.signer.kid]))).rejects.toMatchObject({
        code: 'log_unavailable',
      })
    }))

  it('that is compromised gives way at once', () =>
    inPlace(async (place) => {
      await place.open()
      const log = await again(place, await beside())
      const { signer } = await createRecordSigner(SEED)
      expect(await log.changeKey({ step: 'revoke', kid: signer.kid, from: 1 })).toBe(true)
      expect((await statuses(log))[0]).toBe('record revoked')
      expect(await log.recordKeys()).toHaveLength(1)
    }))
})

/** An entry of a chain whose record names this key. */
function under(entry: ChainEntry | undefined, kid: string): ChainEntry {
  if (entry === undefined) throw new Error('no entry')
  const header = textToBase64Url(JSON.stringify({ alg: 'Ed25519', typ: 't', kid }))
  const jws = [header, ...entry.record.jws.split('.').slice(1)].join('.')
  return { ...entry, record: { ...entry.record, jws, leaf: leafHash(utf8(jws)) } }
}

describe('records of chains', () => {
  it('are taken under either key while both are in force, and under an old one no more', () =>
    inPlace(async (place) => {
      await place.open()
      const log = await again(place, await beside())
      const old = (await createRecordSigner(SEED)).signer.kid
      const [first, second] = [under(chain('a', 1)[0], old), under(chain('a', 2)[0], old)]
      await log.changeKey(rotate)
      const at = await log.append([first])
      place.clock.at += RECORD_OVERLAP_S * 1000
      await log.changeKey(finish)
      await expect(log.append([second])).rejects.toMatchObject({ code: 'log_unavailable' })
      expect(await log.append([first])).toEqual(at)
      expect(await log.append([under(chain('a', 2)[0], 'other')])).toHaveLength(1)
    }))
})

describe('a checkpoint key', () => {
  it('signs beside the old one until that ends', () =>
    inPlace(async (place) => {
      const first = await place.open()
      expect(await lines(first)).toBe(1)
      const log = await again(place, await beside())
      await log.changeKey({ step: 'begin', use: 'checkpoint' })
      expect(await lines(log)).toBe(2)
      const resumed = await again(place, await beside())
      await resumed.append(chain('b', 1))
      expect(await lines(resumed)).toBe(2)
      await resumed.changeKey({ step: 'finish', use: 'checkpoint' })
      expect(await lines(resumed)).toBe(1)
      const { checkpoint } = await secretsOf(NEXT_SEED)
      const after = await again(place, { checkpoint, next: {} })
      expect((await after.status()).halted).toBe(null)
      await after.append(chain('b', 2))
      expect(await lines(after)).toBe(1)
    }))
})
