/**
 * The closed set of failures a caller can meet, and the one error class that carries them.
 *
 * A deny is not an error. Expected outcomes inside core are values (result.ts); this class is for what ends a
 * request. The mapping to HTTP status lives in adapters/http/problem.ts. Messages follow
 * `Cannot <verb> <thing>: <state>` and never hold a token, a key or a raw subject id. Spec: docs/spec/api.md, "Errors".
 */
export const PROBLEM_CODES = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'in_progress',
  'body_too_large',
  'unsupported_media_type',
  'idempotency_mismatch',
  'rate_limited',
  'log_unavailable',
  'overloaded',
  'halted',
  'internal',
] as const

export type ProblemCode = (typeof PROBLEM_CODES)[number]

/** One place in a request that is wrong. */
export interface Fault {
  /** RFC 6901 JSON pointer into the body; `""` is the whole body. */
  readonly pointer: string
  readonly detail: string
}

export interface LivegateErrorOptions {
  readonly cause?: unknown
  /** Whole seconds after which trying again may help; absent where waiting changes nothing. */
  readonly retry_after_s?: number
  readonly faults?: readonly Fault[]
  /** What the person at the keyboard can do next. */
  readonly hint?: string
}

/** A failure with a stable `code`; `message` is safe to show to the caller. */
export class LivegateError extends Error {
  readonly code: ProblemCode
  readonly retry_after_s: number | undefined
  readonly faults: readonly Fault[]
  readonly hint: string | undefined

  constructor(code: ProblemCode, message: string, options: LivegateErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LivegateError'
    this.code = code
    this.retry_after_s = options.retry_after_s
    this.faults = options.faults ?? []
    this.hint = options.hint
  }
}
