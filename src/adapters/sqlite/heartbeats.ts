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

export function createHeartbeats(sql: Sql): Heartbeats {
  return {
    uncovered() {
      for (const row of deploymentEntries(sql, {
        from_index: 0,
        to_index: Number.MAX_SAFE_INTEGER,
      })) {
        const { kind, claims } = parts(text(row, 'jws'))
        if (kind === 'heartbeat') return claims().to_index
      }
      return 0
    },
    totals(span) {
      const totals: Partial<Record<RecordKind, number>> = {}
      for (const row of sql.all(
        'SELECT kind, COUNT(*) AS count FROM records WHERE idx >= ? AND idx < ? GROUP BY kind',
        span.from_index,
        span.to_index,
      ))
        totals[text(row, 'kind') as RecordKind] = integer(row, 'count')
      for (const row of deploymentEntries(sql, span)) {
        const { kind } = parts(text(row, 'jws'))
        totals[kind] = (totals[kind] ?? 0) + 1
      }
      return totals
    },
  }
}

/** Newest first, one at a time: the first heartbeat met is the last one written. */
function* deploymentEntries(sql: Sql, span: Span): Generator<Parameters<typeof text>[0]> {
  let before = span.to_index
  for (;;) {
    const row = sql.get(
      `SELECT e.idx, e.jws FROM entries e
       WHERE e.idx >= ? AND e.idx < ? AND NOT EXISTS (SELECT 1 FROM records r WHERE r.idx = e.idx)
       ORDER BY e.idx DESC LIMIT 1`,
      span.from_index,
      before,
    )
    if (row === undefined) return
    yield row
    before = integer(row, 'idx')
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
