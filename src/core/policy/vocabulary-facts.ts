/**
 * Values of facts that comparisons can tell apart: below, at and above each number, each text named and one that is
 * not, each combination of labels named, instants one millisecond around each length; and absent. See vocabulary.ts.
 *
 * Candidates are tried on every comparison that reads the fact alone; those that come out alike everywhere are one.
 */
import { MAX_COHOSTS } from '../limits.ts'
import type { Facts, HostFacts, Strike, SubjectFacts } from '../model.ts'
import { type EpochMs, epochMs } from '../time.ts'
import { FACTS, type FactType } from './environment.ts'
import { type Expression, type Leaf, literalsOf } from './expressions.ts'
import type { ConditionScope, Plan } from './plan.ts'
import type { FactAt, FactChoice, StrikeClass } from './vocabulary.ts'
import type { CollectedEdges } from './vocabulary-edges.ts'

/** What a list of representatives does not stand for exactly. */
export interface Inexact {
  readonly what: string
  readonly why: string
}

export interface FactValues {
  readonly choices: readonly FactChoice[]
  readonly inexact: readonly Inexact[]
}

/** Facts that are always there: the gate counts or knows them itself. */
const ALWAYS: ReadonlySet<string> = new Set([
  'subject.open_broadcasts',
  'stream.hosts',
  'incident.active',
])

/** The choices of every fact the expressions read, those of strikes left out. */
export function valuesOf(expressions: readonly Expression[], _edges: CollectedEdges): FactValues {
  const inexact: Inexact[] = []
  const leaves = leavesByFact(expressions)
  const paths = [...leaves.keys()].filter((path) => !path.startsWith('strike.')).sort()
  const choices = paths.map((path) => {
    const { values, boundaries } = candidatesOf(path, leaves.get(path) ?? [], inexact)
    const absent: FactAt[] = ALWAYS.has(path) ? [] : [{ kind: 'absent' }]
    return { path, values: [...absent, ...values], boundaries: [...absent, ...boundaries] }
  })
  return { choices, inexact }
}

/** Leaves by the facts they read. Conditions not written as CEL give their facts without leaves. */
export function leavesByFact(expressions: readonly Expression[]): Map<string, Leaf[]> {
  const found = new Map<string, Leaf[]>()
  for (const { condition, leaves } of expressions) {
    for (const path of condition.facts) if (!found.has(path)) found.set(path, [])
    for (const leaf of leaves) for (const path of leaf.facts) found.get(path)?.push(leaf)
  }
  return found
}

/** Distinguishable values of one fact, absent left out. What they leave open goes to `inexact`. */
export function candidatesOf(
  path: string,
  leaves: readonly Leaf[],
  inexact: Inexact[],
): Pick<FactChoice, 'values' | 'boundaries'> {
  const type = FACTS.get(path)?.type ?? 'string'
  if (type === 'timestamp') {
    const values = instantsOf(path, leaves)
    return { values, boundaries: values }
  }
  const alone = leaves.filter(({ facts }) => facts.length === 1)
  const raw = RAW[type](path, leaves)
  const all = type === 'int' ? withTurns(path, raw as number[], alone) : raw
  const boundaries = all.map((value): FactAt => ({ kind: 'value', value }))
  if (alone.length < leaves.length) {
    inexact.push({ what: path, why: 'it is compared with other facts' })
    return { values: boundaries, boundaries }
  }
  if (!leaves.every((leaf) => isPlain(leaf, type)) || isManyParts(type, leaves))
    inexact.push({ what: path, why: 'a comparison computes with it' })
  const seen = new Set<string>()
  const values = all.filter((value) => {
    const scope = scopeWith(path, value)
    const key = alone
      .map(({ evaluate }) => String(evaluate(scope.scope, scope.strike)).charAt(0))
      .join('')
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
  return { values: values.map((value) => ({ kind: 'value', value })), boundaries }
}

/** True when the candidates are known to reach every way the leaf can come out. */
function isPlain({ node }: Leaf, type: FactType): boolean {
  const text = node.input.slice(node.start, node.end)
  if (type === 'int') return !/[-+*/%]\s*[\w(]/.test(text.replace(/(^|[^\w)\s])\s*-\s*\d/g, ''))
  if (type !== 'list<string>' || node.op !== 'rcall') return true
  const [name, , [, body]] = node.args
  return name === 'exists' && body?.op === '=='
}

/** Beyond two of them, texts that several `startsWith`, `contains` and the like ask for together are not all tried. */
function isManyParts(type: FactType, leaves: readonly Leaf[]): boolean {
  const parts = leaves.filter(({ node }) => !['==', '!=', 'in', 'value', '.'].includes(node.op))
  return type === 'string' && parts.length > 2
}

type Value = number | string | boolean | readonly string[]

const RAW: Readonly<Record<FactType, (path: string, leaves: readonly Leaf[]) => Value[]>> = {
  timestamp: () => [],
  bool: () => [false, true],
  int: intsOf,
  string: textsOf,
  'list<string>': listsOf,
}

const RANGE: Readonly<Record<string, readonly [number, number]>> = {
  'stream.hosts': [1, MAX_COHOSTS + 1],
  'strike.weight': [1, 1000],
}

function intsOf(path: string, leaves: readonly Leaf[]): number[] {
  const [least, most] = rangeOf(path)
  const found = new Set<number>([least])
  for (const literal of leaves.flatMap(literalsOf))
    if (typeof literal === 'number') for (const by of [-1, 0, 1]) found.add(literal + by)
  return [...found].filter((it) => it >= least && it <= most).sort((a, b) => a - b)
}

function rangeOf(path: string): readonly [number, number] {
  return RANGE[path] ?? [0, Number.MAX_SAFE_INTEGER]
}

/** Finds by halving where a comparison that computes turns: `subject.followers * 2 > 101`. */
function withTurns(path: string, values: readonly number[], alone: readonly Leaf[]): number[] {
  const [least, most] = rangeOf(path)
  const found = new Set(values)
  const probes = [...new Set([...values, ...powers(least, most)])].sort((a, b) => a - b)
  for (const { evaluate } of alone) {
    const at = (value: number): unknown => {
      const { scope, strike } = scopeWith(path, value)
      return evaluate(scope, strike)
    }
    for (let i = 1; i < probes.length; i++) {
      let [low, high] = [probes[i - 1] as number, probes[i] as number]
      const before = at(low)
      if (before === at(high)) continue
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2)
        if (at(middle) === before) low = middle
        else high = middle
      }
      found.add(low).add(high)
    }
  }
  return [...found].sort((a, b) => a - b)
}

function powers(least: number, most: number): number[] {
  const found = Array.from({ length: 20 }, (_, i) => least + i)
  for (let value = 32; value <= most; value *= 2) found.push(value)
  return found.filter((value) => value <= most)
}

/** Words people know, so that examples read well. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  'subject.age_band': ['18+', '16-17', '13-15'],
  'stream.audience': ['public', 'followers', 'private'],
  'stream.admission': ['open', 'auto', 'selected'],
  'request.territory': ['NZ', 'DE', 'US'],
  'request.ingest': ['app', 'rtmp', 'whip'],
  'strike.context': ['none'],
  'strike.source_kind': ['human', 'model', 'authority', 'flagger', 'import'],
}
const OTHER = 'other'
const MAX_TEXTS = 200

function textsOf(path: string, leaves: readonly Leaf[]): string[] {
  const literals = leaves.flatMap(literalsOf)
  const texts = literals.filter((it) => typeof it === 'string')
  const lengths = literals.filter((it) => typeof it === 'number')
  const found = new Set<string>([...texts, ...(USUAL[path] ?? []), OTHER])
  if (leaves.some(({ node }) => node.op !== '==' && node.op !== '!=' && node.op !== 'in')) {
    for (const text of texts) found.add(`${text}x`).add(`x${text}`).add(`x${text}x`)
    // Before and after it, for `<` and `>`.
    for (const text of texts) found.add(`!${text}`).add(`~${text}`)
    for (const a of texts) for (const b of texts) if (found.size < MAX_TEXTS) found.add(a + b)
  }
  for (const length of lengths)
    for (const by of [-1, 0, 1])
      if (length + by >= 0 && length + by <= 256) found.add('x'.repeat(length + by))
  return [...found].filter((text) => text !== '' || texts.includes(''))
}

const MAX_SUBSETS_OF = 4

/** Every combination of up to four words named; beyond, each alone, each pair, all but each, and all. */
function listsOf(_path: string, leaves: readonly Leaf[]): string[][] {
  const literals = leaves.flatMap(literalsOf)
  const words = [...new Set(literals.filter((it) => typeof it === 'string'))]
  const found: string[][] = [[], [OTHER]]
  if (words.length <= MAX_SUBSETS_OF)
    for (let mask = 1; mask < 2 ** words.length; mask++)
      found.push(words.filter((_, i) => (mask >> i) & 1))
  else {
    for (const word of words)
      found.push(
        [word],
        words.filter((it) => it !== word),
      )
    for (const a of words.slice(0, 16))
      for (const b of words.slice(0, 16)) if (a < b) found.push([a, b])
    found.push(words)
  }
  found.push([...words, OTHER])
  for (const word of words) found.push([word, word], [`${word}x`], [`x${word}`])
  for (const literal of literals)
    if (typeof literal === 'number' && literal >= 0 && literal < 64)
      for (const by of [-1, 0, 1])
        if (literal + by > 0) {
          found.push(Array.from({ length: literal + by }, (_, i) => `l${i}`))
          found.push(['x'.repeat(literal + by)])
        }
  return found
}

/** Around each length before the decision, and around each literal instant. */
function instantsOf(path: string, leaves: readonly Leaf[]): FactAt[] {
  const ago = new Set<number>()
  const instants = new Set<number>()
  for (const { time } of leaves) {
    if (time === null) continue
    const terms = [...time.terms]
    const own = terms.find(([fact]) => fact.path === path)?.[1]
    if (own === undefined) continue
    const turns = -time.constant_ms / own
    const into = terms.length === 1 ? instants : ago
    for (const by of [-1, 0, 1]) into.add((terms.length === 1 ? turns : -turns) + by)
  }
  if (ago.size === 0 && instants.size === 0) ago.add(0)
  return [
    ...[...ago].sort((a, b) => a - b).map((ms): FactAt => ({ kind: 'ago', ms })),
    ...[...instants].sort((a, b) => a - b).map((value): FactAt => ({ kind: 'value', value })),
  ]
}

const NOWHERE: ConditionScope = {
  now: epochMs(0),
  subject: {},
  stream: { hosts: 1 },
  request: {},
  incident: { active: false },
  platform: {},
  open_broadcasts: 0,
  countStrikes: () => 0,
}

function scopeWith(path: string, value: Value): { scope: ConditionScope; strike: Strike } {
  const [root = '', member = ''] = path.split('.')
  const strike = root === 'strike' ? strikeWith(member, value) : ({} as Strike)
  if (path === 'subject.open_broadcasts')
    return { scope: { ...NOWHERE, open_broadcasts: value as number }, strike }
  const group = NOWHERE[root as 'subject'] ?? {}
  return { scope: { ...NOWHERE, [root]: { ...group, [member]: value } }, strike }
}

function strikeWith(member: string, value: Value): Strike {
  if (member === 'source_kind') return { source: { kind: value } } as unknown as Strike
  if (member === 'source_system') return { source: { system: value } } as unknown as Strike
  return { [member]: value } as unknown as Strike
}

/** The value of a choice at an instant; undefined when absent. */
export function valueAt(choice: FactAt, at: EpochMs): Value | undefined {
  if (choice.kind === 'absent') return undefined
  return choice.kind === 'ago' ? at - choice.ms : choice.value
}

export interface Situation {
  readonly at: EpochMs
  readonly strikes: readonly Strike[]
  /** By path; paths left out are absent (open broadcasts 0, one host, no incident). */
  readonly facts: ReadonlyMap<string, FactAt>
  readonly supports: readonly string[]
}

export const SUBJECT = 'u1'

/** Facts of a decision about one subject in a situation. Co-hosts, where hosts are counted, have the same facts and no strikes. */
export function factsOf({ at, strikes, facts, supports }: Situation): Facts {
  const groups: Record<string, Record<string, unknown>> = {}
  for (const [path, choice] of facts) {
    const value = valueAt(choice, at)
    const [root = '', member = ''] = path.split('.')
    if (value === undefined || root === 'strike') continue
    groups[root] ??= {}
    ;(groups[root] as Record<string, unknown>)[member] = value
  }
  const { open_broadcasts = 0, ...subject } = groups.subject ?? {}
  const { hosts = 1, ...stream } = groups.stream ?? {}
  const host: HostFacts = {
    subject: SUBJECT,
    facts: subject as SubjectFacts,
    sources: {},
    strikes,
    holds: [],
    reviews: [],
    open_broadcasts: open_broadcasts as number,
  }
  const others = Array.from({ length: (hosts as number) - 1 }, (_, i) => ({
    ...host,
    subject: `${SUBJECT}-host-${i + 1}`,
    strikes: [],
  }))
  return {
    at,
    hosts: [host, ...others],
    stream,
    request: groups.request ?? {},
    incident: { active: false, ...groups.incident },
    platform: groups.platform ?? {},
    supports,
  }
}

/** When a strike of a class took effect, and what is its own beside that. */
export interface StrikeAt {
  readonly id: string
  readonly effective_at: EpochMs
  readonly expires_after?: number | null
  readonly content_age?: number | null
}

/** A strike of a class. */
export function strikeOf(kind: StrikeClass, part: StrikeAt): Strike {
  const { seen: _, ...members } = kind
  const { id, effective_at, expires_after, content_age } = part
  return {
    id,
    subject: SUBJECT,
    ...members,
    issued_at: effective_at,
    effective_at,
    status: 'active',
    ...(expires_after == null ? {} : { expires_at: epochMs(effective_at + expires_after) }),
    ...(content_age == null ? {} : { content_created_at: epochMs(effective_at - content_age) }),
  }
}

/** Everything a caller could be asked to carry out by any of the plans. */
export function supportsOf(...plans: readonly Plan[]): string[] {
  const types = plans.flatMap(({ rules }) =>
    rules.flatMap(({ obligations }) => obligations.map(({ type }) => type)),
  )
  return [...new Set(['broadcast_delay', ...types])].sort()
}
