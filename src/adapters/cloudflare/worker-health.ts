/**
 * What the Worker says about the deployment: whether it can decide now.
 *
 * Asks every log. Numbers for Prometheus: worker-metrics.ts.
 */
import { isStale } from '../../core/policy/in-force.ts'
import type { ShadowReport } from '../../gate/shadow.ts'
import type { ActivePolicy } from '../../ports.ts'
import type { Candidate } from './edge-candidate.ts'
import type { EdgeReviews } from './edge-reviews.ts'
import type { EdgeWebhooks } from './edge-webhooks.ts'
import type { CountedServer } from './media-metrics.ts'
import { opened, type SequencerRpc } from './rpc.ts'
import type { SequencerStatus } from './rpc-status.ts'
import { systemClock } from './worker-system.ts'

export interface HealthParts {
  /** What decides now. */
  readonly policy: () => Promise<ActivePolicy>
  /** Name of the policy file. */
  readonly file: string
  /** Every log, by its origin. */
  readonly logs: readonly {
    readonly origin: string
    readonly sequencer: Pick<SequencerRpc, 'status'> & Partial<Deciding>
  }[]
  /** The candidate in the shadow; null or absent without one. */
  readonly candidate?: Candidate | null
  /** Every media server with its keeper. */
  readonly servers?: () => Promise<readonly CountedServer[]>
  /** What all logs have counted of it. */
  readonly shadow?: () => Promise<ShadowReport | null>
  /** Where webhook endpoints stand, and how they answered. */
  readonly webhooks?: Pick<EdgeWebhooks, 'counted'>
  /** The queue of reviews. */
  readonly reviews?: Pick<EdgeReviews, 'open'>
}

/** What the first log knows of what decides. */
type Deciding = Pick<SequencerRpc, 'activations' | 'incidents'>

/** For `/readyz`. */
export type EdgeReadiness =
  | {
      readonly ready: true
      readonly policy: {
        readonly digest: string
        readonly revision?: number
        readonly stale?: boolean
        readonly file: string
        readonly problems: readonly string[]
      }
      /** The candidate in the shadow; no digest when it does not compile. */
      readonly shadow?: {
        readonly digest?: string
        readonly file: string
        readonly problems: readonly string[]
      }
      /** Absent when every log is well: what stops no decision yet. */
      readonly log?: { readonly problems: readonly string[] }
    }
  | { readonly ready: false; readonly code: 'halted' | 'log_unavailable'; readonly why: string }

/** One halted log is enough: some subjects cannot be decided about. */
export async function edgeReadiness(parts: HealthParts): Promise<EdgeReadiness> {
  const problems: string[] = []
  for (const { origin, status } of await statuses(parts)) {
    if (status === null)
      return { ready: false, code: 'log_unavailable', why: `the log ${origin} does not answer` }
    if (status.halted !== null)
      return { ready: false, code: 'halted', why: `the log ${origin} is halted: ${status.halted}` }
    const { unmoved = 0 } = status
    if (unmoved > 0)
      problems.push(`the bucket took no segment of the log ${origin}, ${unmoved} times in a row`)
  }
  const { plan } = await parts.policy()
  const { digest, revision } = plan
  const numbered = revision === null ? {} : { revision }
  const stale = isStale(plan, systemClock.now()) ? { stale: true } : {}
  const policy = { digest, ...numbered, ...stale, file: parts.file, problems: [] }
  const { candidate = null } = parts
  const shadow = candidate === null ? {} : { shadow: shadowHealth(candidate) }
  const log = problems.length === 0 ? {} : { log: { problems } }
  return { ready: true, policy, ...shadow, ...log }
}

function shadowHealth({
  file,
  plan,
}: Candidate): NonNullable<Extract<EdgeReadiness, { readonly ready: true }>['shadow']> {
  return plan.ok
    ? { digest: plan.value.digest, file, problems: [] }
    : { file, problems: plan.error }
}

/** A log with what it says of itself. */
export interface Found {
  readonly origin: string
  /** Null when the log does not answer. */
  readonly status: SequencerStatus | null
}

/** What every log says of itself. */
export function statuses({ logs }: HealthParts): Promise<readonly Found[]> {
  return Promise.all(
    logs.map(async ({ origin, sequencer }) => {
      const status = await opened(sequencer.status()).catch(() => null)
      return { origin, status }
    }),
  )
}
