/**
 * A compiled policy with one mistake in it: what an author might have got wrong, one thing at a time.
 *
 * Numbers one up and one down come from tests/core/policy/cases/mutants.ts; here is all that is no number: something left
 * out, something too wide, an outcome or a value that is another. Mistakes inside an expression are made in its text
 * (text-mutants.ts). Members that no decision depends on, sources and clauses for example, are left alone.
 */

import { SEVERITIES } from '../../src/core/model.ts'
import type {
  CategorySelector,
  Condition,
  CountPlan,
  LadderStep,
  Plan,
  RulePlan,
  StrikeCondition,
  StrikesPlan,
} from '../../src/core/policy/plan.ts'
import { not } from '../../src/core/policy/trivalent.ts'
import { DAY_MS, type DurationMs } from '../../src/core/time.ts'
import { type PlanMutant, planMutants } from '../../tests/core/policy/cases/mutants.ts'

/** What changed, and the part of the plan as it then is. */
type Change<T> = readonly [what: string, changed: T]

/** Every mutant of a plan that its tests are to tell from it. */
export function policyMutants(plan: Plan): PlanMutant[] {
  const numbers = planMutants(plan).filter(({ name }) => !isUnread(plan, name))
  const others: Change<Plan>[] = [
    ...(['allow', 'deny'] as const)
      .filter((outcome) => outcome !== plan.default)
      .map((outcome): Change<Plan> => [`default: ${outcome}`, { ...plan, default: outcome }]),
    ...onUnknown(plan),
    ...unsupported(plan),
    ...strikesChanges(plan.strikes).map(
      ([what, strikes]): Change<Plan> => [`strikes.${what}`, { ...plan, strikes }],
    ),
    ...plan.rules.flatMap((rule, i) => [
      [`rules.${rule.id}: dropped`, { ...plan, rules: plan.rules.toSpliced(i, 1) }] as const,
      ...ruleChanges(rule).map(
        ([what, changed]): Change<Plan> => [
          `rules.${rule.id}.${what}`,
          { ...plan, rules: plan.rules.with(i, changed) },
        ],
      ),
    ]),
    ...exemptionChanges(plan),
  ]
  return [...numbers, ...others.map(([name, changed]) => ({ name, plan: changed }))]
}

/** A ladder takes every strike it counts, so nobody asks for its `at_least`; of a stale policy only an activation knows. */
function isUnread(plan: Plan, name: string): boolean {
  if (name.startsWith('stale.')) return true
  if (name.startsWith('on_unknown.')) return isAlwaysKnown(plan)
  const [, id] = /^rules\.([\w-]+)\.count\.at_least:/.exec(name) ?? []
  return plan.rules.some((rule) => rule.id === id && rule.ladder !== null)
}

/** Asked only of a caller that is told to carry something out. */
function unsupported(plan: Plan): Change<Plan>[] {
  const asks = plan.rules.some(
    ({ broadcast_delay_s, obligations }) => broadcast_delay_s !== null || obligations.length > 0,
  )
  const other = plan.unsupported === 'deny' ? 'hold' : 'deny'
  return asks ? [[`unsupported: ${other}`, { ...plan, unsupported: other }]] : []
}

/** True where no rule can be unknown: a strike counts and an exemption does not hold while what they ask is unknown. */
function isAlwaysKnown({ rules }: Plan): boolean {
  return rules.every(({ when }) => when === null)
}

function onUnknown(plan: Plan): Change<Plan>[] {
  if (isAlwaysKnown(plan)) return []
  return plan.on_unknown.outcome === 'deny'
    ? [['on_unknown: delay', { ...plan, on_unknown: { outcome: 'delay', retry_after_s: 30 } }]]
    : [['on_unknown: deny', { ...plan, on_unknown: { outcome: 'deny' } }]]
}

function strikesChanges(strikes: StrikesPlan): Change<StrikesPlan>[] {
  const { expire_default, expire_exact, expire_prefix } = strikes
  const without = (id: string): ReadonlyMap<string, DurationMs | 'never'> =>
    new Map([...expire_exact].filter(([other]) => other !== id))
  const found: Change<StrikesPlan>[] = [
    ...[...expire_exact.keys()].map(
      (id): Change<StrikesPlan> => [
        `expire.${id}: dropped`,
        { ...strikes, expire_exact: without(id) },
      ],
    ),
    ...expire_prefix.map(
      ([prefix], i): Change<StrikesPlan> => [
        `expire.${prefix}*: dropped`,
        { ...strikes, expire_prefix: expire_prefix.toSpliced(i, 1) },
      ],
    ),
  ]
  if (expire_default !== 'never')
    found.push(['expire.default: never', { ...strikes, expire_default: 'never' }])
  if (strikes.ignore_content_older_than !== null)
    found.push([
      'ignore_content_older_than: dropped',
      { ...strikes, ignore_content_older_than: null },
    ])
  if (strikes.group_within > 0)
    found.push(['group_within: dropped', { ...strikes, group_within: 0 as DurationMs }])
  return found
}

/** What `delay` and `allow` ask for is in the other members, so only a denial that comes or goes is a change. */
function ruleChanges(rule: RulePlan): Change<RulePlan>[] {
  const found: Change<RulePlan>[] = []
  const set = (what: string, changed: Partial<RulePlan>): void => {
    found.push([what, { ...rule, ...changed }])
  }
  if (rule.outcome === 'deny') set('outcome: delay', { outcome: 'delay' })
  else set('outcome: deny', { outcome: 'deny' })
  if (rule.hold !== null) set('hold: dropped', { hold: null })
  if (rule.broadcast_delay_s !== null) set('broadcast_delay: dropped', { broadcast_delay_s: null })
  if (rule.lease_ms !== null) set('lease: dropped', { lease_ms: null })
  rule.obligations.forEach((obligation, i) => {
    set(`obligations.${obligation.type}: dropped`, {
      obligations: rule.obligations.toSpliced(i, 1),
    })
  })
  if (rule.review !== null) {
    const { at_deadline, queue } = rule.review
    set('review: dropped', { review: null })
    set('review.at_deadline: the other', {
      review: { ...rule.review, at_deadline: at_deadline === 'deny' ? 'allow' : 'deny' },
    })
    set('review.queue: another', { review: { ...rule.review, queue: `${queue}-2` } })
  }
  if (rule.appeal !== null && rule.appeal.within !== null)
    set('appeal.within: dropped', { appeal: { ...rule.appeal, within: null } })
  if (rule.when !== null) {
    const others = conditionChanges(rule.when)
    for (const [what, when] of others) set(`when: ${what}`, { when })
  }
  if (rule.ladder !== null)
    for (const [what, ladder] of ladderChanges(rule.ladder)) set(`ladder.${what}`, { ladder })
  if (rule.count !== null)
    for (const [what, count] of countChanges(rule.count)) set(`count.${what}`, { count })
  return found
}

function conditionChanges(when: Condition): Change<Condition>[] {
  return [
    ['true', { ...when, evaluate: () => true }],
    ['false', { ...when, evaluate: () => false }],
    ['negated', { ...when, evaluate: (scope) => not(when.evaluate(scope)) }],
    ['unknown is false', { ...when, evaluate: (scope) => when.evaluate(scope) === true }],
    ['unknown is true', { ...when, evaluate: (scope) => when.evaluate(scope) !== false }],
  ]
}

function ladderChanges(ladder: readonly LadderStep[]): Change<readonly LadderStep[]>[] {
  return ladder.flatMap((step, i) => {
    const lengths = (['warn', 'forever', DAY_MS as DurationMs] as const).filter(
      (length) =>
        typeof length !== typeof step.length ||
        (length !== step.length && typeof length === 'string'),
    )
    const found: Change<readonly LadderStep[]>[] = lengths.map((length) => [
      `${step.at}: ${length}`,
      ladder.with(i, { ...step, length }),
    ])
    if (ladder.length > 1) found.push([`${step.at}: dropped`, ladder.toSpliced(i, 1)])
    return found
  })
}

function countChanges(count: CountPlan): Change<CountPlan>[] {
  const { categories, severities, scopes, within, since, unless } = count
  const found: Change<CountPlan>[] = [
    ...categoryChanges(categories).map(
      ([what, changed]): Change<CountPlan> => [
        `category: ${what}`,
        { ...count, categories: changed },
      ],
    ),
  ]
  for (const severity of SEVERITIES) {
    const beside = SEVERITIES.filter((_, i) => Math.abs(i - SEVERITIES.indexOf(severity)) === 1)
    const others = [...severities].filter((one) => one !== severity)
    if (!severities.has(severity) && beside.some((one) => severities.has(one)))
      found.push([
        `severity: with ${severity}`,
        { ...count, severities: new Set([...others, severity]) },
      ])
    const isEnd = !beside.every((one) => severities.has(one)) || beside.length === 1
    if (severities.has(severity) && isEnd && others.length > 0)
      found.push([`severity: without ${severity}`, { ...count, severities: new Set(others) }])
  }
  for (const scope of scopes ?? [])
    found.push([
      `scope: without ${scope}`,
      { ...count, scopes: new Set([...(scopes ?? [])].filter((one) => one !== scope)) },
    ])
  if (scopes !== null) found.push(['scope: any', { ...count, scopes: null }])
  if (within !== null) found.push(['within: dropped', { ...count, within: null }])
  if (since !== null) found.push(['since: dropped', { ...count, since: null }])
  if (unless !== null) {
    const inverted: StrikeCondition = {
      ...unless,
      evaluate: (scope, strike) => not(unless.evaluate(scope, strike)),
    }
    found.push(['unless: dropped', { ...count, unless: null }])
    found.push(['unless: inverted', { ...count, unless: inverted }])
  }
  return found
}

function categoryChanges(categories: CategorySelector): Change<CategorySelector>[] {
  const { all, exact, prefixes } = categories
  if (all) return [['none', { all: false, exact: new Set(), prefixes: [] }]]
  const found: Change<CategorySelector>[] = [['every one', { ...categories, all: true }]]
  const several = exact.size + prefixes.length > 1
  for (const id of exact) {
    const others = new Set([...exact].filter((one) => one !== id))
    const prefix = id.slice(0, id.lastIndexOf('.') + 1)
    if (several) found.push([`without ${id}`, { ...categories, exact: others }])
    if (!prefixes.includes(prefix))
      found.push([
        `${id} -> ${prefix}*`,
        { ...categories, exact: others, prefixes: [...prefixes, prefix] },
      ])
  }
  for (const prefix of several ? prefixes : [])
    found.push([
      `without ${prefix}*`,
      { ...categories, prefixes: prefixes.filter((one) => one !== prefix) },
    ])
  return found
}

function exemptionChanges(plan: Plan): Change<Plan>[] {
  const everyRule = plan.rules.map(({ id }) => id)
  return plan.exemptions.flatMap((exemption, i) => {
    const { id, rules, when } = exemption
    const to = (changed: Partial<typeof exemption>): Plan => ({
      ...plan,
      exemptions: plan.exemptions.with(i, { ...exemption, ...changed }),
    })
    const found: Change<Plan>[] = [
      [`exemptions.${id}: dropped`, { ...plan, exemptions: plan.exemptions.toSpliced(i, 1) }],
      ...conditionChanges(when).map(
        ([what, changed]): Change<Plan> => [
          `exemptions.${id}.when: ${what}`,
          to({ when: changed }),
        ],
      ),
    ]
    if (rules.length < everyRule.length)
      found.push([`exemptions.${id}.rules: every one`, to({ rules: everyRule })])
    if (rules.length > 1)
      for (const rule of rules)
        found.push([
          `exemptions.${id}.rules: without ${rule}`,
          to({ rules: rules.filter((one) => one !== rule) }),
        ])
    return found
  })
}
