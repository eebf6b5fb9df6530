/**
 * Everything a backend asks of a gate beside decisions: what runs, whether it may go on, and stream keys.
 *
 * One call, one attempt: each may be made again. Answers are taken as they come over the connection; what was signed is in
 * the `record` of a renewal and in the log. Decisions, which are verified: client.ts. Spec: docs/spec/api.md.
 */
import { quoted } from './client.ts'
import { exchange, type Fetch, under } from './transport.ts'

export interface OperatorOptions {
  /** Base URL of the gate; a path is kept as prefix. */
  readonly url: string
  /** API key with the scopes of what is asked: `decide` and `read` for broadcasts, `admin` for stream keys. */
  readonly key: string
  /** Milliseconds a call may take; 3,000 unless given. */
  readonly timeout_ms?: number
  readonly fetch?: Fetch
}

/** What runs, or is being cut. Instants are RFC 3339 text. */
export interface RunningBroadcast {
  readonly id: string
  readonly subject: string
  readonly stream: string
  readonly opened_at: string
  readonly lease_until: string
  readonly server?: string
  readonly cohosts?: readonly string[]
  readonly cutting?: {
    readonly since: string
    readonly until: string
    readonly order: string
    readonly cause: string
  }
}

/** `revoked`: it has to stop. `id` names the record, where one was made. */
export interface Renewal {
  readonly broadcast: string
  readonly event: 'renewed' | 'revoked' | 'unchanged'
  readonly id?: string
  readonly outcome: string
  readonly lease_until: string
  readonly record?: string
}

export interface BoundStreamKey {
  readonly id: string
  readonly subject: string
  readonly created_at: string
  /** From then on it admits nobody; absent without an end. */
  readonly revoked_at?: string
}

/** With the secret, which is nowhere else. */
export interface NewStreamKey extends BoundStreamKey {
  readonly key?: string
  readonly warning?: string
}

export interface RotatedKey extends BoundStreamKey {
  readonly key: string
  readonly replaces: { readonly id: string; readonly revoked_at: string }
}

type Json = Readonly<Record<string, unknown>>

/** Each rejects with TypeError when the gate says that the request is wrong, and with `GateUnanswered` when no answer came. */
export interface Operator {
  /** A page of what runs; `next` is the `cursor` of the following one. */
  broadcasts(query?: {
    readonly server?: string
    readonly cutting?: boolean
    readonly cursor?: string
    readonly limit?: number
  }): Promise<{ readonly broadcasts: readonly RunningBroadcast[]; readonly next: string | null }>
  broadcast(id: string): Promise<RunningBroadcast>
  /** May it go on? `facts` are newer than those it began with. */
  renew(id: string, facts?: Json): Promise<Renewal>
  /** It has ended; false when it had ended before. */
  end(id: string, reason?: 'caller' | 'publish_done' | 'lost'): Promise<boolean>
  /** May one more join? The answer is a decision about everybody. */
  join(id: string, cohost: Json & { readonly subject: string }): Promise<Json>
  bindStreamKey(body: {
    readonly subject: string
    readonly key?: string
    readonly facts?: Json
  }): Promise<NewStreamKey>
  /** Newest first, at most 500. */
  streamKeys(subject: string): Promise<readonly BoundStreamKey[]>
  /** Under the same `idempotency_key` always the same new key. */
  rotateStreamKey(
    id: string,
    options?: { readonly overlap_s?: number; readonly idempotency_key?: string },
  ): Promise<RotatedKey>
  revokeStreamKey(id: string): Promise<null>
}

/** No answer came, or none that tells anything: 409, 429, 5xx, a network that failed. */
export class GateUnanswered extends Error {
  override readonly name = 'GateUnanswered'
  readonly retry_after_ms: number | null
  constructor(message: string, retryAfterMs: number | null) {
    super(message)
    this.retry_after_ms = retryAfterMs
  }
}

const DEFAULT_TIMEOUT_MS = 3_000

export function createOperator(options: OperatorOptions): Operator {
  const call = caller(options)
  const one = (id: string, rest = ''): string => `v1/broadcasts/${encodeURIComponent(id)}${rest}`
  const key = (id: string, rest = ''): string => `v1/stream-keys/${encodeURIComponent(id)}${rest}`
  return {
    broadcasts: (query = {}) => call('GET', `v1/broadcasts${queryOf(query)}`),
    broadcast: (id) => call('GET', one(id)),
    renew: (id, facts) =>
      call('POST', one(id, '/renewal'), { body: facts === undefined ? {} : { facts } }),
    async end(id, reason) {
      const body = reason === undefined ? {} : { reason }
      const { ended } = await call<{ readonly ended: boolean }>('POST', one(id, '/end'), { body })
      return ended
    },
    join: (id, cohost) => call('POST', one(id, '/cohosts'), { body: cohost }),
    bindStreamKey: (body) => call('POST', 'v1/stream-keys', { body }),
    async streamKeys(subject) {
      const path = `v1/stream-keys${queryOf({ subject })}`
      const listed = await call<{ readonly stream_keys: readonly BoundStreamKey[] }>('GET', path)
      return listed.stream_keys
    },
    rotateStreamKey: (id, { overlap_s, idempotency_key } = {}) =>
      call('POST', key(id, '/rotation'), {
        body: overlap_s === undefined ? {} : { overlap_s },
        ...(idempotency_key === undefined ? {} : { idempotency_key }),
      }),
    revokeStreamKey: (id) => call('DELETE', key(id)),
  }
}

interface Sent {
  readonly body?: object
  readonly idempotency_key?: string
}

function caller(
  options: OperatorOptions,
): <T>(method: string, path: string, sent?: Sent) => Promise<T> {
  const { url, key, timeout_ms = DEFAULT_TIMEOUT_MS, fetch: ask = globalThis.fetch } = options
  return async <T>(method: string, path: string, sent: Sent = {}): Promise<T> => {
    const { body, idempotency_key } = sent
    const answered = await exchange(ask, under(url, path), {
      method,
      signal: AbortSignal.timeout(timeout_ms),
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotency_key === undefined ? {} : { 'idempotency-key': quoted(idempotency_key) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (answered.ok) return answered.value as T
    const { cause, retry_after_ms } = answered.error
    throw new GateUnanswered(`Cannot ask the gate: ${cause}`, retry_after_ms)
  }
}

function queryOf(values: Readonly<Record<string, string | number | boolean>>): string {
  const query = new URLSearchParams(
    Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()
  return query === '' ? '' : `?${query}`
}
