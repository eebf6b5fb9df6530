/**
 * When an entry of the log was made: for telling how far publication is behind.
 *
 * To the millisecond for a subject's records, to the second for those of the deployment, whose header says no more.
 */
import { textFromBase64Url } from '../../core/encoding.ts'
import { type EpochMs, epochMs } from '../../core/time.ts'
import { integer, type Sql, text } from './sql.ts'

/** Instant of the entry at an index; null when there is none. */
export type EntryInstant = (index: number) => EpochMs | null

export function createEntryInstants(sql: Sql): EntryInstant {
  return (index) => {
    const record = sql.get('SELECT at FROM records WHERE idx = ?', index)
    if (record !== undefined) return epochMs(integer(record, 'at'))
    const entry = sql.get('SELECT jws FROM entries WHERE idx = ?', index)
    if (entry === undefined) return null
    const claims = textFromBase64Url(text(entry, 'jws').split('.')[1] ?? '') ?? '{}'
    return epochMs(1000 * (JSON.parse(claims) as { readonly iat: number }).iat)
  }
}
