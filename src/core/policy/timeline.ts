/**
 * A history drawn as lines of text: strikes as marks, what each rule made of them as bars, and where now is.
 *
 * Everything drawn is asked of the evaluator at the strikes' own instants, so a bar is what was in force then. For
 * people at a screen; the failing case of a test and an explanation show it. How it is drawn: timeline-draw.ts.
 */
import { HOLD_USABLE_MS } from '../limits.ts'
import type { Facts, HostFacts } from '../model.ts'
import { addMs, type EpochMs, epochMs } from '../time.ts'
import { FACTS } from './environment.ts'
import { hostContext, matchRule } from './evaluate-rule.ts'
import { holdState } from './holds.ts'
import type { Plan, RulePlan } from './plan.ts'
import { askedShare, isAmong } from './rollout.ts'
import { draw, type Lane, type Mark, shortInstant, type TimelineOptions } from './timeline-draw.ts'

/** Instants of one host that rules are asked at: more strikes than columns cannot be told apart anyway. */
const MAX_ASKED = 256

/**
 * The timeline of every host, at most `columns` wide; no line when nothing happened and nothing will.
 * Costs an evaluation for each strike, of at most 256.
 */
export function drawTimeline(plan: Plan, facts: Facts, options: TimelineOptions = {}): string[] {
  const lanes = facts.hosts.flatMap((host, index) => {
    const own = lanesOf(plan, facts, index, host)
    const named = ({ label, ...lane }: Lane): Lane => ({
      label: `${host.subject}: ${label}`,
      ...lane,
    })
    return facts.hosts.length === 1 ? own : own.map(named)
  })
  const conditions = facts.hosts.flatMap((host, index) => conditionLanes(plan, facts, index, host))
  return draw(lanes, conditions, facts.at, options)
}

function lanesOf(plan: Plan, facts: Facts, index: number, host: HostFacts): Lane[] {
  const asked = instantsOf(host, facts.at)
  const lanes = plan.rules.flatMap((rule) => {
    const counted = rule.count === null ? null : countedLane(plan, facts, index, rule, asked)
    const delayed = delayLane(plan, facts, index, rule)
    const enforced = isAmong(Math.min(askedShare(facts), rule.share), host.bucket)
    const drawn = [counted, delayed].filter((lane) => lane !== null)
    return enforced ? drawn : drawn.map(spared)
  })
  return host.strikes.length === 0 ? lanes : [strikesLane(host, facts.at), ...lanes]
}

function spared({ note, ...lane }: Lane): Lane {
  return { ...lane, note: note === '' ? 'not enforced' : `${note}, not enforced` }
}

/** Distinct instants of strikes up to now, evenly thinned out to the last of each stretch. */
function instantsOf({ strikes }: HostFacts, at: EpochMs): EpochMs[] {
  const all = [...new Set(strikes.map(({ effective_at }) => effective_at))]
    .filter((instant) => instant <= at)
    .sort((a, b) => a - b)
  const first = all[0]
  if (all.length <= MAX_ASKED || first === undefined) return all
  const stretch = Math.ceil((at - first + 1) / MAX_ASKED)
  const last = new Map(all.map((instant) => [Math.floor((instant - first) / stretch), instant]))
  return [...last.values()]
}

function strikesLane({ strikes }: HostFacts, at: EpochMs): Lane {
  const marks = strikes.map(({ status, effective_at }): Mark => {
    const sign = status === 'reversed' ? 'gone' : effective_at > at ? 'later' : 'strike'
    return { at: effective_at, sign }
  })
  const count = (sign: Mark['sign']): number => marks.filter((mark) => mark.sign === sign).length
  const parts = [
    [count('strike'), count('strike') === 1 ? 'strike' : 'strikes'],
    [count('gone'), 'reversed'],
    [count('later'), 'later'],
  ] as const
  const note = parts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`)
  return { label: 'strikes', spans: [], marks, note: note.join(', ') }
}

/** Stretches in which the rule's strikes made it match, each begun by the strike that opened it. */
function countedLane(
  plan: Plan,
  facts: Facts,
  index: number,
  rule: RulePlan,
  asked: readonly EpochMs[],
): Lane | null {
  const bare: RulePlan = { ...rule, when: null }
  const spans: Lane['spans'][number][] = []
  const marks: Mark[] = []
  const at = (instant: EpochMs): ReturnType<typeof matchRule>['evidence'] => {
    const then = { ...facts, at: instant }
    const host = then.hosts[index]
    if (host === undefined) return null
    return matchRule(hostContext(plan, then, index, host), bare).evidence
  }
  for (const instant of asked) {
    const evidence = at(instant)
    if (evidence === null) continue
    const { opening, count, until } = evidence
    if (opening?.effective_at === instant && count !== null)
      marks.push({ at: instant, sign: count < 10 ? String(count) : '+' })
    if (evidence.code === 'warning' || until === null) continue
    spans.push({ from: instant, until: until === 'forever' ? Number.POSITIVE_INFINITY : until })
  }
  if (spans.length === 0 && marks.length === 0) return null
  const now = at(facts.at)
  return { label: rule.id, spans, marks, note: noteOf(now, spans) }
}

function noteOf(
  now: { readonly code: string; readonly until: EpochMs | 'forever' | null } | null,
  spans: Lane['spans'],
): string {
  if (now?.code === 'warning') return 'warning'
  if (now?.until === 'forever') return 'for ever'
  if (now !== null && now.until !== null) return `until ${shortInstant(now.until)}`
  const last = Math.max(...spans.map(({ until }) => until))
  return Number.isFinite(last) ? `over since ${shortInstant(epochMs(last))}` : 'over'
}

/** Holds that were asked for, with their usable hour, and the words of reviewers. */
function delayLane(plan: Plan, facts: Facts, index: number, rule: RulePlan): Lane | null {
  const host = facts.hosts[index]
  if (host === undefined) return null
  const marks = host.reviews
    .filter((review) => review.rule === rule.id && review.at <= facts.at)
    .map(({ at, result }): Mark => ({ at, sign: result === 'released' ? 'yes' : 'gone' }))
  const { hold } = rule
  const asked = hold === null ? [] : host.holds.filter((fact) => fact.rule === rule.id)
  if (hold === null || asked.length === 0) {
    const opens =
      hold !== null && matchRule(hostContext(plan, facts, index, host), rule).truth === true
    if (!opens && marks.length === 0) return null
    const spans = opens ? [{ from: facts.at, until: addMs(facts.at, hold) }] : []
    const last = spans[0]
    const note = last === undefined ? 'reviewed' : `hold until ${shortInstant(last.until)}`
    return { label: rule.id, spans, marks, note }
  }
  const spans = asked.flatMap(({ first_asked_at }): Lane['spans'] => {
    const ends = addMs(first_asked_at, hold)
    return [
      { from: first_asked_at, until: ends },
      { from: ends, until: addMs(ends, HOLD_USABLE_MS), faint: true },
    ]
  })
  const { satisfied, not_before } = holdState({ rule: rule.id, hold, at: facts.at }, host.holds)
  const note = satisfied ? 'hold over, usable' : `hold until ${shortInstant(not_before)}`
  return { label: rule.id, spans, marks, note }
}

/** Where a comparison of now with a fact makes a rule's condition true. */
function conditionLanes(plan: Plan, facts: Facts, index: number, host: HostFacts): Lane[] {
  const truthAt = (rule: RulePlan, at: number): boolean => {
    const { scope } = hostContext(plan, { ...facts, at: epochMs(at) }, index, host)
    return rule.when?.evaluate(scope) === true
  }
  const { scope } = hostContext(plan, facts, index, host)
  return plan.rules.flatMap((rule) => {
    const edges = (rule.when?.edges ?? []).flatMap(({ path, offset_ms }) => {
      const base = path === null ? 0 : FACTS.get(path)?.read(scope, undefined)
      return typeof base === 'number' ? [base + offset_ms, base + offset_ms + 1] : []
    })
    const known = [...new Set(edges)].filter((at) => addMs(facts.at, at - facts.at) === at)
    const sorted = known.sort((a, b) => a - b)
    const first = sorted[0]
    if (first === undefined) return []
    const turns = [addMs(epochMs(first), -1), ...sorted]
    const spans = turns.flatMap((from, i) => {
      const until = turns[i + 1] ?? Number.POSITIVE_INFINITY
      const begin = i === 0 ? Number.NEGATIVE_INFINITY : from
      return truthAt(rule, from) ? [{ from: begin, until }] : []
    })
    const state = truthAt(rule, facts.at) ? 'true' : 'false'
    return [{ label: `${rule.id}: when`, spans, marks: [], note: state }]
  })
}
