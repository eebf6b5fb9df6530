/**
 * A subject between decisions: its stored facts and what can be said about it now.
 *
 * Facts carry the instant they were true; an update that is older than what is stored changes nothing, so updates may
 * arrive in any order. Forgetting leaves nothing to compare with: an older update arriving after it counts. Changing
 * facts is not logged by itself: what a decision saw is disclosed with the decision.
 */
import { LivegateError } from '../core/errors.ts'
import { MAX_STRIKE_FUTURE_MS } from '../core/limits.ts'
import type { Facts, Restriction, SubjectId } from '../core/model.ts'
import { eligibleAt } from '../core/policy/eligible.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import type { Plan } from '../core/policy/plan.ts'
import { type EpochMs, epochMs, formatInstant } from '../core/time.ts'
import type { FactsPatch, SubjectView } from '../gate-types.ts'
import type { StoredFacts, SubjectState } from '../ports.ts'
import { type Context, change, type Effects, instantFor } from './context.ts'
import { gather } from './gather.ts'
import { decider } from './in-force.ts'
import { hasMarked, recheckMarked } from './recheck.ts'

export interface FactsChange {
  readonly subject: SubjectId
  readonly facts: FactsPatch
  readonly as_of: EpochMs
  /** True: facts not named are forgotten (unless newer than `as_of`). */
  readonly replace: boolean
}

/** Stores facts; resolves when durable and visible to every later decision. */
export async function changeFacts(context: Context, input: FactsChange): Promise<StoredFacts> {
  requireNotAhead(input.as_of, context.clock.now())
  const { subject } = input
  const { facts, runs } = await context.turns.run(subject, async () => {
    const state = await context.ledger.load(input.subject)
    const facts = mergedFacts(state.facts, input)
    const effects: Effects = { bumps_version: true, facts, rechecks: 'facts' }
    await change(context, {
      subject: input.subject,
      state,
      at: instantFor(context, state),
      effects,
    })
    return { facts, runs: hasMarked(state) }
  })
  if (runs) await recheckMarked(context, subject, 'facts')
  return facts
}

/** What lies in the future would shut out every correction until then. */
function requireNotAhead(as_of: EpochMs, now: EpochMs): void {
  const latest = epochMs(now + MAX_STRIKE_FUTURE_MS)
  if (as_of <= latest) return
  throw new LivegateError('invalid_request', 'Cannot store facts: as_of lies in the future', {
    faults: [{ pointer: '/as_of', detail: `expected at most ${formatInstant(latest)}` }],
    hint: 'check the clock of the sending machine',
  })
}

/** Facts after an update; pure. */
export function mergedFacts(stored: StoredFacts, input: Omit<FactsChange, 'subject'>): StoredFacts {
  const { as_of } = input
  const merged: Record<string, { readonly value: unknown; readonly as_of: EpochMs }> = {}
  for (const [name, fact] of Object.entries(stored))
    if (!input.replace || fact.as_of > as_of) merged[name] = fact
  for (const [name, value] of Object.entries(input.facts)) {
    const newer = merged[name]
    if (value === undefined || (newer !== undefined && newer.as_of > as_of)) continue
    if (value === null) delete merged[name]
    else merged[name] = { value, as_of }
  }
  return merged as StoredFacts
}

/** Everything the deployment may show about a subject now. */
export async function viewSubject(context: Context, subject: SubjectId): Promise<SubjectView> {
  const state = await context.ledger.load(subject)
  const { plan, at } = decider(context, state)
  const facts = factsOf(context, plan, { subject, state, at })
  const eligible = eligibleAt(plan, facts)
  return {
    subject,
    facts: state.facts,
    strikes: state.strikes,
    restrictions: restrictionsOf(context, subject, state, at),
    broadcasts: state.broadcasts.filter((open) => open.lease_until > at),
    eligible_at: eligible.at,
    eligible_reason: eligible.reason,
  }
}

/** Restrictions running now under the active policy. */
export function restrictionsOf(
  context: Context,
  subject: SubjectId,
  state: SubjectState,
  at: EpochMs,
): readonly Restriction[] {
  const { plan } = context.policies.active(at)
  return evaluate(plan, factsOf(context, plan, { subject, state, at })).restrictions
}

/** What is known about a subject when nobody has asked anything in particular. */
export function factsOf(
  context: Pick<Context, 'surroundings' | 'pepper'> & {
    readonly settings: Pick<Context['settings'], 'facts_max_age_ms'>
  },
  plan: Plan | null,
  about: { readonly subject: SubjectId; readonly state: SubjectState; readonly at: EpochMs },
): Facts {
  const { subject, state, at } = about
  return gather({
    ...{ at, plan },
    request: { stream: {}, request: {}, supports: [] },
    hosts: [{ subject, given: {}, state }],
    incident: context.surroundings.incident(at),
    platform: context.surroundings.platform(),
    facts_max_age_ms: context.settings.facts_max_age_ms,
    pepper: context.pepper,
    replaces: [],
  })
}
