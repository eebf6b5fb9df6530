/**
 * Strikes past their time: forgotten once they can no longer count, so that no outcome ever depends on it.
 *
 * How long strikes are kept is the operator's (`RetentionRules`); whether one may go is the policy's in force
 * (core/policy/expendable.ts). Each step forgets at most MAX_ERASED_STRIKES of one subject in its turn and says so in the
 * log, by leaf hash, so that an auditor does not take them for ignored. A legal hold keeps them.
 * Next stop: adapters/node/retention.ts.
 */
import { MAX_ERASED_STRIKES } from '../core/limits.ts'
import type { Strike, SubjectId } from '../core/model.ts'
import { expendableStrikes } from '../core/policy/expendable.ts'
import { erasureDraft } from '../core/record/drafts.ts'
import { keptFor, type RetentionRules } from '../core/retention.ts'
import { type ErasureContext, eraseError, expectedOf, signErasure } from './erasure.ts'
import { decider } from './in-force.ts'

export type { RetentionRules } from '../core/retention.ts'

export interface Retained {
  readonly strikes: number
  /** Ask again: there were more than one record can name. */
  readonly more: boolean
}

const NOTHING: Retained = { strikes: 0, more: false }

/** What the erasure record of a retention says. */
export const RETENTION_BASIS = 'retention period over'

/** One bounded step for one subject. */
export function retainSubject(
  context: ErasureContext,
  subject: SubjectId,
  rules: RetentionRules,
): Promise<Retained> {
  return context.turns.run(subject, () => retainInTurn(context, subject, rules))
}

async function retainInTurn(
  context: ErasureContext,
  subject: SubjectId,
  rules: RetentionRules,
): Promise<Retained> {
  const { erasures } = context
  const state = await context.ledger.load(subject)
  const { pseudonym: sub } = state
  const { plan, at } = decider(context, state)
  const past = (strike: Strike): boolean =>
    at - strike.effective_at > keptFor(rules, strike.category)
  if (sub === null || !state.strikes.some(past)) return NOTHING
  const hold = await erasures.legalHold(subject)
  if (hold !== null && hold.until > context.clock.now()) return NOTHING
  const all = expendableStrikes(plan, state.strikes, at).filter(past)
  const gone = all.slice(0, MAX_ERASED_STRIKES).map(({ id }) => id)
  if (gone.length === 0) return NOTHING
  const strikes = await erasures.leaves(subject, gone)
  const draft = erasureDraft({
    ...{ sub, scope: 'retention', basis: RETENTION_BASIS, counts: { strikes: gone.length } },
    ...(state.seq === 0 ? {} : { last_seq: state.seq }),
    ...(strikes.length === 0 ? {} : { strikes }),
  })
  const signed = await signErasure(context, draft, at)
  const done = await erasures.forget({
    ...{ subject, at, expect: expectedOf(state), strikes: gone },
    ...signed,
  })
  if (!done.ok) throw eraseError(done.error)
  return { strikes: gone.length, more: all.length > gone.length }
}
