/**
 * What the replay of chains needs of a bundle, as JSON on its way out of a thread: rows of values without their names, which
 * are most of what such an object would be written as. From: bundle-scan.ts.
 */
import type { EvaluatedTrace, Trace } from '../../core/audit/replay/trace.ts'
import type { ReplayPart } from '../../core/audit/scan.ts'

type EvaluatedRow = readonly [
  strikes: string,
  stream: string,
  holds: EvaluatedTrace['holds'],
  reviews: EvaluatedTrace['reviews'],
  open: number,
  cohosts: EvaluatedTrace['cohosts'],
  began: EvaluatedTrace['began'],
  opens: EvaluatedTrace['opens'],
  place: EvaluatedTrace['place'],
  revision: number | null,
  renews: boolean,
]

/** A list is a decision or a renewal. */
type Row = readonly [
  instant: string | null,
  trace: EvaluatedRow | Exclude<Trace, EvaluatedTrace> | null,
]

/** Null for none. */
export function writeReplays(parts: readonly ReplayPart[]): string | null {
  return parts.length === 0 ? null : JSON.stringify(parts.map(rowOf))
}

/** The parts again, in their order. */
export function readReplays(text: string): readonly ReplayPart[] {
  return (JSON.parse(text) as readonly Row[]).map(partOf)
}

function rowOf({ instant, trace }: ReplayPart): Row {
  if (trace?.is !== 'evaluated') return [instant, trace]
  const { strikes, stream, holds, reviews, open, cohosts, began, opens, place } = trace
  const { revision, renews } = trace
  return [
    instant,
    [strikes, stream, holds, reviews, open, cohosts, began, opens, place, revision, renews],
  ]
}

function partOf([instant, row]: Row): ReplayPart {
  if (!Array.isArray(row)) return { instant, trace: row as Exclude<Trace, EvaluatedTrace> | null }
  const [strikes, stream, holds, reviews, open, cohosts, began, opens, place, revision, renews] =
    row as EvaluatedRow
  const seen = { strikes, stream, holds, reviews, open, cohosts, began }
  return { instant, trace: { is: 'evaluated', ...seen, opens, place, revision, renews } }
}
