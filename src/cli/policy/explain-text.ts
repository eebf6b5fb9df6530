/**
 * An explanation as lines for a moderator, from the JSON the gate writes: offline and online read alike.
 *
 * Members that an older gate does not send are simply not told.
 */

import { span } from '../../core/policy/diff/words.ts'
import type { RuleTrace } from '../../core/policy/explain.ts'
import { parseInstant, SECOND_MS } from '../../core/time.ts'
import { jsonText } from '../session.ts'

/** As `POST /v1/explanations` answers. */
export interface Explained extends AnswerJson {
  readonly would?: AnswerJson & { readonly rules: readonly OfRule[] }
  readonly at?: string
  readonly reasons?: readonly (OfRule & { readonly code: string })[]
  readonly unknown?: readonly (OfRule & { readonly facts: readonly string[] })[]
  readonly trace?: readonly RuleTrace[]
  readonly eligible_at?: string | null
  readonly eligible_reason?: string
  readonly near?: readonly NearJson[]
  readonly settles?: readonly SettleJson[]
  readonly changes?: readonly (ChangeJson & AnswerJson)[]
  readonly incomplete?: readonly { readonly kind: string; readonly why: string }[]
  readonly sentence?: Readonly<Record<string, string>>
}

interface OfRule {
  readonly rule: string
  readonly host?: number
}

interface AnswerJson {
  readonly outcome?: string
  readonly mode?: string
  readonly until?: string
  readonly not_before?: string
  readonly retry_after?: number
  readonly broadcast_delay_s?: number
  readonly queue?: string
  readonly obligations?: readonly { readonly type: string }[]
}

type Value = number | string | boolean | readonly string[]

interface ChangeJson {
  readonly kind: string
  readonly host?: number
  readonly at?: string
  readonly fact?: string
  readonly from?: Value
  readonly to?: Value
  readonly strike?: string
  readonly one_more?: {
    readonly category: string
    readonly severity: string
    readonly weight: number
    readonly scope: string
    readonly context?: string
    readonly source?: { readonly kind: string; readonly system: string }
  }
}

interface NearJson {
  readonly rule: string
  readonly host?: number
  readonly away: string
  readonly matches: boolean
  readonly have?: number
  readonly need?: number
  readonly edge?: { readonly fact: string; readonly after_ms: number }
  readonly change: ChangeJson
}

interface SettleJson {
  readonly fact: string
  readonly host?: number
  readonly strike?: string
  readonly rules: readonly string[]
  readonly ways: readonly (AnswerJson & { readonly value: Value })[]
}

/** Lines without colour. */
export function explainLines(value: Explained): string[] {
  const { reasons = [], unknown = [], trace = [], eligible_at, eligible_reason } = value
  const { changes = [], near = [], settles = [], sentence = {} } = value
  const never = `never by waiting (${eligible_reason ?? 'no reason given'})`
  return [
    answerText(value),
    ...sparedText(value.would),
    ...reasons.map(({ rule, host, code }) => `  because of ${rule}${ofHost(host)}: ${code}`),
    ...unknown.map(
      ({ rule, host, facts }) => `  unknown for ${rule}${ofHost(host)}: ${facts.join(', ')}`,
    ),
    `may go live: ${eligible_at ?? never}`,
    ...section('would change it', [
      ...changes.map((change) => `${changeText(change, value.at)}: ${answerText(change)}`),
    ]),
    ...section('would settle it', settles.flatMap(settleLines)),
    ...section(
      'nearly',
      near.map((one) => nearText(one, value)),
    ),
    ...section('rules', trace.map(traceLine)),
    ...section('not looked through', (value.incomplete ?? []).map(incompleteText)),
    ...section(
      'to the person',
      Object.entries(sentence).map(([language, text]) => `${language}: ${text}`),
    ),
  ]
}

/** What would have been, and by what, where not everything is enforced. */
function sparedText(would: Explained['would']): readonly string[] {
  if (would === undefined) return []
  const rules = would.rules.map(({ rule, host }) => `${rule}${ofHost(host)}`)
  return [`  not enforced: ${answerText(would)}, by ${rules.join(', ')}`]
}

function section(name: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${name}:`, ...lines.map((line) => `  ${line}`)]
}

/** `deny until …`, `delay hold not before …`, `allow, audience_cap`. */
export function answerText(answer: AnswerJson): string {
  const { outcome = '?', mode, until, not_before, retry_after, queue, obligations = [] } = answer
  const { broadcast_delay_s } = answer
  const main = [outcome, mode, until && `until ${until}`, not_before && `not before ${not_before}`]
  const parts = [
    main.filter((part) => part).join(' '),
    queue && `review by ${queue}`,
    retry_after === undefined ? '' : `again after ${retry_after} s`,
    broadcast_delay_s === undefined ? '' : `tape delay ${broadcast_delay_s} s`,
    obligations.map(({ type }) => type).join(', '),
  ]
  return parts.filter((part) => part).join(', ')
}

function changeText(change: ChangeJson, now: string | undefined): string {
  const { kind, at, strike, fact, one_more } = change
  const whose = ofHost(change.host)
  if (kind === 'later') return `${waitText(now, at)} (${at})`
  if (kind === 'reversed') return `strike ${strike}${whose} reversed`
  if (kind === 'struck') return `one strike more (${strikeText(one_more)})`
  if (kind === 'fact') return `${fact}${whose} ${apartText(change)}`
  return kind
}

function ofHost(host: number | undefined): string {
  return host === undefined ? '' : ` of co-host ${host}`
}

function waitText(now: string | undefined, at: string | undefined): string {
  const wait = lengthBetween(now, at)
  return wait === null ? 'later' : `in ${wait}`
}

function lengthBetween(from: string | undefined, to: string | undefined): string | null {
  const [a, b] = [from, to].map((text) => (text === undefined ? null : parseInstant(text)))
  return a?.ok && b?.ok ? span(b.value - a.value) : null
}

function strikeText(strike: ChangeJson['one_more']): string {
  if (strike === undefined) return '?'
  const { category, severity, weight, scope, context, source } = strike
  const parts = [
    `${category} ${severity}`,
    weight === 1 ? '' : `weight ${weight}`,
    scope === 'any' ? '' : `scope ${scope}`,
    context === undefined ? '' : `context ${context}`,
    source === undefined ? '' : `from ${source.kind} ${source.system}`,
  ]
  return parts.filter((part) => part !== '').join(', ')
}

function valueText(value: Value | undefined): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  return value === undefined ? 'unknown' : typeof value === 'string' ? value : jsonText(value)
}

/** A fact and what each way of it would give: numbers and instants in stretches, other values by themselves. */
function settleLines({ fact, host, strike, rules, ways }: SettleJson): string[] {
  const whose = strike === undefined ? ofHost(host) : ` of strike ${strike}${ofHost(host)}`
  const isOrdered = ways.every(({ value }) => typeof value === 'number' || isInstant(value))
  return [
    `${fact}${whose}, lacking for ${rules.join(', ')}:`,
    ...ways.map((way, i) => {
      const next = ways[i + 1]
      const when = isOrdered ? stretch(i, way.value, next?.value) : valueText(way.value)
      return `  ${when}: ${answerText(way)}`
    }),
  ]
}

function isInstant(value: Value): boolean {
  return typeof value === 'string' && value.length > 10 && parseInstant(value).ok
}

function stretch(i: number, value: Value, next: Value | undefined): string {
  if (next === undefined) return i === 0 ? 'whatever it is' : `from ${valueText(value)}`
  return i === 0
    ? `below ${valueText(next)}`
    : `from ${valueText(value)} to below ${valueText(next)}`
}

function nearText(near: NearJson, { at, trace = [] }: Explained): string {
  const { rule, away, change, have, need } = near
  const name = `${rule}${ofHost(near.host)}`
  const count = trace.find((one) => one.rule === rule)?.count ?? null
  const more = `one more (${strikeText(change.one_more)})`
  if (away === 'strike') {
    const what = count?.at_least === null && count.weight_at_least !== null ? 'weight' : 'strikes'
    const counted = have === undefined ? '' : `${have} of ${need} ${what}; `
    return `${name}: ${counted}${more} and it matches`
  }
  if (away === 'step') {
    const step = count?.next_step
    const length = step == null ? 'more' : lengthText(step.length)
    return `${name}: strike ${need} (${strikeText(change.one_more)}) would open ${length}`
  }
  if (away === 'fact') return `${name}: matches with ${change.fact} ${apartText(change)}`
  const wait = lengthBetween(at, change.at) ?? 'a time'
  return `${name}: ${near.matches ? 'matches in' : 'ends in'} ${wait}, ${edgeText(near)}`
}

/** `999, 4001 less than 5000`; `2026-…, 2h 14m before 2026-…`; `public, not private`. */
function apartText({ from, to }: ChangeJson): string {
  if (typeof from === 'number' && typeof to === 'number')
    return `${to}, ${Math.abs(to - from)} ${to < from ? 'less' : 'more'} than ${from}`
  if (from === undefined || to === undefined || !isInstant(from) || !isInstant(to))
    return `${valueText(to)}, not ${valueText(from)}`
  const later = to > from
  const apart = lengthBetween(String(later ? from : to), String(later ? to : from))
  return `${valueText(to)}, ${apart} ${later ? 'after' : 'before'} ${valueText(from)}`
}

function edgeText({ edge, change }: NearJson): string {
  if (edge === undefined) return `at ${change.at}`
  if (edge.after_ms === 0) return `at ${edge.fact}`
  const length = span(Math.abs(edge.after_ms))
  return `when ${edge.fact} is ${length} ${edge.after_ms > 0 ? 'old' : 'ahead'}`
}

function lengthText(length: number | string): string {
  return typeof length === 'number' ? span(length * SECOND_MS) : length
}

const KINDS: Readonly<Record<string, string>> = {
  later: 'later instants',
  fact: 'values of facts',
  reversed: 'reversals',
  struck: 'kinds of strikes',
  unknown: 'unknown facts',
  near: 'rules that nearly match',
}

function incompleteText({ kind, why }: { readonly kind: string; readonly why: string }): string {
  return `${KINDS[kind] ?? kind}: ${why === 'listed' ? 'more than are listed' : 'too many'}`
}

function traceLine(trace: RuleTrace): string {
  const { rule, host, state, when, count, exemptions, missing } = trace
  const parts = [`${rule}${ofHost(host)}: ${state.replace('_', ' ')}`]
  if (count !== null) parts.push(`counted ${count.n} (${few(count.strikes)})`)
  if (when !== null) parts.push(`when ${String(when.truth)}`)
  if (exemptions.length > 0) parts.push(`lifted by ${exemptions.join(', ')}`)
  if (missing.length > 0) parts.push(`lacking ${missing.join(', ')}`)
  return parts.join('; ')
}

const FEW = 12

function few(ids: readonly string[]): string {
  if (ids.length === 0) return 'no strikes'
  const more = ids.length - FEW
  return more > 0 ? `${ids.slice(0, FEW).join(', ')} and ${more} more` : ids.join(', ')
}
