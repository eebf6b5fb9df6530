/**
 * What a heartbeat record says about the entries since the one before, counted from the rows themselves.
 *
 * Kinds of a subject's chain stand in `records`; the few entries of the deployment are told apart by their header.
 * A restart needs no memory: where the last heartbeat ended is read from the log.
 */
import { textFromBase64Url } from '../../core/encoding.ts'
import { kindOfTyp, type RecordKind } from '../../core/record/kinds.ts'
import { integer, type Sql, text } from './sql.ts'

/** Entries `[from_index, to_index)` by kind. */
export interface Span {
  readonly from_index: number
  readonly to_index: number
}

export interface Heartbeats {
  /** First index no heartbeat covers yet. */
  uncovered(): number
  totals(span: Span): Readonly<Partial<Record<RecordKind, number>>>
}

const BY_KIND =
  'SELECT kind, COUNT(*) AS count FROM records WHERE idx >= ? AND idx < ? GROUP BY kind'

export function createHeartbeats(sql: Sql): Heartbeats {
  return {
    uncovered() {
      const all = { from_index: 0, to_index: Number.MAX_SAFE_INTEGER }
      for (const jws of otherEntries(sql, all, 'DESC')) {
        const { kind, claims } = parts(jws)
        if (kind === 'heartbeat') return claims().to_index
      }
      return 0
    },
    totals(span) {
      const totals: Partial<Record<RecordKind, number>> = {}
      let others = span.to_index - span.from_index
      for (const row of sql.all(BY_KIND, span.from_index, span.to_index)) {
        const count = integer(row, 'count')
        totals[text(row, 'kind') as RecordKind] = count
        others -= count
      }
      if (others === 0) return totals
      // Most often the one entry that is no subject's is the heartbeat before, right at the beginning.
      for (const jws of otherEntries(sql, span, 'ASC')) {
        const { kind } = parts(jws)
        totals[kind] = (totals[kind] ?? 0) + 1
        if (--others === 0) break
      }
      return totals
    },
  }
}

/** Entries without a row in `records`, one at a time: those of the deployment. */
function* otherEntries(sql: Sql, span: Span, order: 'ASC' | 'DESC'): Generator<string> {
  let { from_index, to_index } = span
  const query = `SELECT e.idx, e.jws FROM entries e
    WHERE e.idx >= ? AND e.idx < ? AND NOT EXISTS (SELECT 1 FROM records r WHERE r.idx = e.idx)
    ORDER BY e.idx ${order} LIMIT 1`
  for (;;) {
    const row = sql.get(query, from_index, to_index)
    if (row === undefined) return
    yield text(row, 'jws')
    if (order === 'ASC') from_index = integer(row, 'idx') + 1
    else to_index = integer(row, 'idx')
  }
}

function parts(jws: string): {
  readonly kind: RecordKind
  readonly claims: () => { readonly to_index: number }
} {
  const [header = '', payload = ''] = jws.split('.')
  const { typ } = JSON.parse(textFromBase64Url(header) ?? '{}') as { readonly typ?: string }
  const kind = kindOfTyp(typ ?? '')
  if (kind === undefined) throw new TypeError('the log holds an entry of unknown kind')
  return {
    kind,
    claims: () => JSON.parse(textFromBase64Url(payload) ?? '{}') as { to_index: number },
  }
}
