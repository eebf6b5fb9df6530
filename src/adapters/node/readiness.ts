/**
 * What `/readyz` says: whether a decision can be made now, and what is wrong with the policy file as it lies there. And
 * what a gate says last when it could not publish everything.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Diagnostic } from '../../core/policy/diagnostic.ts'
import { isStale } from '../../core/policy/in-force.ts'
import type { Clock, Policies } from '../../ports.ts'
import type { PolicyFile } from './policy-files.ts'
import type { ShadowPolicy } from './shadow-policy.ts'

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
      readonly shadow?: ShadowHealth
    }
  | { readonly ready: false; readonly code: 'halted'; readonly why: string }

/** The candidate in the shadow; no digest while there was none that compiles. */
interface ShadowHealth {
  readonly digest?: string
  readonly file: string
  readonly problems: readonly string[]
}

/** A broken policy file and one that is too old are told but stop nothing: the last good revision decides. A halted log stops everything. */
export function readinessOf(
  store: { status(): { readonly halted: string | null } },
  parts: {
    readonly file: Pick<PolicyFile, 'status'>
    /** Null or absent without a candidate in the shadow. */
    readonly shadow?: Pick<ShadowPolicy, 'status' | 'report'> | null
    readonly policies: Policies
    readonly clock: Clock
  },
): Readiness {
  const { halted } = store.status()
  if (halted !== null) return { ready: false, code: 'halted', why: halted }
  const { plan } = parts.policies.active()
  const { digest, revision } = plan
  const { file, last_error } = parts.file.status()
  const problems = linesOf(last_error)
  const numbered = revision === null ? {} : { revision }
  const stale = isStale(plan, parts.clock.now()) ? { stale: true } : {}
  const policy = { digest, ...numbered, ...stale, file, problems }
  const { shadow = null } = parts
  return { ready: true, policy, ...(shadow === null ? {} : { shadow: shadowHealth(shadow) }) }
}

/** What is wrong with a candidate is a warning and nothing else. */
function shadowHealth(shadow: Pick<ShadowPolicy, 'status' | 'report'>): ShadowHealth {
  const { file, last_error } = shadow.status()
  const digest = shadow.report()?.digest
  return { ...(digest === undefined ? {} : { digest }), file, problems: linesOf(last_error) }
}

function linesOf(diagnostics: readonly Diagnostic[] | null): readonly string[] {
  return (diagnostics ?? []).map((d) => `${d.file}:${d.line}:${d.column} ${d.code}: ${d.message}`)
}

/** Nothing acknowledged is lost: it is durable, but no checkpoint covers it yet. */
export function unpublished(): LivegateError {
  return new LivegateError('log_unavailable', 'Cannot publish the last round: it failed', {
    hint: 'Nothing acknowledged is lost; the next start publishes it, or halts and says why.',
  })
}
