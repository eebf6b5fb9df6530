/**
 * A checked source to a frozen plan: defaults filled in, everything sorted so that source order cannot matter.
 *
 * Runs only after all checks passed; a hole here is a bug in check.ts and throws.
 */
import { LivegateError } from '../errors.ts'
import { type Obligation, SEVERITIES, type Severity } from '../model.ts'
import { type DurationMs, durationMs, HOUR_MS } from '../time.ts'
import type { Conditions } from './conditions.ts'
import type {
  Condition,
  CountPlan,
  ExemptionPlan,
  InvariantPlan,
  LadderStep,
  OnUnknown,
  Plan,
  RulePlan,
  StalePlan,
  StrikeCondition,
  StrikesPlan,
} from './plan.ts'
import { EVERYBODY } from './rollout.ts'
import { parseSeverity, selectorOf } from './selector.ts'
import type { At, CelText } from './shape.ts'
import type { CountSource, PolicySource, RuleSource } from './source.ts'

const DEFAULT_LEASE_MS: DurationMs = durationMs(4 * HOUR_MS)
const DEFAULT_RETRY_S = 30

/** The plan of a source for which nothing was reported. */
export function buildPlan(source: PolicySource, conditions: Conditions, digest: string): Plan {
  const rules = source.rules.value.map(({ value }) => buildRule(value, conditions)).toSorted(byId)
  return deepFreeze({
    name: source.name.value,
    digest,
    revision: null,
    about: source.about?.value ?? null,
    as_of: source.as_of?.value ?? null,
    sources: (source.sources?.value ?? []).map(({ value }) => value),
    languages: [...new Set(rules.flatMap(({ because }) => Object.keys(because)))].toSorted(),
    strikes: buildStrikes(source),
    rules,
    exemptions: buildExemptions(source, conditions),
    on_unknown: buildOnUnknown(source),
    unsupported: source.unsupported?.value ?? 'hold',
    default: source.default?.value ?? 'allow',
    lease_ms: source.lease?.value ?? DEFAULT_LEASE_MS,
    stale: buildStale(source),
    invariants: buildInvariants(source, conditions),
  })
}

function buildStale({ max_age, on_stale }: PolicySource): StalePlan | null {
  return max_age === undefined
    ? null
    : { max_age: max_age.value, effect: on_stale?.value ?? 'keep', from: null }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}

function buildStrikes(source: PolicySource): StrikesPlan {
  const strikes = source.strikes?.value
  const expire = strikes?.expire?.value ?? 'never'
  const entries = typeof expire === 'object' ? expire : []
  const prefixes = entries
    .filter(({ key }) => key.endsWith('.*'))
    .map(({ key, value }) => [key.slice(0, -1), value.value] as const)
  const exact = entries.filter(({ key }) => key !== 'default' && !key.endsWith('.*'))
  return {
    expire_default:
      typeof expire === 'object'
        ? (expire.find(({ key }) => key === 'default')?.value.value ?? 'never')
        : expire,
    expire_exact: new Map(exact.map(({ key, value }) => [key, value.value])),
    expire_prefix: prefixes.toSorted(([a], [b]) => b.length - a.length || (a < b ? -1 : 1)),
    ignore_content_older_than: strikes?.ignore_content_older_than?.value ?? null,
    group_within: strikes?.group_within?.value ?? durationMs(0),
  }
}

function buildRule(rule: RuleSource, conditions: Conditions): RulePlan {
  const unless = compiled(rule.unless, conditions.unless)
  const appeal = rule.appeal?.value
  const review = rule.review?.value
  return {
    id: rule.id.value,
    ground: rule.ground?.value ?? 'terms',
    clause: rule.clause?.value ?? null,
    reference: rule.reference?.value ?? null,
    jurisdiction: rule.jurisdiction?.value ?? null,
    count: rule.count === undefined ? null : buildCount(rule.count.value, unless),
    when: compiled(rule.when, conditions.when),
    ladder: rule.ladder?.value.map(stepOf) ?? null,
    retroactive: rule.retroactive === undefined ? null : { why: rule.retroactive.value.why.value },
    inherited: null,
    outcome: rule.outcome.value,
    hold: rule.hold?.value ?? null,
    review:
      review === undefined
        ? null
        : {
            queue: review.queue.value,
            within: review.within.value,
            at_deadline: review.at_deadline.value,
          },
    broadcast_delay_s:
      rule.broadcast_delay === undefined ? null : seconds(rule.broadcast_delay.value),
    obligations: (rule.obligations?.value ?? []).map(({ value }) => obligationOf(value)),
    lease_ms: rule.lease?.value ?? null,
    because: sentencesOf(rule),
    appeal:
      appeal === undefined ? null : { within: appeal.within?.value ?? null, url: appeal.url.value },
    share: rule.enforce?.value ?? EVERYBODY,
  }
}

function compiled<T extends Condition | StrikeCondition>(
  cel: At<CelText> | undefined,
  from: ReadonlyMap<At<CelText>, T>,
): T | null {
  if (cel === undefined) return null
  const condition = from.get(cel)
  if (condition === undefined)
    throw new LivegateError('internal', 'Cannot build plan: a condition was not compiled')
  return condition
}

function buildCount(count: CountSource, unless: StrikeCondition | null): CountPlan {
  const weight = count.weight_at_least?.value ?? null
  const scopes = count.scope?.value.map(({ value }) => value)
  return {
    categories: selectorOf(count.category.value.map(({ value }) => value)),
    severities: severitiesOf(count),
    scopes: scopes === undefined || scopes.includes('any') ? null : new Set(scopes),
    within: count.within?.value ?? null,
    since: count.since?.value ?? null,
    at_least: count.at_least?.value ?? (weight === null ? 1 : Number.MAX_SAFE_INTEGER),
    weight_at_least: weight,
    unless,
  }
}

function severitiesOf(count: CountSource): ReadonlySet<Severity> {
  if (count.severity === undefined) return new Set(SEVERITIES)
  const wanted = count.severity.value.flatMap(({ value }) => {
    const parsed = parseSeverity(value)
    return parsed.ok ? parsed.value : []
  })
  return new Set(SEVERITIES.filter((severity) => wanted.includes(severity)))
}

function stepOf(step: NonNullable<RuleSource['ladder']>['value'][number]): LadderStep {
  return { at: Number(step.key), length: step.value.value }
}

function seconds(length: DurationMs): number {
  return length / 1000
}

function obligationOf(
  members: NonNullable<RuleSource['obligations']>['value'][number]['value'],
): Obligation {
  const plain = Object.fromEntries(members.map(({ key, value }) => [key, value.value]))
  return { ...plain, type: String(plain.type) }
}

function sentencesOf({ because }: RuleSource): Readonly<Record<string, string>> {
  if (because === undefined) return {}
  if (typeof because.value === 'string') return { en: because.value }
  return Object.fromEntries(because.value.map(({ key, value }) => [key, value.value]))
}

function buildExemptions(source: PolicySource, conditions: Conditions): readonly ExemptionPlan[] {
  const built = (source.exempt?.value ?? []).map(({ value }) => {
    const when = compiled(value.when, conditions.when)
    if (when === null)
      throw new LivegateError('internal', 'Cannot build plan: exemption has no condition')
    return {
      id: value.id.value,
      rules: value.rules.value.map((rule) => rule.value).toSorted(),
      when,
    }
  })
  return built.toSorted(byId)
}

function buildOnUnknown({ on_unknown }: PolicySource): OnUnknown {
  if (on_unknown?.value.outcome !== undefined) return { outcome: 'deny' }
  const retry = on_unknown?.value.retry_after
  return {
    outcome: 'delay',
    retry_after_s: retry === undefined ? DEFAULT_RETRY_S : seconds(retry.value),
  }
}

function buildInvariants(source: PolicySource, conditions: Conditions): readonly InvariantPlan[] {
  const built = (source.invariants?.value ?? []).map(({ value }) => {
    const { count, when } = value.given.value
    return {
      id: value.id.value,
      never: value.never.value,
      given: {
        count: count === undefined ? null : buildCount(count.value, null),
        when: compiled(when, conditions.when),
      },
    }
  })
  return built.toSorted(byId)
}
