/**
 * A keeper between a real gate in memory and a real HTTP control server. The gate's clock moves by hand; looks and
 * calls happen in real time, a look every few milliseconds.
 */
import { vi } from 'vitest'
import { createCustody } from '../../../src/adapters/media/custody.ts'
import type { Hooks } from '../../../src/adapters/media/hooks.ts'
import { createHooks } from '../../../src/adapters/media/hooks.ts'
import { createKeeper, type Keeper } from '../../../src/adapters/media/keeper.ts'
import type { Custody, RegisteredServers } from '../../../src/adapters/media/registrations.ts'
import { createRenewals } from '../../../src/adapters/media/renewals.ts'
import type { MediaServer } from '../../../src/adapters/media/servers-file.ts'
import { createSessions } from '../../../src/adapters/media/sessions.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import type { BroadcastView, GateEvent } from '../../../src/ports.ts'
import { type ControlServer, startControlServer } from '../../support/control-server.ts'
import {
  type GateOptions,
  NOW,
  opened,
  policyOf,
  STRIKE_RULE,
  type TestGate,
} from '../../support/gate.ts'
import { aServer } from './desk.ts'

export interface KeeperScene {
  readonly t: TestGate
  readonly control: ControlServer
  readonly keeper: Keeper
  readonly hooks: Hooks
  readonly custody: Custody
  readonly events: GateEvent[]
  readonly errors: unknown[]
  /** A stream key for a subject, and what it is called. */
  key(subject: string, secret?: string): Promise<{ secret: string; stream: string; name: string }>
  /** Lets a subject go live as a hook would, and puts the publisher into the list. */
  live(subject: string, session: string): Promise<string>
  /** Records of broadcasts in the log: `event reason`. */
  broadcastEvents(): Promise<string[]>
  /** Resolves after so many more lists were asked for and answered. */
  looks(count?: number): Promise<void>
  /** So much time passes for the keeper, at once. */
  skip(ms: number): void
  /** Another process on the same store. */
  anotherKeeper(): Keeper
  end(): Promise<void>
}

export interface SceneOptions {
  readonly server?: Partial<MediaServer>
  readonly policy?: string
  /** The gate's hints are lost. */
  readonly deaf?: boolean
  /** No server at first: they register, and hooks ask here. */
  readonly registered?: RegisteredServers
  /** Starts by itself unless false. */
  readonly start?: boolean
}

export const WAIT: { readonly timeout: number; readonly interval: number } = {
  timeout: 5_000,
  interval: 5,
}

/** One strike denies for thirty days; everything else is allowed for four hours. */
export const STRICT: string = policyOf(STRIKE_RULE)

export async function aKeeperScene(
  newGate: (options: GateOptions) => Promise<TestGate>,
  options: SceneOptions = {},
): Promise<KeeperScene> {
  const control = await startControlServer()
  let keeper: Keeper | null = null
  const t = await newGate({
    policy: options.policy ?? STRICT,
    onRevoked: (view: BroadcastView) => {
      if (options.deaf !== true) keeper?.revoked(view)
    },
  })
  const events: GateEvent[] = []
  const errors: unknown[] = []
  let skipped = 0
  const elapsed = (): number => performance.now() + skipped
  const pepper = {
    hash: (what: string, text: string) => portableHasher.digestText(`pepper ${what} ${text}`),
  }
  const server = aServer({ control: control.url, reconcile_ms: 10, app: 'live', ...options.server })
  const shared = {
    ...{ gate: t.gate, broadcasts: t.store.broadcasts, directory: t.store.directory },
    ...{ streamKeys: t.store.streamKeys, pepper, clock: t.clock, elapsed },
    servers: options.registered === undefined ? [server] : [],
    ...(options.registered === undefined ? {} : { registered: options.registered }),
    random: { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) },
    observe: (event: GateEvent) => void events.push(event),
    after,
    fetch: (url: string, init: RequestInit) => fetch(url, init),
    onError: (error: unknown) => void errors.push(error),
  }
  const make = (): { keeper: Keeper; hooks: Hooks; custody: Custody } => {
    const sessions = createSessions(elapsed)
    const made = createKeeper({ ...shared, sessions, renewals: createRenewals() })
    const custody = createCustody({ ...shared, sessions, keeper: made })
    return { keeper: made, hooks: createHooks({ ...shared, sessions, keeper: made }), custody }
  }
  const first = make()
  keeper = first.keeper
  const others: Keeper[] = []
  if (options.start !== false) await keeper.start()
  const lists = (): number => control.calls.filter((call) => call === 'GET /stat').length
  let keys = 0
  const key: KeeperScene['key'] = async (subject, secret = `secret-of-${subject}`) => {
    const id = `sk_${String(++keys).padStart(22, 'K')}`
    const key_hash = pepper.hash('stream_key', secret)
    await t.store.streamKeys.bind({ id, subject, key_hash, created_at: NOW, revoked_at: null })
    return { secret, stream: id, name: id.replace('sk_', 'live_') }
  }
  return {
    ...{ t, control, ...first, events, errors, key },
    async live(subject, session) {
      const { stream, name } = await key(subject)
      const answer = await t.gate.decide({
        ...{ subject, stream: { id: stream }, request: { ingest: 'rtmp' }, facts: {} },
        ...{ supports: [], caller: 'hook:edge-1' },
        session: { server: 'edge-1', session, handle: 'app=live' },
      })
      if (answer.outcome === 'allow') control.publishers.set(session, { app: 'live', name })
      return answer.id
    },
    async broadcastEvents() {
      const { records } = await t.store.directory.records({ from: 0, limit: 500 })
      return records
        .filter(({ kind }) => kind === 'broadcast')
        .map(({ openings }) => opened(openings, 'facts'))
        .map(({ event, reason, confirmed }) => [event, reason, confirmed].filter(Boolean).join(' '))
    },
    async looks(count = 2) {
      // The first of them may be under way; one more to know that the last was acted on.
      const until = lists() + count + 1
      await vi.waitFor(() => {
        if (lists() < until) throw new Error('no more lists')
      }, WAIT)
    },
    skip(ms) {
      skipped += ms
    },
    anotherKeeper() {
      const other = make()
      keeper = other.keeper
      others.push(other.keeper)
      return other.keeper
    },
    async end() {
      await first.keeper.stop()
      for (const other of others) await other.stop()
      await control.stop()
    },
  }
}
