/**
 * Activations, reports and diagnostics as they are on the wire: instants as text, lengths in whole seconds, null left out.
 */
import type { Activation, Until } from '../../core/model.ts'
import { stateAt } from '../../core/policy/activation.ts'
import type { Side } from '../../core/policy/compare/changes.ts'
import type { ChangeReport } from '../../core/policy/compare/tally.ts'
import { type Diagnostic, formatDiagnostic } from '../../core/policy/diagnostic.ts'
import { type EpochMs, formatInstant } from '../../core/time.ts'
import type { Activating } from '../../gate/policy-desk.ts'
import type { ActivationReport, AffectedExample } from '../../gate/policy-report.ts'
import type { ShadowReport } from '../../gate/shadow.ts'

/** Revisions one answer lists. */
const MAX_REVISIONS = 100

/** Newest first, with what became of each. */
export function renderRevisions(activations: readonly Activation[], now: EpochMs): object[] {
  return activations
    .toReversed()
    .slice(0, MAX_REVISIONS)
    .map((one) => ({ ...renderActivation(one), state: stateAt(activations, one, now) }))
}

function renderActivation(one: Activation): object {
  const { revision, name, digest, active_from, previous, cause, source, by, note } = one
  return {
    ...{ revision, name, digest },
    active_from: formatInstant(active_from),
    ...{ previous, cause, source, by },
    ...(note === null ? {} : { note }),
  }
}

/** Subjects are named only to callers who may know them. */
export function renderActivating(
  done: Exclude<Activating, { readonly is: 'invalid' }>,
  options: { readonly source: string; readonly identities: boolean },
): object {
  const { is, activation, supersedes, warnings, report } = done
  return {
    ...renderActivation(activation),
    ...(is === 'same' ? { unchanged: true } : {}),
    ...(is === 'dry' ? { dry_run: true } : {}),
    supersedes,
    warnings: renderDiagnostics(warnings, options.source),
    ...(report === null ? {} : { report: renderReport(report, options.identities) }),
  }
}

/** `text` is what people read: place, message, source line, caret and hint. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], source: string): object[] {
  return diagnostics.map((one) => {
    const { code, severity, message, line, column, end_column, hint } = one
    return {
      ...{ code, severity, message, line, column },
      ...(end_column === undefined ? {} : { end_column }),
      ...(hint === undefined ? {} : { hint }),
      text: formatDiagnostic(one, source),
    }
  })
}

function renderReport(report: ActivationReport, identities: boolean): object {
  const { unreadable, restrictions } = report
  return {
    unreadable,
    ...renderChanges(report),
    restrictions: {
      ...restrictions,
      examples: restrictions.examples.map((one) => renderAffected(one, identities)),
    },
  }
}

/** Ids of decisions, never of subjects. */
export function renderShadow(report: ShadowReport): object {
  const { name, digest, since, passed_over, failed, lacking, compared } = report
  const { directions, by_rule } = compared
  return {
    ...{ name, digest, since: formatInstant(since), passed_over, failed, lacking },
    ...{ ...renderChanges(compared), directions, by_rule },
  }
}

function renderChanges(report: ChangeReport): object {
  const { decisions, from, to, unchanged, changes, rules } = report
  return {
    decisions,
    ...(from === null ? {} : { from: formatInstant(from) }),
    ...(to === null ? {} : { to: formatInstant(to) }),
    ...{ unchanged, changes, rules },
    examples: report.examples.map(({ id, at, change, before, after }) => ({
      ...{ id, decided_at: formatInstant(at), change },
      before: renderSide(before),
      after: renderSide(after),
    })),
  }
}

function renderSide({ outcome, mode, until, rules }: Side): object {
  return {
    outcome,
    ...(mode === null ? {} : { mode }),
    ...(until === null ? {} : { until: renderUntil(until) }),
    rules,
  }
}

function renderAffected(one: AffectedExample, identities: boolean): object {
  const { subject, rule, basis, outcome, change, before, after, by, retroactive } = one
  return {
    ...(identities && subject !== null ? { subject } : {}),
    ...{ rule, basis, outcome, change },
    ...(before === null ? {} : { before: renderUntil(before) }),
    ...(after === null ? {} : { after: renderUntil(after) }),
    by: by === 'forever' ? by : Math.ceil(by / 1000),
    ...(retroactive === null ? {} : { retroactive }),
  }
}

function renderUntil(until: Until): string {
  return until === 'forever' ? until : formatInstant(until)
}
