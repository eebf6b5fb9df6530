/**
 * Opening records leaves a record, on every host: in the log the records are in, before the answer is out.
 *
 * The entries of the log say who opened what; they are compared with what was answered.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  DECISION_ANSWER,
  RECORDS_ANSWER,
  STORED_DECISION,
} from '../../src/adapters/http/answers.ts'
import { fromUtf8 } from '../../src/core/encoding.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { parseRecord } from '../../src/core/record/parse.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { tilePath, tilesOf } from '../../src/core/tlog/tile.ts'
import { answer, fresh, type Host, narrowKey, OLD_ACCOUNT, problem, send } from './host.ts'
import { logNamed, servedHead } from './host-verify.ts'

interface Made {
  readonly id: string
  readonly receipt: { readonly origin: string; readonly index: number }
}

interface Page {
  readonly records: readonly { readonly index: number; readonly record: string }[]
  readonly next: number | null
}

export function openingsSuite(create: () => Promise<Host>): void {
  let host: Host
  let made: Made

  beforeAll(async () => {
    host = await create()
    made = await decided()
  })

  async function decided(): Promise<Made> {
    const body = { subject: fresh('opened'), stream: { id: 'b' }, facts: OLD_ACCOUNT }
    const sent = { method: 'POST', path: '/v1/decisions', body } as const
    return answer<Made>(host, sent, { status: 200, shape: DECISION_ANSWER })
  }

  /** Resolves when a checkpoint of the log covers everything that is in it now. */
  async function published(): Promise<void> {
    let last = await decided()
    while (last.receipt.origin !== made.receipt.origin) last = await decided()
    const path = `/v1/decisions/${last.id}/proof?wait=10s`
    expect((await send(host, { path, as: 'audit' })).status).toBe(200)
  }

  /** Public claims of the access records of the log `made` is in, oldest first. */
  async function accesses(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const log = logNamed(host, made.receipt.origin)
    await published()
    const { size } = await servedHead(host, log)
    const found: Readonly<Record<string, unknown>>[] = []
    for (const ref of tilesOf(size)) {
      if (ref.kind !== 'entries') continue
      const path = `${log.path}/${tilePath(ref)}`
      const bundle = decodeBundle((await send(host, { path, as: 'audit' })).bytes, ref.width)
      if (!bundle.ok) throw new Error(bundle.error)
      for (const entry of bundle.value) {
        const record = parseRecord(fromUtf8(entry) ?? '')
        if (record.ok && record.value.kind === 'access') found.push({ ...record.value.claims })
      }
    }
    return found
  }

  /** The accesses that `work` left behind. */
  async function leftBy(
    work: () => Promise<unknown>,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const before = (await accesses()).length
    await work()
    return (await accesses()).slice(before)
  }

  const digestOf = (...ids: readonly string[]): string => portableHasher.digestText(ids.join('\n'))

  describe('opening records', () => {
    it('leaves a record of one decision, who read it and which groups, each time', async () => {
      const path = `/v1/decisions/${made.id}`
      const read = () =>
        answer(host, { path, as: 'audit' }, { status: 200, shape: STORED_DECISION })
      const left = await leftBy(async () => {
        await read()
        await read()
      })
      const one = {
        by: narrowKey('audit').split('_')[1],
        via: 'decision',
        groups: ['chain', 'result', 'request', 'facts'],
        count: 1,
        digest: digestOf(made.id),
      }
      expect(left).toMatchObject([one, one])
    })

    it('leaves one record of a page, with the groups asked for and no more', async () => {
      const { shard } = logNamed(host, made.receipt.origin)
      const which = host.shards === 1 ? '' : `shard=${shard}&`
      const path = `/v1/records?${which}from=${made.receipt.index}&limit=1&groups=result,chain`
      const left = await leftBy(async () => {
        const page = await answer<Page>(host, { path }, { status: 200, shape: RECORDS_ANSWER })
        expect(page.records.map(({ record }) => record.split('~').length)).toEqual([4])
      })
      const by = host.adminKey.split('_')[1]
      const page = { by, via: 'records', groups: ['chain', 'result'], count: 1 }
      expect(left).toMatchObject([{ ...page, digest: digestOf(made.id) }])
    })

    it('leaves none of a search, a proof, an empty page and a refusal', async () => {
      const path = `/v1/decisions/${made.id}`
      const left = await leftBy(async () => {
        await send(host, { path: '/v1/decisions?limit=3', as: 'audit' })
        await send(host, { path: `${path}/proof`, as: 'audit' })
        await send(host, { path: '/v1/records?from=9007199254740991', as: 'audit' })
        await problem(
          host,
          { path: `${path}?groups=subject`, as: 'audit' },
          { status: 403, code: 'forbidden' },
        )
        await problem(
          host,
          { path: `${path}?groups=all`, as: 'audit' },
          { status: 400, code: 'invalid_request' },
        )
      })
      expect(left).toEqual([])
    })
  })
}
