/**
 * Who asks, and the refusals that are about who asks.
 */
import type { LivegateError } from '../../core/errors.ts'
import { HttpFailure } from './problem.ts'
import type { Scope } from './scopes.ts'

export interface Caller {
  /** API key id, or `jwt:` and the client of an access token: scope of Idempotency-Keys, bucket of the rate limit. */
  readonly id: string
  readonly scopes: ReadonlySet<Scope>
}

/** On routes open to everybody. */
export const ANYBODY: Caller = { id: '', scopes: new Set() }

const REALM = 'Bearer realm="livegate"'

/** 401 for a request without credentials. */
export function noCredentials(): LivegateError {
  return new HttpFailure(
    'unauthenticated',
    'Cannot authenticate: there is no Authorization header, expected a bearer token',
    { headers: { 'www-authenticate': REALM } },
  )
}

/** 401 for credentials that do not hold; `message` must not quote them. */
export function unauthenticated(message: string): LivegateError {
  return new HttpFailure('unauthenticated', message, {
    headers: { 'www-authenticate': `${REALM}, error="invalid_token"` },
  })
}

/** 403: known, but without the scope. */
export function forbidden(scope: Scope): LivegateError {
  return new HttpFailure(
    'forbidden',
    `Cannot use this route: the caller lacks the scope \`${scope}\``,
    {
      headers: {
        'www-authenticate': `${REALM}, error="insufficient_scope", scope="${scope}"`,
      },
    },
  )
}
