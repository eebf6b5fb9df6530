/**
 * The candidate in the shadow as an isolate has it: from its variable, else from the bundle; compiled once.
 *
 * One that does not compile is told in `/readyz` and stops nothing. Judging is subject-shadow.ts's, counting sequencer-shadow.ts's.
 * Spec: docs/spec/policy.md, "Trying a candidate".
 */
import type { Plan } from '../../core/policy/plan.ts'
import type { Result } from '../../core/result.ts'
import type { BundledFile } from './bundle.ts'
import { bundledPolicy } from './edge-policy.ts'

export interface Candidate {
  /** Where its text is from. */
  readonly file: string
  /** Or what is wrong with it, one line each. */
  readonly plan: Result<Plan, readonly string[]>
}

/** Null when there is none: nothing in the variable, and nothing but comments in the file. */
export function candidateOf(
  { shadow_policy }: { readonly shadow_policy: string | null },
  bundled: BundledFile,
): Candidate | null {
  const file =
    shadow_policy === null ? bundled : { name: 'LIVEGATE_SHADOW_POLICY', text: shadow_policy }
  if (file.text.split('\n').every((line) => /^\s*(?:#|$)/.test(line))) return null
  const compiled = bundledPolicy(file)
  return {
    file: file.name,
    plan: compiled.ok ? { ok: true, value: compiled.value.plan } : compiled,
  }
}

/** What is looked at; null without a candidate that compiles. */
export function planOf(candidate: Candidate | null): Plan | null {
  return candidate?.plan.ok === true ? candidate.plan.value : null
}
