/**
 * What an author has allowed, taken from what was found; and what is wrong with the allowances themselves.
 *
 * An allowance without a reason allows nothing, and one that allows nothing is found as well, so that none outlives its
 * cause. Compile errors and findings about allowances cannot be allowed. Comments are read by suppress.ts.
 */
import type { Diagnostic } from '../diagnostic.ts'
import { didYouMean } from '../suggest.ts'
import type { Finding, LintCheck } from './check.ts'
import { ALLOWABLE, BAD_SUPPRESSION, UNUSED_SUPPRESSION } from './registry.ts'
import { readSuppressions, type Suppression } from './suppress.ts'

export interface SuppressedDiagnostic extends Diagnostic {
  /** The author's. */
  readonly reason: string
}

export interface Settling {
  readonly text: string
  /** Codes of checks that did not run; what allows them may be needed another time. */
  readonly unjudged: ReadonlySet<string>
  readonly report: (check: LintCheck, finding: Finding) => Diagnostic
}

export interface Settled {
  readonly open: readonly Diagnostic[]
  readonly suppressed: readonly SuppressedDiagnostic[]
}

/** Splits `found` by the allowances in the text. */
export function settle(found: readonly Diagnostic[], settling: Settling): Settled {
  const { suppressions, faults } = readSuppressions(settling.text)
  const byCode = Map.groupBy(suppressions, ({ code }) => code)
  const used = new Set<Suppression>()
  const open: Diagnostic[] = []
  const suppressed: SuppressedDiagnostic[] = []
  for (const diagnostic of found) {
    const { code, line } = diagnostic
    const holds = byCode.get(code)?.filter(({ from, to }) => from <= line && line <= to) ?? []
    for (const one of holds) used.add(one)
    const reason = holds[0]?.reason
    if (reason === undefined) open.push(diagnostic)
    else suppressed.push({ ...diagnostic, reason })
  }
  for (const fault of faults) open.push(settling.report(BAD_SUPPRESSION, fault))
  for (const one of suppressions) {
    const fault = used.has(one) ? null : faultOf(one, settling.unjudged)
    if (fault !== null) open.push(settling.report(...fault))
  }
  return { open, suppressed }
}

/** Why a suppression that suppressed nothing is a finding; null when it may be needed another time. */
function faultOf(
  { code, at }: Suppression,
  unjudged: ReadonlySet<string>,
): [LintCheck, Finding] | null {
  if (unjudged.has(code)) return null
  if (ALLOWABLE.has(code)) {
    const message = `there is no \`${code}\` here to allow`
    return [UNUSED_SUPPRESSION, { at, message, hint: 'remove the comment' }]
  }
  const hint = didYouMean(code, ALLOWABLE) ?? 'docs/checks lists the checks'
  return [BAD_SUPPRESSION, { at, message: `\`${code}\` is no check that can be allowed`, hint }]
}
