/**
 * A real gate over a real data directory, with hand-moved time, and an auditor who reads what it logged.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  createScribe,
  logPolicy,
  type Scribe,
  writeFirstEntries,
} from '../../src/adapters/node/bootstrap.ts'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { initNodeStore, type NodeStore, openNodeStore } from '../../src/adapters/node/store.ts'
import { createSystemRandom } from '../../src/adapters/node/system.ts'
import { readEntries } from '../../src/adapters/sqlite/entries.ts'
import { type AuditReport, createAudit } from '../../src/core/audit/audit.ts'
import { verifyRange } from '../../src/core/audit/range.ts'
import { fromUtf8, textFromBase64Url } from '../../src/core/encoding.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { openCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { ed25519Verifier } from '../../src/core/tlog/note.ts'
import { createGate } from '../../src/gate.ts'
import type { Gate } from '../../src/gate-types.ts'
import type { GateEvent, Policies, Surroundings } from '../../src/ports.ts'
import { nodeVerify } from '../core/record/samples.ts'

export const ORIGIN = 'gate.example/log/node'
export const ISSUER = 'https://gate.example'
export const START: EpochMs = epochMs(Date.UTC(2026, 10, 20, 12))

export interface Time {
  now(): EpochMs
  elapsed(): number
  pass(ms: number): void
}

export function aTime(): Time {
  let ms = 0
  return {
    now: () => epochMs(START + ms),
    elapsed: () => ms,
    pass(more) {
      ms += more
    },
  }
}

export interface NodeGate {
  readonly dir: string
  readonly time: Time
  readonly store: NodeStore
  readonly scribe: Scribe
  readonly gate: Gate
  /** The same gate under policies, and surroundings, of another kind. */
  gateUnder(policies: Policies, surroundings?: Surroundings): Gate
  readonly events: GateEvent[]
  /** Publishes what waits and audits the whole published log from nothing but its entries. */
  audit(): Promise<AuditReport>
  /** Every entry as it stands in the log. */
  bytes(): readonly string[]
  /** Every entry, header and claims. */
  entries(): readonly Entry[]
  /** Closes, opens the same directory again. */
  restart(): Promise<NodeGate>
  close(): Promise<void>
}

export interface Entry {
  readonly typ: string
  readonly claims: Readonly<Record<string, unknown>>
}

export const POLICY: Promise<Uint8Array> = readFile(
  resolve(import.meta.dirname, '../../policies/default.yaml'),
).then((bytes) => new Uint8Array(bytes))

/** A fresh log with its keys, and the default policy in it. */
export async function aNodeGate(): Promise<NodeGate> {
  const root = await mkdtemp(join(tmpdir(), 'livegate-host-'))
  const dir = join(root, 'data')
  const time = aTime()
  const random = createSystemRandom()
  await initNodeStore({
    dir,
    origin: ORIGIN,
    die: fail,
    bootstrap: async ({ log, signer, recordJwk, vkey }) => {
      const scribe = createScribe({ issuer: ISSUER, log, signer, clock: time, random })
      await writeFirstEntries(scribe, { recordKey: recordJwk.x, vkey })
    },
  })
  return open(root, time)
}

const QUIET: Surroundings = { incident: () => ({ active: false }), platform: () => ({}) }

async function open(root: string, time: Time): Promise<NodeGate> {
  const dir = join(root, 'data')
  const events: GateEvent[] = []
  const observe = (event: GateEvent): void => void events.push(event)
  const store = await openNodeStore({ dir, die: fail, roundIntervalMs: 3_600_000, observe })
  const random = createSystemRandom()
  const scribe = createScribe({ issuer: ISSUER, ...store, clock: time, random })
  const bytes = await POLICY
  await logPolicy(scribe, store.log, store.signer, bytes)
  const compiled = compilePolicy(bytes, { file: 'default.yaml' })
  if (!compiled.ok) throw new Error('the default policy does not compile')
  const policy = { plan: compiled.value.plan, bytes }
  const gateUnder = (policies: Policies, surroundings = QUIET): Gate =>
    createGate({
      ...store,
      ...{ clock: time, random, observe, policies },
      after: () => () => {},
      issuer: { kid: store.signer.kid, issue: scribe.issue },
      surroundings,
    })
  const gate = gateUnder({ active: () => policy })
  return {
    ...{ dir, time, store, scribe, gate, gateUnder, events },
    bytes: () => bytesOf(dir).map((bytes) => fromUtf8(bytes) ?? ''),
    entries: () => entriesOf(dir),
    async audit() {
      // A call may join a round that began before the newest entry.
      while (await store.publish());
      return audited(store, dir)
    },
    async restart() {
      await store.close()
      return open(root, time)
    },
    async close() {
      await store.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

async function audited(store: NodeStore, dir: string): Promise<AuditReport> {
  const audit = createAudit({ origin: ORIGIN, issuer: ISSUER, trusted: null })
  const entries = bytesOf(dir)
  audit.entries(entries.map((bytes) => ({ bytes })))
  const vkey = ed25519Verifier(store.vkey, nodeVerify)
  if (!vkey.ok) throw new Error('the verifier key is malformed')
  const note = await store.log.checkpoint()
  const head = await openCheckpoint({ note, origin: ORIGIN, verifiers: [vkey.value] })
  if (!head.ok) throw new Error('the checkpoint does not verify')
  const range = { first_index: 0, entries, keys: audit.keys() }
  audit.signatures(await verifyRange(range, nodeVerify))
  return audit.finish({ ...head.value, note })
}

function bytesOf(dir: string): readonly Uint8Array[] {
  const sql = openNodeSql(dataPaths(dir).database)
  try {
    const to = Number(sql.get('SELECT COUNT(*) AS size FROM entries')?.size)
    return readEntries(sql, { from: 0, to }).map(({ bytes }) => bytes)
  } finally {
    sql.close()
  }
}

function entriesOf(dir: string): readonly Entry[] {
  return bytesOf(dir).map((bytes) => {
    const [header = '', payload = ''] = (fromUtf8(bytes) ?? '').split('.')
    const read = (part: string): unknown => JSON.parse(textFromBase64Url(part) ?? 'null')
    const { typ } = read(header) as { typ: string }
    return { typ, claims: read(payload) as Entry['claims'] }
  })
}

function fail(error: unknown): never {
  throw error
}
