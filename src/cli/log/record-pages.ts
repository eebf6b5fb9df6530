/**
 * Disclosed records of a running gate, page by page in the order of its log (`GET /v1/records`).
 */
import { incomplete } from '../failure.ts'
import type { GateClient } from '../gate-client.ts'

export interface DisclosedRecord {
  readonly index: number
  /** `jws~disclosure~…~` */
  readonly record: string
}

export interface RecordPage {
  readonly records: readonly DisclosedRecord[]
  /** Where the next page begins; null after the last one. */
  readonly next: number | null
}

/** Most a gate gives at once. */
const PAGE = 500

/** One page; a gate that leads back or nowhere ends the command instead of keeping it. `which`: parameters, each with `&`. */
export async function recordPage(
  client: GateClient,
  which: string,
  from: number,
): Promise<RecordPage> {
  const path = `/v1/records?${which}from=${from}&limit=${PAGE}`
  const page = await client.json({ method: 'GET', path }, 'read records')
  const { records, next = null } = page as Partial<RecordPage>
  const inOrder =
    Array.isArray(records) &&
    records.every(({ index }, i) => index >= (i === 0 ? from : records[i - 1].index + 1)) &&
    (next === null || next > (records.at(-1)?.index ?? from))
  if (!inOrder) throw incomplete('Cannot read records: the answer is not in the order of the log')
  return { records, next }
}
