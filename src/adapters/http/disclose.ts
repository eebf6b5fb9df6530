/**
 * Which disclosure groups of a record a caller gets to see.
 *
 * The one who asked sees what it said and what was answered; an auditor sees the facts too, and the group `subject` only
 * with scope `identity`. Facts name hosts by pseudonym, so scope `audit` by itself names nobody.
 * Spec: docs/spec/record.md, "Groups".
 */
import { fromBase64Url, fromUtf8 } from '../../core/encoding.ts'
import type { GroupName } from '../../core/record/kinds.ts'
import type { Scope } from './scopes.ts'

/** Groups in the order they follow the record. */
const FOR_CALLER = ['chain', 'result', 'subject', 'request'] as const
const FOR_AUDIT = ['chain', 'result', 'request', 'facts'] as const
const FOR_IDENTITY = ['chain', 'result', 'subject', 'request', 'facts'] as const

type Openings = Readonly<Record<string, string>>

/** Groups for the caller a decision is answered to. */
export function callerGroups(): readonly string[] {
  return FOR_CALLER
}

/** Groups for somebody who reads a stored decision. */
export function auditGroups(scopes: ReadonlySet<Scope>): readonly GroupName[] {
  return scopes.has('identity') ? FOR_IDENTITY : FOR_AUDIT
}

/** The SD-JWT with those groups: `jws~disclosure~…~` (RFC 9901). Erased groups are left out. */
export function withDisclosures(
  jws: string,
  openings: Openings,
  groups: readonly string[],
): string {
  let record = `${jws}~`
  for (const group of groups) {
    const opening = openings[group]
    if (opening !== undefined) record += `${opening}~`
  }
  return record
}

/** The value inside a disclosure `[salt, name, value]`; undefined when absent or unreadable. */
export function disclosedValue(openings: Openings, group: string): unknown {
  const bytes = fromBase64Url(openings[group] ?? '')
  const triple = parsed(bytes === null ? null : fromUtf8(bytes))
  return Array.isArray(triple) && triple.length === 3 ? triple[2] : undefined
}

/** Public claims of a record as they were signed; not verified here. */
export function publicClaims(jws: string): Readonly<Record<string, unknown>> {
  const bytes = fromBase64Url(jws.split('.')[1] ?? '')
  const claims = parsed(bytes === null ? null : fromUtf8(bytes))
  return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {}
}

function parsed(text: string | null): unknown {
  if (text === null || text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
