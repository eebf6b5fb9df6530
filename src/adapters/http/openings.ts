/**
 * Opening records for somebody who did not ask for the decisions: which groups, and the access record before the answer.
 *
 * Scopes say what may be opened (disclose.ts), the caller may want less. What opens nothing (erased records, searches,
 * proofs) leaves no record. Spec: docs/spec/record.md, "Access".
 */
import { GROUP_NAMES, type GroupName } from '../../core/record/kinds.ts'
import type { Access } from '../../gate/access.ts'
import type { StoredRecord } from '../../ports.ts'
import { invalidMembers } from './atoms.ts'
import { type Caller, forbidden } from './caller.ts'
import type { ServedLog } from './deps.ts'
import { auditGroups } from './disclose.ts'

/**
 * The groups to open: what the caller's scopes allow, or those of them it `asked` for as `chain,result`.
 * Throws `forbidden` for one it may not open.
 */
export function groupsFor(
  { scopes }: Pick<Caller, 'scopes'>,
  asked: string | undefined,
): readonly GroupName[] {
  const may = auditGroups(scopes)
  if (asked === undefined) return may
  const names = asked.split(',')
  if (new Set(names).size < names.length)
    throw invalidMembers('open records', [
      { pointer: '/groups', detail: 'expected each group once' },
    ])
  // Only `subject` is kept from some auditors.
  if (names.some((name) => !may.some((group) => group === name))) throw forbidden('identity')
  return GROUP_NAMES.filter((group) => names.includes(group))
}

/** Resolves once the log has it that these records are opened; at once when nothing of them can be. */
export async function recordOpening(
  log: Pick<ServedLog, 'access'>,
  opening: Pick<Access, 'by' | 'via'> & {
    readonly groups: readonly GroupName[]
    readonly records: readonly Pick<StoredRecord, 'id' | 'openings'>[]
  },
): Promise<void> {
  const { by, via } = opening
  const has = (group: GroupName, { openings }: Pick<StoredRecord, 'openings'>): boolean =>
    openings[group] !== undefined
  const groups = opening.groups.filter((group) => opening.records.some((one) => has(group, one)))
  const opened = opening.records.filter((one) => groups.some((group) => has(group, one)))
  if (opened.length === 0) return
  await log.access({ by, via, groups, ids: opened.map(({ id }) => id) })
}
