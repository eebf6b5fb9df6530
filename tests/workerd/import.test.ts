/**
 * A deployment that moves from the Node host to this one: everything a Node host exported arrives in the objects it
 * belongs to, nobody is decided about before it has, and an auditor follows the chains from the old log into these.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { createEdgeStreamKeys } from '../../src/adapters/cloudflare/edge-stream-keys.ts'
import { createEdgeImporter } from '../../src/adapters/cloudflare/import.ts'
import {
  originOfShard,
  sequencerName,
  subjectObjectName,
} from '../../src/adapters/cloudflare/names.ts'
import type { Stubs } from '../../src/adapters/cloudflare/rpc.ts'
import { opened, type SequencerRpc } from '../../src/adapters/cloudflare/rpc.ts'
import { type Audit, createAudit } from '../../src/core/audit/audit.ts'
import type { PredecessorAudit } from '../../src/core/audit/succession.ts'
import type { SignedHead } from '../../src/core/audit/tree.ts'
import { utf8 } from '../../src/core/encoding.ts'
import type { Decision } from '../../src/core/model.ts'
import type { MoveHeader, MoveLine } from '../../src/core/move/lines.ts'
import { epochMs } from '../../src/core/time.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { parseNote } from '../../src/core/tlog/note.ts'
import type { StoredRecord, SubjectState } from '../../src/ports.ts'
import { importerContract } from '../contract/importer-contract.ts'
import { ask } from '../support/gate.ts'
import fileText from '../vectors/move/deployment.jsonl?raw'
import logText from '../vectors/move/log.json?raw'
import { chainOf, config, gate, pepper, stubs, subjectStub } from './deployment.ts'

const [firstLine, ...lines] = fileText
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as MoveLine & { readonly header: MoveHeader })
const header = firstLine?.header as MoveHeader
/** The log it came from, and what its gate held at the end. */
const old = JSON.parse(logText) as {
  readonly vkey: string
  readonly checkpoint: string
  readonly states: Readonly<Record<string, SubjectState>>
  readonly denied: Pick<Decision, 'outcome' | 'until' | 'rules' | 'restrictions'>
  readonly records: readonly StoredRecord[]
  readonly entries: readonly string[]
}
const subjects = Object.keys(old.states)

const NOT_BEFORE_2100 = epochMs(Date.UTC(2100, 0))
/** What the file of this deployment has none of: lines that end nothing and begin nothing. */
const KEPT: readonly MoveLine[] = [
  {
    suppression: {
      ...{ key: pepper.hash('subject', 'u_gone'), id: 'r_1', rule: 'struck', from: epochMs(1) },
      until: NOT_BEFORE_2100,
    },
  },
  {
    legal_hold: {
      ...{ subject: 'u_held', until: NOT_BEFORE_2100, basis: 'court order 1', by: 'key_1' },
      set_at: epochMs(1),
    },
  },
]

interface Answered {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

async function send(method: string, path: string, body?: unknown): Promise<Answered> {
  const response = await exports.default.fetch(
    new Request(`https://gate.example${path}`, {
      method,
      headers: {
        authorization: `Bearer ${env.LIVEGATE_ADMIN_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
  const text = await response.text()
  return { status: response.status, json: (text.startsWith('{') ? JSON.parse(text) : {}) as never }
}

const put = (from: number, some: readonly object[], given: object = header): Promise<Answered> =>
  send('PUT', '/v1/import', { header: given, from, lines: some })

async function evictAll(): Promise<void> {
  for (let shard = 0; shard < config.shards; shard++)
    await evict(env.SEQUENCERS.getByName(sequencerName(shard)))
  for (const subject of subjects) await evict(subjectStub(subject))
}

/** Forgets its memory, if it has any. */
async function evict(stub: object): Promise<void> {
  await evictDurableObject(stub as never).catch((error: Error) => {
    if (!error.message.includes('not currently running')) throw error
  })
}

describe('a deployment that moves here', () => {
  beforeAll(async () => {
    // Somebody came too early, with facts that are older than those that arrive: they give way.
    await gate.putFacts('u_facts', { followers: 99 }, epochMs(Date.UTC(2026, 10, 20, 11)))
  })

  it('is asked for over HTTP, by whoever may', async () => {
    const malformed = { ...header, vkey: 'x' }
    expect(await put(1, [], malformed)).toMatchObject({ status: 400 })
    expect(await put(1, [{ pardon: {} }])).toMatchObject({ status: 400 })
    expect(await put(1, [])).toEqual({ status: 200, json: { lines: 1, finished: false } })
  })

  it('comes again after a lost answer: every step is done, but how far the file is was never noted', async () => {
    const move =
      (shard: number): SequencerRpc['move'] =>
      async (step) =>
        'progress' in step
          ? { ok: true, value: { lines: 0, finished: false } }
          : stubs.sequencer(shard).move(step)
    const forgetful: Stubs = {
      ...stubs,
      sequencer: (shard) => ({ move: move(shard) }) as Partial<SequencerRpc> as SequencerRpc,
    }
    for (let i = 0; i < 2; i++)
      await importerOver(forgetful).put({
        header,
        from: 1,
        lines: [...lines.slice(0, -1), ...KEPT],
      })
    expect((await put(1, [])).json).toEqual({ lines: 1, finished: false })
  })

  importerContract(() => ({
    ...{ header, lines },
    // As the Worker makes it, for every request anew; and every object may have been evicted since the last.
    with: async (work) => {
      await evictAll()
      return work(importerOver(stubs))
    },
    decides: async () => {
      const { status } = await send('POST', '/v1/decisions', { subject: 'u_new' })
      expect([200, 503]).toContain(status)
      return status === 200
    },
  }))

  it('has the same states, records and openings', async () => {
    for (const subject of subjects) {
      await evict(subjectStub(subject))
      expect(await standing(subject), subject).toEqual(old.states[subject])
    }
    for (const record of old.records) {
      const chain = await chainOf(record.subject)
      expect(chain[record.seq - 1]).toEqual(record)
    }
  })

  it('answers for old decisions with the log they are in, and proves them by nothing of its own', async () => {
    for (const { id, kind, receipt, jws } of old.records) {
      if (kind !== 'decision') continue
      const found = await send('GET', `/v1/decisions/${id}`)
      expect(found.json).toMatchObject({ id, receipt })
      expect(String(found.json.record).startsWith(`${jws}~`)).toBe(true)
      const proof = await send('GET', `/v1/decisions/${id}/proof`)
      expect(proof).toMatchObject({ status: 404 })
      expect(proof.json.detail).toContain(header.origin)
    }
    const pages = [await send('GET', '/v1/decisions?limit=2')]
    for (let next = pages[0]?.json.next; typeof next === 'string'; next = pages.at(-1)?.json.next)
      pages.push(await send('GET', `/v1/decisions?limit=2&cursor=${next}`))
    const found = pages
      .flatMap(({ json }) => json.decisions as readonly Pick<StoredRecord, 'id' | 'receipt'>[])
      .filter(({ receipt }) => receipt.origin === header.origin)
    const decisions = old.records.filter(({ kind }) => kind === 'decision')
    expect(found.map(({ id }) => id).sort()).toEqual(decisions.map(({ id }) => id).sort())
    const jwks = await send('GET', '/.well-known/jwks.json')
    const xs = (jwks.json.keys as readonly { x: string }[]).map(({ x }) => x)
    for (const x of header.keys) expect(xs).toContain(x)
  })

  it('goes on where it was: who was struck is denied, reversed with what relied on it, keys admit, ids stay taken', async () => {
    const before = old.states.u_struck
    const denied = await gate.decide(ask('u_struck'))
    // What follows from the history; sentences and appeals are those of the policy here.
    const { outcome, until, rules, restrictions } = old.denied
    expect(denied.decision).toMatchObject({ outcome, until, rules, restrictions })
    const [chain] = (await chainOf('u_struck')).slice(-1)
    expect(chain).toMatchObject({ seq: (before?.seq ?? 0) + 1, receipt: denied.receipt })
    expect(denied.receipt.origin).toMatch(/^gate\.example\/log\/edge\/[01]$/)
    expect((await gate.decide(ask('u_plain'))).outcome).toBe('allow')
    expect((await gate.decide(ask('u_new'))).outcome).toBe('allow')
    const taken = gate.strike({
      ...{ id: 's_1', subject: 'u_plain', category: 'spam.bulk', severity: 'low' },
      issued_at: denied.decided_at,
    })
    await expect(taken).rejects.toMatchObject({ code: 'conflict' })
    const reversal = await gate.reverse({ strike: 's_1', reason: 'appeal' })
    const relied = old.records.filter(
      ({ kind, subject, seq }) => kind === 'decision' && subject === 'u_struck' && seq > 1,
    )
    expect(reversal.decisions.map(({ id }) => id)).toEqual(
      [denied, ...relied.toReversed()].map(({ id }) => id),
    )
    const slices = createKeys()
    expect(await slices.byHash(pepper.hash('stream_key', 'an encoder’s secret'))).toMatchObject({
      ...{ id: 'sk_1', subject: 'u_live' },
    })
  })

  it('decides by the newest revision that moved in, under one number in every log', async () => {
    const moved = lines.flatMap((line) => ('activation' in line ? [line.activation] : []))
    expect(moved).toHaveLength(2)
    const logs = Array.from({ length: config.shards }, (_, shard) => stubs.sequencer(shard))
    const all = await Promise.all(logs.map(async (log) => opened(log.activations())))
    for (const list of all)
      expect(list.slice(-2).map(({ digest }) => digest)).toEqual(moved.map(({ digest }) => digest))
    // Somebody was there before the deployment moved in, so a bundle was activated: numbers go on after it.
    expect(all.map((list) => list.at(-1)?.revision)).toEqual([3, 3])
    const { policy } = await gate.decide(ask('u_plain'))
    expect(policy).toMatchObject({ digest: moved[1]?.digest, revision: 3 })
  })

  it('an auditor follows every chain from the old log into the new ones', async () => {
    const before = predecessor()
    expect(before.successors).toEqual(header.successors)
    for (let shard = 0; shard < config.shards; shard++) {
      const audit = createAudit({
        ...{ origin: originOfShard(config.origin, shard, config.shards), trusted: null },
        predecessor: before,
      })
      const entries = await entriesOf(shard)
      const chains = await Promise.all([...subjects, 'u_new'].map(chainOf))
      const report = audited(audit, entries, chains.flat())
      expect(report.findings).toEqual([])
      expect(report.notices).toEqual([])
      expect(report.counts).toMatchObject({
        predecessor: { origin: header.origin, checked: true },
        chain_unopened: 0,
      })
    }
  })

  it('keeps what outlived an erasure, and what stands before one', async () => {
    await evict(subjectStub('u_gone'))
    const back = await gate.decide(ask('u_gone'))
    expect(back.outcome).toBe('deny')
    expect(back.decision.reasons.map(({ code }) => code)).toContain('restriction_kept')
    const refused = await send('DELETE', '/v1/subjects/u_held', { basis: 'Art. 17 GDPR' })
    expect(refused).toMatchObject({ status: 409 })
  })
})

function standing(subject: string): Promise<SubjectState> {
  return opened(stubs.subject(subjectObjectName(pepper, subject)).cohostStanding(subject))
}

function importerOver(over: Stubs): ReturnType<typeof createEdgeImporter> {
  const { origin, shards } = config
  return createEdgeImporter({ stubs: over, pepper, streamKeys: createKeys(), origin, shards })
}

function createKeys(): ReturnType<typeof createEdgeStreamKeys> {
  return createEdgeStreamKeys({ pepper, directoryOf: stubs.directory })
}

/** The old log, audited from its own entries alone. */
function predecessor(): PredecessorAudit {
  const audit = createAudit({ origin: header.origin, trusted: null })
  const report = audited(audit, old.entries, old.records)
  expect(report.findings).toEqual([])
  expect(report.notices).toEqual([])
  return audit.asPredecessor(headOf(old.checkpoint), old.vkey)
}

function headOf(note: string): SignedHead {
  const parsed = parseNote(note)
  const head = parsed.ok ? parseCheckpoint(parsed.value.body) : parsed
  if (!head.ok) throw new Error('the checkpoint does not parse')
  return { ...head.value, note }
}

function audited(
  audit: Audit,
  entries: readonly string[],
  records: readonly StoredRecord[],
): ReturnType<Audit['finish']> {
  const openings = new Map(records.map(({ jws, openings }) => [jws, Object.values(openings)]))
  audit.entries(
    entries.map((jws) => {
      const disclosures = openings.get(jws)
      return { bytes: utf8(jws), ...(disclosures === undefined ? {} : { disclosures }) }
    }),
  )
  const size = entries.length
  const leaves = entries.map((jws) => leafHash(utf8(jws)))
  const { root } = grow({ edge: emptyEdge(), leaves })
  return audit.finish({ size, root, note: 'as held' })
}

async function entriesOf(shard: number): Promise<readonly string[]> {
  const stub = env.SEQUENCERS.getByName(sequencerName(shard))
  return runInDurableObject(stub as never, (_object: never, { storage }: DurableObjectState) =>
    storage.sql
      .exec<{ entries: string }>('SELECT entries FROM packs ORDER BY first')
      .toArray()
      .flatMap(({ entries }) => entries.split('\n')),
  )
}
