/**
 * A record somebody was handed, out of a JSON answer or as bare text, with the receipt that came with it.
 */
import { parsePresentation } from '../../core/record/presentation.ts'

/** A line of a file of disclosures or of records. */
export interface GivenRecord {
  readonly line: number
  readonly jws: string
  readonly disclosures: readonly string[]
  /** Index its receipt names; null without receipt. */
  readonly index: number | null
}

/** A record with its receipt out of a JSON answer, or the bare presentation; null when it is neither. */
export function parseGiven(text: string): Omit<GivenRecord, 'line'> | null {
  const { record, receipt } = text.trimStart().startsWith('{')
    ? objectOf(text)
    : { record: text.trim(), receipt: undefined }
  if (typeof record !== 'string') return null
  const presentation = parsePresentation(record)
  if (!presentation.ok || presentation.value.jws.split('.').length !== 3) return null
  const index = (receipt as { index?: unknown } | undefined)?.index
  return {
    ...presentation.value,
    index: Number.isSafeInteger(index) && (index as number) >= 0 ? (index as number) : null,
  }
}

function objectOf(text: string): { record?: unknown; receipt?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { record?: unknown; receipt?: unknown }
  } catch {
    return {}
  }
}
