/**
 * A ladder under several revisions at once: each strike opens the shortest of what the forms give it.
 *
 * Only rules that inherit come here; all others are ladder.ts alone. Earlier forms are asked only while a restriction
 * runs, or a warning stands, that a strike of their time opened: they can do no more than shorten it. What an `unless` of
 * theirs reads are the facts of now, like everything a decision sees.
 * Spec: docs/spec/policy.md, "Fairness in time". The forms are made by inherit.ts.
 */
import { type Standing, standing } from '../standing/standing.ts'
import type { EpochMs } from '../time.ts'
import { exitOf, groups, type Selection, select } from './count.ts'
import type { HostContext } from './evaluate-rule.ts'
import type { LadderRule } from './inherit-forms.ts'
import {
  countedAt,
  lengthRank,
  NOTHING,
  numbering,
  type Opening,
  stepFor,
  WARNS,
} from './ladder.ts'
import type { Counting, EarlierForm, Inherited, LadderStep } from './plan.ts'

/** What earlier revisions left of the length a strike has by the rule as it is now. */
export interface Kept {
  /** The revision that gave the least; if the rule was not there then, `length` is null. */
  readonly revision: number
  readonly length: LadderStep['length'] | null
  readonly instead: LadderStep['length']
}

/** The restriction (or warning) of one strike. */
export interface KeptOpening extends Opening {
  /** Null: nothing is left of it. */
  readonly length: LadderStep['length'] | null
  readonly kept: Kept | null
}

/** What a rule with a ladder opened, strike by strike. */
export interface KeptLadder {
  /** Of the strikes this plan of the rule is for; runs or warns now, or would without earlier revisions. */
  readonly openings: readonly KeptOpening[]
  /** Facts an `unless` lacked, sorted. */
  readonly missing: readonly string[]
  /** Ids of the strikes the opening relies on, unsorted, and their number under the form that decided. */
  readonly reliedOn: (opening: KeptOpening) => { readonly ids: Set<string>; readonly n: number }
}

/** One form with the standing it counts in. */
interface Counted {
  readonly table: Standing
  readonly rows: readonly number[]
  readonly within: number | null
  readonly group_within: number
  readonly missing: readonly string[]
  /** Number by strike; 0 = not counted. */
  readonly numberOf: ReadonlyMap<string, number>
}

const NONE: Inherited = {
  ...{ absent: null, forms: [], milder: [] },
  from: Number.NEGATIVE_INFINITY,
  before: Number.POSITIVE_INFINITY,
}

/** Every opening of `rule` that runs, warns or was cut off. `selection` is what it selects ever. Linear in strikes and forms. */
export function keptLadder(
  context: HostContext,
  rule: LadderRule,
  selection: Selection,
): KeptLadder {
  const { table } = context
  const inherited = rule.inherited ?? NONE
  const { count, ladder } = rule
  const cap = highestStep(ladder, inherited.forms)
  const countings = new Map<Counting | null, Counted>()
  const countedBy = (counting: Counting | null): Counted => {
    const known = countings.get(counting)
    if (known !== undefined) return known
    const { strikes } = counting ?? context.plan
    const at = counting === null ? table : tableUnder(context, strikes)
    const own = counting?.count ?? count
    const chosen = counting === null ? selection : select(own, at, 'ever', context.scope)
    const made = countUp(at, chosen, { strikes, count: own }, cap)
    countings.set(counting, made)
    return made
  }
  const now = countedBy(null)
  const openings: KeptOpening[] = []
  for (const row of now.rows) {
    const from = table.effective[row] as EpochMs
    if (from < inherited.from || from >= inherited.before) continue
    const id = table.strikes[row]?.id ?? ''
    const n = now.numberOf.get(id) ?? 0
    const instead = stepFor(ladder, n)?.length ?? null
    const exit = exitOf(count, table, row)
    if (instead === null || endOf(instead, from, exit) <= table.at) continue
    const [length, form] = leastOf(inherited, { id, from, instead, countedBy })
    const kept = form === null ? null : { revision: form.revision, length, instead }
    openings.push({
      ...{ row, n, from, until: endOf(length, from, exit), warns: length === 'warn' },
      length,
      kept,
    })
  }
  const missing = [...new Set([...countings.values()].flatMap((one) => one.missing))].sort()
  return { openings, missing, reliedOn: (one) => reliedOn(table, inherited, one, countedBy) }
}

type CountedBy = (counting: Counting | null) => Counted

interface Asked {
  readonly id: string
  readonly from: EpochMs
  readonly instead: LadderStep['length']
  readonly countedBy: CountedBy
}

/** The shortest length, and what gave it when that is not the rule as it is now. */
function leastOf(
  { absent, forms }: Inherited,
  { id, from, instead, countedBy }: Asked,
): readonly [LadderStep['length'] | null, { readonly revision: number } | null] {
  if (absent !== null && from < absent.until) return [null, absent]
  let least: readonly [LadderStep['length'] | null, EarlierForm | null] = [instead, null]
  for (const form of forms) {
    if (from >= form.until) break
    const n = countedBy(form.counting).numberOf.get(id) ?? 0
    const length = stepFor(form.steps, n)?.length ?? null
    if (lengthRank(length) < lengthRank(least[0])) least = [length, form]
  }
  return least
}

/** Infinity = forever; a warning ends when its strike no longer counts. */
function endOf(length: LadderStep['length'] | null, from: EpochMs, exit: number): number {
  const rank = lengthRank(length)
  if (rank === NOTHING) return Number.NEGATIVE_INFINITY
  return rank === WARNS ? exit : from + rank
}

function highestStep(ladder: readonly LadderStep[], forms: readonly EarlierForm[]): number {
  const lasts = [ladder, ...forms.map(({ steps }) => steps)].map((steps) => steps.at(-1)?.at ?? 0)
  return Math.max(...lasts)
}

function countUp(
  table: Standing,
  { rows, missing }: Selection,
  { strikes, count }: Counting,
  cap: number,
): Counted {
  const { within } = count
  const { group_within } = strikes
  const numbers = numbering({ within, group_within }, table, rows, cap)
  const numberOf = new Map<string, number>()
  rows.forEach((row, p) => {
    numberOf.set(table.strikes[row]?.id ?? '', numbers[p] as number)
  })
  return { table, rows, within, group_within, missing, numberOf }
}

/** One fold for all rules whose earlier revisions had the same `strikes`. */
function tableUnder(
  { plan, facts, host, table, tables }: HostContext,
  strikes: Counting['strikes'],
): Standing {
  if (strikes === plan.strikes) return table
  const known = tables?.get(strikes)
  if (known !== undefined) return known
  const folded = standing(host.strikes, facts.at, strikes)
  tables?.set(strikes, folded)
  return folded
}

/** The length depends on all that any form counted, so a reversal of any of them may shorten it. */
function reliedOn(
  table: Standing,
  { forms }: Inherited,
  { row, from, kept }: KeptOpening,
  countedBy: CountedBy,
): { readonly ids: Set<string>; readonly n: number } {
  const ids = new Set<string>()
  const id = table.strikes[row]?.id
  const tell = (counted: Counted): number => {
    const own = counted.table.strikes.findIndex((strike) => strike.id === id)
    if (own < 0) return 0
    const rows = countedAt(counted, counted.table, counted.rows, own)
    for (const one of rows) ids.add(counted.table.strikes[one]?.id ?? '')
    return groups(counted.table, rows, counted.group_within)
  }
  let n = tell(countedBy(null))
  for (const form of forms) {
    if (from >= form.until) break
    const told = tell(countedBy(form.counting))
    if (form.revision === kept?.revision) n = told
  }
  return { ids, n }
}
