/** A deployment that moves from one data directory into another, and gates over both. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  createScribe,
  logPolicy,
  type Scribe,
  writeFirstEntries,
} from '../../src/adapters/node/bootstrap.ts'
import { closeLog } from '../../src/adapters/node/closing.ts'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { exportDeployment } from '../../src/adapters/node/export.ts'
import type { createNodeImporter } from '../../src/adapters/node/import.ts'
import { initNodeStore, type NodeStore, openNodeStore } from '../../src/adapters/node/store.ts'
import { createSystemRandom } from '../../src/adapters/node/system.ts'
import { activateIn } from '../../src/adapters/sqlite/activations.ts'
import { utf8 } from '../../src/core/encoding.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { createPolicyBook } from '../../src/gate/policy-book.ts'
import { createGate } from '../../src/gate.ts'
import type { Gate } from '../../src/gate-types.ts'
import { aTime, ISSUER, POLICY, type Time } from './node-gate.ts'

export const OLD = 'gate.example/log/old'
export const NEW = 'edge.example/log/new'

/** A gate over an open store. */
export interface House {
  readonly dir: string
  readonly store: NodeStore
  readonly scribe: Scribe
  readonly gate: Gate
  close(): Promise<void>
}

export async function aRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'livegate-move-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  return root
}

const random = createSystemRandom()

/** A fresh log `OLD` with its keys, and a gate over it. */
export async function anOldHouse(
  root: string,
  time: Time = aTime(),
  pepper?: string,
): Promise<House> {
  const dir = join(root, 'old')
  await initNodeStore({
    ...{ dir, origin: OLD, die: fail },
    ...(pepper === undefined ? {} : { pepper }),
    bootstrap: async ({ log, signer, recordJwk, vkey }) => {
      const scribe = createScribe({ issuer: ISSUER, log, signer, clock: time, random })
      await writeFirstEntries(scribe, { recordKey: recordJwk.x, vkey })
    },
  })
  return openHouse(dir, time)
}

/** Opens a directory and puts a gate over it. */
export async function openHouse(dir: string, time: Time = aTime()): Promise<House> {
  const store = await openStore(dir)
  const scribe = createScribe({ issuer: ISSUER, ...store, clock: time, random })
  const bytes = await POLICY
  if (store.status().halted === null) await logPolicy(scribe, store.log, store.signer, bytes)
  const compiled = compilePolicy(bytes, { file: 'default.yaml' })
  if (!compiled.ok) throw new Error('the default policy does not compile')
  const policy = { plan: compiled.value.plan, bytes }
  const book = createPolicyBook(time)
  book.learn(store.activations(), store.policyTexts.text)
  const gate = createGate({
    ...store,
    ...{ clock: time, random, observe: () => undefined },
    after: () => () => {},
    // A deployment that activated nothing decides by the default one.
    policies: { active: (at) => (book.activations().length > 0 ? book.active(at) : policy) },
    issuer: { kid: store.signer.kid, issue: scribe.issue },
    surroundings: { incident: () => ({ active: false }), platform: () => ({}) },
  })
  return { dir, store, scribe, gate, close: async () => void (await store.close()) }
}

export function openStore(dir: string, moving = false): Promise<NodeStore> {
  return openNodeStore({ dir, die: fail, roundIntervalMs: 3_600_000, moving })
}

/** Activates a text in an open store, as the next revision, from `active_from` on. */
export async function activate(
  { store, scribe }: Pick<House, 'store' | 'scribe'>,
  text: string | Uint8Array,
  active_from: EpochMs,
  scheduled = false,
): Promise<void> {
  const bytes = typeof text === 'string' ? utf8(text) : text
  const compiled = compilePolicy(bytes, { file: 'activated.yaml' })
  if (!compiled.ok) throw new Error('the policy does not compile')
  const { digest, name } = compiled.value.plan
  const revision = store.activations().length + 1
  const previous = revision === 1 ? null : revision - 1
  const by = { cause: 'activation', source: 'api', by: 'author', note: null } as const
  const activation = { revision, digest, name, active_from, scheduled, previous, ...by }
  await activateIn(store.log, store.signer, scribe, { activation, bytes })
}

/** Closes the log and writes the file; the house is closed afterwards. */
export async function moveOut(
  { dir, store, scribe }: Pick<House, 'dir' | 'store' | 'scribe'>,
  path: string,
  successors: readonly string[] = [NEW],
): Promise<readonly unknown[]> {
  try {
    await closeLog(store, scribe, successors)
    await exportDeployment({ store, dir, path })
  } finally {
    await store.close()
  }
  const text = await readFile(path, 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

export type MovingStore = Parameters<typeof createNodeImporter>[0]['store']

/** Makes the directory a deployment moves into; `begin` runs while it comes into being. */
export async function makeNew(
  root: string,
  from: string,
  begin: (parts: Parameters<typeof createNodeImporter>[0]) => Promise<unknown>,
  origin: string = NEW,
): Promise<string> {
  const dir = join(root, origin.replaceAll('/', '-'))
  const time = aTime()
  await initNodeStore({
    ...{ dir, origin, die: fail },
    pepper: await readFile(dataPaths(from).pepper, 'utf8'),
    bootstrap: async (store) => {
      const { log, signer, recordJwk, vkey } = store
      const scribe = createScribe({ issuer: ISSUER, log, signer, clock: time, random })
      await writeFirstEntries(scribe, { recordKey: recordJwk.x, vkey })
      await begin({ store, scribe })
    },
  })
  return dir
}

export function scribeOf(
  { log, signer }: Pick<NodeStore, 'log' | 'signer'>,
  time: Time = aTime(),
): Scribe {
  return createScribe({ issuer: ISSUER, log, signer, clock: time, random })
}

export function fail(error: unknown): never {
  throw error
}

/** One thing that happens to a subject. */
export type Happening =
  | {
      readonly do: 'decide'
      readonly subject: string
      readonly stream: string
      readonly cohost?: string
      readonly session?: string
    }
  | {
      readonly do: 'strike'
      readonly subject: string
      readonly id: string
      readonly category: string
    }
  | { readonly do: 'reverse'; readonly id: string }
  | { readonly do: 'facts'; readonly subject: string; readonly followers: number }
  | { readonly do: 'pass'; readonly ms: number }

/** Lets it happen; what the gate refuses (a strike that is not there) did not. Ids of decisions, in order. */
export async function happen(
  gate: Gate,
  time: Time,
  happenings: readonly Happening[],
): Promise<string[]> {
  const decisions: string[] = []
  for (const what of happenings) {
    if (what.do === 'pass') time.pass(what.ms)
    else if (what.do === 'decide') decisions.push((await decide(gate, what)).id)
    else
      await other(gate, time, what).catch((error: { code?: string }) => {
        if (error.code !== 'not_found' && error.code !== 'conflict') throw error
      })
  }
  return decisions
}

/** Facts nothing speaks against. */
const GROWN_UP = { created_at: epochMs(1_500_000_000_000), followers: 5_000, age_band: '18+' }

export function decide(
  gate: Gate,
  what: Omit<Extract<Happening, { do: 'decide' }>, 'do'>,
): ReturnType<Gate['decide']> {
  const { subject, stream, cohost, session } = what
  return gate.decide({
    subject,
    stream: {
      ...(stream === '' ? {} : { id: stream }),
      ...(cohost === undefined ? {} : { hosts: [{ subject: cohost, facts: GROWN_UP }] }),
    },
    ...{ request: {}, facts: GROWN_UP, supports: ['broadcast_delay'], caller: 'key_1' },
    ...(session === undefined ? {} : { session: { server: 'nginx', session } }),
  })
}

async function other(
  gate: Gate,
  time: Time,
  what: Exclude<Happening, { do: 'decide' | 'pass' }>,
): Promise<unknown> {
  if (what.do === 'reverse') return gate.reverse({ strike: what.id, reason: 'appeal' })
  if (what.do === 'facts')
    return gate.patchFacts(what.subject, { followers: what.followers, age_band: '18+' }, time.now())
  const { subject, id, category } = what
  return gate.strike({ id, subject, category, severity: 'high', issued_at: time.now() })
}
