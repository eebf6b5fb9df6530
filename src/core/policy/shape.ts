/**
 * Shapes: one description of a piece of syntax that both reads it (with positions) and writes its JSON Schema.
 *
 * A shape checks form only (keys, types, numbers, durations); what a policy means is checked in check.ts. Reading
 * never stops at the first fault: it reports all of them and returns undefined where no value can be had.
 * The shapes of the policy language are in syntax.ts.
 */
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { type DurationMs, type EpochMs, parseDuration, parseInstant } from '../time.ts'
import { quote, type Reporter, type Span } from './diagnostic.ts'
import { didYouMean } from './suggest.ts'

/** A value and where it was written. */
export interface At<T> extends Span {
  readonly value: T
}

export type JsonSchema = { readonly [key: string]: unknown }

export interface Shape<T> {
  /** What an author is told to write: `a duration such as 30d`. */
  readonly expected: string
  readonly schema: JsonSchema
  read(node: Node | null, span: Span, reporter: Reporter): At<T> | undefined
}

/** Where a node is written; an absent value stands where `otherwise` is. */
export function spanOf(node: unknown, otherwise: Span): Span {
  const range = (node as Node | null)?.range
  return range ? { start: range[0], end: range[1] } : otherwise
}

/** Reports a value of another kind than `expected`. */
export function wrongType(
  node: Node | null,
  span: Span,
  reporter: Reporter,
  expected: string,
): undefined {
  const quotable = isScalar(node) && typeof node.value !== 'string' && node.value !== null
  const hint = quotable && expected.startsWith('text') ? 'put it in quotes' : undefined
  reporter.report('wrong-type', span, `found ${kindOf(node)}, expected ${expected}`, hint)
  return undefined
}

function kindOf(node: Node | null): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node) || node.value === null) return 'nothing'
  if (typeof node.value === 'string') return `text ${quote(node.value)}`
  return `${typeof node.value} ${quote(node.source ?? String(node.value))}`
}

export interface TextOptions {
  /** Characters; 1 unless given. */
  readonly min?: number
  /** Characters; 2,000 unless given. */
  readonly max?: number
  readonly pattern?: RegExp
  /** What `pattern` asks for, in words. */
  readonly expected?: string
  /** Words to suggest when `pattern` does not match. */
  readonly near?: readonly string[]
}

/** Text that is not empty. */
export function text(options: TextOptions = {}): Shape<string> {
  const { min = 1, max = 2000, pattern } = options
  const expected = options.expected ?? 'text'
  const read: Shape<string>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isScalar(node) || typeof node.value !== 'string')
      return wrongType(node, span, reporter, options.expected ? `text: ${expected}` : expected)
    const value = node.value
    if (value.trim() === '' || value.length < min || value.length > max)
      reporter.report(
        'bad-value',
        span,
        `text has ${value.length} characters, expected ${min} to ${max}`,
      )
    else if (pattern !== undefined && !pattern.test(value))
      reporter.report(
        'bad-value',
        span,
        `found ${quote(value)}, expected ${expected}`,
        didYouMean(value, options.near ?? []),
      )
    else return { value, ...span }
    return undefined
  }
  const schema = { type: 'string', minLength: min, maxLength: max }
  return {
    expected,
    schema: pattern === undefined ? schema : { ...schema, pattern: pattern.source },
    read,
  }
}

/** One word of a closed list. */
export function word<W extends string>(...words: readonly W[]): Shape<W> {
  const expected = listed(words)
  const read: Shape<W>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isScalar(node) || typeof node.value !== 'string')
      return wrongType(node, span, reporter, expected)
    const { value } = node
    const found = words.find((w) => w === value)
    if (found !== undefined) return { value: found, ...span }
    const hint = didYouMean(value, words)
    reporter.report('bad-value', span, `found ${quote(value)}, expected ${expected}`, hint)
    return undefined
  }
  return { expected, schema: { enum: words }, read }
}

function listed(words: readonly string[]): string {
  const quoted = words.map((w) => `\`${w}\``)
  return quoted.length < 2
    ? quoted.join()
    : `${quoted.slice(0, -1).join(', ')} or ${quoted[quoted.length - 1]}`
}

/** A whole number in a range. */
export function integer(min: number, max: number): Shape<number> {
  const expected = `a whole number from ${min} to ${max}`
  const read: Shape<number>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isScalar(node) || typeof node.value !== 'number')
      return wrongType(node, span, reporter, expected)
    const { value } = node
    if (Number.isInteger(value) && value >= min && value <= max) return { value, ...span }
    reporter.report(
      'bad-value',
      span,
      `found ${quote(node.source ?? String(value))}, expected ${expected}`,
    )
    return undefined
  }
  return { expected, schema: { type: 'integer', minimum: min, maximum: max }, read }
}

export interface DurationOptions {
  readonly wholeSeconds?: boolean
  readonly zero?: boolean
}

/** A duration (`30d`, `PT1H`). Zero is refused unless asked for. */
export function duration(options: DurationOptions = {}): Shape<DurationMs> {
  return durationShape<never>([], options)
}

/** A duration above zero, or one of some words. */
export function durationOr<W extends string>(...words: readonly W[]): Shape<DurationMs | W> {
  return durationShape(words, {})
}

function durationShape<W extends string>(
  words: readonly W[],
  options: DurationOptions,
): Shape<DurationMs | W> {
  const expected = ['a duration such as 30d', ...words.map((w) => `\`${w}\``)].join(' or ')
  const read: Shape<DurationMs | W>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    const raw = isScalar(node) ? node.value : null
    if (typeof raw !== 'string' && typeof raw !== 'number')
      return wrongType(node, span, reporter, expected)
    const source = String(raw)
    const found = words.find((w) => w === source)
    if (found !== undefined) return { value: found, ...span }
    const parsed = parseDuration(source)
    const fault = parsed.ok
      ? durationFault(parsed.value, options)
      : [parsed.error, ...words.map((w) => `\`${w}\``)].join(' or ')
    if (parsed.ok && fault === null) return { value: parsed.value, ...span }
    const unit = typeof raw === 'number' ? `write the unit: ${source}d or ${source}h` : undefined
    const hint = unit ?? shortDuration(source) ?? didYouMean(source, words)
    reporter.report('bad-duration', span, `found ${quote(source)}, ${fault}`, hint)
    return undefined
  }
  const plain = { type: 'string', pattern: '^([0-9]{1,9}(ms|s|m|h|d|w)|P[0-9DHMSTW]+)$' }
  return { expected, schema: words.length > 0 ? { anyOf: [{ enum: words }, plain] } : plain, read }
}

const SPELT_OUT =
  /^\s*(\d{1,9})\s*(ms|m(?:illi)?s(?:ec(?:ond)?s?)?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)\s*$/i

/** `90 days` as it is written here. */
function shortDuration(source: string): string | undefined {
  const [, number, unit = ''] = SPELT_OUT.exec(source) ?? []
  if (number === undefined) return undefined
  const milliseconds = /^m(?:illi)?s/i.test(unit)
  const short = `${number}${milliseconds ? 'ms' : unit.charAt(0).toLowerCase()}`
  return short === source ? undefined : `did you mean \`${short}\`?`
}

function durationFault(value: DurationMs, options: DurationOptions): string | null {
  if (value === 0 && options.zero !== true) return 'expected a duration above zero'
  return options.wholeSeconds === true && value % 1000 !== 0 ? 'expected whole seconds' : null
}

/** A bare date (midnight UTC) or an RFC 3339 instant. */
export function instant(): Shape<EpochMs> {
  const expected = 'a date such as 2026-01-31 or an RFC 3339 instant'
  const read: Shape<EpochMs>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isScalar(node) || typeof node.value !== 'string')
      return wrongType(node, span, reporter, expected)
    const parsed = parseInstant(node.value)
    if (parsed.ok) return { value: parsed.value, ...span }
    reporter.report('bad-instant', span, `found ${quote(node.value)}, ${parsed.error}`)
    return undefined
  }
  return { expected, schema: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}' }, read }
}

/** CEL source, kept with its node so that columns inside it can be found again; checked in cel.ts. */
export function cel(): Shape<CelText> {
  const inner = text({ expected: 'a CEL condition' })
  const read: Shape<CelText>['read'] = (node, outer, reporter) => {
    // A bare `true` is a legal CEL condition but not YAML text.
    const source = isScalar(node) && typeof node.value === 'boolean' ? String(node.value) : null
    const found = source === null ? inner.read(node, outer, reporter) : null
    if (found === undefined) return undefined
    const span = spanOf(node, outer)
    return { value: { source: source ?? found?.value ?? '', node: node as Node }, ...span }
  }
  return { expected: 'a CEL condition', schema: { type: ['string', 'boolean'] }, read }
}

export interface CelText {
  readonly source: string
  readonly node: Node
}

export interface ListOptions {
  readonly max: number
  /** A single item may stand for a list of one. */
  readonly orOne?: boolean
  readonly min?: number
}

/** A list of one shape. */
export function list<T>(item: Shape<T>, options: ListOptions): Shape<readonly At<T>[]> {
  const { max, orOne = false, min = 1 } = options
  const expected = orOne ? `${item.expected} or a list of them` : 'a list'
  const read: Shape<readonly At<T>[]>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    if (!isSeq(node)) {
      if (!orOne || isMap(node)) return wrongType(node, span, reporter, expected)
      const one = item.read(node, outer, reporter)
      return one === undefined ? undefined : { value: [one], ...span }
    }
    const { length } = node.items
    if (length > max) {
      const extra = spanOf(node.items[max], span)
      reporter.report('too-many', extra, `list has ${length} items, limit ${max}`)
      return undefined
    }
    if (length < min)
      reporter.report('bad-value', span, `list has ${length} items, expected at least ${min}`)
    const value: At<T>[] = []
    for (const child of node.items) {
      const one = item.read(child as Node | null, spanOf(child, span), reporter)
      if (one !== undefined) value.push(one)
    }
    return { value, ...span }
  }
  const many = { type: 'array', items: item.schema, minItems: min, maxItems: max }
  return { expected, schema: orOne ? { anyOf: [item.schema, many] } : many, read }
}

/** Text, a finite number, true or false. */
export function scalar(): Shape<string | number | boolean> {
  const expected = 'text, a number, true or false'
  const read: Shape<string | number | boolean>['read'] = (node, outer, reporter) => {
    const span = spanOf(node, outer)
    const value = isScalar(node) ? node.value : null
    if (typeof value === 'string' || typeof value === 'boolean') return { value, ...span }
    if (typeof value === 'number' && Number.isFinite(value)) return { value, ...span }
    return wrongType(node, span, reporter, expected)
  }
  return { expected, schema: { type: ['string', 'number', 'boolean'] }, read }
}
