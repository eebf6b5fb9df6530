/**
 * Policies: which the log holds, which decides and is to come, and the exact text of each by its digest.
 *
 * Activating them is policy-changes.ts's.
 */
import { LivegateError } from '../../../core/errors.ts'
import { latestOf } from '../../../core/policy/activation.ts'
import { formatInstant } from '../../../core/time.ts'
import type { AppDeps, PolicyRevision } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { renderRevisions, renderShadow } from '../render-activation.ts'
import { IMMUTABLE_PRIVATE, json, raw } from '../reply.ts'

/** `GET /v1/policies`, `GET /v1/policies/shadow`, `GET /v1/policies/{digest}`. */
export function mountPolicies(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/policies', async (call) => {
    const policies = (await deps.policiesView.list()).map(renderRevision)
    const activations = (await deps.policyDesk?.activations()) ?? []
    const revision = latestOf(activations)?.revision
    const revisions = renderRevisions(activations, (deps.policyDesk ?? deps.clock).now())
    const response = json(call, {
      ...(revision === undefined ? {} : { revision }),
      policies,
      revisions,
    })
    // For If-Match: who activates what they made of this list says so.
    if (deps.policyDesk !== undefined) response.headers.set('etag', `"${revision ?? 0}"`)
    return response
  })
  mount('GET /v1/policies/shadow', (call) => shadow(call, deps))
  mount('GET /v1/policies/:digest', (call) => text(call, deps))
}

function renderRevision(revision: PolicyRevision): object {
  const { name, digest, active, activated_at } = revision
  return {
    name,
    digest,
    active,
    ...(activated_at === null ? {} : { activated_at: formatInstant(activated_at) }),
  }
}

async function shadow(call: Call, deps: AppDeps): Promise<Response> {
  const report = (await deps.shadow?.()) ?? null
  if (report === null)
    throw new LivegateError('not_found', 'Cannot read the shadow: there is no candidate in it')
  return json(call, renderShadow(report))
}

const DIGEST = /^sha256-[A-Za-z0-9_-]{43}$/

async function text(call: Call, { policiesView }: AppDeps): Promise<Response> {
  const digest = call.c.req.param('digest') ?? ''
  const bytes = DIGEST.test(digest) ? await policiesView.text(digest) : null
  if (bytes === null)
    throw new LivegateError('not_found', 'Cannot find policy: no revision has this digest')
  // The name is the hash of the bytes: what is under it never changes.
  return raw(call, bytes, { type: 'application/yaml; charset=utf-8', cache: IMMUTABLE_PRIVATE })
}
