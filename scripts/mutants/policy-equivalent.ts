/**
 * Mutants of the policies that no history can show, each with the reason; by policy.
 *
 * Held by tests/mutants: an entry that excuses nothing fails.
 */
export const POLICY_EQUIVALENT: Readonly<
  Record<string, readonly (readonly [mutant: RegExp, why: string])[]>
> = {}
