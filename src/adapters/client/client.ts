/**
 * `livegate/client`: asks a gate over HTTP and believes nothing it cannot verify.
 *
 * Every answer is checked before it is returned: the record's signature under the gate's JWKS, its disclosures, and
 * that what the JSON says (outcome, subject, stream) is what was signed. 503 and network failures are retried within
 * the timeout; after that `fail` decides, and the result says so. Not verified here: that the record is in the log
 * (ask for the proof, or run `livegate log audit`). Next: live-gate.ts puts it in front of a route.
 */
import type { Outcome } from '../../core/model.ts'
import { openDisclosures } from '../../core/record/disclosure.ts'
import type { RequestGroup, ResultGroup } from '../../core/record/groups.ts'
import { type KeyRing, keyRing, parseJwks } from '../../core/record/jwk.ts'
import { parsePresentation } from '../../core/record/presentation.ts'
import { verifyRecord } from '../../core/record/verify.ts'
import { err, ok, type Result } from '../../core/result.ts'

/** The JSON body of `POST /v1/decisions`; instants as RFC 3339 text. */
export interface DecisionQuestion {
  readonly subject: string
  readonly stream?: Readonly<Record<string, unknown>> & { readonly id?: string }
  readonly request?: Readonly<Record<string, unknown>>
  readonly facts?: Readonly<Record<string, unknown>>
  readonly supports?: readonly string[]
}

/** The gate's answer, verified. Members as in docs/spec/api.md, "Decisions". */
export interface VerifiedAnswer {
  readonly id: string
  readonly outcome: Outcome
  readonly mode?: string
  readonly until?: string
  readonly not_before?: string
  readonly retry_after?: number
  readonly lease_until?: string
  readonly broadcast_delay_s?: number
  readonly reasons: readonly unknown[]
  readonly obligations: readonly unknown[]
  readonly record: string
  readonly receipt: { readonly origin: string; readonly index: number; readonly leaf: string }
}

/** `unverified` = the gate could not be asked; `fail` decided. Its `cause` says why, for an operator. */
export type AskResult =
  | { readonly verified: true; readonly answer: VerifiedAnswer }
  | { readonly verified: false; readonly outcome: 'allow' | 'deny'; readonly cause: string }

export interface ClientOptions {
  /** Base URL of the gate, for example `http://127.0.0.1:8787`. */
  readonly url: string
  /** API key with scope `decide`. */
  readonly key: string
  /** What an unreachable gate means. There is no default: choose. */
  readonly fail: 'closed' | 'open'
  /** Everything included, milliseconds; 3,000 unless given. */
  readonly timeout_ms?: number
  /** Attempts on 503, 429 and network failure; 3 unless given. */
  readonly attempts?: number
  readonly fetch?: typeof globalThis.fetch
}

export interface Client {
  /**
   * Asks. Rejects with TypeError when the gate says the question itself is wrong (400, 401, 403, 422): that is a bug
   * of the caller, not a reason to fail open.
   */
  decide(
    question: DecisionQuestion,
    options?: { readonly idempotency_key?: string },
  ): Promise<AskResult>
}

const DEFAULT_TIMEOUT_MS = 3_000
const DEFAULT_ATTEMPTS = 3
const FIRST_WAIT_MS = 50
const CALLER_FAULTS = new Set([400, 401, 403, 404, 409, 413, 415, 422])

/** A client that keeps the gate's keys once fetched and fetches them again when a record names an unknown one. */
export function createClient(options: ClientOptions): Client {
  const { fail, timeout_ms = DEFAULT_TIMEOUT_MS, attempts = DEFAULT_ATTEMPTS } = options
  const call = options.fetch ?? globalThis.fetch
  const keys = cachedKeys(options.url, call)
  const outcome = fail === 'open' ? 'allow' : 'deny'
  return {
    async decide(question, { idempotency_key } = {}) {
      const signal = AbortSignal.timeout(timeout_ms)
      const key = idempotency_key ?? crypto.randomUUID()
      let cause = 'no attempt was made'
      for (let attempt = 0; attempt < attempts && !signal.aborted; attempt++) {
        if (attempt > 0) await pause(FIRST_WAIT_MS * 2 ** (attempt - 1), signal)
        const response = await post(call, options, question, key, signal)
        if (!response.ok) {
          cause = response.error
          continue
        }
        const verified = await verifyAnswer(question, response.value, keys, signal)
        if (verified.ok) return { verified: true, answer: verified.value }
        return { verified: false, outcome: 'deny', cause: verified.error }
      }
      return { verified: false, outcome, cause }
    },
  }
}

async function post(
  call: typeof globalThis.fetch,
  options: ClientOptions,
  question: DecisionQuestion,
  key: string,
  signal: AbortSignal,
): Promise<Result<VerifiedAnswer, string>> {
  let response: Response
  try {
    response = await call(new URL('/v1/decisions', options.url), {
      method: 'POST',
      redirect: 'error',
      signal,
      headers: {
        authorization: `Bearer ${options.key}`,
        'content-type': 'application/json',
        'idempotency-key': `"${key}"`,
      },
      body: JSON.stringify(question),
    })
    if (response.ok) return ok((await response.json()) as VerifiedAnswer)
  } catch (cause) {
    return err(
      signal.aborted
        ? 'the gate did not answer in time'
        : `the gate is unreachable (${nameOf(cause)})`,
    )
  }
  if (CALLER_FAULTS.has(response.status) && response.status !== 409)
    throw new TypeError(
      `Cannot ask the gate: it answered ${response.status}, ${await titleOf(response)}`,
    )
  return err(`the gate answered ${response.status}`)
}

/** Compares the JSON with the signed record; any difference refuses the answer. */
async function verifyAnswer(
  question: DecisionQuestion,
  answer: VerifiedAnswer,
  keys: Keys,
  signal: AbortSignal,
): Promise<Result<VerifiedAnswer, string>> {
  if (typeof answer?.record !== 'string') return err('the answer carries no record')
  const presented = parsePresentation(answer.record)
  if (!presented.ok) return err(presented.error.message)
  const { jws, disclosures } = presented.value
  let record = await verifyRecord(jws, await keys.ring(signal))
  if (!record.ok && record.error.code === 'key_unknown')
    record = await verifyRecord(jws, await keys.ring(signal, 'again'))
  if (!record.ok) return err(record.error.message)
  const { kind, claims } = record.value
  if (kind !== 'decision') return err('the record is not a decision')
  const opened = openDisclosures(
    { kind, digests: (claims._sd as readonly string[]) ?? [] },
    disclosures,
  )
  if (!opened.ok) return err(opened.error.message)
  const { result, subject, request } = opened.value
  if (claims.jti !== answer.id || claims.outcome !== answer.outcome)
    return err('the answer says something else than its record')
  if (subject?.subject !== question.subject) return err('the record is about another subject')
  if (request === undefined || !sameStream(question, request))
    return err('the record is about another stream')
  return result !== undefined && sameResult(answer, result as ResultGroup)
    ? ok(answer)
    : err('the answer says something else than its record')
}

function sameStream(question: DecisionQuestion, request: RequestGroup): boolean {
  return (question.stream?.id ?? undefined) === request.stream
}

function sameResult(answer: VerifiedAnswer, result: ResultGroup): boolean {
  const instant = (text: string | undefined): number | null =>
    text === undefined ? null : Date.parse(text)
  return (
    (answer.mode ?? null) === (answer.outcome === 'delay' ? result.mode : null) &&
    instant(answer.lease_until) === result.lease_until &&
    instant(answer.not_before) === result.not_before
  )
}

interface Keys {
  ring(signal: AbortSignal, mode?: 'again'): Promise<KeyRing>
}

function cachedKeys(url: string, call: typeof globalThis.fetch): Keys {
  let known: KeyRing | null = null
  return {
    async ring(signal, mode) {
      if (known !== null && mode === undefined) return known
      const response = await call(new URL('/.well-known/jwks.json', url), {
        redirect: 'error',
        signal,
      })
      const keys = parseJwks(response.ok ? await response.json() : null)
      if (keys.ok) known = keyRing(keys.value)
      return known ?? new Map()
    },
  }
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

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : 'error'
}

async function titleOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as {
      readonly code?: unknown
      readonly detail?: unknown
    }
    return `${String(problem.code)}: ${String(problem.detail)}`
  } catch {
    return 'without a problem document'
  }
}
