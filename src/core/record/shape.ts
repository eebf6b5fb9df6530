/**
 * Checks of plain JSON values: total functions that say where a value is wrong, or null.
 *
 * Closed by construction: an object with a member nobody listed is refused, so nothing unclassified can slip into
 * signed bytes. An optional member that is `undefined` counts as absent, as in JSON text. Used by claims.ts and
 * decode-facts.ts.
 */
import { isEpochMs } from '../time.ts'

export interface ShapeFault {
  /** Path below the value checked, for example `hosts.0.strikes.2.weight`; empty for the value itself. */
  readonly path: string
  readonly problem: 'unknown' | 'missing' | 'wrong'
  /** What was expected, for messages. */
  readonly expected: string
}
export type Check = (value: unknown) => ShapeFault | null

/** A member and whether it may be absent. */
export interface Member {
  readonly required: boolean
  readonly check: Check
}
export type Members = Readonly<Record<string, Member>>

/** A member that must be there. */
export function required(check: Check): Member {
  return { required: true, check }
}

/** A member that may be absent. */
export function optional(check: Check): Member {
  return { required: false, check }
}

function wrong(expected: string): ShapeFault {
  return { path: '', problem: 'wrong', expected }
}

function below(step: string | number, fault: ShapeFault): ShapeFault {
  return { ...fault, path: fault.path === '' ? String(step) : `${step}.${fault.path}` }
}

/** A string of `min` to `max` UTF-16 units, matching `pattern` when given. */
export function text(max: number, options: { min?: number; pattern?: RegExp } = {}): Check {
  const { min = 1, pattern } = options
  const fault = wrong(`a text of ${min} to ${max} characters${pattern ? ` like ${pattern}` : ''}`)
  return (value) =>
    typeof value === 'string' &&
    value.length >= min &&
    value.length <= max &&
    (pattern === undefined || pattern.test(value))
      ? null
      : fault
}

/** An integer of `min` to `max`, the largest safe integer unless given. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  const fault = wrong(`an integer of ${min} to ${max}`)
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : fault
}

const NOT_AN_INSTANT = wrong('an instant in milliseconds')
/** UTC milliseconds between the years 0001 and 9999. */
export function instant(value: unknown): ShapeFault | null {
  return isEpochMs(value) ? null : NOT_AN_INSTANT
}

const NOT_A_BOOLEAN = wrong('true or false')
export function boolean(value: unknown): ShapeFault | null {
  return typeof value === 'boolean' ? null : NOT_A_BOOLEAN
}

/** One of the values listed. */
export function oneOf(values: readonly (string | number)[]): Check {
  const fault = wrong(values.map((value) => JSON.stringify(value)).join(' or '))
  return (value) => ((values as readonly unknown[]).includes(value) ? null : fault)
}

/** Accepted by the first or by the second check. */
export function either(first: Check, second: Check): Check {
  return (value) => (first(value) === null ? null : second(value))
}

/** Null, or what `check` accepts. */
export function nullable(check: Check): Check {
  return (value) => (value === null ? null : check(value))
}

/** An array of at most `max` items. */
export function list(item: Check, max: number, min = 0): Check {
  const fault = wrong(`a list of ${min} to ${max} items`)
  return (value) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) return fault
    for (let i = 0; i < value.length; i++) {
      const inner = item(value[i])
      if (inner !== null) return below(i, inner)
    }
    return null
  }
}

const NOT_AN_OBJECT = wrong('an object')

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object with exactly the members listed. */
export function object(members: Members): Check {
  const known = new Map(Object.entries(members))
  const needed = [...known].filter(([, member]) => member.required).map(([name]) => name)
  // The names of the last object without a fault, and their members: most objects have the names of the one before.
  let names: readonly string[] = []
  let checks: readonly Member[] = []
  return (value) => {
    if (!isObject(value)) return NOT_AN_OBJECT
    const given = Object.keys(value)
    if (given.length > 0 && isSame(given, names)) return membersFault(value, names, checks)
    const found: Member[] = []
    for (const name of given) {
      const member = known.get(name)
      if (member === undefined) return { path: name, problem: 'unknown', expected: 'no member' }
      const inner = memberFault(value, name, member)
      if (inner !== null) return inner
      found.push(member)
    }
    for (const name of needed)
      if (!Object.hasOwn(value, name))
        return { path: name, problem: 'missing', expected: 'the member' }
    names = given
    checks = found
    return null
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function membersFault(
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
  members: readonly Member[],
): ShapeFault | null {
  for (let i = 0; i < names.length; i++) {
    const fault = memberFault(value, names[i] as string, members[i] as Member)
    if (fault !== null) return fault
  }
  return null
}

function memberFault(
  value: Readonly<Record<string, unknown>>,
  name: string,
  member: Member,
): ShapeFault | null {
  const given = value[name]
  if (given === undefined && !member.required) return null
  const inner = member.check(given)
  return inner === null ? null : below(name, inner)
}

/** An object used as a map: keys match `key`, at most `max` of them. */
export function mapOf(key: RegExp, item: Check, max: number): Check {
  const fault = wrong(`an object of at most ${max} members`)
  return (value) => {
    if (!isObject(value)) return NOT_AN_OBJECT
    const names = Object.keys(value)
    if (names.length > max) return fault
    for (const name of names) {
      if (!key.test(name)) return { path: name, problem: 'unknown', expected: `a key like ${key}` }
      const inner = item(value[name])
      if (inner !== null) return below(name, inner)
    }
    return null
  }
}
