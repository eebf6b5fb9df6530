/** Whom a request names as co-hosts. */
import { LivegateError } from '../core/errors.ts'
import { MAX_COHOSTS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import type { CohostRequest, DecideRequest } from '../gate-types.ts'

/** Each co-host once, whatever the request says; the one who asks is not its own co-host. */
export function askedCohosts(
  request: Pick<DecideRequest, 'subject' | 'stream'>,
): readonly CohostRequest[] {
  const { hosts = [] } = request.stream
  if (hosts.length === 0) return []
  const seen = new Set<SubjectId>([request.subject])
  const unique: CohostRequest[] = []
  for (const cohost of hosts) {
    if (seen.has(cohost.subject)) continue
    seen.add(cohost.subject)
    unique.push(cohost)
  }
  if (unique.length > MAX_COHOSTS)
    throw new LivegateError('invalid_request', 'Cannot decide: too many co-hosts', {
      faults: [{ pointer: '/stream/hosts', detail: `expected at most ${MAX_COHOSTS}` }],
    })
  return unique
}
