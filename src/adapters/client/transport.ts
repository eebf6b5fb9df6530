/**
 * One request to the gate within a deadline: an answer, a reason to ask again, or a fault of the caller.
 *
 * Redirects are refused: a bearer key must not travel to wherever a proxy points. The deadline holds even when the
 * given `fetch` ignores its signal.
 */
import { err, ok, type Result } from '../../core/result.ts'

export type Fetch = typeof globalThis.fetch

/** Why no answer came; asking again may help. */
export interface Unanswered {
  readonly cause: string
  /** The gate's Retry-After, milliseconds; null when it named none. */
  readonly retry_after_ms: number | null
}

/** Another spelling of the question is needed, not another attempt. 409 is not here: a twin may be running. */
const CALLER_FAULTS = new Set([400, 401, 403, 404, 405, 413, 415, 422])
const MAX_RETRY_AFTER_S = 3_600

/**
 * Sends a request and reads JSON.
 * @throws TypeError when the gate says that the request itself is wrong.
 */
export async function exchange(
  call: Fetch,
  url: URL,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<Result<unknown, Unanswered>> {
  const { signal } = init
  const sent = (async (): Promise<Result<unknown, Unanswered>> => {
    const response = await call(url, { ...init, redirect: 'error' })
    if (!response.ok) return refusal(response)
    return ok(response.status === 204 ? null : await response.json())
  })()
  try {
    return await inTime(sent, signal)
  } catch (cause) {
    if (cause instanceof CallerFault) throw new TypeError(cause.message)
    const why = signal.aborted
      ? 'the gate did not answer in time'
      : `the gate is unreachable (${cause instanceof Error ? cause.name : 'error'})`
    return err({ cause: why, retry_after_ms: null })
  }
}

/** `base` with `path` below it: a gate may live under a prefix. */
export function under(base: string, path: string): URL {
  return new URL(path, base.endsWith('/') ? base : `${base}/`)
}

class CallerFault extends Error {}

async function refusal(response: Response): Promise<Result<never, Unanswered>> {
  const { status } = response
  if (CALLER_FAULTS.has(status))
    throw new CallerFault(`Cannot ask the gate: it answered ${status}, ${await titleOf(response)}`)
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const waits = Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= MAX_RETRY_AFTER_S
  return err({
    cause: `the gate answered ${status}`,
    retry_after_ms: waits ? seconds * 1000 : null,
  })
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

/** Rejects when the signal fires, whatever the work does. */
export function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(signal.reason)
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}
