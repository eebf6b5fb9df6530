/**
 * Shapes of mappings: objects with known members, and dictionaries with keys of a pattern. Second half of shape.ts.
 *
 * Keys are compared with own members only, so `__proto__` is just an unknown key, and results are made from known
 * keys alone.
 */
import { isMap, isScalar, type Node, type Pair, type YAMLMap } from 'yaml'
import { quote, type Reporter, type Span } from './diagnostic.ts'
import { type At, type JsonSchema, type Shape, spanOf } from './shape.ts'
import { didYouMean } from './suggest.ts'

/** One member of an object: its shape, whether it must be there, and what it is for (goes into the schema). */
export interface Member<T> {
  readonly shape: Shape<T>
  readonly required: boolean
  readonly about: string
  /** Stands in, without a place, for what could not be read, so that the rest can be checked; the fault is reported. */
  readonly stand_in?: T
}

/** Members by name for a source type whose properties are `At<...>`. */
export type Members<T> = {
  readonly [K in keyof T]-?: NonNullable<T[K]> extends At<infer V> ? Member<V> : never
}

/** A member that may be left out. */
export function optional<T>(shape: Shape<T>, about: string): Member<T> {
  return { shape, required: false, about }
}

/** A member that must be there. */
export function required<T>(shape: Shape<T>, about: string, stand_in?: T): Member<T> {
  return { shape, required: true, about, ...(stand_in === undefined ? {} : { stand_in }) }
}

/** True for a value nobody wrote. */
export function isStandIn({ start, end }: Span): boolean {
  return start === end
}

interface Entry extends Span {
  readonly key: string
  readonly node: Node | null
}

/** Text keys of a mapping in source order; reports keys of another type, duplicates and merge keys. */
function entriesOf(map: YAMLMap, span: Span, reporter: Reporter, numbers: boolean): Entry[] {
  const seen = new Set<string>()
  const entries: Entry[] = []
  for (const pair of map.items as Pair<Node, Node | null>[]) {
    const at = spanOf(pair.key, span)
    const raw = isScalar(pair.key) ? pair.key.value : undefined
    const text = typeof raw === 'string' || (numbers && typeof raw === 'number')
    if (!text) {
      const what = isScalar(pair.key) ? quote(pair.key.source ?? String(raw)) : 'a collection'
      const expected = numbers ? 'a step number' : 'text'
      reporter.report('non-text-key', at, `key is ${what}, expected ${expected}`)
      continue
    }
    const key = String(raw)
    if (key === '<<')
      reporter.report(
        'yaml-feature',
        at,
        `${reporter.noun} cannot use a merge key`,
        'write the members out',
      )
    else if (seen.has(key))
      reporter.report('duplicate-key', at, `key ${quote(key)} is written twice`)
    else entries.push({ key, node: pair.value, ...at })
    seen.add(key)
  }
  return entries
}

export interface ObjectOptions<T> {
  /** What it is called in messages: `a rule`. */
  readonly name: string
  readonly members: Members<T>
  /** Keys that begin with `x-` are skipped. */
  readonly extensions?: boolean
}

/** An object with known members. A value is returned only when every required member could be read. */
export function object<T extends object>(options: ObjectOptions<T>): Shape<T> {
  const { name, extensions = false } = options
  const members = new Map<string, Member<unknown>>(Object.entries(options.members))
  const has = [...members.keys()].map((key) => `\`${key}\``).join(', ')
  const needed = [...members].filter(([, member]) => member.required).map(([key]) => key)
  const read: Shape<T>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isMap(node)) return notAMap(node, span, reporter, name, `a mapping of ${has}`)
    const found: [string, unknown][] = []
    const present = new Set<string>()
    for (const entry of entriesOf(node, span, reporter, false)) {
      const member = members.get(entry.key)
      present.add(entry.key)
      if (member !== undefined) {
        const value = member.shape.read(entry.node, entry, reporter)
        if (value !== undefined) found.push([entry.key, value])
      } else if (!(extensions && entry.key.startsWith('x-'))) {
        const hint = didYouMean(entry.key, members.keys()) ?? `known: ${has}`
        reporter.report('unknown-key', entry, `${name} has no member ${quote(entry.key)}`, hint)
      }
    }
    const missing = needed.filter((key) => !present.has(key))
    for (const key of missing)
      reporter.report(
        'missing-key',
        { start: span.start, end: span.start },
        `${name} needs \`${key}\``,
      )
    const value = Object.fromEntries(found)
    for (const key of needed) {
      const stand_in = members.get(key)?.stand_in
      if (stand_in === undefined || Object.hasOwn(value, key)) continue
      value[key] = { value: stand_in, start: span.start, end: span.start }
    }
    if (!needed.every((key) => Object.hasOwn(value, key))) return undefined
    return { value: value as T, ...span }
  }
  return { expected: name, schema: objectSchema(members, needed, extensions), read }
}

function notAMap(
  node: Node | null,
  span: Span,
  reporter: Reporter,
  expected: string,
  hint?: string,
): undefined {
  const found =
    node === null || (isScalar(node) && node.value === null)
      ? 'nothing'
      : isScalar(node)
        ? 'a single value'
        : 'a list'
  reporter.report('wrong-type', span, `found ${found}, expected ${expected}`, hint)
  return undefined
}

function objectSchema(
  members: ReadonlyMap<string, Member<unknown>>,
  needed: readonly string[],
  extensions: boolean,
): JsonSchema {
  const properties = Object.fromEntries(
    [...members].map(([key, { shape, about }]) => [key, { description: about, ...shape.schema }]),
  )
  return {
    type: 'object',
    properties,
    ...(needed.length > 0 ? { required: needed } : {}),
    ...(extensions ? { patternProperties: { '^x-': {} } } : {}),
    additionalProperties: false,
  }
}

/** Entries of a dictionary in source order; `at` is the place of the key. */
export type Dictionary<T> = readonly {
  readonly key: string
  readonly at: Span
  readonly value: At<T>
}[]

export interface DictionaryOptions<T> {
  readonly name: string
  readonly key: RegExp
  /** What `key` asks for, in words. */
  readonly expected: string
  readonly value: Shape<T>
  readonly max: number
  /** Keys are whole numbers. */
  readonly numbers?: boolean
}

/** A mapping whose keys follow a pattern and whose values have one shape; at least one entry. */
export function dictionary<T>(options: DictionaryOptions<T>): Shape<Dictionary<T>> {
  const { name, key: pattern, expected, value: shape, max } = options
  const read: Shape<Dictionary<T>>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isMap(node)) return notAMap(node, span, reporter, name)
    const value: { key: string; at: Span; value: At<T> }[] = []
    for (const entry of entriesOf(node, span, reporter, options.numbers ?? false)) {
      if (pattern.test(entry.key)) {
        const one = shape.read(entry.node, entry, reporter)
        if (one !== undefined) value.push({ key: entry.key, at: entry, value: one })
      } else reporter.report('bad-value', entry, `key is ${quote(entry.key)}, expected ${expected}`)
    }
    if (node.items.length > max)
      reporter.report('too-many', span, `${name} has ${node.items.length} entries, limit ${max}`)
    if (node.items.length === 0) reporter.report('bad-value', span, `${name} is empty`)
    return { value, ...span }
  }
  const schema = {
    type: 'object',
    patternProperties: { [pattern.source]: shape.schema },
    additionalProperties: false,
    minProperties: 1,
    maxProperties: max,
  }
  return { expected: name, schema, read }
}

/** A mapping or a plain value: `because: text` or `because: { en: text }`. */
export function mappingOr<M, S>(mapping: Shape<M>, single: Shape<S>): Shape<M | S> {
  return {
    expected: `${single.expected} or ${mapping.expected}`,
    schema: { anyOf: [single.schema, mapping.schema] },
    read: (node, span, reporter) =>
      isMap(node) ? mapping.read(node, span, reporter) : single.read(node, span, reporter),
  }
}
