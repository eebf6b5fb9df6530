/**
 * The strikes and the values of facts a search tries, made once per plan. See ../counterfactual.ts.
 *
 * They are those of the plan's vocabulary (../vocabulary.ts). What a vocabulary of strikes costs grows with the product
 * of what rules tell apart, so a large plan has those of each rule by itself: they show every rule that is one strike
 * away, but not every combination of rules that one strike could set off together.
 */
import { type Expression, expressionsOf, leavesOf, literalsOf } from '../expressions.ts'
import type { Plan } from '../plan.ts'
import type { FactChoice, StrikeClass } from '../vocabulary.ts'
import { collectEdges } from '../vocabulary-edges.ts'
import { leavesByFact, valuesOf } from '../vocabulary-facts.ts'
import { strikeClasses } from '../vocabulary-strikes.ts'

export interface Kinds {
  /** Each once, from the plan's point of view; those nobody counts left out. */
  readonly strikes: readonly StrikeClass[]
  /** True when no strike could do what none of these does. */
  readonly strikes_complete: boolean
  readonly facts: readonly FactChoice[]
  /** Paths of numbers a comparison computes with: where it turns is not known for all of them. */
  readonly computed: ReadonlySet<string>
  /** Texts a fact of strikes is compared with, and one it is not, by path. */
  readonly texts: ReadonlyMap<string, readonly string[]>
}

/** Combinations times rules that are looked at together: some 200 ms at most, once. */
const MAX_TOGETHER = 200_000
const known = new WeakMap<Plan, Kinds>()

export function kindsOf(plan: Plan): Kinds {
  let kinds = known.get(plan)
  if (kinds === undefined) {
    kinds = makeKinds(plan)
    known.set(plan, kinds)
  }
  return kinds
}

function makeKinds(given: Plan): Kinds {
  const plan = { ...given, invariants: [] }
  const expressions = expressionsOf(plan)
  const { choices, inexact } = valuesOf(expressions, collectEdges([plan], expressions))
  const computed = new Set(inexact.map(({ what }) => what))
  const together = combinations(plan) * plan.rules.length <= MAX_TOGETHER ? classesOf(plan) : null
  const complete = together?.complete === true
  const strikes = complete ? together.classes : [...alone(plan), ...(together?.classes ?? [])]
  return {
    strikes: distinct(strikes),
    strikes_complete: complete,
    facts: choices,
    computed,
    texts: textsOf(expressions),
  }
}

const OTHER = 'other'

function textsOf(expressions: readonly Expression[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [path, leaves] of leavesByFact(expressions)) {
    if (!path.startsWith('strike.')) continue
    const texts = leaves.flatMap(literalsOf).filter((one) => typeof one === 'string')
    found.set(path, [...new Set([...texts, OTHER])])
  }
  return found
}

/** At least as many as strikeClasses() will look at. */
function combinations({ rules, exemptions, strikes }: Plan): number {
  const counts = rules.flatMap(({ count }) => count ?? [])
  const conditions = [...rules.map(({ when }) => when), ...exemptions.map(({ when }) => when)]
  const categories = new Set([
    ...conditions.flatMap((when) => when?.counts.map(({ pattern }) => pattern) ?? []),
    ...counts.flatMap(({ categories: { exact, prefixes } }) => [...exact, ...prefixes]),
    ...strikes.expire_exact.keys(),
    ...strikes.expire_prefix.map(([prefix]) => prefix),
  ])
  const sums = new Set(counts.flatMap(({ weight_at_least }) => weight_at_least ?? []))
  const scopes = new Set(counts.flatMap(({ scopes }) => (scopes === null ? [] : [...scopes])))
  const severities = new Set(counts.map(({ severities }) => [...severities].join()))
  let product = (categories.size + 2) * (3 * sums.size + 1) * (scopes.size + 2)
  product *= Math.min(4, severities.size + 1)
  const said = new Set(counts.flatMap(({ unless }) => unless?.source ?? []))
  const members = new Map<string, number>()
  for (const leaf of [...said].flatMap((source) => leavesOf(source)))
    for (const path of leaf.facts)
      members.set(path, (members.get(path) ?? 3) + literalsOf(leaf).length)
  for (const [path, values] of members) if (path.startsWith('strike.')) product *= values
  return product
}

function classesOf(plan: Plan): { readonly classes: StrikeClass[]; readonly complete: boolean } {
  const expressions = expressionsOf(plan)
  const { weights } = collectEdges([plan], expressions)
  const { classes, inexact } = strikeClasses([plan], expressions, weights)
  const complete = !inexact.some(({ what }) => what === 'strikes')
  return { classes: classes.filter(({ seen }) => seen), complete }
}

/** Of each rule and each exemption that counts, by itself. */
function alone(plan: Plan): StrikeClass[] {
  const parts: Plan[] = [
    ...plan.rules
      .filter(({ count, when }) => count !== null || (when?.counts.length ?? 0) > 0)
      .map((rule) => ({ ...plan, rules: [rule], exemptions: [] })),
    ...plan.exemptions
      .filter(({ when }) => when.counts.length > 0)
      .map((exemption) => ({ ...plan, rules: [], exemptions: [exemption] })),
  ]
  return parts.flatMap((part) => classesOf(part).classes)
}

function distinct(classes: readonly StrikeClass[]): StrikeClass[] {
  return [...new Map(classes.map((one) => [JSON.stringify(one), one])).values()]
}
