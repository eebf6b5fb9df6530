/** Whether two JSON values say the same, whatever order their members are in; order in lists counts. */

/** True for equal values; members that are undefined count as absent. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && sameList(a, b)
  if (Array.isArray(b)) return false
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as typeof a & object]
  return sameMembers(left, right as Readonly<Record<string, unknown>>)
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => sameValue(one, b[i]))
}

function sameMembers(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): boolean {
  for (const name of Object.keys(a)) if (!sameValue(a[name], b[name])) return false
  for (const name of Object.keys(b))
    if (b[name] !== undefined && a[name] === undefined) return false
  return true
}
