/**
 * What the replay of chains needs of a bundle, as JSON on its way out of a thread: rows of values without their names, which
 * are most of what such an object would be written as. From: bundle-scan.ts.
 */
import type { AgainTrace } from '../../core/audit/replay/lives.ts'
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
  /** Of what was looked at again. */
  again: AgainTrace | null,
  incident: EvaluatedTrace['incident'],
  kept?: EvaluatedTrace['kept'],
]

/** A list is a decision or a renewal. */
type Row = readonly [
  instant: string | null,
  trace: EvaluatedRow | Exclude<Trace, EvaluatedTrace> | null,
  lacks?: string,
]

/** A decision with nothing about it that most lack; a row of this length is such a one. */
type UsualRow = readonly [
  strikes: string,
  stream: string,
  open: number,
  session: string | null,
  revision: number | null,
  id: string | null,
  lease_until: number,
  asked: string,
]
const USUAL_LENGTH = 8

/** The parts as one text. */
export function writeReplays(parts: readonly ReplayPart[]): string {
  return JSON.stringify(parts.map(rowOf))
}

/** The parts again, in their order. */
export function readReplays(text: string): readonly ReplayPart[] {
  return (JSON.parse(text) as readonly (Row | UsualRow)[]).map((row) =>
    row.length === USUAL_LENGTH ? usualPart(row) : partOf(row),
  )
}

/** Null for what a usual row has no place for. */
function usualRow({ instant, trace, lacks }: ReplayPart): UsualRow | null {
  if (instant !== null || lacks !== undefined || trace?.is !== 'evaluated') return null
  const { strikes, stream, holds, reviews, open, cohosts, began, opens, place } = trace
  const { revision, renews, incident, kept } = trace
  if (holds.length + reviews.length + cohosts.length + began.length > 0) return null
  if (opens?.door !== undefined || renews || kept !== undefined) return null
  if (place === null || place.supersedes !== null) return null
  if (incident.active || Object.keys(incident).length !== 1) return null
  const { id, lease_until, asked } = opens ?? { id: null, lease_until: 0, asked: '' }
  return [strikes, stream, open, place.session, revision, id, lease_until, asked]
}

function usualPart([
  strikes,
  stream,
  open,
  session,
  revision,
  id,
  lease_until,
  asked,
]: UsualRow): ReplayPart {
  const seen = { strikes, stream, open, holds: NONE, reviews: NONE, cohosts: NONE, began: NONE }
  const opens = id === null ? null : { id, lease_until, asked }
  const place = { session, supersedes: null }
  const incident = { active: false }
  const trace = {
    is: 'evaluated',
    ...seen,
    opens,
    place,
    revision,
    renews: false,
    incident,
  } as const
  return { instant: null, trace }
}

const NONE: readonly never[] = []

function rowOf(part: ReplayPart): Row | UsualRow {
  const usual = usualRow(part)
  if (usual !== null) return usual
  const { instant, trace, lacks } = part
  const row = trace?.is === 'evaluated' ? evaluatedRow(trace) : trace
  return lacks === undefined ? [instant, row] : [instant, row, lacks]
}

function evaluatedRow(trace: EvaluatedTrace): EvaluatedRow {
  const { strikes, stream, holds, reviews, open, cohosts, began, opens, place } = trace
  const { revision, again = null, incident, kept } = trace
  const seen = [strikes, stream, holds, reviews, open, cohosts, began] as const
  const row = [...seen, opens, place, revision, again, incident] as const
  return kept === undefined ? row : [...row, kept]
}

function partOf([instant, row, lacks]: Row): ReplayPart {
  const trace = Array.isArray(row)
    ? traceIn(row as EvaluatedRow)
    : (row as Exclude<Trace, EvaluatedTrace> | null)
  return lacks === undefined ? { instant, trace } : { instant, trace, lacks }
}

function traceIn(row: EvaluatedRow): EvaluatedTrace {
  const [strikes, stream, holds, reviews, open, cohosts, began] = row
  const [, , , , , , , opens, place, revision, again, incident, kept] = row
  const seen = { strikes, stream, holds, reviews, open, cohosts, began, incident }
  const trace = {
    ...{ is: 'evaluated' as const, ...seen, opens, place, revision, renews: again !== null },
    ...(again === null ? {} : { again }),
  }
  return kept === undefined ? trace : { ...trace, kept }
}
