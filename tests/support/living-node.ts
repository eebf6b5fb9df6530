/**
 * A life (lives.ts) over a real data directory: everything a Node host is composed of but HTTP, with clock, timers and the
 * fate of every write in hand, and an auditor who kept every record that was ever disclosed.
 *
 * Composed as adapters/node/server.ts does it. `restart` closes the store and opens the directory again.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fate } from '../../src/adapters/memory/contract.ts'
import { createScribe, writeFirstEntries } from '../../src/adapters/node/bootstrap.ts'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { createHeartbeat } from '../../src/adapters/node/heartbeat.ts'
import { createNodeKeys, type NodeKeys } from '../../src/adapters/node/node-keys.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import {
  createNodePolicies,
  type NodePolicies,
} from '../../src/adapters/node/policy-activations.ts'
import { createRetention, type RetentionSweep } from '../../src/adapters/node/retention.ts'
import { initNodeStore, type NodeStore, openNodeStore } from '../../src/adapters/node/store.ts'
import { createSystemRandom } from '../../src/adapters/node/system.ts'
import { utf8 } from '../../src/core/encoding.ts'
import { LivegateError } from '../../src/core/errors.ts'
import { epochMs } from '../../src/core/time.ts'
import { openCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { ed25519Verifier } from '../../src/core/tlog/note.ts'
import { createAccessBook, type RecordAccess } from '../../src/gate/access.ts'
import { createEnforcement, type Enforcement } from '../../src/gate/enforcement.ts'
import type { ErasureDesk } from '../../src/gate/erasure-desk.ts'
import { createPolicyDesk, type PolicyDesk } from '../../src/gate/policy-desk.ts'
import { createGateWithDesk } from '../../src/gate.ts'
import type { Gate } from '../../src/gate-types.ts'
import { nodeVerify } from '../core/record/samples.ts'
import { auditOf, type LoggedRecord } from './forge.ts'
import { MINUTE, NOW, ORIGIN } from './gate.ts'
import { activationOf, isEvaluated, type Life, POLICIES, ROLLBACK, RULES } from './lives.ts'

type Report = Awaited<ReturnType<typeof auditOf>>

export interface LivingNode extends Life {
  readonly restart: () => Promise<void>
  /** Keeps what the log discloses now: later it may be gone. */
  remember(): void
  /** What an auditor finds who is given what is left, and one who was given everything; `heads` are checked with it. */
  audits(): Promise<{
    readonly now: Report
    readonly ever: Report
    /** How much of all that was ever disclosed can be derived again. */
    readonly evaluated: number
  }>
  close(): Promise<void>
}

/** What one process is made of. */
interface Process {
  readonly store: NodeStore
  readonly gate: Gate
  readonly erasure: ErasureDesk
  readonly access: RecordAccess
  readonly policies: NodePolicies
  readonly desk: PolicyDesk
  readonly keys: NodeKeys
  readonly sweep: RetentionSweep['sweep']
  readonly beat: () => Promise<void>
  readonly enforcement: Enforcement
}

interface Surround {
  readonly dir: string
  readonly clock: { now(): ReturnType<typeof epochMs> }
  readonly elapsed: () => number
  readonly fates: Fate[]
  /** Done once, after the next append. */
  meanwhile: (() => Promise<unknown>) | null
}

const random = createSystemRandom()
const die = (error: unknown): never => {
  throw error
}
const ISSUER = 'https://gate.example'
/** No timer goes off but those that only let others go first. */
const after = (ms: number, fire: () => void): (() => void) => {
  if (ms <= MINUTE / 100) setImmediate(fire)
  return () => {}
}
const never = (): (() => void) => () => {}

export async function aLivingNode(): Promise<LivingNode> {
  const root = await mkdtemp(join(tmpdir(), 'livegate-life-'))
  let [now, elapsed] = [NOW as number, 0]
  const clock = { now: () => epochMs(now) }
  const around: Surround = {
    dir: join(root, 'data'),
    clock,
    elapsed: () => elapsed,
    fates: [],
    meanwhile: null,
  }
  await initNodeStore({
    ...{ dir: around.dir, origin: ORIGIN, die },
    bootstrap: ({ log, signer, recordJwk, vkey }) =>
      writeFirstEntries(createScribe({ issuer: ISSUER, log, signer, clock, random }), {
        ...{ recordKey: recordJwk.x, vkey },
      }),
  })
  const sql = openNodeSql(dataPaths(around.dir).database)
  const given: LoggedRecord[] = []
  let process = await start(around)
  const rotated = { record: 0, checkpoint: 0 }
  return {
    ...{ gate: () => process.gate, erasure: () => erasureOf(process), now: clock.now },
    enforcement: () => process.enforcement,
    access: (access) => process.access(access),
    pass(ms) {
      now += ms
      elapsed += Math.max(0, ms)
    },
    fail: (fate) => void around.fates.push(fate),
    async activate(text, meanwhile) {
      around.meanwhile = meanwhile
      await process.desk.activate(activationOf(utf8(text))).finally(() => {
        around.meanwhile = null
      })
    },
    rollback: () => process.desk.rollback(ROLLBACK),
    sweep: () => process.sweep(),
    beat: () => process.beat(),
    rotate: (use) => {
      const step = use === 'checkpoint' && rotated.checkpoint++ % 2 === 1 ? 'finish' : 'begin'
      return process.keys.desk.change({ step, use, log: null })
    },
    async restart() {
      process.policies.stop()
      await process.store.close()
      around.fates.length = 0
      process = await start(around)
    },
    remember: () => void given.push(...entriesOf(sql, given.length)),
    async audits() {
      while (await process.store.publish());
      const left = entriesOf(sql, 0)
      given.push(...left.slice(given.length))
      const head = await headOf(process.store)
      const evaluated = given.filter(isEvaluated).length
      const audits = { now: await auditOf(left), ever: await auditOf(given), evaluated }
      if (head !== left.length) throw new Error(`${head} of ${left.length} entries are published`)
      return audits
    },
    async close() {
      process.policies.stop()
      await process.store.close()
      sql.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** An erasure that began goes on beside whatever follows: it is waited for, so that what is copied afterwards is what is left. */
function erasureOf({ erasure, store }: Process): ErasureDesk {
  return {
    ...erasure,
    async erase(request) {
      try {
        return await erasure.erase(request)
      } finally {
        await store.erasures.finish(request.subject, 10_000)
      }
    },
  }
}

async function start(around: Surround): Promise<Process> {
  const { dir, clock, elapsed, fates } = around
  const store = await openNodeStore({ dir, die, roundIntervalMs: 3_600_000 })
  const observe = (): void => {}
  const onError = observe
  const meet = async <T>(work: () => Promise<T> | T): Promise<T> => {
    const fate = fates.shift() ?? 'done'
    const lost = new LivegateError('log_unavailable', 'Cannot write: it was made to fail')
    if (fate === 'before') throw lost
    const result = await work()
    if (fate === 'after') throw lost
    return result
  }
  const log = {
    ...store.log,
    append: async (...args: Parameters<typeof store.log.append>) => {
      const receipts = await meet(() => store.log.append(...args))
      const { meanwhile } = around
      around.meanwhile = null
      await meanwhile?.()
      return receipts
    },
  }
  const scribe = createScribe({ issuer: ISSUER, ...store, log, clock, random })
  const keys = createNodeKeys({
    ...{ store: { ...store, log }, scribe, clock, after: (_ms, fire) => after(0, fire) },
  })
  await keys.resume()
  const policies = createNodePolicies({
    ...{ store: { ...store, log }, scribe, clock, after: never, observe, onError },
  })
  const desk = createPolicyDesk({
    ...{ clock: { now: policies.instant }, lead_ms: 0, text: store.policyTexts.text },
    ...{ activations: policies.activations, planOf: policies.planOf, commit: policies.commit },
    sources: () => ({
      ...{ max_decisions: 10, default_decisions: 0, pause: async () => {} },
      recent: async function* () {},
      struck: async function* () {},
    }),
  })
  if (policies.now() === null) await desk.activate(activationOf(utf8(POLICIES[0] ?? '')))
  const { gate, erasure } = createGateWithDesk(
    {
      ...store,
      ...{ clock, random, observe, policies, after: never },
      ledger: { ...store.ledger, commit: (change) => meet(() => store.ledger.commit(change)) },
      erasures: {
        ...store.erasures,
        begin: (change) => meet(() => store.erasures.begin(change)),
        forget: (change) => meet(() => store.erasures.forget(change)),
      },
      issuer: { kid: store.signer.kid, issue: scribe.issue },
      surroundings: { incident: () => ({ active: false }), platform: () => ({}) },
    },
    {},
    (made) => made,
  )
  if (erasure === null) throw new Error('the store can forget')
  const { sweep } = createRetention({
    ...{ rules: RULES, retention: store.retention, desk: erasure, clock, elapsed, observe },
    ...{ after, onError },
  })
  const heartbeat = createHeartbeat({ store, scribe, elapsed, onError })
  const append = async (draft: Parameters<typeof scribe.append>[0][number]): Promise<void> =>
    scribe.append([draft], [store.signer.kid])
  return {
    ...{ store, gate, erasure, policies, desk, keys, sweep, beat: heartbeat.tick },
    access: createAccessBook({ append, clock, after: never }),
    enforcement: createEnforcement(random),
  }
}

/** Entries from an index on, with what is left to open them. */
function entriesOf(sql: ReturnType<typeof openNodeSql>, from: number): LoggedRecord[] {
  return sql
    .all('SELECT jws, openings FROM entries WHERE idx >= ? ORDER BY idx', from)
    .map(({ jws, openings }) => ({
      ...{ kind: kindOf(String(jws)), jws: String(jws) },
      openings: JSON.parse(openings === null ? '{}' : String(openings)),
    }))
}

function kindOf(jws: string): LoggedRecord['kind'] {
  const header = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString())
  return String(header.typ).replace(/^livegate-|\+jwt$/g, '') as LoggedRecord['kind']
}

/** Size of the published tree, its signature checked. */
async function headOf(store: NodeStore): Promise<number> {
  const vkey = ed25519Verifier(store.vkey, nodeVerify)
  if (!vkey.ok) throw new Error('the verifier key is malformed')
  const note = await store.log.checkpoint()
  const head = await openCheckpoint({ note, origin: ORIGIN, verifiers: [vkey.value] })
  if (!head.ok) throw new Error(`the checkpoint does not verify: ${head.error}`)
  return head.value.size
}
