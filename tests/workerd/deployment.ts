/**
 * The deployment of wrangler.toml as tests see it: its objects over RPC, and an auditor who reads what its logs hold.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { type EdgeConfig, requireEdgeConfig } from '../../src/adapters/cloudflare/config.ts'
import { createEdgeGate } from '../../src/adapters/cloudflare/edge-gate.ts'
import { createPepper } from '../../src/adapters/cloudflare/edge-pepper.ts'
import {
  originOfShard,
  sequencerName,
  shardOf,
  subjectObjectName,
} from '../../src/adapters/cloudflare/names.ts'
import type { Stubs } from '../../src/adapters/cloudflare/rpc.ts'
import { opened } from '../../src/adapters/cloudflare/rpc.ts'
import { stubsOf } from '../../src/adapters/cloudflare/stubs.ts'
import { claimsOf } from '../../src/adapters/sqlite/entries.ts'
import { fromAscii, textFromBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { isChainKind } from '../../src/core/record/kinds.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { TILE_WIDTH, tilePath } from '../../src/core/tlog/tile.ts'
import type { Gate } from '../../src/gate-types.ts'
import type { Pepper, SignedRecord, StoredRecord } from '../../src/ports.ts'
import { verifyLog } from '../support/gate.ts'

export const config: EdgeConfig = requireEdgeConfig(env)
export const pepper: Pepper = createPepper(config.pepper)
export const stubs: Stubs = stubsOf(env)

/** The gate as the Worker has it, with no patience of its own. */
export const gate: Gate = createEdgeGate({ stubs, pepper, after: () => () => {}, keep: () => {} })

export function subjectStub(subject: string): DurableObjectStub {
  return env.SUBJECTS.getByName(subjectObjectName(pepper, subject)) as never
}

/** Runs inside the object of a subject. */
export function inSubject<T>(
  subject: string,
  work: (state: DurableObjectState) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(subjectStub(subject), (_object, state) => work(state))
}

/** The whole chain of a subject, as its object gives it; empty while it has none. */
export async function chainOf(subject: string): Promise<readonly StoredRecord[]> {
  const count = await inSubject(subject, ({ storage: { sql } }) => {
    const [table] = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'records'").toArray()
    return table === undefined
      ? 0
      : sql.exec<{ n: number }>('SELECT count(*) AS n FROM records').one().n
  })
  const seqs = Array.from({ length: count }, (_, i) => i + 1)
  return opened(stubs.subject(subjectObjectName(pepper, subject)).records(seqs))
}

/** Chains by subject. */
export type Chains = ReadonlyMap<string, readonly StoredRecord[]>

export async function chainsOf(subjects: readonly string[]): Promise<Chains> {
  return new Map(
    await Promise.all(subjects.map(async (subject) => [subject, await chainOf(subject)] as const)),
  )
}

/**
 * Audits every log over everything it holds: each entry with the disclosures of its subject's object, each chain whole,
 * each decision replayed. `chains` must be those of all subjects that ever were.
 */
export async function auditLogs(chains: Chains): Promise<void> {
  const logs = new Map<number, StoredRecord[]>()
  for (const [subject, chain] of chains) {
    if (chain.some(({ seq }, i) => seq !== i + 1)) throw new Error('a chain has a gap')
    const shard = shardOf(subjectObjectName(pepper, subject), config.shards)
    logs.set(shard, [...(logs.get(shard) ?? []), ...chain])
  }
  for (const [shard, stored] of logs) await auditLog(shard, stored)
}

async function auditLog(shard: number, stored: readonly StoredRecord[]): Promise<void> {
  const entries = await entriesOf(shard)
  const disclosed = new Map(stored.map((record) => [record.receipt.index, record]))
  const records = entries.map((jws, index): SignedRecord => {
    const mine = disclosed.get(index)
    const leaf = leafHash(utf8(jws))
    if (mine !== undefined && (mine.jws !== jws || mine.receipt.leaf !== toBase64Url(leaf)))
      throw new Error(`a receipt names index ${index}, where another record stands`)
    return { ...headOf(jws), jws, leaf, openings: mine?.openings ?? {} }
  })
  const { length } = records.filter(({ kind }) => isChainKind(kind))
  if (length !== disclosed.size)
    throw new Error(`the log has ${length} records of chains, their objects ${disclosed.size}`)
  await verifyLog(records, originOfShard(config.origin, shard, config.shards))
}

function headOf(jws: string): Pick<SignedRecord, 'id' | 'kind'> {
  const header = JSON.parse(textFromBase64Url(jws.split('.')[0] ?? '') ?? '{}') as { typ: string }
  const kind = /^livegate-(.*)\+jwt$/.exec(header.typ)?.[1] as SignedRecord['kind']
  return { id: String(claimsOf(jws).jti), kind }
}

/** Every entry of a log: what its object still holds, and before that what it has published. */
async function entriesOf(shard: number): Promise<readonly string[]> {
  const stub = env.SEQUENCERS.getByName(sequencerName(shard))
  const rows = await runInDurableObject(stub as never, (_object: never, { storage }) =>
    storage.sql
      .exec<{ first: number; entries: string }>('SELECT first, entries FROM packs')
      .toArray(),
  )
  const held = new Map(
    rows.flatMap(({ first, entries }) =>
      entries.split('\n').map((jws, i): [number, string] => [first + i, jws]),
    ),
  )
  const size = Math.max(...held.keys()) + 1
  const entries: string[] = []
  for (let index = 0; index < size; index++) {
    const jws = held.get(index) ?? (await published(shard, index))
    if (jws === undefined) throw new Error(`entry ${index} of log ${shard} is nowhere`)
    entries.push(jws)
  }
  return entries
}

const bundles = new Map<string, readonly string[]>()

async function published(shard: number, index: number): Promise<string | undefined> {
  const tile = {
    kind: 'entries',
    index: Math.floor(index / TILE_WIDTH),
    width: TILE_WIDTH,
  } as const
  const path = `${shard}/${tilePath(tile)}`
  const known = bundles.get(path)
  if (known !== undefined) return known[index % TILE_WIDTH]
  const file = await env.LOG.get(path)
  const bundle = decodeBundle(new Uint8Array((await file?.arrayBuffer()) ?? []), TILE_WIDTH)
  if (!bundle.ok) return undefined
  bundles.set(
    path,
    bundle.value.map((entry) => fromAscii(entry) ?? ''),
  )
  return bundles.get(path)?.[index % TILE_WIDTH]
}
