/**
 * Compiles every CEL text of a policy and puts its faults where they stand in the file.
 */

import { MAX_CEL_COUNTS } from '../limits.ts'
import type { Result } from '../result.ts'
import { compileCondition, compileStrikeCondition } from './cel.ts'
import type { CelFault } from './cel-fault.ts'
import { placeInFile } from './cel-position.ts'
import { checkPattern } from './check-count.ts'
import type { Reporter } from './diagnostic.ts'
import type { Condition, StrikeCondition } from './plan.ts'
import type { At, CelText } from './shape.ts'
import type { PolicySource } from './source.ts'

/** Compiled conditions by the place of their text. */
export interface Conditions {
  readonly when: ReadonlyMap<At<CelText>, Condition>
  readonly unless: ReadonlyMap<At<CelText>, StrikeCondition>
}

/** Compiles all; what fails is reported and left out. */
export function compileConditions(
  source: PolicySource,
  text: string,
  reporter: Reporter,
): Conditions {
  const when = new Map<At<CelText>, Condition>()
  const unless = new Map<At<CelText>, StrikeCondition>()
  function add<T>(
    into: Map<At<CelText>, T>,
    cel: At<CelText> | undefined,
    compile: (source: string) => Result<T, readonly CelFault[]>,
  ): T | undefined {
    if (cel === undefined) return undefined
    const result = compile(cel.value.source)
    if (result.ok) into.set(cel, result.value)
    else reportFaults(cel.value, result.error, text, reporter)
    return result.ok ? result.value : undefined
  }
  function addCondition(cel: At<CelText> | undefined, place: 'when' | 'exempt'): void {
    const condition = add(when, cel, (celSource) => compileCondition(celSource, place))
    if (cel === undefined || condition === undefined) return
    for (const { pattern } of condition.counts) checkPattern(pattern, cel, reporter)
    if (condition.counts.length > MAX_CEL_COUNTS)
      reporter.report(
        'cel-profile',
        cel,
        `condition calls strikes(...) ${condition.counts.length} times, limit ${MAX_CEL_COUNTS}`,
      )
  }
  for (const { value } of source.rules.value) {
    addCondition(value.when, 'when')
    add(unless, value.unless, compileStrikeCondition)
  }
  for (const { value } of source.exempt?.value ?? []) addCondition(value.when, 'exempt')
  for (const { value } of source.invariants?.value ?? [])
    addCondition(value.given.value.when, 'when')
  return { when, unless }
}

function reportFaults(
  cel: CelText,
  faults: readonly CelFault[],
  text: string,
  reporter: Reporter,
): void {
  for (const fault of faults) {
    const place = placeInFile(cel.node, cel.source, text, fault)
    reporter.report(fault.code, place, fault.message, fault.hint)
  }
}
