/**
 * Erasures, holds and exports on the wire: instants as RFC 3339, members that say nothing left out.
 *
 * Pure. Schemas: erasure-schemas.ts.
 */
import type { Reason } from '../../core/model.ts'
import { type RetentionRules, retentionWords } from '../../core/retention.ts'
import { formatInstant } from '../../core/time.ts'
import type { ErasureAnswer } from '../../gate/erasure.ts'
import type {
  ExportedDecision,
  ExportedRecord,
  ExportedRestriction,
  StandingNow,
  SubjectExport,
} from '../../gate/subject-export.ts'
import type { LegalHold } from '../../ports.ts'
import { renderBroadcast, renderFacts, renderStrike, renderUntil, renderWould } from './render.ts'

type Json = Readonly<Record<string, unknown>>

/** What anybody it is stored about may do. Plain words, for whoever passes the export on. */
export const RIGHTS: readonly string[] = [
  'You may have wrong facts corrected, and appeal strikes and restrictions at the address given with them.',
  'You may ask for erasure. What is in the transparency log stays: it holds commitments, not your data.',
  'A restriction that runs when you are erased goes on until its end without your history.',
  'You may complain to a data protection authority.',
]

export function renderErasure({ state, erasure }: ErasureAnswer): Json {
  if (erasure === null) return { state }
  const { scope, at, record, receipt, counts, suppressed } = erasure
  return {
    ...{ state, scope, erased_at: formatInstant(at) },
    ...(record === null ? {} : { record }),
    ...(receipt === null ? {} : { receipt }),
    ...{ counts, restrictions_kept: suppressed },
  }
}

export function renderLegalHold({ until, basis, set_at }: LegalHold): Json {
  return { until: formatInstant(until), basis, set_at: formatInstant(set_at) }
}

/** One page of an export. */
export function renderExport(page: SubjectExport, retention: RetentionRules): Json {
  const { subject, at, now, records, next } = page
  return {
    ...{ subject, at: formatInstant(at) },
    ...(now === null ? {} : { now: renderNow(now, retention) }),
    records: records.map(renderExported),
    recipients: recipientsOf(records),
    next,
  }
}

/** Who was told something: whoever asked. */
function recipientsOf(records: readonly ExportedRecord[]): readonly string[] {
  const callers = records.flatMap(({ caller, kind }) =>
    caller === null || kind !== 'decision' ? [] : [caller],
  )
  return [...new Set(callers)].sort()
}

function renderNow(now: StandingNow, retention: RetentionRules): Json {
  const { pseudonym, legal_hold } = now
  return {
    ...(pseudonym === null ? {} : { pseudonym }),
    facts: renderFacts(now.facts),
    strikes: now.strikes.map(renderStrike),
    restrictions: now.restrictions.map(renderRestriction),
    broadcasts: now.broadcasts.map(renderBroadcast),
    holds: now.holds.map(({ stream, rule, first_asked_at }) => ({
      ...{ stream, rule, first_asked_at: formatInstant(first_asked_at) },
    })),
    reviews: now.reviews.map(({ stream, rule, result, at }) => ({
      ...{ stream, rule, result, at: formatInstant(at) },
    })),
    asked: (now.asked ?? []).map(({ id, stream, rule, queue, opened_at, by }) => ({
      ...{ id, stream, rule, queue },
      ...{ opened_at: formatInstant(opened_at), review_by: formatInstant(by) },
    })),
    ...(legal_hold === null
      ? {}
      : { legal_hold: { until: formatInstant(legal_hold.until), basis: legal_hold.basis } }),
    retention: retentionWords(retention),
    rights: RIGHTS,
  }
}

function renderRestriction(restriction: ExportedRestriction): Json {
  const { from, until, clause, appeal, ...rest } = restriction
  return {
    ...{ ...rest, from: formatInstant(from), until: renderUntil(until) },
    ...(clause === null ? {} : { clause }),
    ...(appeal === null || appeal === undefined ? {} : { appeal: renderAppeal(appeal) }),
  }
}

function renderAppeal({ url, until }: NonNullable<Reason['appeal']>): Json {
  return { url, ...(until === undefined ? {} : { until: formatInstant(until) }) }
}

function renderExported(record: ExportedRecord): Json {
  const { id, kind, seq, at, origin, index, contents, caller, stream, decision, said } = record
  return {
    ...{ id, kind, seq, at: formatInstant(at), log: origin, index },
    contents: contents ? 'stored' : 'removed',
    ...(caller === null ? {} : { caller }),
    ...(stream === null ? {} : { stream }),
    ...(decision === null ? {} : renderDecision(decision)),
    ...(said === null ? {} : { said }),
  }
}

function renderDecision(decision: ExportedDecision): Json {
  const { outcome, policy, mode, until, rules, reasons, would } = decision
  return {
    ...{ outcome, policy, rules },
    ...(mode === null ? {} : { mode }),
    ...(until === null ? {} : { until: renderUntil(until) }),
    ...(would === undefined ? {} : renderWould({ would })),
    ...(reasons === null
      ? {}
      : {
          reasons: reasons.map(({ appeal, ...reason }) => ({
            ...reason,
            ...(appeal === undefined ? {} : { appeal: renderAppeal(appeal) }),
          })),
        }),
  }
}
