/**
 * Every number of a policy one step up and one step down: durations and dates by a millisecond (a second where the
 * language wants whole ones), counts by one, severities by one, inside conditions too.
 */
import { isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { EVERYBODY } from '../../../../src/core/policy/rollout.ts'
import {
  type EpochMs,
  formatInstant,
  parseDuration,
  parseInstant,
} from '../../../../src/core/time.ts'

export interface Mutant {
  /** `rules.grave.ladder.2: 90d -> 7776001000ms`. */
  readonly name: string
  readonly text: string
}

/** What no decision depends on: for people, for other tools, or judged elsewhere. */
const IGNORED =
  /^(livegate|name|as_of|about|sources|invariants|max_age)\b|\.(id|clause|reference|jurisdiction|because|url|queue|category)\b/

/** Several ways to write one change; the first that compiles is the mutant. */
export type Ways = readonly Mutant[]

export function mutantsOf(text: string): Ways[] {
  const found: Ways[] = []
  const visit = (node: unknown, path: string): void => {
    if (isMap(node))
      for (const pair of node.items) {
        const key = pair.key as Node
        const name = isScalar(key) ? String(key.value) : ''
        if (isScalar(key) && /^\d+$/.test(name)) found.push(...stepsOf(key, `${path} step`))
        visit(pair.value, path === '' ? name : `${path}.${name}`)
      }
    else if (isSeq(node))
      node.items.forEach((item, i) => {
        const id = isMap(item) ? item.get('id') : undefined
        visit(item, `${path}.${typeof id === 'string' ? id : i}`)
      })
    else if (isScalar(node) && !IGNORED.test(path)) found.push(...stepsOf(node, path))
  }
  const stepsOf = (node: Node, path: string): Ways[] => {
    const [start = 0, end = 0] = node.range ?? []
    const source = text.slice(start, end)
    return changes(source).map((ways) =>
      ways.map((changed) => ({
        name: `${path}: ${source} -> ${changed}`,
        text: text.slice(0, start) + changed + text.slice(end),
      })),
    )
  }
  visit(parseDocument(text).contents, '')
  return found
}

const SEVERITIES = ['low', 'medium', 'high', 'critical']

/** Each change of a scalar, in the ways it can be written. */
function changes(source: string): string[][] {
  const range = /^(\w*)(\.\.)?(\w*)$/.exec(source)
  const [, from = '', dots = '', to = ''] = range ?? []
  if (range !== null && [from, to].some((word) => SEVERITIES.includes(word)))
    return [-1, 1].flatMap((by) => [
      ...(from === '' ? [] : [[`${severity(from, by)}${dots}${to}`]]),
      ...(to === '' ? [] : [[`${from}${dots}${severity(to, by)}`]]),
    ])
  const whole = steps(source)
  if (whole.length > 0) return whole
  // Conditions: each literal in turn.
  const found: string[][] = []
  for (const match of source.matchAll(/(["'])([^"']*)\1|(?<![\w.])\d+(?!\w)/g)) {
    const inner = match[2] ?? match[0]
    const at = (match.index ?? 0) + (match[2] === undefined ? 0 : 1)
    for (const ways of steps(inner))
      found.push(ways.map((way) => source.slice(0, at) + way + source.slice(at + inner.length)))
  }
  return found
}

function severity(word: string, by: number): string {
  return SEVERITIES[SEVERITIES.indexOf(word) + by] ?? 'none'
}

function steps(source: string): string[][] {
  const duration = /^[\dP]/.test(source) && !/^\d+$/.test(source) ? parseDuration(source) : null
  if (duration?.ok)
    return [-1, 1].map((by) => [
      `${duration.value + by}ms`,
      ...(duration.value % 1000 === 0 ? [`${duration.value / 1000 + by}s`] : []),
    ])
  const instant = parseInstant(source)
  if (instant.ok) return [-1, 1].map((by) => [formatInstant((instant.value + by) as EpochMs)])
  return /^\d+$/.test(source) ? [-1, 1].map((by) => [String(Number(source) + by)]) : []
}

export interface PlanMutant {
  /** `rules.grave.ladder.0.length: 2592000000 -> 2592000001`. */
  readonly name: string
  readonly plan: Plan
}

/** A rule without `enforce`. */
function isOn(path: string, value: number): boolean {
  return path.endsWith('.share') && value === EVERYBODY
}

/** Every number of a compiled plan one up and one down, but those inside conditions; what would be below 1 is left out. */
export function planMutants(plan: Plan): PlanMutant[] {
  const found: PlanMutant[] = []
  const visit = (value: unknown, path: string, rebuilt: (changed: unknown) => Plan): void => {
    if (typeof value === 'number') {
      // Nobody wrote these: no bound, and a rule that is simply on.
      if (value === Number.MAX_SAFE_INTEGER || isOn(path, value)) return
      for (const by of [-1, 1])
        if (value + by >= 1)
          found.push({ name: `${path}: ${value} -> ${value + by}`, plan: rebuilt(value + by) })
    } else if (value instanceof Map)
      for (const [key, inner] of value)
        visit(inner, `${path}.${String(key)}`, (changed) =>
          rebuilt(new Map([...value, [key, changed]])),
        )
    else if (Array.isArray(value))
      value.forEach((inner: unknown, i) => {
        const id = (inner as { id?: string } | null)?.id ?? String(i)
        visit(inner, `${path}.${id}`, (changed) => rebuilt(value.with(i, changed)))
      })
    else if (typeof value === 'object' && value !== null && !('evaluate' in value))
      for (const [key, inner] of Object.entries(value))
        if (!UNREAD.has(key))
          visit(inner, path === '' ? key : `${path}.${key}`, (changed) =>
            rebuilt({ ...value, [key]: changed }),
          )
  }
  visit(plan, '', (changed) => changed as Plan)
  return found
}

/** Members no decision depends on. */
const UNREAD: ReadonlySet<string> = new Set([
  'as_of',
  'invariants',
  'revision',
  'max_age_ms',
  'max_age',
])
