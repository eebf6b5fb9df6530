/**
 * Records that somebody opened records: signed, and durable in the log, before what they disclose leaves the gate.
 *
 * Whoever reads disclosures without having asked for the decisions leaves a record of it, one for each answer; when the
 * log cannot take it nothing is opened. The same answer twice is two records. So that reading is no way to flood the
 * log, each caller has a bucket of its own. Who asks and which groups is the API's; which log: that of the records.
 * Spec: docs/spec/record.md, "Access".
 */
import { LivegateError } from '../core/errors.ts'
import { DECISION_BUDGET_MS, OPENINGS_BURST, OPENINGS_PER_S } from '../core/limits.ts'
import { accessDraft, type RecordDraft } from '../core/record/drafts.ts'
import type { AccessWay, GroupName } from '../core/record/kinds.ts'
import type { EpochMs } from '../core/time.ts'
import type { Clock } from '../ports.ts'
import type { After } from './context.ts'
import { withinBudget } from './deadline.ts'

/** One answer that opens records. */
export interface Access {
  /** Id of the API key or token subject that gets it. */
  readonly by: string
  readonly via: AccessWay
  /** Groups opened of at least one record; not empty. */
  readonly groups: readonly GroupName[]
  /** Ids of the records opened, in the order of the answer; not empty. */
  readonly ids: readonly string[]
}

/**
 * Resolves when the access is durable in the log. Rejects with `rate_limited`, `log_unavailable`, `overloaded` or
 * `halted`; then nothing may be opened, although the record may be there: one too many is no lie.
 */
export type RecordAccess = (access: Access) => Promise<void>

export interface AccessParts {
  /** Signs and appends one record of the deployment, durably. */
  readonly append: (draft: RecordDraft) => Promise<unknown>
  readonly clock: Clock
  readonly after: After
}

/** The access records of one log. */
export function createAccessBook({ append, clock, after }: AccessParts): RecordAccess {
  const take = createBuckets(clock)
  return async ({ ids, ...access }) => {
    take(access.by)
    await withinBudget(() => append(accessDraft(access, ids)).catch(refuse), {
      ...{ after, budget_ms: DECISION_BUDGET_MS, verb: 'record the access' },
    })
  }
}

const UNABLE: ReadonlySet<string> = new Set(['log_unavailable', 'overloaded', 'halted'])

/** Whatever kept the record out of the log, the caller has done nothing wrong. */
function refuse(cause: unknown): never {
  if (cause instanceof LivegateError && cause.code === 'halted') throw halted(cause)
  if (cause instanceof LivegateError && UNABLE.has(cause.code)) throw cause
  throw new LivegateError('log_unavailable', 'Cannot open records: the access cannot be logged', {
    ...{ cause, retry_after_s: 1 },
  })
}

/** Callers remembered; the one that asked longest ago goes first, and gets a full bucket when it comes back. */
const MAX_CALLERS = 10_000

/** A log that is closed stays so: whoever audits it needs what was exported before. */
function halted(cause: LivegateError): LivegateError {
  const [, why = cause.message] = /^Cannot [^:]+: (.+)$/s.exec(cause.message) ?? []
  const message = `Cannot open records: ${why}, and what the log does not say may not be opened`
  const hint = 'Export disclosures before a log is closed: `livegate log disclosures`.'
  return new LivegateError('halted', message, why.includes('closed') ? { cause, hint } : { cause })
}

function createBuckets(clock: Clock): (by: string) => void {
  const buckets = new Map<string, { readonly tokens: number; readonly at: EpochMs }>()
  return (by) => {
    const now = clock.now()
    const { tokens, at } = buckets.get(by) ?? { tokens: OPENINGS_BURST, at: now }
    const gained = (Math.max(0, now - at) * OPENINGS_PER_S) / 1000
    const left = Math.min(OPENINGS_BURST, tokens + gained)
    buckets.delete(by)
    buckets.set(by, { tokens: left < 1 ? left : left - 1, at: now })
    const [oldest] = buckets.keys()
    if (buckets.size > MAX_CALLERS && oldest !== undefined) buckets.delete(oldest)
    if (left < 1)
      throw new LivegateError(
        'rate_limited',
        `Cannot open records: the caller has opened ${OPENINGS_BURST} answers in a short time, expected at most ${OPENINGS_PER_S} a second`,
        { retry_after_s: 1 },
      )
  }
}
