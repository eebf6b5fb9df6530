/**
 * Policy files from disk to plans, with the compiler's words where they do not compile.
 */
import { MAX_POLICY_BYTES } from '../../core/limits.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
import { type Diagnostic, formatDiagnostic } from '../../core/policy/diagnostic.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { CliFailure, EXIT } from '../failure.ts'
import { readBounded } from '../files.ts'
import { plural, quote, type Session } from '../session.ts'

export interface CheckedPolicy {
  readonly file: string
  /** Null when it does not compile. */
  readonly plan: Plan | null
  readonly diagnostics: readonly Diagnostic[]
  readonly text: string
}

/** One file as written on the command line; diagnostics name it like that. One byte too many is the compiler's to say. */
export async function checkPolicyFile(session: Session, file: string): Promise<CheckedPolicy> {
  const bytes = await readBounded(session.path(file), 4 * MAX_POLICY_BYTES)
  const text = new TextDecoder().decode(bytes)
  const compiled = compilePolicy(bytes, { file })
  if (!compiled.ok) return { file, plan: null, diagnostics: compiled.error, text }
  return { file, plan: compiled.value.plan, diagnostics: compiled.value.warnings, text }
}

/** The plan of a file that has to compile; its diagnostics go to talk and exit code 3 otherwise. */
export async function loadPlan(session: Session, file: string): Promise<Plan> {
  const { plan, diagnostics, text } = await checkPolicyFile(session, file)
  if (plan !== null) return plan
  throw refused(
    session,
    { what: 'use policy', file, text, diagnostics },
    `see \`livegate policy lint ${file}\``,
  )
}

export interface RefusedFile {
  /** What cannot be done with it: `use policy`. */
  readonly what: string
  readonly file: string
  readonly text: string
  readonly diagnostics: readonly Diagnostic[]
}

/** Says what is wrong with a file; what comes back ends the command with exit code 3. */
export function refused(
  session: Session,
  { what, file, text, diagnostics }: RefusedFile,
  hint?: string,
): CliFailure {
  for (const diagnostic of diagnostics) session.say(formatDiagnostic(diagnostic, text))
  const message = `Cannot ${what} ${quote(file)}: it has ${plural(diagnostics.length, 'problem')}`
  return new CliFailure(EXIT.findings, message, hint, diagnostics)
}
