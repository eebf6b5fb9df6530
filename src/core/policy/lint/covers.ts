/**
 * Does one rule make another without effect: it matches whenever the other does, and asks at least as much?
 *
 * Sound and not complete: true only when it follows from the members one by one, for every history and all facts. What
 * takes a search is left to `livegate policy prove`. Two rules on different grounds are never compared, because the
 * person affected is owed both. Meaning of the members: docs/spec/policy.md.
 */
import type { CategorySelector, CountPlan, LadderStep, Plan, RulePlan } from '../plan.ts'

/** `covers(a, b)` is true when rule b has no effect beside rule a. Made once for a plan, then a few comparisons a pair. */
export function createCovers(plan: Plan): (a: RulePlan, b: RulePlan) => boolean {
  const traits = traitsOf(plan)
  return (a, b) => {
    const [mine, other] = [traits.get(a.id), traits.get(b.id)]
    if (mine === undefined || other === undefined) return false
    return (
      a.ground === b.ground &&
      (a.outcome === 'deny' || (!isKept(b) && mine.means === other.means)) &&
      coversWhen(a, b) &&
      // The cheapest first: most pairs of a thousand rules end at the rarest pattern.
      coversPatterns(a, other.patterns) &&
      coversScopes(a, other.scopes) &&
      coversCount(a, b) &&
      // Beside a rule that keeps old promises, one that does not may be the longer.
      (b.retroactive === null || a.retroactive !== null) &&
      // An exemption of the one that does not name the other would make the other matter.
      (mine.exemptions & ~other.exemptions) === 0n
    )
  }
}

/** What is compared with a thousand other rules, made ready once. */
interface Traits {
  /** Everything the rule asks for, to be compared as a whole. */
  readonly means: string
  /** One bit for each exemption that names the rule. */
  readonly exemptions: bigint
  /** Category patterns, those of the fewest rules first: the first is most likely not covered. */
  readonly patterns: readonly string[]
  /** Null = any; else likewise. */
  readonly scopes: readonly string[] | null
}

function traitsOf({ rules, exemptions }: Plan): ReadonlyMap<string, Traits> {
  const named = exemptions.map((exemption) => new Set(exemption.rules))
  const byPattern = rarestFirst(rules.map(({ count }) => patternsOf(count?.categories)))
  const byScope = rarestFirst(rules.map(({ count }) => [...(count?.scopes ?? [])]))
  return new Map(
    rules.map((rule) => [
      rule.id,
      {
        means: meansOf(rule),
        exemptions: named.reduce((bits, ids) => (bits << 1n) | (ids.has(rule.id) ? 1n : 0n), 0n),
        patterns: byPattern(patternsOf(rule.count?.categories)),
        scopes: rule.count?.scopes ? byScope([...rule.count.scopes]) : null,
      },
    ]),
  )
}

/** Sorts words by how many of the lists have them. */
function rarestFirst(
  lists: readonly (readonly string[])[],
): (words: readonly string[]) => string[] {
  const times = new Map<string, number>()
  for (const word of lists.flat()) times.set(word, (times.get(word) ?? 0) + 1)
  return (words) => words.toSorted((x, y) => (times.get(x) ?? 0) - (times.get(y) ?? 0))
}

/** `*` for all, `terrorism.` for a prefix, else an id. */
function patternsOf(selector: CategorySelector | undefined): readonly string[] {
  if (selector === undefined) return []
  return selector.all ? ['*'] : [...selector.exact, ...selector.prefixes]
}

/** Holds and reviews are kept rule by rule: one can be done while the other has only begun. */
function isKept({ hold, review }: RulePlan): boolean {
  return hold !== null || review !== null
}

function meansOf(rule: RulePlan): string {
  const { outcome, hold, review, broadcast_delay_s, obligations, lease_ms } = rule
  return JSON.stringify([outcome, hold, review, broadcast_delay_s, obligations, lease_ms])
}

function coversWhen(a: RulePlan, b: RulePlan): boolean {
  // While the condition of the other is unknown it asks to come back, which only a denial makes idle.
  if (a.when === null) return b.when === null || a.outcome === 'deny'
  return a.when.source === b.when?.source
}

function coversCount(a: RulePlan, b: RulePlan): boolean {
  // Strikes give a denial an end, which a condition alone has not.
  if (a.count === null) return b.count === null
  if (b.count === null || (a.ladder === null) !== (b.ladder === null)) return false
  return coversTime(a.count, b.count) && coversSize(a, b) && coversSelection(a.count, b.count)
}

function coversTime(a: CountPlan, b: CountPlan): boolean {
  return (
    (a.within === null || (b.within !== null && b.within <= a.within)) &&
    (a.since === null || (b.since !== null && b.since >= a.since))
  )
}

function coversSize(a: RulePlan, b: RulePlan): boolean {
  if (a.ladder !== null && b.ladder !== null) return coversLadder(a.ladder, b.ladder)
  if (a.count === null || b.count === null || a.count.at_least > b.count.at_least) return false
  const [mine, other] = [a.count.weight_at_least, b.count.weight_at_least]
  return other === null || (mine !== null && mine <= other)
}

/** At every number that either names; both ladders grow, so one walk over the two is enough. */
function coversLadder(a: readonly LadderStep[], b: readonly LadderStep[]): boolean {
  let mine: LadderStep | undefined
  let other: LadderStep | undefined
  for (let i = 0, k = 0; i < a.length || k < b.length; ) {
    const at = Math.min(a[i]?.at ?? Infinity, b[k]?.at ?? Infinity)
    if (a[i]?.at === at) mine = a[i++]
    if (b[k]?.at === at) other = b[k++]
    // A warning is given after a longer restriction has ended as well.
    if (other?.length === 'warn' ? mine?.length !== 'warn' : rank(mine) < rank(other)) return false
  }
  return true
}

function rank(step: LadderStep | undefined): number {
  if (step === undefined || step.length === 'warn') return -1
  return step.length === 'forever' ? Number.POSITIVE_INFINITY : step.length
}

function coversSelection(a: CountPlan, b: CountPlan): boolean {
  return (
    (a.unless === null || a.unless.source === b.unless?.source) &&
    isWithin(b.severities, a.severities)
  )
}

function isWithin<T>(part: ReadonlySet<T>, whole: ReadonlySet<T>): boolean {
  for (const one of part) if (!whole.has(one)) return false
  return true
}

function coversPatterns({ count }: RulePlan, patterns: readonly string[]): boolean {
  if (count === null || count.categories.all) return true
  return patterns.every((pattern) => coversPattern(count.categories, pattern))
}

function coversScopes({ count }: RulePlan, scopes: readonly string[] | null): boolean {
  const mine = count?.scopes ?? null
  return mine === null || (scopes?.every((scope) => mine.has(scope)) ?? false)
}

function coversPattern({ exact, prefixes }: CategorySelector, pattern: string): boolean {
  if (!pattern.endsWith('.') && exact.has(pattern)) return true
  // `*` has no dot; `a.b.c` and `a.b.c.` are below `a.b.` and `a.`; a prefix is below itself.
  for (let dot = pattern.indexOf('.'); dot >= 0; dot = pattern.indexOf('.', dot + 1))
    if (prefixes.includes(pattern.slice(0, dot + 1))) return true
  return false
}
