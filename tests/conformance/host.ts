/**
 * A gate seen from outside: requests in, responses out, whatever host it runs on.
 *
 * The suites beside this file hold every host to the same answers. They know nothing of what is behind `ask` and import
 * nothing that only one runtime has: the same code runs in Node and inside workerd.
 */
import * as v from 'valibot'
import { expect } from 'vitest'
import type { Shape } from '../../src/adapters/http/answers.ts'
import { PROBLEM } from '../../src/adapters/http/answers.ts'

/** Scopes each of which some caller holds, and nothing else. */
export const NARROW_SCOPES = ['decide', 'strikes', 'facts', 'read', 'audit'] as const
export type NarrowScope = (typeof NARROW_SCOPES)[number]

/** A deployment under test, with policies/default.yaml. */
export interface Host {
  /** Name of its log, without the number of a shard. */
  readonly origin: string
  readonly issuer: string
  readonly shards: number
  readonly adminKey: string
  /** Knows the admin key and every `narrowKey`. */
  ask(request: Request): Promise<Response>
}

/** The token of the caller who holds one scope, the same on every host. */
export function narrowKey(scope: NarrowScope): string {
  return `lg_conf-${scope}_${scope.padEnd(43, '0123456789')}`
}

export interface Sent {
  readonly method?: string
  readonly path: string
  /** A scope, another token, or nobody; the admin unless given. */
  readonly as?: NarrowScope | { readonly token: string } | null
  /** An object becomes JSON; text and bytes are sent as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
  readonly text: string
  /** Null when the answer is no JSON. */
  readonly json: unknown
}

/** Sends a request and reads the whole answer. */
export async function send(host: Host, sent: Sent): Promise<Answered> {
  const { method = 'GET', path, as, body } = sent
  const headers = new Headers(sent.headers)
  const token = as === undefined ? host.adminKey : tokenOf(as)
  if (token !== null && !headers.has('authorization'))
    headers.set('authorization', `Bearer ${token}`)
  const raw = typeof body === 'string' || body instanceof Uint8Array
  const payload = body === undefined ? null : raw ? body : JSON.stringify(body)
  if (payload !== null && !headers.has('content-type'))
    headers.set('content-type', 'application/json')
  const request = new Request(new URL(path, 'https://gate.example'), {
    method,
    headers,
    body: payload as BodyInit | null,
  })
  const response = await host.ask(request)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = new TextDecoder().decode(bytes)
  const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '')
  const { status } = response
  return { status, headers: response.headers, bytes, text, json: isJson ? JSON.parse(text) : null }
}

/** The JSON of an answer with this status, held to the schema the contract gives it. */
export async function answer<T = Record<string, unknown>>(
  host: Host,
  sent: Sent,
  expected: { readonly status: number; readonly shape: Shape },
): Promise<T> {
  const given = await send(host, sent)
  expect([given.status, given.status === expected.status ? '' : given.text]).toEqual([
    expected.status,
    '',
  ])
  expect(given.headers.get('cache-control')).toBe('no-store')
  v.assert(expected.shape, given.json)
  return given.json as T
}

/** The problem a request is answered with. */
export async function problem(
  host: Host,
  sent: Sent,
  expected: { readonly status: number; readonly code: string },
): Promise<Record<string, unknown>> {
  const given = await send(host, sent)
  const { code } = (given.json ?? {}) as { readonly code?: string }
  expect({ status: given.status, code }).toEqual(expected)
  expect(given.headers.get('content-type')).toBe('application/problem+json')
  v.assert(PROBLEM, given.json)
  return given.json as Record<string, unknown>
}

function tokenOf(as: NonNullable<Sent['as']> | null): string | null {
  if (as === null) return null
  return typeof as === 'string' ? narrowKey(as) : as.token
}

let made = 0
const run = crypto.randomUUID().slice(0, 8)

/** A name nobody had before, in any run. */
export function fresh(what: string): string {
  return `${what}-${run}-${++made}`
}

/** An account that may go live under policies/default.yaml. */
export const OLD_ACCOUNT = { created_at: '2020-01-01T00:00:00Z' } as const

/** A violation that withdraws Live for thirty days. */
export function aViolation(id: string = fresh('s')): Readonly<Record<string, unknown>> {
  const issued_at = new Date(Date.now() - 60_000).toISOString()
  return { id, category: 'terrorism.link', severity: 'high', issued_at }
}
