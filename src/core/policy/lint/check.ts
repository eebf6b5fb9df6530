/**
 * What a lint check is: a code with a page in docs/checks, a severity, and a function from a policy to findings.
 *
 * The compiler refuses what has no meaning; a check advises on what has one that its author will hardly want. A check
 * looks only at what it is given: no clock, no files. Each has its own file in checks/, its cases in
 * tests/core/policy/lint/cases and its page. The list is registry.ts. From: lint.ts.
 */
import type { EpochMs } from '../../time.ts'
import type { Diagnostic, Span } from '../diagnostic.ts'
import type { ExemptionPlan, Plan, RulePlan } from '../plan.ts'
import type { ExemptSource, PolicySource, RuleSource } from '../source.ts'
import type { Exercise } from './exercise.ts'

export interface LintCheck {
  /** Stable; the name of its page, and what a suppression names. */
  readonly code: string
  /** `error` fails a lint, `warning` only with --strict, `info` never. */
  readonly severity: Diagnostic['severity']
  /** One sentence without period: what the author did. */
  readonly about: string
  /** True for a check of what the tests beside the policy try; it runs only when there are some. */
  readonly of_tests?: boolean
  /** Any order; linear in the policy's size where nothing else is said. */
  readonly run: (policy: LintedPolicy) => Iterable<Finding>
}

export interface Finding {
  readonly at: Span
  /** One line, lower case, without period. */
  readonly message: string
  /** How to put it right. */
  readonly hint?: string
}

/** A policy that compiles, as written and as planned. */
export interface LintedPolicy {
  readonly source: PolicySource
  readonly plan: Plan
  readonly text: string
  /** The instant of the lint, for what lies in the future or is over. */
  readonly now: EpochMs
  /** In source order. */
  readonly rules: readonly LintedRule[]
  /** In source order. */
  readonly exemptions: readonly LintedExemption[]
  /** What the tests beside the policy try; empty when there are none. */
  readonly tests: Exercise
}

export interface LintedRule {
  readonly source: RuleSource
  readonly plan: RulePlan
}

export interface LintedExemption {
  readonly source: ExemptSource
  readonly plan: ExemptionPlan
}
