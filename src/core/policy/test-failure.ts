/**
 * A failed case as an author needs it: expected and actual side by side, the rules that had a say, facts, a timeline.
 *
 * Facts are written as in a test file, to be copied. Text only; nothing is judged here.
 */
import { type EpochMs, formatInstant } from '../time.ts'
import {
  circumstances,
  flow,
  instantText,
  length,
  personMembers,
  strikeMembers,
  withInstants,
} from './cases/facts-yaml.ts'
import { explain, type RuleTrace } from './explain.ts'
import type { Plan } from './plan.ts'
import type { Difference } from './test-compare.ts'
import type { TestResult } from './test-run.ts'
import { drawTimeline } from './timeline.ts'
import type { TimelineOptions } from './timeline-draw.ts'

/** `name (struck, public, at 2026-01-31T00:00:00.000Z)`. */
export function titleOf({ name, combination, facts }: TestResult): string {
  return `${name} (${[...combination, `at ${formatInstant(facts.at)}`].join(', ')})`
}

/** Strikes of one host that are written out; a timeline shows the others. */
const MAX_STRIKES_SHOWN = 20

/** Lines under a failed case. Costs several evaluations. */
export function formatFailure(
  plan: Plan,
  result: TestResult,
  options: TimelineOptions = {},
): string {
  const { facts, differences } = result
  const width = Math.max(...differences.map(({ member }) => member.length))
  const trace = explain(plan, facts).trace.filter(
    ({ state, count }) => state !== 'not_matched' || (count !== null && count.n > 0),
  )
  const timeline = drawTimeline(plan, facts, { ...options, columns: (options.columns ?? 80) - 4 })
  const section = (name: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`  ${name}`, ...lines.map((line) => `    ${line}`.trimEnd())]
  return [
    ...differences.map((difference) => `  ${showDifference(difference, width)}`),
    ...section('rules', trace.map(showTrace)),
    ...section('facts', showFacts(result)),
    ...section('timeline', timeline),
  ].join('\n')
}

function showDifference({ member, expected, actual }: Difference, width: number): string {
  const [wanted, found] = [show(member, expected), show(member, actual)]
  return `${member.padEnd(width)}  expected ${wanted}, got ${found}`
}

const LENGTHS: ReadonlySet<string> = new Set(['retry_after', 'broadcast_delay', 'lease'])

/** A value as a test file writes it. */
function show(member: string, value: unknown): string {
  if (typeof value === 'number')
    return LENGTHS.has(member) ? flow(length(value)) : instantText(value as EpochMs)
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return flow(withInstants(value))
  return flow(value)
}

function showFacts({ facts }: TestResult): string[] {
  const people = facts.hosts.flatMap((host) => [
    `${host.subject}: ${flow(personMembers(host))}`,
    ...host.strikes
      .slice(0, MAX_STRIKES_SHOWN)
      .map((strike) => `  - ${flow(strikeMembers(strike))}`),
    ...(host.strikes.length > MAX_STRIKES_SHOWN
      ? [`  - ${host.strikes.length - MAX_STRIKES_SHOWN} strikes more`]
      : []),
  ])
  const around = Object.entries({ ...circumstances(facts), supports: facts.supports })
  return [...people, ...around.map(([name, value]) => `${name}: ${flow(value)}`)]
}

function showTrace(trace: RuleTrace): string {
  const host = trace.host === 0 ? '' : ` of co-host ${trace.host}`
  const parts = [`${trace.rule}${host}: ${trace.state.replace('_', ' ')}`]
  if (trace.when !== null) parts.push(`when is ${trace.when.truth}`)
  if (trace.count !== null) {
    const { n, at_least, strikes } = trace.count
    const ids = strikes.length > 8 ? [...strikes.slice(0, 8), '...'] : strikes
    parts.push(`counts ${n}${at_least === null ? '' : ` of ${at_least}`} [${ids.join(', ')}]`)
  }
  if (trace.missing.length > 0) parts.push(`lacks ${trace.missing.join(', ')}`)
  if (trace.exemptions.length > 0) parts.push(`exempted by ${trace.exemptions.join(', ')}`)
  return parts.join('; ')
}
