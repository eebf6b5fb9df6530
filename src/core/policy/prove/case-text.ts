/**
 * Facts and what is expected of them as a test file, so that a counterexample can be kept beside its policy and run.
 *
 * Says only what is not as a test file has it anyway. Read back by test-file.ts, it gives the same facts.
 */
import type { Facts, HostFacts, Strike } from '../../model.ts'
import { epochMs, formatInstant, isEpochMs } from '../../time.ts'
import type { Expectation } from '../test-file.ts'

export interface WrittenCase {
  readonly name: string
  readonly facts: Facts
  readonly expect: Expectation
  /** One sentence, written above it. */
  readonly says?: string
}

/** The text of a test file for the policy at `policy`, a path from the test file's folder. */
export function testFileText(policy: string, cases: readonly WrittenCase[]): string {
  const subjects: string[] = []
  const written: string[] = []
  cases.forEach(({ name, facts, expect, says }, index) => {
    const label = `someone_${index + 1}`
    const others = facts.hosts.slice(1).map((_, i) => `${label}_host_${i + 1}`)
    facts.hosts.forEach((host, i) => {
      subjects.push(...subjectLines(i === 0 ? label : (others[i - 1] ?? label), host))
    })
    if (says !== undefined) written.push(`  # ${oneLine(says)}`)
    written.push(...caseLines({ name, facts, expect, label, others }))
  })
  const head = [`policy: ${flow(policy)}`, 'subjects:', ...subjects, 'cases:', ...written]
  return `${head.join('\n')}\n`
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}

function subjectLines(label: string, host: HostFacts): string[] {
  const lines = [`  ${label}:`, `    facts: ${flow({ ...host.facts })}`]
  if (host.open_broadcasts > 0) lines.push(`    open_broadcasts: ${host.open_broadcasts}`)
  if (host.bucket !== undefined) lines.push(`    bucket: ${host.bucket}`)
  if (host.strikes.length > 0) lines.push('    strikes:')
  for (const strike of host.strikes) lines.push(`      - ${flow(strikeMembers(strike))}`)
  return lines
}

function strikeMembers(strike: Strike): object {
  const {
    id,
    category,
    severity,
    issued_at,
    effective_at,
    subject: _,
    weight,
    scope,
    status,
    ...rest
  } = strike
  return {
    id,
    category,
    severity,
    issued_at,
    ...(effective_at === issued_at ? {} : { received_at: effective_at }),
    ...(weight === 1 ? {} : { weight }),
    ...(scope === 'any' ? {} : { scope }),
    ...(status === 'active' ? {} : { status }),
    ...rest,
  }
}

interface Written extends WrittenCase {
  readonly label: string
  readonly others: readonly string[]
}

function caseLines({ name, facts, expect, label, others }: Written): string[] {
  const { at, stream, request, incident, platform } = facts
  const [{ holds, reviews }] = facts.hosts
  const told = { ...stream, ...(others.length === 0 ? {} : { hosts: others }) }
  const members: Record<string, unknown> = { at }
  if (Object.keys(told).length > 0) members.stream = told
  if (Object.keys(request).length > 0) members.request = request
  if (incident.active || Object.keys(incident).length > 1) members.incident = incident
  if (Object.keys(platform).length > 0) members.platform = platform
  if (facts.enforce !== undefined) members.enforce = facts.enforce
  if (holds.length > 0) members.holds = holds
  if (reviews.length > 0) members.reviews = reviews
  return [
    `  - name: ${flow(oneLine(name).slice(0, 300))}`,
    `    subject: ${label}`,
    ...Object.entries(members).map(([key, value]) => `    ${key}: ${flow(value, key)}`),
    `    expect: ${flow(expect)}`,
  ]
}

const INSTANTS: ReadonlySet<string> = new Set(['at', 'until', 'not_before'])
const PLAIN = /^(?!(?:true|false|null)$)[a-z_][a-z0-9_.-]*$/i

/** YAML on one line. */
function flow(value: unknown, key = ''): string {
  if (Array.isArray(value)) return `[${value.map((item) => flow(item)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    if (members.length === 0) return '{}'
    return `{ ${members.map(([name, member]) => `${name}: ${flow(member, name)}`).join(', ')} }`
  }
  if (typeof value === 'number' && (INSTANTS.has(key) || key.endsWith('_at')) && isEpochMs(value))
    return formatInstant(epochMs(value)).replace('.000Z', 'Z')
  if (typeof value === 'string') return PLAIN.test(value) ? value : JSON.stringify(value)
  return String(value)
}
