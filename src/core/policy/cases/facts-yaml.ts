/**
 * Facts as a test file writes them, so that what a failing case shows and what is generated can be copied into one.
 *
 * Writes the flow style of YAML with short instants; only what differs from what a test file takes for granted.
 * Spec: docs/spec/policy.md, "Tests".
 */
import type { Facts, HostFacts, Strike } from '../../model.ts'
import {
  type DurationMs,
  type EpochMs,
  formatDuration,
  formatInstant,
  isEpochMs,
} from '../../time.ts'

/** A value that is written as it stands. */
export interface Raw {
  readonly raw: string
}

/** An instant, as short as it reads back. */
export function instantText(at: EpochMs): string {
  const text = formatInstant(at)
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.replace('.000Z', 'Z')
}

/** An instant as YAML. */
export function instant(at: EpochMs): Raw {
  return { raw: instantText(at) }
}

/** A length, `30d`. */
export function length(ms: number): Raw {
  return { raw: formatDuration(ms as DurationMs) }
}

/** Words YAML reads as themselves and as text. */
const PLAIN = /^(\.{1,2}\/)?[\p{L}_][\p{L}\p{M}\p{N}_./-]*$/u
const NOT_TEXT = /^(true|false|null|yes|no|on|off|y|n|\.?inf|\.?nan)$/i

/** A text as YAML: bare where that is safe, in quotes otherwise. JSON's quotes are YAML's. */
export function textYaml(text: string): string {
  if (PLAIN.test(text) && !NOT_TEXT.test(text)) return text
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Any value in flow style; members that are undefined are left out. */
export function flow(value: unknown): string {
  if (typeof value === 'string') return textYaml(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if ('raw' in value) return String(value.raw)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  if (members.length === 0) return '{}'
  return `{ ${members.map(([key, member]) => `${textYaml(key)}: ${flow(member)}`).join(', ')} }`
}

const INSTANTS: ReadonlySet<string> = new Set(['at', 'by'])

/** Members with their instants as instants. */
export function withInstants(members: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).map(([key, value]) => [
      key,
      (INSTANTS.has(key) || key.endsWith('_at')) && isEpochMs(value) ? instant(value) : value,
    ]),
  )
}

/** A strike without what is taken for granted. */
export function strikeMembers(strike: Strike): Record<string, unknown> {
  const {
    subject: _,
    effective_at,
    weight,
    scope,
    status,
    id,
    category,
    severity,
    ...rest
  } = strike
  const received = effective_at === strike.issued_at ? {} : { received_at: effective_at }
  return withInstants({
    id,
    category,
    severity,
    ...rest,
    ...received,
    ...(weight === 1 ? {} : { weight }),
    ...(scope === 'any' ? {} : { scope }),
    ...(status === 'active' ? {} : { status }),
  })
}

/** A person as under `subjects`, strikes left out. */
export function personMembers(host: HostFacts): Record<string, unknown> {
  const { facts, open_broadcasts, bucket } = host
  return {
    ...(bucket === undefined ? {} : { bucket }),
    ...(Object.keys(facts).length === 0 ? {} : { facts: withInstants(facts) }),
    ...(open_broadcasts === 0 ? {} : { open_broadcasts }),
  }
}

/** What a case says beside its subject and instant. */
export function circumstances(facts: Facts): Record<string, unknown> {
  const { stream, request, incident, platform, hosts } = facts
  const [first, ...others] = hosts
  const broadcast = {
    ...stream,
    ...(others.length === 0 ? {} : { hosts: others.map(({ subject }) => subject) }),
  }
  const filled = (name: string, members: object): object =>
    Object.keys(members).length === 0 ? {} : { [name]: members }
  return {
    ...filled('stream', broadcast),
    ...filled('request', request),
    ...(incident.active || Object.keys(incident).length > 1 ? { incident } : {}),
    ...filled('platform', platform),
    ...(facts.enforce === undefined ? {} : { enforce: facts.enforce }),
    ...(first.holds.length === 0 ? {} : { holds: first.holds.map(withInstants) }),
    ...(first.reviews.length === 0 ? {} : { reviews: first.reviews.map(withInstants) }),
  }
}
