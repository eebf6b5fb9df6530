/**
 * Stored records on the wire: the record with the groups a caller may see, and those groups as plain JSON beside it.
 *
 * The JSON is a convenience; the disclosures inside `record` are what hashes and verifies. Groups erased since are
 * simply not there.
 */
import { formatInstant } from '../../core/time.ts'
import type { StoredRecord } from '../../ports.ts'
import { disclosedValue, publicClaims, withDisclosures } from './disclose.ts'

type Json = Readonly<Record<string, unknown>>

/** One decision for an auditor who may see `groups`. */
export function renderStored(stored: StoredRecord, groups: readonly string[]): Json {
  const { outcome, policy, enforced } = publicClaims(stored.jws)
  const disclosed: Record<string, unknown> = {}
  for (const group of groups) {
    const value = disclosedValue(stored.openings, group)
    if (value !== undefined) disclosed[group] = value
  }
  return {
    id: stored.id,
    outcome,
    decided_at: formatInstant(stored.at),
    policy,
    ...(enforced === false ? { enforced } : {}),
    disclosed,
    record: withDisclosures(stored.jws, stored.openings, groups),
    receipt: stored.receipt,
  }
}

/** One record of whatever kind, as a line of `livegate log disclosures`. */
export function renderRecord(stored: StoredRecord, groups: readonly string[]): Json {
  const { kind, jws, openings, receipt } = stored
  return { index: receipt.index, kind, record: withDisclosures(jws, openings, groups) }
}

/** One line of a search. */
export function renderFound(stored: StoredRecord): Json {
  const { outcome, policy, enforced } = publicClaims(stored.jws)
  const result = disclosedValue(stored.openings, 'result')
  return {
    id: stored.id,
    outcome,
    decided_at: formatInstant(stored.at),
    policy,
    ...(enforced === false ? { enforced } : {}),
    rules: rulesOf(result),
    receipt: stored.receipt,
  }
}

function rulesOf(result: unknown): unknown {
  const rules =
    typeof result === 'object' && result !== null && 'rules' in result ? result.rules : []
  return Array.isArray(rules) ? rules : []
}
