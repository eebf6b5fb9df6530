/**
 * Boundary cases as a test file: each person once, each case a line, what comes out as the evaluator says now.
 *
 * Cases that differ in their sentence only are written once. Printed and run, the file passes; that is a test.
 * Cases: boundaries.ts. Spec: docs/spec/policy.md, "Boundary cases".
 */
import { utf8 } from '../../encoding.ts'
import type { Decision, Facts, HostFacts, SubjectFacts } from '../../model.ts'
import { absentable } from '../cover/points.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan } from '../plan.ts'
import { expectationFrom, type WholeExpectation } from '../test-compare.ts'
import { MAX_TEST_FILE_BYTES } from '../test-file.ts'
import { boundaryProbes } from './boundaries.ts'
import {
  circumstances,
  flow,
  instant,
  length,
  personMembers,
  strikeMembers,
  textYaml,
  withInstants,
} from './facts-yaml.ts'
import type { Probe } from './ground.ts'

export interface BoundaryOptions {
  /** Path of the policy from where the file will lie. */
  readonly policy: string
  /** Ids of rules; all when null. */
  readonly rules: ReadonlySet<string> | null
}

export interface BoundaryFile {
  readonly text: string
  readonly cases: number
}

/** As many as a test file may have. */
const MAX_CASES = 5000

/** The file, or null when a test file could not hold it. */
export function boundaryFile(plan: Plan, options: BoundaryOptions): BoundaryFile | null {
  const people = createPeople()
  const told = new Told(plan)
  const lines = new Map<string, string>()
  for (const probe of boundaryProbes(plan, options.rules)) {
    const { key, line } = caseOf(plan, probe, people, told)
    if (!lines.has(key)) lines.set(key, line)
    if (lines.size > MAX_CASES) return null
  }
  const text = [
    `# Boundary cases of ${plan.name}, written by \`livegate policy test --boundaries\`: what the policy does on`,
    '# either side of every edge. Whether it should is for you to say: read them once, then keep them.',
    `policy: ${textYaml(options.policy)}`,
    'subjects:',
    ...people.lines(),
    'cases:',
    ...lines.values(),
    '',
  ].join('\n')
  return utf8(text).length > MAX_TEST_FILE_BYTES ? null : { text, cases: lines.size }
}

/** Ends of appeal and the lease are said once: what differs from case to case is told in every one. */
class Told {
  readonly #lease: number
  readonly #appeal = new Set<string>()
  #leaseTold = false
  /** Sets that are said even when they are empty, for elsewhere in the file they are not. */
  readonly always: { readonly [set in 'unknown' | 'exemptions' | 'warnings']: boolean }

  constructor({ lease_ms, rules, exemptions }: Plan) {
    this.#lease = lease_ms
    const conditions = [...rules, ...exemptions].flatMap(({ when }) => when ?? [])
    this.always = {
      unknown: conditions.some(({ facts }) => absentable(facts).length > 0),
      exemptions: exemptions.length > 0,
      warnings: rules.some(({ ladder }) => ladder?.some((step) => step.length === 'warn') ?? false),
    }
  }

  lease(value: number | 'none'): boolean {
    if (value === 'none') return false
    if (value === this.#lease && this.#leaseTold) return false
    this.#leaseTold = true
    return true
  }

  appeal(rules: readonly string[]): boolean {
    const news = rules.filter((rule) => !this.#appeal.has(rule))
    for (const rule of news) this.#appeal.add(rule)
    return news.length > 0
  }
}

interface People {
  /** The name of the person, who is written down once. */
  name(host: HostFacts): string
  lines(): string[]
}

function createPeople(): People {
  const names = new Map<string, string>()
  const lines: string[] = []
  return {
    name(host) {
      const members = flow(personMembers(host))
      const strikes = host.strikes.map((strike) => flow(strikeMembers(strike)))
      const key = [members, ...strikes].join('\n')
      const known = names.get(key)
      if (known !== undefined) return known
      const name = `p${names.size + 1}`
      names.set(key, name)
      if (strikes.length === 0) lines.push(`  ${name}: ${members}`)
      else
        lines.push(
          `  ${name}:`,
          ...Object.entries(personMembers(host)).map(
            ([member, value]) => `    ${member}: ${flow(value)}`,
          ),
          '    strikes:',
          ...strikes.map((strike) => `      - ${strike}`),
        )
      return name
    },
    lines: () => lines,
  }
}

function caseOf(
  plan: Plan,
  { name, facts }: Probe,
  people: People,
  told: Told,
): { readonly key: string; readonly line: string } {
  const [asking, ...others] = facts.hosts
  const { bare, own } = ownFacts(asking)
  const written: Facts = {
    ...facts,
    hosts: [bare, ...others.map((host) => ({ ...host, subject: people.name(host) }))],
  }
  const about = {
    subject: people.name(bare),
    at: instant(facts.at),
    ...(Object.keys(own).length === 0 ? {} : { facts: withInstants(own) }),
    ...circumstances(written),
    ...(facts.supports.length === 0 ? { supports: [] } : {}),
  }
  const expect = expectMembers(evaluate(plan, facts), facts.at, told)
  return { key: flow(about), line: `  - ${flow({ name, ...about, expect })}` }
}

/** Facts that change from case to case are written with the case; what is left is a person who asks often. */
function ownFacts(host: HostFacts): { readonly bare: HostFacts; readonly own: SubjectFacts } {
  return { bare: { ...host, facts: {} }, own: host.facts }
}

function expectMembers(actual: Decision, at: number, told: Told): Record<string, unknown> {
  const whole = expectationFrom(actual, at)
  const { outcome, mode, rules, until, not_before, review } = whole
  const some = (name: string, list: readonly unknown[], always = false): object =>
    list.length === 0 && !always ? {} : { [name]: list }
  return {
    outcome,
    ...(mode === undefined ? {} : { mode }),
    rules,
    ...(until === 'none' ? {} : { until: endYaml(until) }),
    ...(not_before === 'none' ? {} : { not_before: endYaml(not_before) }),
    ...some('unknown', whole.unknown, told.always.unknown),
    ...some('exemptions', whole.exemptions, told.always.exemptions),
    ...some('warnings', whole.warnings, told.always.warnings),
    ...some('obligations', whole.obligations),
    ...(whole.would === undefined ? {} : { would: whole.would }),
    ...some('not_enforced', whole.not_enforced ?? []),
    ...(review === 'none' ? {} : { review: withInstants(review) }),
    ...lengths(whole, told),
    ...byRule(whole, told),
  }
}

function endYaml(end: WholeExpectation['until']): unknown {
  return typeof end === 'number' ? instant(end) : end
}

function lengths({ retry_after, broadcast_delay, lease }: WholeExpectation, told: Told): object {
  return {
    ...(retry_after === 'none' ? {} : { retry_after: length(retry_after) }),
    ...(broadcast_delay === 'none' ? {} : { broadcast_delay: length(broadcast_delay) }),
    ...(lease !== 'none' && told.lease(lease) ? { lease: length(lease) } : {}),
  }
}

/** Ends by rule, unless the only one is said already. */
function byRule({ ends, appeal, until, not_before }: WholeExpectation, told: Told): object {
  const all = Object.entries(ends)
  const said = all.length === 1 && (all[0]?.[1] === until || all[0]?.[1] === not_before)
  const named = (entries: readonly (readonly [string, WholeExpectation['until']])[]): object =>
    Object.fromEntries(entries.map(([rule, end]) => [rule, endYaml(end)]))
  const appeals = Object.entries(appeal)
  return {
    ...(all.length === 0 || said ? {} : { ends: named(all) }),
    ...(told.appeal(appeals.map(([rule]) => rule)) ? { appeal: named(appeals) } : {}),
  }
}
