/**
 * A policy file to a frozen plan: the one entry of the compiler.
 *
 * Bytes -> parse.ts -> check.ts -> conditions (cel.ts) -> plan-build.ts. All diagnostics come at once. A plan depends
 * on the bytes alone, so the same file gives the same plan on any machine (G4).
 * Spec: docs/spec/policy-syntax.md. Next: core/policy/evaluate.ts.
 */
import { err, ok, type Result } from '../result.ts'
import { buildPlan } from './build.ts'
import { checkPolicy } from './check.ts'
import { compileConditions } from './conditions.ts'
import type { Diagnostic } from './diagnostic.ts'
import { policyDigest } from './digest.ts'
import { parsePolicy } from './parse.ts'
import type { Plan } from './plan.ts'
import type { PolicySource } from './source.ts'
import { finish, type Steps } from './steps.ts'

export interface CompileOptions {
  /** Name of the file in diagnostics; nothing is read from it. */
  readonly file: string
}

export interface CompiledPolicy {
  readonly plan: Plan
  readonly warnings: readonly Diagnostic[]
}

/** A plan beside what it was read from, for tools that point at the author's text. */
export interface CompiledSource extends CompiledPolicy {
  /** As written, every member with its place in `text`. */
  readonly source: PolicySource
  readonly text: string
}

/** Compiles one policy. On failure every diagnostic is returned, warnings included, by position. */
export function compilePolicy(
  bytes: Uint8Array,
  options: CompileOptions,
): Result<CompiledPolicy, Diagnostic[]> {
  const compiled = compileSource(bytes, options)
  if (!compiled.ok) return compiled
  const { plan, warnings } = compiled.value
  return ok({ plan, warnings })
}

/** As `compilePolicy`, with the source kept. */
export function compileSource(
  bytes: Uint8Array,
  options: CompileOptions,
): Result<CompiledSource, Diagnostic[]> {
  return finish(compiling(bytes, options))
}

/** `compileSource` in steps, for whoever has something else to do meanwhile. */
export function* compiling(
  bytes: Uint8Array,
  options: CompileOptions,
): Steps<Result<CompiledSource, Diagnostic[]>> {
  const parsed = yield* parsePolicy(bytes, options.file)
  if (!parsed.ok) return err(parsed.error)
  yield
  const { source, text, reporter } = parsed.value
  checkPolicy(source, reporter)
  yield
  const conditions = compileConditions(source, text, reporter)
  if (reporter.failed()) return err(reporter.sorted())
  yield
  const plan = buildPlan(source, conditions, policyDigest(bytes))
  return ok({ plan, warnings: reporter.sorted(), source, text })
}
