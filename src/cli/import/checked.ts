/**
 * Turns what the gate's schemas say about a request into what an importer can correct: the field, and what it must be.
 */
import { LivegateError } from '../../core/errors.ts'
import { RowProblem } from './cells.ts'

/** Runs a check of adapters/http; `at` is the member it looks at, empty for a whole body. */
export function checked(at: string, check: () => unknown): void {
  try {
    check()
  } catch (error) {
    const fault = error instanceof LivegateError ? error.faults[0] : undefined
    if (fault === undefined) throw error
    const below = fault.pointer
      .replace(/^\//, '')
      .replaceAll('/', '_')
      .replace(/^facts_/, '')
    throw new RowProblem(`${below || at}: ${fault.detail}`)
  }
}
