/**
 * Disclosures an auditor was given, found again by the record they belong to.
 *
 * JSON Lines, one object a record: `{"record": "jws~disclosure~…~"}`, other members ignored; so the answers of
 * `POST /v1/decisions` and `GET /v1/decisions/{id}` and the records of `GET /v1/records` are lines as they are. Memory:
 * the size of the file.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseRecord } from '../../core/record/parse.ts'
import { parsePresentation } from '../../core/record/presentation.ts'
import { incomplete } from '../failure.ts'
import { quote } from '../session.ts'
import { nodeHasher } from './ed25519.ts'

export interface Disclosures {
  readonly records: number
  /** Disclosures of the record whose exact text this is, those it does not commit to left out. */
  of(jws: string): readonly string[] | undefined
  /** Disclosures left out so far: whoever gave them, the record never said them. */
  unmatched(): number
}

export const NO_DISCLOSURES: Disclosures = {
  records: 0,
  of: () => undefined,
  unmatched: () => 0,
}

/** A line of either kind of file. */
export interface GivenRecord {
  readonly line: number
  readonly jws: string
  readonly disclosures: readonly string[]
  /** Index its receipt names; null without receipt. */
  readonly index: number | null
}

/** Reads a whole file of disclosures. */
export async function readDisclosures(path: string): Promise<Disclosures> {
  const known = new Map<string, string[]>()
  let records = 0
  for await (const { jws, disclosures } of readRecords(path)) {
    records++
    const own = known.get(signatureOf(jws))
    // Several lines may open different groups of one record.
    if (own === undefined) known.set(signatureOf(jws), [jws, ...disclosures])
    else if (own[0] === jws)
      own.push(...disclosures.filter((disclosure) => !own.includes(disclosure)))
  }
  let unmatched = 0
  return {
    records,
    of(jws) {
      const own = known.get(signatureOf(jws))
      if (own === undefined || own[0] !== jws) return undefined
      const digests = digestsOf(jws)
      const matched = own.slice(1).filter((text) => digests.has(nodeHasher.digestText(text)))
      unmatched += own.length - 1 - matched.length
      return matched
    },
    unmatched: () => unmatched,
  }
}

/** `_sd` of a record; empty when it cannot be read, which is the audit's to say. */
function digestsOf(jws: string): ReadonlySet<unknown> {
  const parsed = parseRecord(jws)
  return new Set(parsed.ok ? parsed.value.digests : [])
}

function signatureOf(jws: string): string {
  return jws.slice(jws.lastIndexOf('.') + 1)
}

/** The records of a JSON Lines file; a line that holds none ends the command. */
export async function* readRecords(path: string): AsyncGenerator<GivenRecord> {
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  let line = 0
  for await (const text of lines) {
    line++
    if (text.trim() === '') continue
    const given = parseGiven(text)
    if (given === null)
      throw incomplete(
        `Cannot read ${quote(path)}: line ${line} holds no record`,
        'expected {"record": "…"} on every line',
      )
    yield { line, ...given }
  }
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
