/** The narrow callers as a host stores them. */
import { apiKeyFromToken } from '../../src/adapters/http/api-key.ts'
import { epochMs } from '../../src/core/time.ts'
import type { ApiKey } from '../../src/ports.ts'
import { NARROW_SCOPES, narrowKey } from './host.ts'

export function narrowApiKeys(): readonly ApiKey[] {
  const clock = { now: () => epochMs(0) }
  return NARROW_SCOPES.flatMap((scope) => {
    const grant = { scopes: [scope], owner: 'conformance' }
    return apiKeyFromToken(narrowKey(scope), grant, clock) ?? []
  })
}
