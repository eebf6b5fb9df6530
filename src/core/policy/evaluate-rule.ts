/**
 * One rule against one host: does it match, what is it founded on, and what could not be known?
 *
 * Says nothing of outcomes; evaluate.ts turns a match into what the rule asks for. Counting comes before CEL because
 * it is the cheaper half and `false && unknown` is false. Spec: docs/spec/policy.md, "Three values".
 */
import type { Facts, HostFacts, Strike, Suppression, Until } from '../model.ts'
import { type Standing, standing } from '../standing/standing.ts'
import type { EpochMs } from '../time.ts'
import { countEnd, countStrikes, groups, reaches, select } from './count.ts'
import { lacked } from './count-unless.ts'
import { isClouded } from './evaluate-clouded.ts'
import { isLadder } from './inherit-forms.ts'
import { type Kept, keptLadder } from './inherit-ladder.ts'
import {
  climb,
  countedAt,
  type LadderQuery,
  type LadderState,
  type Opening,
  strictest,
} from './ladder.ts'
import type { Condition, ConditionScope, CountPlan, Plan, RulePlan, StrikesPlan } from './plan.ts'

/** Everything one host contributes to an evaluation. */
export interface HostContext {
  readonly plan: Plan
  readonly facts: Facts
  readonly index: number
  readonly host: HostFacts
  readonly table: Standing
  readonly scope: ConditionScope
  /** Standings under the `strikes` of earlier revisions, as they are needed; null for a plan without revision. */
  readonly tables: Map<StrikesPlan, Standing> | null
  /** Rows of `table` by strike id. */
  readonly byId: () => readonly number[]
}

/** What a match is founded on. */
export interface Evidence {
  readonly code:
    | 'restriction_active'
    | 'restriction_kept'
    | 'strike_count'
    | 'condition'
    | 'warning'
  /** The strike that opened the restriction, or the latest counted; null for a condition alone. */
  readonly opening: Strike | null
  /** First instant at which strikes alone no longer make the rule match; null when no strike does. */
  readonly until: Until | null
  /** Ids of the strikes relied on, sorted. */
  readonly strikes: readonly string[]
  readonly count: number | null
  /** Where an earlier revision made the restriction shorter than it would be now. */
  readonly kept: Kept | null
  /** With `restriction_kept`: what stands for the strikes. */
  readonly suppression?: Suppression
}

export interface RuleMatch {
  /** `warning`: only a `warn` step applies. */
  readonly truth: boolean | 'unknown' | 'warning'
  /** Null when false, and when nothing but a condition was asked and it is unknown. */
  readonly evidence: Evidence | null
  /** Facts that were lacking, sorted. */
  readonly missing: readonly string[]
  /** True when `on_unknown` applies: always when unknown, see evaluate-clouded.ts for true. */
  readonly unsure: boolean
}

export const NO_MATCH: RuleMatch = { truth: false, evidence: null, missing: [], unsure: false }
const ON_CONDITION: Evidence = {
  code: 'condition',
  opening: null,
  until: null,
  strikes: [],
  count: null,
  kept: null,
}

/** The standing and variables of host `index`. */
export function hostContext(plan: Plan, facts: Facts, index: number, host: HostFacts): HostContext {
  const table = standing(host.strikes, facts.at, plan.strikes)
  const { at, stream, request, incident, platform } = facts
  const scope: ConditionScope = {
    now: at,
    subject: host.facts,
    stream: { ...stream, hosts: facts.hosts.length },
    request,
    incident,
    platform,
    open_broadcasts: host.open_broadcasts,
    countStrikes: (pattern, within) => countStrikes(table, pattern, within),
  }
  const tables = plan.revision === null ? null : new Map<StrikesPlan, Standing>()
  return { plan, facts, index, host, table, scope, tables, byId: idOrder(table) }
}

/** Evaluates `rule` for the host. Total. */
export function matchRule(context: HostContext, rule: RulePlan): RuleMatch {
  if (rule.count === null)
    return rule.when === null ? NO_MATCH : onCondition(context, rule.when, ON_CONDITION, [])
  const counted =
    rule.ladder === null
      ? matchCount(context, rule.count)
      : rule.inherited === null
        ? matchLadder(context, rule.count, rule.ladder)
        : matchKept(context, rule)
  if (counted === null) return NO_MATCH
  if (rule.when !== null) return onCondition(context, rule.when, counted.evidence, counted.missing)
  const { evidence, missing } = counted
  const truth = evidence.code === 'warning' ? 'warning' : true
  return { truth, evidence, missing, unsure: false }
}

/**
 * The same where something else than strikes founds the rule: only its `when` is asked, and not where that counts strikes
 * as well, because those are what is no longer there.
 */
export function matchFounded(context: HostContext, rule: RulePlan, evidence: Evidence): RuleMatch {
  const { when } = rule
  if (when === null || when.counts.length > 0)
    return { truth: true, evidence, missing: [], unsure: false }
  return onCondition(context, when, evidence, [])
}

interface Counted {
  readonly evidence: Evidence
  readonly missing: readonly string[]
}

function matchCount(context: HostContext, count: CountPlan): Counted | null {
  const { table, scope, plan } = context
  const { rows, missing } = select(count, table, 'now', scope)
  const { group_within } = plan.strikes
  if (!reaches(count, table, rows, group_within)) return null
  const evidence: Evidence = {
    code: 'strike_count',
    opening: table.strikes[rows[rows.length - 1] ?? -1] ?? null,
    until: countEnd(count, table, rows, group_within),
    strikes: idsOf(context, rows),
    count: groups(table, rows, group_within),
    kept: null,
  }
  return { evidence, missing }
}

function matchLadder(
  context: HostContext,
  count: CountPlan,
  steps: LadderQuery['steps'],
): Counted | null {
  const { table, scope, plan } = context
  const { rows, missing } = select(count, table, 'ever', scope)
  if (rows.length === 0) return null
  const query = queryOf(plan, count, steps)
  const { running, warning } = climb(query, table, rows)
  const opening = running ?? warning
  if (opening === null) return null
  return { evidence: ladderEvidence(context, query, rows, opening), missing }
}

function queryOf(plan: Plan, { within }: CountPlan, steps: LadderQuery['steps']): LadderQuery {
  return { steps, within, group_within: plan.strikes.group_within }
}

function isIdle({ running, warning }: LadderState): boolean {
  return running === null && warning === null
}

function ladderEvidence(
  context: HostContext,
  query: LadderQuery,
  rows: readonly number[],
  opening: Opening,
): Evidence {
  const { table } = context
  const counted = countedAt(query, table, rows, opening.row)
  return {
    ...openingEvidence(table, opening),
    strikes: idsOf(context, counted),
    count: groups(table, counted, query.group_within),
    kept: null,
  }
}

function openingEvidence(
  table: Standing,
  { row, until, warns }: Opening,
): Pick<Evidence, 'code' | 'opening' | 'until'> {
  return {
    code: warns ? 'warning' : 'restriction_active',
    opening: table.strikes[row] ?? null,
    until: warns ? null : until === Number.POSITIVE_INFINITY ? 'forever' : (until as EpochMs),
  }
}

/** A ladder of which earlier revisions promised something: never more than without them. */
function matchKept(context: HostContext, rule: RulePlan): Counted | null {
  if (!isLadder(rule)) return null
  const { table, scope, plan } = context
  const selection = select(rule.count, table, 'ever', scope)
  if (selection.rows.length === 0) return null
  const query = queryOf(plan, rule.count, rule.ladder)
  if (isIdle(climb(query, table, selection.rows))) return null
  const { openings, missing, reliedOn } = keptLadder(context, rule, selection)
  const { running, warning } = strictest(context.table.at, openings)
  const opening = running ?? warning
  if (opening === null) return null
  const { ids, n } = reliedOn(opening)
  const evidence: Evidence = {
    ...openingEvidence(context.table, opening),
    strikes: [...ids].sort(),
    count: n,
    kept: opening.kept,
  }
  return { evidence, missing }
}

/** Ids of `rows`, sorted. Many rows are picked from all ids, which are sorted once per host. */
function idsOf(context: HostContext, rows: readonly number[]): string[] {
  const { strikes } = context.table
  if (rows.length <= FEW) {
    const ids: string[] = []
    for (const row of rows) ids.push(strikes[row]?.id ?? '')
    return rows.length === 1 ? ids : ids.sort()
  }
  const wanted = new Uint8Array(strikes.length)
  for (const row of rows) wanted[row] = 1
  const ids: string[] = []
  for (const row of context.byId()) if (wanted[row] === 1) ids.push(strikes[row]?.id ?? '')
  return ids
}

const FEW = 8

/** Rows by id, sorted at the first call. */
function idOrder({ strikes }: Standing): () => readonly number[] {
  let order: readonly number[] | null = null
  return () => {
    if (order !== null) return order
    const rows = strikes.map((_, row) => row)
    const id = (row: number): string => strikes[row]?.id ?? ''
    order = rows.sort((a, b) => (id(a) < id(b) ? -1 : 1))
    return order
  }
}

/** `when` over what the count already established. A warning has no effect, so an unknown `when` drops it. */
function onCondition(
  context: HostContext,
  when: Condition,
  evidence: Evidence,
  lacking: readonly string[],
): RuleMatch {
  const { scope } = context
  const truth = when.evaluate(scope)
  if (evidence.code === 'warning')
    return truth === true
      ? { truth: 'warning', evidence, missing: lacking, unsure: false }
      : NO_MATCH
  if (truth === false) return NO_MATCH
  const unsure = truth === 'unknown' || isClouded(when, scope)
  const missing = unsure ? union(lacking, lacked(when.missing(scope))) : lacking
  return { truth, evidence, missing, unsure }
}

/** Both lists without repeats, sorted. */
export function union(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.length === 0) return b
  return b.length === 0 ? a : [...new Set([...a, ...b])].sort()
}
