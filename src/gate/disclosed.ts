/**
 * Reads back what a record of our own disclosed: the openings rest in the subject's ledger, unless erased.
 *
 * They were committed to by what was signed, so the ledger is trusted to hold nothing else; an opening that is gone
 * reads as null and the caller decides anew.
 */
import type { Facts } from '../core/model.ts'
import { groupIn } from '../core/record/cohost-openings.ts'
import { decodeFacts } from '../core/record/decode-facts.ts'
import type { RequestGroup, SubjectGroup } from '../core/record/groups.ts'
import type { StoredRecord } from '../ports.ts'

type Openings = Pick<StoredRecord, 'openings'>

/** What a decision was evaluated on; null when erased. */
export function disclosedFacts(record: StoredRecord): Facts | null {
  return factsIn(record)
}

/** The same of an answer that has just been given. */
export function factsIn(record: Openings): Facts | null {
  const decoded = decodeFacts(groupIn(record.openings, 'facts'))
  return decoded.ok ? decoded.value : null
}

/** What a decision said, as it was signed; undefined when erased. */
export function disclosedResult(record: StoredRecord): unknown {
  return groupIn(record.openings, 'result')
}

/** What was asked, and by whom; null when erased. */
export function disclosedRequest(record: StoredRecord): RequestGroup | null {
  return (groupIn(record.openings, 'request') as RequestGroup | undefined) ?? null
}

/** The co-hosts a decision was about; none when erased. */
export function disclosedCohosts(record: Openings): readonly string[] {
  return (groupIn(record.openings, 'subject') as SubjectGroup | undefined)?.cohosts ?? []
}

/** The value of any group, as it was signed; undefined when erased. */
export function disclosedText(record: Openings, group: string): unknown {
  return groupIn(record.openings, group)
}
