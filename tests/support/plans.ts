/**
 * Plans, strikes and facts for tests, built by hand: every maker gives the plainest value and takes what differs.
 */
import type { Facts, HostFacts, Strike, SubjectFacts } from '../../src/core/model.ts'
import type {
  Condition,
  ConditionScope,
  CountPlan,
  ExemptionPlan,
  Plan,
  RulePlan,
  StrikeCondition,
  StrikesPlan,
} from '../../src/core/policy/plan.ts'
import { selectorOf } from '../../src/core/policy/selector.ts'
import { PLAIN_DENY } from '../../src/core/policy/suppressions.ts'
import type { Trivalent } from '../../src/core/policy/trivalent.ts'
import {
  DAY_MS,
  type DurationMs,
  durationMs,
  type EpochMs,
  epochMs,
  HOUR_MS,
  parseDuration,
  parseInstant,
} from '../../src/core/time.ts'

/** Reads an instant; throws on a typing error in the test. */
export function t(text: string): EpochMs {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

/** Reads a duration. */
export function d(text: string): DurationMs {
  const parsed = parseDuration(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

/** The instant most tests decide at. */
export const NOW: EpochMs = t('2026-01-31T00:00:00Z')

/** `NOW` less a duration such as `30d`, plus milliseconds. */
export function ago(length: string, plus = 0): EpochMs {
  return epochMs(NOW - d(length) + plus)
}

export function aStrike(part: Partial<Strike> & { readonly id: string }): Strike {
  const issued_at = part.issued_at ?? part.effective_at ?? ago('1d')
  return {
    subject: 'u1',
    category: 'terrorism.link',
    severity: 'high',
    weight: 1,
    issued_at,
    effective_at: issued_at,
    scope: 'any',
    status: 'active',
    ...part,
  }
}

export function aHost(part: Partial<HostFacts> = {}): HostFacts {
  return {
    subject: 'u1',
    facts: {},
    sources: {},
    strikes: [],
    holds: [],
    reviews: [],
    open_broadcasts: 0,
    ...part,
  }
}

/** Facts of one host, supporting everything the tests use. */
export function someFacts(host: Partial<HostFacts> = {}, part: Partial<Facts> = {}): Facts {
  return {
    at: NOW,
    hosts: [aHost(host)],
    stream: { id: 'b1', audience: 'public' },
    request: {},
    incident: { active: false },
    platform: {},
    supports: ['broadcast_delay', 'audience_cap', 'no_gifts'],
    ...part,
  }
}

export const STRIKES: StrikesPlan = {
  expire_default: durationMs(365 * DAY_MS),
  expire_exact: new Map(),
  expire_prefix: [],
  ignore_content_older_than: null,
  group_within: durationMs(0),
}

export function aPlan(part: Partial<Plan> = {}): Plan {
  const rules = (part.rules ?? []).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return {
    name: 'test',
    digest: 'sha256-test',
    revision: null,
    about: null,
    as_of: null,
    sources: [],
    languages: ['en'],
    strikes: STRIKES,
    exemptions: [],
    on_unknown: { outcome: 'delay', retry_after_s: 30 },
    unsupported: 'hold',
    default: 'allow',
    lease_ms: durationMs(4 * HOUR_MS),
    stale: null,
    invariants: [],
    ...part,
    rules,
  }
}

export function aRule(part: Partial<RulePlan> & { readonly id: string }): RulePlan {
  return { ...PLAIN_DENY, ...part }
}

/** A count over category patterns, `*` unless given. */
export function aCount(
  part: Partial<Omit<CountPlan, 'categories'>> & { readonly category?: readonly string[] } = {},
): CountPlan {
  const { category = ['*'], ...rest } = part
  return {
    categories: selectorOf(category),
    severities: new Set(['low', 'medium', 'high', 'critical']),
    scopes: null,
    within: null,
    since: null,
    at_least: part.weight_at_least == null ? 1 : Number.MAX_SAFE_INTEGER,
    weight_at_least: null,
    unless: null,
    ...rest,
  }
}

/** A ladder out of `{ 1: '30d', 2: 'forever' }`. */
export function aLadder(steps: Readonly<Record<number, string>>): NonNullable<RulePlan['ladder']> {
  return Object.entries(steps).map(([at, length]) => ({
    at: Number(at),
    length: length === 'forever' || length === 'warn' ? length : d(length),
  }))
}

interface ConditionPart {
  readonly facts?: readonly string[]
  readonly edges?: Condition['edges']
  readonly counts?: Condition['counts']
}

/** A condition out of a function; `missing` looks its `facts` up in the scope. */
export function aCondition(
  test: (scope: ConditionScope) => Trivalent,
  part: ConditionPart = {},
): Condition {
  const facts = part.facts ?? []
  return {
    source: 'test',
    facts,
    edges: part.edges ?? [],
    counts: part.counts ?? [],
    evaluate: test,
    missing: (scope) => facts.filter((path) => look(scope, path) === undefined),
  }
}

function look(scope: ConditionScope, path: string): unknown {
  const [root, member] = path.split('.')
  if (root === 'now') return scope.now
  const group = (scope as unknown as Record<string, Record<string, unknown>>)[root ?? '']
  return group?.[member ?? '']
}

/** `subject.<member> == value`, unknown while the member is absent. */
export function subjectIs<K extends keyof SubjectFacts>(
  member: K,
  value: NonNullable<SubjectFacts[K]>,
): Condition {
  const test = (scope: ConditionScope): Trivalent =>
    scope.subject[member] === undefined ? 'unknown' : scope.subject[member] === value
  return aCondition(test, { facts: [`subject.${member}`] })
}

/** `subject.labels.exists(l, l == label)`. */
export function hasLabel(label: string): Condition {
  const test = (scope: ConditionScope): Trivalent =>
    scope.subject.labels === undefined ? 'unknown' : scope.subject.labels.includes(label)
  return aCondition(test, { facts: ['subject.labels'] })
}

/** `now - subject.created_at < duration(length)`. */
export function youngerThan(length: string): Condition {
  const offset_ms = d(length)
  const test = (scope: ConditionScope): Trivalent =>
    scope.subject.created_at === undefined
      ? 'unknown'
      : scope.now - scope.subject.created_at < offset_ms
  return aCondition(test, {
    facts: ['subject.created_at'],
    edges: [{ path: 'subject.created_at', offset_ms }],
  })
}

/** `strike.context in contexts`, unknown while the strike has no context. */
export function contextIn(...contexts: readonly string[]): StrikeCondition {
  return {
    source: 'test',
    facts: ['strike.context'],
    strike_only: true,
    edges: [],
    evaluate: (_, strike) =>
      strike.context === undefined ? 'unknown' : contexts.includes(strike.context),
    missing: (_, strike) => (strike.context === undefined ? ['strike.context'] : []),
  }
}

export function anExemption(
  part: Partial<ExemptionPlan> & Pick<ExemptionPlan, 'id' | 'rules'>,
): ExemptionPlan {
  return { when: aCondition(() => true), ...part }
}

/** A condition that is always this. */
export function always(value: Trivalent): Condition {
  return aCondition(() => value)
}
