/**
 * Records as subjects' objects keep them: with their openings, asked for by the places a log gave.
 */
import type { StoredRecord } from '../../ports.ts'
import { type ChainPlace, opened, type SubjectRpc } from './rpc.ts'

/** The records of one object at places of its chain, as far as it has them; asked once, or more often when they are large. */
export async function recordsOf(
  subject: Pick<SubjectRpc, 'records'>,
  asked: readonly ChainPlace[],
): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = []
  let rest = asked.map(({ seq }) => seq)
  while (rest.length > 0) {
    const records = await opened(subject.records(rest, asked))
    found.push(...records)
    const last = records.at(-1)
    rest = last === undefined ? [] : rest.slice(rest.indexOf(last.seq) + 1)
  }
  return found
}

export function charsOf({ jws, openings }: Pick<StoredRecord, 'jws' | 'openings'>): number {
  return Object.values(openings).reduce((sum, opening) => sum + opening.length, jws.length)
}
