/** Broadcasts and renewals over the wire; beside render.ts, in its ways. Spec: docs/spec/api.md, "Broadcasts". */
import { formatInstant } from '../../core/time.ts'
import type { RenewalAnswer } from '../../gate-types.ts'
import type { BroadcastView } from '../../ports.ts'
import { callerGroups, withDisclosures } from './disclose.ts'
import { renderReason, renderTimes, renderUnknown, renderWould } from './render.ts'

type Json = Readonly<Record<string, unknown>>

/** What runs or is being cut; a media server's own names for it stay inside. */
export function renderView(view: BroadcastView): Json {
  const { id, subject, stream, server, renewed, cohosts, cutting } = view
  return {
    ...{ id, subject, stream },
    opened_at: formatInstant(view.opened_at),
    lease_until: formatInstant(view.lease_until),
    ...(server === undefined ? {} : { server }),
    ...(renewed === undefined ? {} : { renewed }),
    ...(cohosts === undefined ? {} : { cohosts }),
    ...(cutting === null
      ? {}
      : {
          cutting: {
            since: formatInstant(cutting.since),
            until: formatInstant(cutting.until),
            ...{ order: cutting.order, cause: cutting.cause },
          },
        }),
  }
}

/** The answer to a renewal; `lease_until` is that of the broadcast, whatever became of it. */
export function renderRenewal(answer: RenewalAnswer): Json {
  const { broadcast, event, id, decision, policy, jws, openings, receipt } = answer
  return {
    ...{ broadcast, event },
    ...(id === null ? {} : { id }),
    outcome: decision.outcome,
    ...renderTimes(decision),
    ...renderWould(decision),
    decided_at: formatInstant(answer.at),
    lease_until: formatInstant(answer.lease_until),
    reasons: decision.reasons.map(renderReason),
    unknown: decision.unknown.map(renderUnknown),
    ...{ obligations: decision.obligations, policy },
    ...(jws === undefined || openings === undefined
      ? {}
      : { record: withDisclosures(jws, openings, callerGroups()) }),
    ...(receipt === undefined ? {} : { receipt }),
  }
}
