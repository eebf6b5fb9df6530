/**
 * All checks, in the order of docs/checks: the one list that lint, SARIF and the tests read.
 *
 * A new check is a file in checks/, a line here, its page docs/checks/<code>.md and its cases in
 * tests/core/policy/lint/cases/<code>.txt; a test holds the four together.
 */
import { COMPILE_CODES, type Diagnostic } from '../diagnostic.ts'
import type { LintCheck } from './check.ts'
import { banWithoutWayBack } from './checks/ban-without-way-back.ts'
import { defaultDeny } from './checks/default-deny.ts'
import { deniesEverybody } from './checks/denies-everybody.ts'
import { denyWithoutAppeal } from './checks/deny-without-appeal.ts'
import { exemptionLiftsEverything } from './checks/exemption-lifts-everything.ts'
import { factNotSupplied } from './checks/fact-not-supplied.ts'
import { lastingRetroactive } from './checks/lasting-retroactive.ts'
import { missingBecause } from './checks/missing-because.ts'
import { missingClause } from './checks/missing-clause.ts'
import { missingLanguage } from './checks/missing-language.ts'
import { noWarningStep } from './checks/no-warning-step.ts'
import { oddLength } from './checks/odd-length.ts'
import { sentenceWithoutEnd } from './checks/sentence-without-end.ts'
import { shadowedRule } from './checks/shadowed-rule.ts'
import { shortAppeal } from './checks/short-appeal.ts'
import { sinceInFuture } from './checks/since-in-future.ts'
import { unreachableRule } from './checks/unreachable-rule.ts'
import { unreachableStep } from './checks/unreachable-step.ts'
import { untestedRule } from './checks/untested-rule.ts'
import { uselessExemption } from './checks/useless-exemption.ts'
import { windowLongerThanExpiry } from './checks/window-longer-than-expiry.ts'
import { windowShorterThanStep } from './checks/window-shorter-than-step.ts'

/** Checks of what a policy says. */
export const CHECKS: readonly LintCheck[] = [
  unreachableRule,
  unreachableStep,
  shadowedRule,
  banWithoutWayBack,
  denyWithoutAppeal,
  shortAppeal,
  noWarningStep,
  defaultDeny,
  deniesEverybody,
  exemptionLiftsEverything,
  uselessExemption,
  windowLongerThanExpiry,
  windowShorterThanStep,
  missingBecause,
  missingLanguage,
  sentenceWithoutEnd,
  missingClause,
  sinceInFuture,
  lastingRetroactive,
  oddLength,
  untestedRule,
  factNotSupplied,
]

/** Checks of what lies around it; lint.ts and settle.ts find these themselves. */
export const NO_TESTS: LintCheck = outside(
  'no-tests',
  'No test file that can be read lies beside the policy',
)
export const BAD_SUPPRESSION: LintCheck = outside(
  'bad-suppression',
  'A comment that begins with `livegate-lint` allows nothing',
)
export const UNUSED_SUPPRESSION: LintCheck = outside(
  'unused-suppression',
  'A comment allows a finding that is not there',
)

function outside(code: string, about: string): LintCheck {
  return { code, severity: 'warning', about, run: () => [] }
}

/** Everything a lint can say beside the compiler. */
export const LINT_CHECKS: readonly LintCheck[] = [
  ...CHECKS,
  NO_TESTS,
  BAD_SUPPRESSION,
  UNUSED_SUPPRESSION,
]

/** What a suppression may name: checks of policies, and the compiler's one warning. */
export const ALLOWABLE: ReadonlySet<string> = new Set([
  ...[...CHECKS, NO_TESTS].map(({ code }) => code),
  'unknown-category',
])

/** Every code of a lint report; compile codes first. */
export const ALL_CODES: readonly Pick<LintCheck, 'code' | 'severity' | 'about'>[] = [
  ...COMPILE_CODES.map((code) => ({
    code,
    severity: severityOf(code),
    about:
      code === 'unknown-category'
        ? 'A pattern matches no known category'
        : 'The policy does not compile',
  })),
  ...LINT_CHECKS,
]

function severityOf(code: string): Diagnostic['severity'] {
  return code === 'unknown-category' ? 'warning' : 'error'
}
