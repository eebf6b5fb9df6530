/**
 * Mutants of the evaluator that no decision can show, each with the reason.
 *
 * Held by tests/mutants: an entry whose mutant no longer exists fails.
 */
export const CODE_EQUIVALENT: readonly (readonly [id: string, why: string])[] = []
