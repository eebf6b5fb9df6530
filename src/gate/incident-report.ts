/**
 * Who was affected by an incident: what was decided under it other than allow, and which broadcasts it revoked.
 *
 * Read out of the log's own search and records, a bounded page at a time, so that an incident of any size can be reported on;
 * counts are those of the page. A decision belongs to the incident its disclosed facts name; of one whose contents were
 * erased nobody can say: it is counted apart, where the host still lists it at all (docs/erasure.md). Spec: docs/incident.md, "The report".
 */
import { LivegateError } from '../core/errors.ts'
import type { Incident } from '../core/incident.ts'
import type { Outcome } from '../core/model.ts'
import { addMs, type EpochMs } from '../core/time.ts'
import type { Directory, StoredRecord } from '../ports.ts'
import { disclosedResult, disclosedText, factsIn } from './disclosed.ts'
import { firstSince } from './log-since.ts'

export interface AffectedDecision {
  readonly id: string
  readonly outcome: Outcome
  readonly rules: readonly string[]
  readonly at: EpochMs
}

export interface RevokedBroadcast {
  /** Decision that let it start. */
  readonly broadcast: string
  /** Record that revoked it. */
  readonly record: string
  readonly at: EpochMs
}

export interface IncidentReport {
  readonly decisions: readonly AffectedDecision[]
  /** Of `decisions`; one counts for each of its rules. */
  readonly counts: readonly {
    readonly rule: string
    readonly outcome: Outcome
    readonly count: number
  }[]
  readonly revoked: readonly RevokedBroadcast[]
  /** Records of that time still listed whose contents were erased; a host that drops such records whole counts none. */
  readonly erased: number
  /** Where to go on; null at the end. */
  readonly next: string | null
}

export interface ReportSourcesOf {
  readonly directory: Pick<Directory, 'searchDecisions' | 'records'>
  /** Logs of the deployment. */
  readonly shards: number
}

/** Most that one page looks at. */
export const REPORT_PAGE = 200
/** A decision's instant may be earlier than what it saw, where clocks step. */
const AROUND_MS = 60_000
type Stage =
  | { readonly is: 'deny' | 'delay'; readonly cursor?: string }
  | { readonly is: 'revoked'; readonly shard: number; readonly from: number | null }

/** One page; `cursor` is `next` of the page before. Throws `invalid_request` for one that is none of ours. */
export async function incidentReport(
  sources: ReportSourcesOf,
  incident: Incident,
  page: { readonly cursor?: string; readonly limit?: number } = {},
): Promise<IncidentReport> {
  const { limit = REPORT_PAGE } = page
  const stage = stageOf(page.cursor)
  return stage.is === 'revoked'
    ? revokedPage(sources, incident, { ...stage, limit })
    : decisionsPage(sources, incident, { stage, limit })
}

function stageOf(cursor: string | undefined): Stage {
  if (cursor === undefined) return { is: 'deny' }
  const [, is, rest = ''] = /^(deny|delay)(?:\.(.{1,200}))?$/.exec(cursor) ?? []
  if (is === 'deny' || is === 'delay') return rest === '' ? { is } : { is, cursor: rest }
  const [, shard, from] = /^revoked\.(\d{1,3})(?:\.(\d{1,15}))?$/.exec(cursor) ?? []
  if (shard !== undefined)
    return { is: 'revoked', shard: Number(shard), from: from === undefined ? null : Number(from) }
  throw new LivegateError(
    'invalid_request',
    'Cannot continue the report: the cursor is not one of ours',
  )
}

function windowOf({ started_at, ended }: Incident): {
  readonly from: EpochMs
  readonly to?: EpochMs
} {
  const from = addMs(started_at, -AROUND_MS)
  return ended === null ? { from } : { from, to: addMs(ended.at, AROUND_MS) }
}

async function decisionsPage(
  { directory }: ReportSourcesOf,
  incident: Incident,
  { stage, limit }: { readonly stage: Exclude<Stage, { is: 'revoked' }>; readonly limit: number },
): Promise<IncidentReport> {
  const { is: outcome, cursor } = stage
  const more = cursor === undefined ? {} : { cursor }
  const search = { outcome, limit, ...windowOf(incident), ...more }
  const { records, next } = await directory.searchDecisions(search)
  let erased = 0
  const decisions: AffectedDecision[] = []
  for (const record of records) {
    const seen = factsIn(record)?.incident
    if (seen === undefined) erased++
    else if (seen.active && seen.id === incident.id) decisions.push(affected(record, outcome))
  }
  const after = outcome === 'deny' ? 'delay' : 'revoked.0'
  return {
    ...{ decisions, counts: countsOf(decisions), revoked: [], erased },
    next: next === null ? after : `${outcome}.${next}`,
  }
}

function affected(record: StoredRecord, outcome: Outcome): AffectedDecision {
  const { rules = [] } = (disclosedResult(record) ?? {}) as { readonly rules?: readonly string[] }
  return { id: record.id, outcome, rules, at: record.at }
}

function countsOf(decisions: readonly AffectedDecision[]): IncidentReport['counts'] {
  const counts = new Map<string, { rule: string; outcome: Outcome; count: number }>()
  for (const { rules, outcome } of decisions)
    for (const rule of rules.length === 0 ? ['default'] : rules) {
      const key = `${outcome} ${rule}`
      const known = counts.get(key) ?? { rule, outcome, count: 0 }
      counts.set(key, { ...known, count: known.count + 1 })
    }
  return [...counts.values()].toSorted((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1))
}

async function revokedPage(
  { directory, shards }: ReportSourcesOf,
  incident: Incident,
  page: { readonly shard: number; readonly from: number | null; readonly limit: number },
): Promise<IncidentReport> {
  const { shard, limit } = page
  const { from: earliest, to } = windowOf(incident)
  const from = page.from ?? (await firstSince(directory, shard, earliest))
  const { records, next } = await directory.records({ shard, from, limit })
  const revoked = records.flatMap((record) => revokedBy(record, incident))
  const erased = records.filter((one) => one.kind === 'broadcast' && isErased(one)).length
  const beyond = to !== undefined && records.length > 0 && records.every(({ at }) => at > to)
  const done = next === null || beyond
  const other = shard + 1 < shards ? `revoked.${shard + 1}` : null
  const found = { decisions: [], counts: [], revoked, erased }
  return { ...found, next: done ? other : `revoked.${shard}.${next}` }
}

function isErased(record: StoredRecord): boolean {
  return disclosedText(record, 'facts') === undefined
}

/** A re-check that the incident caused, or that saw it, found that it may not run on. */
function revokedBy(record: StoredRecord, incident: Incident): readonly RevokedBroadcast[] {
  if (record.kind !== 'broadcast') return []
  const { event, broadcast, reason, facts } = (disclosedText(record, 'facts') ?? {}) as {
    readonly event?: string
    readonly broadcast?: string
    readonly reason?: string
    readonly facts?: { readonly incident?: { readonly active: boolean; readonly id?: string } }
  }
  if (event !== 'revoked' || reason !== 'incident' || broadcast === undefined) return []
  const seen = facts?.incident
  if (seen?.active !== true || seen.id !== incident.id) return []
  return [{ broadcast, record: record.id, at: record.at }]
}
