/**
 * The smallest schemas wire input is made of, and how a schema's complaints become faults.
 *
 * Each atom has its own message, because valibot's default ones quote what was received. Instants leave as EpochMs.
 * Used by schemas.ts; bounds are core/limits.ts's.
 */
import * as v from 'valibot'
import { type Fault, LivegateError } from '../../core/errors.ts'
import { MAX_ID_CHARS, MAX_SUBJECT_CHARS, MAX_WORD_CHARS } from '../../core/limits.ts'
import { type EpochMs, parseInstant } from '../../core/time.ts'

/** A schema that reads JSON into `T`. */
export type Reader<T> = v.GenericSchema<unknown, T>

/** Control characters and lone surrogates: they survive JSON, but not SQL, log lines and UTF-8. */
const UNPLAIN = /[\p{Cc}\p{Cs}]/u

/** Text of 1 to `max` UTF-16 units without control characters. */
export function text(max: number): Reader<string> {
  const message = `expected a text of 1 to ${max} characters without control characters`
  return v.pipe(
    v.string(message),
    v.minLength(1, message),
    v.maxLength(max, message),
    v.check((value) => !UNPLAIN.test(value), message),
  )
}

/** A text that can stand in a path: URL parsers resolve `.` and `..`, escaped or not, so nobody could be reached. */
function id(max: number): Reader<string> {
  const message = 'expected an id other than `.` and `..`'
  return v.pipe(
    text(max),
    v.check((value) => value !== '.' && value !== '..', message),
  )
}

/** Text that matches `pattern` as a whole. */
export function matching(pattern: RegExp, max: number, what: string): Reader<string> {
  const message = `expected ${what}`
  return v.pipe(v.string(message), v.maxLength(max, message), v.regex(pattern, message))
}

export const subjectId: Reader<string> = id(MAX_SUBJECT_CHARS)
export const chosenId: Reader<string> = id(MAX_ID_CHARS)
export const word: Reader<string> = text(MAX_WORD_CHARS)

const INSTANT = 'expected an RFC 3339 instant such as 2026-01-31T00:00:00Z'
/** On the wire an instant has a time and a zone; a policy file may leave them out. */
const WITH_ZONE = /[Tt].+(?:[Zz]|[+-]\d{2}:\d{2})$/
/** Longer than any instant; the pattern takes the square of a length. */
const MAX_INSTANT_CHARS = 40

export const instant: Reader<EpochMs> = v.pipe(
  v.string(INSTANT),
  v.metadata({ format: 'date-time' }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { value } = dataset
    const zoned = value.length <= MAX_INSTANT_CHARS && WITH_ZONE.test(value)
    const parsed = zoned ? parseInstant(value) : null
    if (parsed?.ok === true) return parsed.value
    addIssue({ message: INSTANT })
    return NEVER
  }),
)

/** A safe integer of `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  const message = `expected an integer of ${min} to ${max}`
  return v.pipe(
    v.number(message),
    v.safeInteger(message),
    v.minValue(min, message),
    v.maxValue(max, message),
  )
}

/** The same in decimal digits, for a query. */
export function integerText(min: number, max: number): Reader<number> {
  const message = `expected an integer of ${min} to ${max}`
  return v.pipe(
    v.string(message),
    v.maxLength(16, message),
    v.regex(/^(?:0|[1-9]\d*)$/, message),
    v.metadata({ type: 'integer', minimum: min, maximum: max }),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  )
}

export const flag: Reader<boolean> = v.boolean('expected true or false')

/** At most `max` items. */
export function list<T>(item: Reader<T>, max: number): Reader<readonly T[]> {
  const message = `expected a list of at most ${max} items`
  const schema = v.pipe(v.array(item, message), v.maxLength(max, message))
  // Sixty thousand items fit a body; valibot would look at each before it counts them.
  const isTooLong = (value: unknown): boolean => Array.isArray(value) && value.length > max
  return withoutSome(schema, isTooLong)
}

export function oneOf<const T extends string>(values: readonly T[]): Reader<T> {
  return v.picklist(values, `expected one of ${values.join(', ')}`)
}

function objectMessage(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'Object') return 'expected an object'
  return issue.expected === 'never' ? 'expected no such member' : 'expected this member'
}

/** A schema for each member of `T`; optional members come from `may`, `lenient` or `v.nullish`. */
export type Entries<T> = { readonly [K in keyof T]-?: v.GenericSchema<unknown, T[K]> }

/** An object whose other members are ignored. */
export function open<T>(entries: Entries<T>): Reader<T> {
  return noList(v.object(entries as v.ObjectEntries, objectMessage)) as unknown as Reader<T>
}

/** An object that has no other members. */
export function closed<T>(entries: Entries<T>): Reader<T> {
  return noList(v.strictObject(entries as v.ObjectEntries, objectMessage)) as unknown as Reader<T>
}

/** An object whose members are somebody else's to read; all of them are kept. */
export const anyObject: Reader<object> = noList(v.looseObject({}, objectMessage))

/** valibot takes a list for an object without members. */
function noList<S extends v.GenericSchema>(schema: S): S {
  return withoutSome(schema, Array.isArray)
}

/** The same schema, which sees nothing in place of what `isRefused`. */
function withoutSome<S extends v.GenericSchema>(
  schema: S,
  isRefused: (value: unknown) => boolean,
): S {
  return {
    ...schema,
    '~run'(dataset: v.UnknownDataset, config: v.Config<v.BaseIssue<unknown>>) {
      const value = isRefused(dataset.value) ? undefined : dataset.value
      return schema['~run']({ value }, config)
    },
  }
}

/** A member that may be absent, and counts as absent when it is malformed: a fact that is not known. */
export function lenient<T>(schema: Reader<T>): Reader<T | undefined> {
  return v.fallback(v.optional(schema), undefined)
}

/** A member that may be absent but not malformed. */
export function may<T>(schema: Reader<T>): Reader<T> {
  return v.exactOptional(schema)
}

/** A member that may be absent or null. */
export function mayBeNull<T>(schema: Reader<T>): Reader<T | null> {
  return v.exactOptional(v.nullable(schema))
}

/** A container that may be absent or null, which mean the same. */
export function container<T>(schema: Reader<T>): Reader<T | null | undefined> {
  return v.nullish(schema)
}

/** Most faults listed in one answer. */
const MAX_FAULTS = 16
/** Characters of a caller's own member name in a pointer. */
const MAX_POINTER_PART = 64

/** What `schema` reads out of `value`. Throws `invalid_request` with a JSON pointer for each fault. */
export function read<T>(schema: Reader<T>, value: unknown, verb: string): T {
  const result = v.safeParse(schema, value, { abortPipeEarly: true })
  if (result.success) return result.output
  const faults = result.issues.slice(0, MAX_FAULTS).map(faultOf)
  throw invalidMembers(verb, faults)
}

/** The single value of a path parameter. Throws `invalid_request` without repeating it. */
export function readParameter<T>(schema: Reader<T>, value: unknown, name: string): T {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  throw new LivegateError(
    'invalid_request',
    `Cannot read path: ${name} is not valid, ${result.issues[0].message}`,
  )
}

/** `invalid_request` naming members; `verb` completes "Cannot …". */
export function invalidMembers(verb: string, faults: readonly Fault[]): LivegateError {
  const count = faults.length === 1 ? 'one member is' : `${faults.length} members are`
  return new LivegateError('invalid_request', `Cannot ${verb}: ${count} not valid`, { faults })
}

function faultOf(issue: v.BaseIssue<unknown>): Fault {
  const parts = (issue.path ?? []).map((item) => pointerPart(String(item.key)))
  return { pointer: parts.join(''), detail: issue.message }
}

function pointerPart(name: string): string {
  const short = name.length > MAX_POINTER_PART ? `${name.slice(0, MAX_POINTER_PART)}…` : name
  return `/${short.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
