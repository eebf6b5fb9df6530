/**
 * `livegate/client`: asks a gate over HTTP and believes nothing it cannot verify.
 *
 * 503, 429, 409 and network failures are asked again under the same Idempotency-Key until the timeout; after that
 * `fail` decides, and the result says so. An answer that was obtained and does not hold is a deny whatever `fail` says:
 * a lie is no outage. What is checked: verify-answer.ts. Next: live-gate.ts puts a client in front of a route.
 */
import { MAX_IDEMPOTENCY_KEY_CHARS } from '../../core/limits.ts'
import type { AskResult, DecisionQuestion } from './answer.ts'
import { createKeys } from './keys.ts'
import { exchange, type Fetch, under } from './transport.ts'
import { type Verifier, verifyAnswer } from './verify-answer.ts'

export type { AnswerReason, AskResult, DecisionQuestion, VerifiedAnswer } from './answer.ts'

export interface ClientOptions {
  /** Base URL of the gate, for example `http://127.0.0.1:8787`; a path is kept as prefix. */
  readonly url: string
  /** API key with scope `decide`. */
  readonly key: string
  /**
   * What it means when no answer could be obtained. There is no default: choose. `open` lets through whoever can make
   * the gate unreachable or overloaded.
   */
  readonly fail: 'closed' | 'open'
  /** Everything included, milliseconds; 3,000 unless given. */
  readonly timeout_ms?: number
  /** Attempts in all; 3 unless given. */
  readonly attempts?: number
  /** Origin of the log every record must name, or of each where the gate has several; any unless given. */
  readonly log?: string | readonly string[]
  /** `iss` of every record; any unless given. */
  readonly issuer?: string
  readonly fetch?: Fetch
  /** UTC milliseconds; the system's clock unless given. */
  readonly now?: () => number
  /** Waits between attempts, or until the signal fires; a timer unless given. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface Client {
  /**
   * Asks. Rejects with TypeError when the gate says that the question itself is wrong (400, 401, 403, 422 …): that is a
   * bug of the caller, not a reason to fail open.
   */
  decide(
    question: DecisionQuestion,
    options?: { readonly idempotency_key?: string },
  ): Promise<AskResult>
}

const DEFAULT_TIMEOUT_MS = 3_000
const DEFAULT_ATTEMPTS = 3
const FIRST_WAIT_MS = 50

/** A client that keeps the gate's keys once fetched. */
export function createClient(options: ClientOptions): Client {
  const { url, fail, timeout_ms = DEFAULT_TIMEOUT_MS, attempts = DEFAULT_ATTEMPTS } = options
  const { fetch: call = globalThis.fetch, now = Date.now, wait = pause, log, issuer } = options
  if (fail !== 'closed' && fail !== 'open')
    throw new TypeError('Cannot create a client: `fail` is not chosen, expected closed or open')
  const verifier: Verifier = {
    keys: createKeys({ url, call, timeout_ms, now }),
    now,
    ...(log === undefined ? {} : { log }),
    ...(issuer === undefined ? {} : { issuer }),
  }
  const outcome = fail === 'open' ? 'allow' : 'deny'
  return {
    async decide(question, { idempotency_key = crypto.randomUUID() } = {}) {
      const signal = AbortSignal.timeout(timeout_ms)
      const request = requestOf(options.key, question, idempotency_key, signal)
      let cause = 'no attempt was made'
      for (let attempt = 1; attempt <= attempts && !signal.aborted; attempt++) {
        const answered = await exchange(call, under(url, 'v1/decisions'), request)
        if (answered.ok) {
          const verified = await verifyAnswer(question, answered.value, verifier, signal)
          if (verified.ok) return { verified: true, answer: verified.value }
          if (verified.error.at === 'answer')
            return { verified: false, outcome: 'deny', cause: verified.error.cause }
        }
        const failed = answered.ok ? null : answered.error
        cause = failed?.cause ?? 'the keys of the gate are not there'
        if (attempt === attempts) break
        await wait(failed?.retry_after_ms ?? FIRST_WAIT_MS * 2 ** (attempt - 1), signal)
      }
      return { verified: false, outcome, cause }
    },
  }
}

function requestOf(
  key: string,
  question: DecisionQuestion,
  idempotencyKey: string,
  signal: AbortSignal,
): RequestInit & { readonly signal: AbortSignal } {
  return {
    method: 'POST',
    signal,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': quoted(idempotencyKey),
    },
    body: JSON.stringify(question),
  }
}

/** An RFC 8941 string. */
export function quoted(key: string): string {
  if (key.length > MAX_IDEMPOTENCY_KEY_CHARS || !/^[\x20-\x7e]+$/.test(key))
    throw new TypeError(
      `Cannot use this Idempotency-Key: expected 1 to ${MAX_IDEMPOTENCY_KEY_CHARS} ASCII characters`,
    )
  return `"${key.replaceAll(/[\\"]/g, '\\$&')}"`
}

/** Resolves after `ms` or when the signal fires, whichever is first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
