/**
 * What `/readyz` says: whether a decision can be made now, and what is wrong with the policy file as it lies there. And
 * what a gate says last when it could not publish everything.
 */
import { LivegateError } from '../../core/errors.ts'
import { isStale } from '../../core/policy/in-force.ts'
import type { Clock, Policies } from '../../ports.ts'
import type { PolicyFile } from './policy-files.ts'

export type Readiness =
  | {
      readonly ready: true
      readonly policy: {
        readonly digest: string
        readonly revision?: number
        readonly stale?: boolean
        readonly file: string
        readonly problems: readonly string[]
      }
    }
  | { readonly ready: false; readonly code: 'halted'; readonly why: string }

/** A broken policy file and one that is too old are told but stop nothing: the last good revision decides. A halted log stops everything. */
export function readinessOf(
  store: { status(): { readonly halted: string | null } },
  parts: {
    readonly file: Pick<PolicyFile, 'status'>
    readonly policies: Policies
    readonly clock: Clock
  },
): Readiness {
  const { halted } = store.status()
  if (halted !== null) return { ready: false, code: 'halted', why: halted }
  const { plan } = parts.policies.active()
  const { digest, revision } = plan
  const { file, last_error } = parts.file.status()
  const problems = (last_error ?? []).map(
    (d) => `${d.file}:${d.line}:${d.column} ${d.code}: ${d.message}`,
  )
  const numbered = revision === null ? {} : { revision }
  const stale = isStale(plan, parts.clock.now()) ? { stale: true } : {}
  return { ready: true, policy: { digest, ...numbered, ...stale, file, problems } }
}

/** Nothing acknowledged is lost: it is durable, but no checkpoint covers it yet. */
export function unpublished(): LivegateError {
  return new LivegateError('log_unavailable', 'Cannot publish the last round: it failed', {
    hint: 'Nothing acknowledged is lost; the next start publishes it, or halts and says why.',
  })
}
