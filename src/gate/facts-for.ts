/**
 * The facts of one question: what the ledgers said, what the request adds, and what is around it now.
 *
 * The surroundings are read once a decision and handed on, so that what a retry is compared with later is what was
 * evaluated. Putting together is gather.ts's.
 */
import type { Facts, IncidentFacts, PlatformFacts } from '../core/model.ts'
import type { Plan } from '../core/policy/plan.ts'
import type { EpochMs } from '../core/time.ts'
import type { DecideRequest } from '../gate-types.ts'
import type { StoredFacts, SubjectState } from '../ports.ts'
import type { Cohosts } from './cohosts.ts'
import type { Context } from './context.ts'
import { gather } from './gather.ts'

/** What is around the subjects. */
export interface Around {
  readonly incident: IncidentFacts
  readonly platform: PlatformFacts
}

/** Read once a decision, so that what is compared later is what was evaluated. `at`: the decision's instant. */
export function surroundings(context: Context, at?: EpochMs): Around {
  return {
    incident: context.surroundings.incident(at),
    platform: context.surroundings.platform(),
  }
}

/** The facts of one question, as its hosts' ledgers and the surroundings give them. */
export function factsFor(
  context: Context,
  input: {
    readonly request: Pick<
      DecideRequest,
      'subject' | 'facts' | 'stream' | 'request' | 'supports' | 'in_place' | 'enforce'
    >
    readonly cohosts: Cohosts
    readonly state: SubjectState
    readonly around: Around
    readonly at: EpochMs
    readonly replaces: readonly string[]
    /** It runs already: since when, and what was given of its host before. */
    readonly again?: { readonly running_since?: EpochMs; readonly remembered: StoredFacts }
    /** What it is asked of. */
    readonly plan: Plan
  },
): Facts {
  const { request, state, at, replaces, around, again, plan } = input
  const remembered = again?.remembered ?? request.in_place?.remembered
  const own = { subject: request.subject, given: request.facts, state }
  const asking = remembered === undefined ? own : { ...own, remembered }
  const { facts_max_age_ms } = context.settings
  const hosts = [asking, ...input.cohosts.hosts] as const
  const { pepper } = context
  const { running_since } = again ?? {}
  const { enforce } = request
  const more = {
    ...(running_since === undefined ? {} : { running_since }),
    ...(enforce === undefined || enforce === 'on' ? {} : { enforce }),
  }
  return gather({
    ...{ at, request, hosts, ...around, facts_max_age_ms, pepper, replaces, plan },
    ...more,
  })
}
