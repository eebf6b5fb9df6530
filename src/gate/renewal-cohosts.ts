/**
 * Co-hosts of what runs: visited before it is looked at again, told afterwards what became of it.
 *
 * Like those of a decision (cohosts.ts), but what runs there stays whatever fails: it has its lease, and a mark where
 * something changed. Next stop: renewal.ts.
 */
import type { SubjectId } from '../core/model.ts'
import type { EpochMs } from '../core/time.ts'
import type { RenewalAnswer } from '../gate-types.ts'
import type { Cohosts, Pending } from './cohosts.ts'
import type { Context } from './context.ts'
import type { Question } from './question.ts'

/** Makes sure that each has it registered, and reads each one's standing. */
export async function visitCohosts(
  context: Context,
  { cohosts, remembered }: Question,
  pending: Pending,
): Promise<Cohosts> {
  const hosts = await Promise.all(
    cohosts.map(async (subject, i) => {
      const state = await context.cohosts.join(subject, pending)
      return { subject, given: {}, remembered: remembered[i + 1] ?? {}, state }
    }),
  )
  return { hosts, version: hosts.reduce((sum, { state }) => sum + state.version, 0) }
}

/** Their leases as the host's; false when somebody's standing changed meanwhile: it has to be looked at anew. */
export async function settleRenewal(
  context: Context,
  { hosts }: Cohosts,
  settled: {
    readonly pending: Pending
    readonly answer: RenewalAnswer
    readonly opened_at: EpochMs
  },
): Promise<boolean> {
  const { pending, answer, opened_at: decided_at } = settled
  const { event, lease_until, decision, at } = answer
  const revoked = event === 'revoked'
  const started = revoked
    ? null
    : { id: pending.id, decided_at, lease_until, repeated: false, replaces: [] }
  const same = await Promise.all(
    hosts.map(({ subject, state: { version } }, i) => {
      const holds = decision.holds_opened
        .filter((hold) => revoked && hold.host === i + 1)
        .map(({ rule }) => ({ rule, first_asked_at: at }))
      return context.cohosts.settle(subject, { pending, version, started, holds, renews: true })
    }),
  )
  return revoked || !same.includes(false)
}

/** It no longer runs. Never rejects: what stays ends with its lease. */
export async function leaveCohosts(
  context: Context,
  { hosts }: Cohosts,
  broadcast: string,
): Promise<void> {
  const ended = await Promise.allSettled(
    hosts.map(({ subject }: { readonly subject: SubjectId }) =>
      context.cohosts.end(subject, broadcast),
    ),
  )
  for (const { status } of ended)
    if (status === 'rejected') context.observe({ type: 'left_to_lease', what: 'cohost' })
}
