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

/** Kinds of faults told in words, and places named of those that are alike; all of them are in the JSON. */
const [MAX_TOLD, MAX_PLACES] = [20, 8]

/** Each kind of fault once, with source and caret; where else the same is found, by line and column. */
function faultLines(diagnostics: readonly Diagnostic[], text: string): readonly string[] {
  const kinds = [...Map.groupBy(diagnostics, ({ code, message }) => `${code} ${message}`).values()]
  const told = kinds.slice(0, MAX_TOLD).flatMap(([first, ...alike]) => {
    if (first === undefined) return []
    const words = formatDiagnostic(first, text)
    if (alike.length === 0) return [words]
    const places = alike.slice(0, MAX_PLACES).map(({ line, column }) => `${line}:${column}`)
    const dots = alike.length > MAX_PLACES ? ', …' : ''
    return [words, `  and ${alike.length} more like this: ${places.join(', ')}${dots}`]
  })
  const left = kinds.slice(MAX_TOLD).flat().length
  return left === 0 ? told : [...told, `… and ${left} more`]
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
  for (const line of faultLines(diagnostics, text)) session.say(line)
  const message = `Cannot ${what} ${quote(file)}: it has ${plural(diagnostics.length, 'problem')}`
  return new CliFailure(EXIT.findings, message, hint, diagnostics)
}
