/**
 * Requests that never become one: what a host answers before (or instead of) handing anything to the app.
 *
 * Hosts find these while reading bytes from a connection; the answer is a problem document like any other, and holds
 * nothing of what was sent. The code stays in the closed set, the status says which protocol rule was broken.
 * Spec: docs/spec/api.md, "Errors".
 */
import { LivegateError } from '../../core/errors.ts'
import { HttpFailure, problemResponse } from './problem.ts'

/** What is wrong with bytes that should have been a request. */
export type Unreadable = 'not_http' | 'too_slow' | 'headers_too_large' | 'expectation' | 'target'

/** The answer; `target` is a path in a second spelling, which names nothing. */
export function unreadableResponse(fault: Unreadable): Response {
  return problemResponse(failureOf(fault))
}

function failureOf(fault: Unreadable): LivegateError {
  switch (fault) {
    case 'not_http':
      return new LivegateError('invalid_request', 'Cannot read request: it is not well-formed HTTP')
    case 'too_slow':
      return withStatus(408, 'Cannot read request: it did not arrive in time')
    case 'headers_too_large':
      return withStatus(431, 'Cannot read request: its headers are too large')
    case 'expectation':
      return withStatus(417, 'Cannot read request: it expects something else than 100-continue')
    case 'target':
      return new LivegateError('not_found', 'Cannot find the route: the path has another spelling')
  }
}

function withStatus(status: number, message: string): LivegateError {
  return new HttpFailure('invalid_request', message, { status, headers: {} })
}
