/**
 * What an auditor is promised: every answer is a record under a served key, at its place in a log that proves it, in a
 * chain without a gap; and a search that finds each once. The whole published log is audited from what is served.
 */
import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  DECISION_ANSWER,
  FOUND_DECISIONS,
  RECORDS_ANSWER,
} from '../../src/adapters/http/answers.ts'
import { createAudit } from '../../src/core/audit/audit.ts'
import { verifyRange } from '../../src/core/audit/range.ts'
import { toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { openDisclosures } from '../../src/core/record/disclosure.ts'
import { parsePresentation } from '../../src/core/record/presentation.ts'
import { verifyRecord } from '../../src/core/record/verify.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { verifyTlogProof } from '../../src/core/tlog/proof.ts'
import { type TileRef, tilePath, tilesOf } from '../../src/core/tlog/tile.ts'
import { answer, aViolation, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'
import {
  type LogSeen,
  logNamed,
  logsOf,
  servedHead,
  servedKeys,
  servedVerifier,
  verifyEd25519,
} from './host-verify.ts'

interface Made {
  readonly id: string
  readonly subject: string
  readonly decided_at: string
  readonly record: string
  readonly receipt: { readonly origin: string; readonly index: number; readonly leaf: string }
}

interface Page {
  readonly records: readonly {
    readonly index: number
    readonly kind: string
    readonly record: string
  }[]
  readonly next: number | null
}

/** Subjects asked about, and more until every log has some. */
const SUBJECTS = 10

/** A decision is answered within 2 s or not at all, by which time its record is in the log. */
const LOGGED_WITHIN_MS = 3_000

export function auditSuite(create: () => Promise<Host>): void {
  let host: Host
  const made: Made[] = []

  beforeAll(async () => {
    host = await create()
    while (made.length < SUBJECTS || originsOf(made).size < host.shards) await makeOne()
    await Promise.all(made.map(published))
  })

  async function makeOne(): Promise<void> {
    const subject = fresh('audited')
    const path = `/v1/subjects/${subject}/strikes`
    expect((await send(host, { method: 'POST', path, body: aViolation() })).status).toBe(201)
    const body = { subject, stream: { id: 'b' }, facts: OLD_ACCOUNT }
    const sent = { method: 'POST', path: '/v1/decisions', body } as const
    const expected = { status: 200, shape: DECISION_ANSWER }
    made.push({ ...(await answer<Omit<Made, 'subject'>>(host, sent, expected)), subject })
  }

  /** Resolves when a checkpoint covers the decision; with its proof. */
  async function published({ id }: Made): Promise<string> {
    const given = await send(host, { path: `/v1/decisions/${id}/proof?wait=10s`, as: 'audit' })
    expect([given.status, given.headers.get('cache-control')]).toEqual([200, 'no-store'])
    return given.text
  }

  describe('records', () => {
    it('verify under the served keys, and open to what was answered', async () => {
      const keys = await servedKeys(host)
      for (const { record, receipt, subject } of made) {
        const given = parsePresentation(record)
        if (!given.ok) throw new Error(given.error.message)
        const { jws, disclosures } = given.value
        const expected = { issuer: host.issuer, log: receipt.origin, index: receipt.index }
        const verified = await verifyRecord(jws, keys, { ...expected, verifyEd25519 })
        if (!verified.ok) throw new Error(verified.error.message)
        const { kind, claims } = verified.value
        expect([kind, claims]).toMatchObject(['decision', { outcome: 'deny' }])
        const opened = openDisclosures({ kind, digests: claims._sd ?? [] }, disclosures)
        expect(opened).toMatchObject({ ok: true, value: { subject: { subject } } })
        expect(toBase64Url(leafHash(utf8(jws)))).toBe(receipt.leaf)
      }
    })

    it('do not verify when a byte is changed, nor under a key of somebody else', async () => {
      const keys = await servedKeys(host)
      const jws = made[0]?.record.split('~')[0] ?? ''
      const [header = '', payload = '', signature = ''] = jws.split('.')
      const other = signature.startsWith('A') ? 'B' : 'A'
      const changed = [header, payload, other + signature.slice(1)].join('.')
      expect(await verifyRecord(changed, keys, { verifyEd25519 })).toMatchObject({ ok: false })
      expect(await verifyRecord(jws, new Map(), { verifyEd25519 })).toMatchObject({ ok: false })
    })

    it('are proven to stand in the log their receipt names', async () => {
      for (const one of made) {
        const { receipt } = one
        const log = logNamed(host, receipt.origin)
        const proven = await verifyTlogProof({
          text: await published(one),
          leaf: leafHash(utf8(one.record.split('~')[0] ?? '')),
          origin: log.origin,
          verifiers: [await servedVerifier(host, log)],
        })
        expect(proven).toMatchObject({ ok: true, value: { index: receipt.index } })
      }
    })
  })

  describe('search', () => {
    const find = async (query: string): Promise<{ ids: string[]; times: string[] }> => {
      const ids: string[] = []
      const times: string[] = []
      let cursor: string | null = ''
      for (let page = 0; cursor !== null && page < 200; page++) {
        const next: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const sent = { path: `/v1/decisions?${query}${next}`, as: 'audit' } as const
        const found = await answer<{
          readonly decisions: readonly Made[]
          readonly next: string | null
        }>(host, sent, { status: 200, shape: FOUND_DECISIONS })
        ids.push(...found.decisions.map(({ id }) => id))
        times.push(...found.decisions.map(({ decided_at }) => decided_at))
        cursor = found.next
      }
      return { ids, times }
    }

    for (const limit of [1, 3, 200])
      it(`finds each decision once, newest first, ${limit} a page`, async () => {
        const [first] = made
        const query = `outcome=deny&rule=gravest-violations&from=${first?.decided_at}&limit=${limit}`
        const { ids, times } = await find(query)
        expect(new Set(ids).size).toBe(ids.length)
        expect(ids).toEqual(expect.arrayContaining(made.map(({ id }) => id)))
        // None comes behind one that is older than the few seconds a record may take into its log.
        let oldest = Number.POSITIVE_INFINITY
        for (const at of times.map((time) => Date.parse(time))) {
          expect(at - oldest).toBeLessThan(LOGGED_WITHIN_MS)
          oldest = Math.min(oldest, at)
        }
      })

    it('finds nothing of another outcome, rule or time', async () => {
      const [first, last] = [made[0], made.at(-1)]
      const mine = new Set(made.map(({ id }) => id))
      for (const query of [
        `outcome=allow&from=${first?.decided_at}`,
        `rule=new-account&from=${first?.decided_at}`,
        `to=${first?.decided_at}`,
      ]) {
        const { ids } = await find(`${query}&limit=200`)
        expect(ids.filter((id) => mine.has(id))).toEqual([])
      }
      const before = await find(`from=${first?.decided_at}&to=${last?.decided_at}&limit=200`)
      expect(before.ids).not.toContain(last?.id)
    })

    it('refuses a cursor that is none of its own', async () => {
      const path = '/v1/decisions?cursor=nonsense'
      await problem(host, { path }, { status: 400, code: 'invalid_request' })
    })
  })

  describe('chains', () => {
    it('are read whole, page after page, and every record is where its receipt says', async () => {
      const keys = await servedKeys(host)
      for (const log of logsOf(host)) {
        const records = await recordsOf(log, 3)
        const byIndex = new Map(records.map((one) => [one.index, one.record.split('~')[0]]))
        expect(byIndex.size).toBe(records.length)
        for (const { receipt, record } of made)
          if (receipt.origin === log.origin)
            expect(byIndex.get(receipt.index)).toBe(record.split('~')[0])
        for (const { record, kind } of records) {
          const verified = await verifyRecord(record.split('~')[0] ?? '', keys, { verifyEd25519 })
          expect(verified).toMatchObject({ ok: true, value: { kind } })
        }
      }
    })

    it('are not there for a log that is not', async () => {
      const path = `/v1/records?shard=${host.shards}`
      await problem(host, { path }, { status: 404, code: 'not_found' })
    })
  })

  describe('the log', () => {
    it('is clean from its first entry to its newest checkpoint, chains and all', async () => {
      for (const log of logsOf(host)) {
        const disclosures = new Map(
          (await recordsOf(log, 500)).map(({ index, record }) => [
            index,
            record.split('~').slice(1, -1),
          ]),
        )
        const head = await servedHead(host, log)
        const audit = createAudit({ origin: log.origin, issuer: host.issuer, trusted: null })
        const entries = await entriesOf(log, head.size)
        const full = audit.entries(
          entries.map((bytes, index) => {
            const known = disclosures.get(index)
            return known === undefined ? { bytes } : { bytes, disclosures: known }
          }),
        )
        for (const file of [...full, ...audit.partialTiles()])
          audit.tile(file, (await send(host, { path: `${log.path}/${file.path}` })).bytes)
        const range = { first_index: 0, entries, keys: audit.keys() }
        audit.signatures(await verifyRange(range, verifyEd25519))
        const report = audit.finish(head)
        expect(report.findings).toEqual([])
        expect(report.counts.signatures).toBe(head.size)
        expect(report.counts.chain_unopened).toBe(report.counts.erased_records)
      }
    })

    it('serves hashes to everybody and entries to auditors', async () => {
      for (const log of logsOf(host)) {
        const { size } = await servedHead(host, log)
        const width = Math.min(256, size)
        const named = (ref: TileRef): string => `${log.path}/${tilePath(ref)}`
        const tile = named({ kind: 'tile', level: 0, index: 0, width })
        const open = await send(host, { path: tile, as: null })
        expect([open.status, open.bytes.length]).toEqual([200, 32 * width])
        expect(open.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
        const path = named({ kind: 'entries', index: 0, width })
        for (const [as, status] of [
          [null, 401],
          ['read', 403],
          ['audit', 200],
        ] as const)
          expect((await send(host, { path, as })).status).toBe(status)
      }
    })

    it('has no other files', async () => {
      const [log] = logsOf(host)
      for (const name of [
        'tile/0/999',
        'tile/00/000',
        'tile/0/000.p/0',
        'tile/entries/x00/000',
        'x',
      ])
        expect((await send(host, { path: `${log?.path}/${name}` })).status).toBe(404)
      const stranger = host.shards === 1 ? '/log/0/checkpoint' : '/log/checkpoint'
      expect((await send(host, { path: stranger })).status).toBe(404)
      expect((await send(host, { path: `/log/${host.shards}/vkey` })).status).toBe(404)
    })
  })

  async function recordsOf({ shard }: LogSeen, limit: number): Promise<Page['records']> {
    const records: Page['records'][number][] = []
    for (let from: number | null = 0; from !== null; ) {
      const query: string = `${host.shards === 1 ? '' : `shard=${shard}&`}from=${from}&limit=${limit}`
      const given = await send(host, { path: `/v1/records?${query}` })
      v.assert(RECORDS_ANSWER, given.json)
      const page = given.json as Page
      records.push(...page.records)
      from = page.next
    }
    return records
  }

  async function entriesOf({ path }: LogSeen, size: number): Promise<Uint8Array[]> {
    const entries: Uint8Array[] = []
    for (const ref of tilesOf(size)) {
      if (ref.kind !== 'entries') continue
      const { status, bytes } = await send(host, { path: `${path}/${tilePath(ref)}`, as: 'audit' })
      expect(status).toBe(200)
      const bundle = decodeBundle(bytes, ref.width)
      if (!bundle.ok) throw new Error(bundle.error)
      entries.push(...bundle.value)
    }
    return entries
  }
}

function originsOf(made: readonly Made[]): ReadonlySet<string> {
  return new Set(made.map(({ receipt }) => receipt.origin))
}
