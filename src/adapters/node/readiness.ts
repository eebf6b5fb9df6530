/**
 * What `/readyz` says: whether a decision can be made now, and what is wrong with the policy file as it lies there. And
 * what a gate says last when it could not publish everything.
 */
import { LivegateError } from '../../core/errors.ts'
import type { PolicyFile } from './policy-files.ts'

export type Readiness =
  | {
      readonly ready: true
      readonly policy: {
        readonly digest: string
        readonly file: string
        readonly problems: readonly string[]
      }
    }
  | { readonly ready: false; readonly code: 'halted'; readonly why: string }

/** A broken policy file is told but stops nothing: the last good revision decides. A halted log stops everything. */
export function readinessOf(
  store: { status(): { readonly halted: string | null } },
  policies: Pick<PolicyFile, 'status'>,
): Readiness {
  const { halted } = store.status()
  if (halted !== null) return { ready: false, code: 'halted', why: halted }
  const { digest, file, last_error } = policies.status()
  const problems = (last_error ?? []).map(
    (d) => `${d.file}:${d.line}:${d.column} ${d.code}: ${d.message}`,
  )
  return { ready: true, policy: { digest, file, problems } }
}

/** Nothing acknowledged is lost: it is durable, but no checkpoint covers it yet. */
export function unpublished(): LivegateError {
  return new LivegateError('log_unavailable', 'Cannot publish the last round: it failed', {
    hint: 'Nothing acknowledged is lost; the next start publishes it, or halts and says why.',
  })
}
