/**
 * Failures on the wire: RFC 9457 problem details with a stable `code`.
 *
 * One exhaustive switch maps the closed set of codes (core/errors.ts), so a new code does not compile until somebody
 * decides what callers see. A problem never repeats what was sent: no token, no subject, no value of a body member.
 * Spec: docs/spec/api.md, "Errors".
 */
import {
  type Fault,
  LivegateError,
  type LivegateErrorOptions,
  type ProblemCode,
} from '../../core/errors.ts'

export interface ProblemKind {
  readonly status: number
  readonly title: string
  /** Identifies the kind of problem; not meant to be fetched. */
  readonly type: string
  /** Sent unless the error says otherwise; null where waiting changes nothing. */
  readonly retry_after_s: number | null
}

/** The wire dress of a code. */
export function problemKind(code: ProblemCode): ProblemKind {
  switch (code) {
    case 'invalid_request':
      return kind(code, 400, 'The request is not valid')
    case 'unauthenticated':
      return kind(code, 401, 'The caller is not known')
    case 'forbidden':
      return kind(code, 403, 'The caller may not do this')
    case 'not_found':
      return kind(code, 404, 'There is no such thing')
    case 'conflict':
      return kind(code, 409, 'It exists with other content')
    case 'in_progress':
      return kind(code, 409, 'The same request is still running', 1)
    case 'body_too_large':
      return kind(code, 413, 'The body is too large')
    case 'unsupported_media_type':
      return kind(code, 415, 'The body is not in a supported format')
    case 'idempotency_mismatch':
      return kind(code, 422, 'The Idempotency-Key was used with another body')
    case 'rate_limited':
      return kind(code, 429, 'The caller asks too often', 1)
    case 'log_unavailable':
      return kind(code, 503, 'The log cannot take the record in time', 1)
    case 'overloaded':
      return kind(code, 503, 'The server has no capacity left', 1)
    case 'halted':
      return kind(code, 503, 'The log is halted and only readable')
    case 'internal':
      return kind(code, 500, 'The server failed')
  }
}

function kind(
  code: ProblemCode,
  status: number,
  title: string,
  retry_after_s: number | null = null,
): ProblemKind {
  return { status, title, type: `urn:problem-type:livegate:${code}`, retry_after_s }
}

/** A problem document; members beyond RFC 9457: `code`, `errors`, `hint`, `retry_after`. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
  readonly errors?: readonly Fault[]
  readonly hint?: string
  /** Whole seconds; the same number as in Retry-After. */
  readonly retry_after?: number
}

/** A failure that brings response headers: a challenge, what is allowed, what is left of a quota. */
export class HttpFailure extends LivegateError {
  readonly headers: Readonly<Record<string, string>>
  /** Overrides the status of the code; only 405 has no code of its own. */
  readonly status: number | undefined

  constructor(
    code: ProblemCode,
    message: string,
    options: LivegateErrorOptions & {
      readonly headers: Readonly<Record<string, string>>
      readonly status?: number
    },
  ) {
    super(code, message, options)
    this.headers = options.headers
    this.status = options.status
  }
}

const UNEXPECTED = new LivegateError('internal', 'Cannot answer: an unexpected failure was noted')

/** What ended a request, as a LivegateError; anything unforeseen becomes `internal` without its message. */
export function asLivegateError(error: unknown): LivegateError {
  return error instanceof LivegateError && error.code !== 'internal' ? error : UNEXPECTED
}

/** The document for an error. */
export function problemOf(error: LivegateError): Problem {
  const { status, title, type, retry_after_s } = problemKind(error.code)
  const retryAfter = error.retry_after_s ?? retry_after_s
  return {
    type,
    title,
    status: (error instanceof HttpFailure ? error.status : undefined) ?? status,
    code: error.code,
    detail: error.message,
    ...(error.faults.length > 0 ? { errors: error.faults } : {}),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(retryAfter === null ? {} : { retry_after: retryAfter }),
  }
}

/** The response for an error. */
export function problemResponse(error: LivegateError): Response {
  const problem = problemOf(error)
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(problem.retry_after === undefined ? {} : { 'retry-after': String(problem.retry_after) }),
      ...(error instanceof HttpFailure ? error.headers : {}),
    },
  })
}
