/**
 * Classes of strikes that no selector, expiry or `unless` of the plans tells apart. See vocabulary.ts.
 *
 * Each member of a strike is thinned out by itself first (categories that no pattern separates are one), so that the
 * combinations that are then compared stay few.
 */
import { SEVERITIES, type Severity, SOURCE_KINDS, type StrikeSource } from '../model.ts'
import { expireLength } from '../standing/standing.ts'
import { epochMs } from '../time.ts'
import { CATEGORIES } from './categories.ts'
import type { Expression, Leaf } from './expressions.ts'
import { literalsOf } from './expressions.ts'
import type { CategorySelector, CountPlan, Plan } from './plan.ts'
import { matchesCategory, selectorOf } from './selector.ts'
import type { StrikeClass } from './vocabulary.ts'
import { candidatesOf, type Inexact, leavesByFact, strikeOf } from './vocabulary-facts.ts'

export interface StrikeClasses {
  readonly classes: readonly StrikeClass[]
  readonly inexact: readonly Inexact[]
}

/** Everything that looks at a strike. */
interface Watch {
  readonly plans: readonly Plan[]
  readonly counts: readonly CountPlan[]
  /** Patterns of `strikes(...)`. */
  readonly patterns: readonly CategorySelector[]
  readonly leaves: ReadonlyMap<string, readonly Leaf[]>
}

/** Combinations looked at; beyond, later ones are left out and that is said. */
const MAX_COMBINATIONS = 8_000

export function strikeClasses(
  plans: readonly Plan[],
  expressions: readonly Expression[],
  weights: readonly number[],
): StrikeClasses {
  const inexact: Inexact[] = []
  const watch = watchOf(plans, expressions)
  const values: Members = {
    category: categoriesOf(watch, inexact),
    severity: severitiesOf(watch),
    scope: scopesOf(watch, inexact),
    weight: weightsOf(watch, weights, inexact),
    context: optionalOf('strike.context', watch, inexact),
    kind: optionalOf('strike.source_kind', watch, inexact),
    system: optionalOf('strike.source_system', watch, inexact),
  }
  if (watch.leaves.has('strike.id'))
    inexact.push({ what: 'strike.id', why: 'ids of strikes are not varied' })
  return { classes: combine(watch, values, inexact), inexact }
}

interface Members {
  readonly category: readonly string[]
  readonly severity: readonly Severity[]
  readonly scope: readonly string[]
  readonly weight: readonly number[]
  readonly context: readonly (string | undefined)[]
  readonly kind: readonly (string | undefined)[]
  readonly system: readonly (string | undefined)[]
}

function watchOf(plans: readonly Plan[], expressions: readonly Expression[]): Watch {
  const counts = plans.flatMap(({ rules, invariants }) =>
    [...rules.map(({ count }) => count), ...invariants.map(({ given }) => given.count)].filter(
      (count) => count !== null,
    ),
  )
  const patterns = new Set(
    expressions.flatMap(({ condition }) =>
      'counts' in condition ? condition.counts.map(({ pattern }) => pattern) : [],
    ),
  )
  return {
    plans,
    counts,
    patterns: [...patterns].map((pattern) => selectorOf([pattern])),
    leaves: leavesByFact(expressions),
  }
}

function combine(watch: Watch, members: Members, inexact: Inexact[]): StrikeClass[] {
  const found = new Map<string, StrikeClass>()
  let unseen: StrikeClass | null = null
  let looked = 0
  for (const part of product(members)) {
    if (++looked > MAX_COMBINATIONS) {
      inexact.push({ what: 'strikes', why: `there are more than ${MAX_COMBINATIONS} combinations` })
      break
    }
    const key = keyOf(watch, part)
    if (key === '') unseen ??= part
    else if (!found.has(key)) found.set(key, { ...part, seen: true })
  }
  const nobody = unseen ?? null
  return nobody === null ? [...found.values()] : [...found.values(), { ...nobody, seen: false }]
}

function* product(members: Members): Generator<StrikeClass> {
  for (const category of members.category)
    for (const severity of members.severity)
      for (const scope of members.scope)
        for (const weight of members.weight)
          for (const context of members.context)
            for (const kind of members.kind)
              for (const system of members.system)
                yield {
                  category,
                  severity,
                  scope,
                  weight,
                  ...(context === undefined ? {} : { context }),
                  ...sourceOf(kind, system),
                  seen: false,
                }
}

function sourceOf(kind?: string, system?: string): { readonly source?: StrikeSource } {
  if (kind === undefined && system === undefined) return {}
  return { source: { kind: (kind ?? 'human') as StrikeSource['kind'], system: system ?? 'desk' } }
}

/** Equal for strikes nobody tells apart; empty for one nobody sees. */
function keyOf(watch: Watch, kind: StrikeClass): string {
  let seen = false
  let weighed = false
  let key = ''
  for (const count of watch.counts) {
    const selected =
      matchesCategory(count.categories, kind.category) &&
      count.severities.has(kind.severity) &&
      (count.scopes === null || kind.scope === 'any' || count.scopes.has(kind.scope))
    key += selected ? '1' : '0'
    if (!selected) continue
    seen = true
    if (count.weight_at_least !== null) weighed = true
    if (count.unless !== null) key += `u${unlessKey(watch, kind)}`
  }
  for (const pattern of watch.patterns) {
    const matches = matchesCategory(pattern, kind.category)
    key += matches ? '1' : '0'
    if (matches) seen = true
  }
  if (!seen) return ''
  const expiry = watch.plans.map(({ strikes }) => expireLength(strikes, kind.category))
  return `${key} ${expiry.join(',')} ${weighed ? kind.weight : ''}`
}

/** How every comparison of a strike comes out; those that read other facts too are told by the values themselves. */
function unlessKey(watch: Watch, kind: StrikeClass): string {
  const strike = strikeOf(kind, { id: 's1', effective_at: epochMs(0) })
  const key: unknown[] = []
  for (const [path, leaves] of watch.leaves) {
    if (!path.startsWith('strike.') || path === 'strike.issued_at') continue
    for (const { evaluate, facts } of leaves)
      key.push(
        facts.every((fact) => fact.startsWith('strike.')) && !facts.includes('strike.issued_at')
          ? evaluate({} as Parameters<typeof evaluate>[0], strike)
          : [kind.context, kind.severity, kind.category, kind.source, kind.weight, kind.scope],
      )
  }
  return JSON.stringify(key)
}

const NOBODYS = 'other.terms'

/** Named ids and a child of every prefix, known ones before made up ones; and one that nothing names. */
function categoriesOf(watch: Watch, inexact: Inexact[]): string[] {
  const selectors = [...watch.counts.map(({ categories }) => categories), ...watch.patterns]
  const exact = selectors.flatMap((selector) => [...selector.exact])
  const prefixes = selectors.flatMap((selector) => selector.prefixes)
  for (const { strikes } of watch.plans) {
    exact.push(...strikes.expire_exact.keys())
    prefixes.push(...strikes.expire_prefix.map(([prefix]) => prefix))
  }
  const leaves = watch.leaves.get('strike.category') ?? []
  const literals = candidateTexts('strike.category', leaves, inexact)
  const known = CATEGORIES.map(({ id }) => id)
  const all = [...known, ...exact, ...prefixes.map((prefix) => `${prefix}x`), ...literals]
  all.push('x.unlisted')
  const chosen = distinct([NOBODYS, ...all], (category) => {
    const selected = selectors.map((selector) => (matchesCategory(selector, category) ? 1 : 0))
    const expiry = watch.plans.map(({ strikes }) => expireLength(strikes, category))
    const answers = leaves.map(({ evaluate, facts }) =>
      facts.length === 1 ? evaluate({} as never, { category } as never) : category,
    )
    return `${selected.join('')} ${expiry.join(',')} ${answers.join(',')}`
  })
  return chosen
}

function severitiesOf(watch: Watch): Severity[] {
  if (watch.leaves.has('strike.severity')) return [...SEVERITIES]
  return distinct(SEVERITIES, (severity) =>
    watch.counts.map(({ severities }) => (severities.has(severity) ? '1' : '0')).join(''),
  )
}

function scopesOf(watch: Watch, inexact: Inexact[]): string[] {
  const words = watch.counts.flatMap(({ scopes }) => (scopes === null ? [] : [...scopes]))
  const leaves = watch.leaves.get('strike.scope') ?? []
  const literals = candidateTexts('strike.scope', leaves, inexact)
  return distinct(['any', ...words, ...literals, 'elsewhere'], (scope) => {
    const selected = watch.counts.map(({ scopes }) =>
      scopes === null || scope === 'any' || scopes.has(scope) ? '1' : '0',
    )
    return `${selected.join('')} ${leaves.length > 0 ? scope : ''}`
  })
}

/** One, and what alone, in two or just not reaches each sum. */
function weightsOf(watch: Watch, sums: readonly number[], inexact: Inexact[]): number[] {
  const found = new Set([1])
  for (const sum of sums)
    for (const weight of [Math.ceil(sum / 2), sum - 1, sum]) found.add(Math.min(weight, 1000))
  const leaves = watch.leaves.get('strike.weight')
  if (leaves !== undefined)
    for (const choice of candidatesOf('strike.weight', leaves, inexact).values)
      if (choice.kind === 'value') found.add(choice.value as number)
  return [...found].filter((weight) => weight >= 1).sort((a, b) => a - b)
}

function optionalOf(path: string, watch: Watch, inexact: Inexact[]): (string | undefined)[] {
  const leaves = watch.leaves.get(path)
  if (leaves === undefined) return [undefined]
  const texts = candidateTexts(path, leaves, inexact)
  const possible =
    path === 'strike.source_kind'
      ? texts.filter((text) => SOURCE_KINDS.some((kind) => kind === text))
      : texts
  return [undefined, ...possible]
}

function candidateTexts(path: string, leaves: readonly Leaf[], inexact: Inexact[]): string[] {
  if (leaves.length === 0) return []
  const named = leaves.flatMap(literalsOf)
  const texts = candidatesOf(path, leaves, inexact).values.flatMap((choice) =>
    choice.kind === 'value' && typeof choice.value === 'string' ? [choice.value] : [],
  )
  // Named ones first: examples should say what the policy says.
  return texts.sort((a, b) => Number(named.includes(b)) - Number(named.includes(a)))
}

/** The first of each kind, in order. */
function distinct<T>(values: readonly T[], key: (value: T) => string): T[] {
  const found = new Map<string, T>()
  for (const value of values) {
    const one = key(value)
    if (!found.has(one)) found.set(one, value)
  }
  return [...found.values()]
}
