/**
 * The whole gate behind its real HTTP app, in one process: what a client of the library talks to in tests.
 */
import type { Hono } from 'hono'
import { newApiKey } from '../../src/adapters/http/api-key.ts'
import { createApp } from '../../src/adapters/http/app.ts'
import { createCallerKeys } from '../../src/adapters/http/caller-keys.ts'
import { DEFAULT_HTTP_CONFIG } from '../../src/adapters/http/deps.ts'
import type { Scope } from '../../src/adapters/http/scopes.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { countedRandom } from '../core/record/samples.ts'
import { aGate, type GateOptions, RECORD_KEY, type TestGate } from './gate.ts'

export interface GateApp {
  readonly world: TestGate
  readonly app: Hono
  /** Bearer keys by scope. */
  key(scope: Scope): string
  /** A fetch that goes straight into the app; every request is noted. */
  readonly fetch: typeof globalThis.fetch
  readonly requests: { readonly path: string; readonly idempotency: string | null }[]
}

export const GATE_URL = 'https://gate.example'

/** A gate over the memory store with its HTTP app; audit it with `world.verify()`. */
export async function aGateApp(options: GateOptions = {}): Promise<GateApp> {
  const world = await aGate(options)
  const { store, gate, erasure, incidents, clock } = world
  const random = countedRandom('app')
  const bytes = { bytes: (length: number) => random(length) }
  const app = createApp({
    ...{ gate, erasure, incidents, clock, random: bytes, streamKeys: store.streamKeys },
    directory: store.directory,
    broadcasts: store.broadcasts,
    reviews: store.reviews,
    logs: [{ log: store.log, vkey: '', access: world.access }],
    pepper: { hash: (what, text) => portableHasher.digestText(`pepper ${what} ${text}`) },
    callerKeys: createCallerKeys(store.apiKeys, clock),
    observe: (event) => world.events.push(event),
    config: DEFAULT_HTTP_CONFIG,
    readiness: () => ({ ready: true }),
    metricsText: () => '',
    policiesView: { list: () => [], text: () => null },
    recordKeys: () => [RECORD_KEY.jwk],
  })
  const tokens = new Map<Scope, string>()
  for (const scope of [
    'decide',
    'strikes',
    'facts',
    'audit',
    'identity',
    'read',
    'incident',
    'review',
    'admin',
  ] as const) {
    const { token, key } = newApiKey({ scopes: [scope], owner: 'test' }, { random: bytes, clock })
    await store.apiKeys.create(key)
    tokens.set(scope, token)
  }
  const requests: GateApp['requests'] = []
  return {
    ...{ world, app, requests },
    key: (scope) => tokens.get(scope) ?? '',
    async fetch(input, init) {
      const request = new Request(input, init)
      const idempotency = request.headers.get('idempotency-key')
      requests.push({ path: new URL(request.url).pathname, idempotency })
      return app.fetch(request)
    },
  }
}
