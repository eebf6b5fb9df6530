/**
 * Kleene's three-valued logic: true, false, and unknown for what cannot be evaluated.
 *
 * Unknown is a value, never an exception and never false (G3). Spec: docs/spec/policy.md, "Three values".
 */
export type Trivalent = true | false | 'unknown'

/** False if either is false, else unknown if either is unknown. */
export function and(a: Trivalent, b: Trivalent): Trivalent {
  if (a === false || b === false) return false
  return a === true && b === true ? true : 'unknown'
}

/** True if either is true, else unknown if either is unknown. */
export function or(a: Trivalent, b: Trivalent): Trivalent {
  if (a === true || b === true) return true
  return a === false && b === false ? false : 'unknown'
}

/** Unknown stays unknown. */
export function not(a: Trivalent): Trivalent {
  return a === 'unknown' ? a : !a
}
