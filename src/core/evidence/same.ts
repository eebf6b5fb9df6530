/**
 * Equality of plain JSON values, whatever order members stand in.
 */

/** True when both are the same value; members that are `undefined` count as absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [one, other] = [membersOf(a), membersOf(b)]
  return (
    one.size === other.size && [...one].every(([name, value]) => sameJson(value, other.get(name)))
  )
}

function membersOf(value: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined))
}
