/**
 * Who would have been stopped: decisions and renewals in which something applied that is not enforced.
 *
 * Read out of the log's own search and records, a bounded page at a time, like the report on an incident; counts are those of
 * the page. A record says in public that it was not enforced, so what was erased since is counted, and nothing more.
 * Whether the people are named is the caller's to decide, and to record. Spec: docs/spec/api.md, "Rollout".
 */
import { textFromBase64Url } from '../core/encoding.ts'
import { LivegateError } from '../core/errors.ts'
import type { Outcome, Would } from '../core/model.ts'
import { wouldRun } from '../core/policy/rollout.ts'
import type {
  BroadcastContent,
  RequestGroup,
  ResultGroup,
  SubjectGroup,
} from '../core/record/groups.ts'
import type { EpochMs } from '../core/time.ts'
import type { Directory, StoredRecord } from '../ports.ts'
import { disclosedText } from './disclosed.ts'
import { NOT_ENFORCED } from './effects.ts'
import { firstSince } from './log-since.ts'

/** One answer that would have been another. */
export interface SparedRecord {
  readonly record: StoredRecord
  /** The broadcast of a renewal; null for a decision. */
  readonly broadcast: string | null
  readonly outcome: Outcome
  readonly would: Would
  /** Media server that asked; null for anybody else. */
  readonly server: string | null
  /** It may start, or run on, and with everything enforced it might not. */
  readonly stopped: boolean
  /** Everybody it is about, who asks first. */
  readonly people: readonly string[]
}

export interface RolloutCount {
  readonly rule: string
  readonly server: string | null
  /** The outcome with everything enforced. */
  readonly would: Outcome
  readonly count: number
  /** Of those, who would have been stopped. */
  readonly stopped: number
}

export interface RolloutReport {
  readonly decisions: readonly SparedRecord[]
  /** Broadcasts that were let run on. */
  readonly renewals: readonly SparedRecord[]
  /** Of `decisions`; one counts for each of its rules. */
  readonly counts: readonly RolloutCount[]
  /** Records that were not enforced whose contents were erased. */
  readonly erased: number
  /** Where to go on; null at the end. */
  readonly next: string | null
}

export interface RolloutSources {
  readonly directory: Pick<Directory, 'searchDecisions' | 'records'>
  /** Logs of the deployment. */
  readonly shards: number
}

export interface RolloutRange {
  readonly from: EpochMs
  readonly to?: EpochMs
}

/** Most that one page looks at. */
export const ROLLOUT_PAGE = 200

type Stage =
  | { readonly is: 'decisions'; readonly cursor?: string }
  | { readonly is: 'renewals'; readonly shard: number; readonly from: number | null }

/** One page; `cursor` is `next` of the page before. Throws `invalid_request` for one that is none of ours. */
export async function rolloutReport(
  sources: RolloutSources,
  range: RolloutRange,
  page: { readonly cursor?: string; readonly limit?: number } = {},
): Promise<RolloutReport> {
  const { limit = ROLLOUT_PAGE } = page
  const stage = stageOf(page.cursor)
  return stage.is === 'decisions'
    ? decisionsPage(sources, range, { stage, limit })
    : renewalsPage(sources, range, { ...stage, limit })
}

function stageOf(cursor: string | undefined): Stage {
  if (cursor === undefined) return { is: 'decisions' }
  const [, rest] = /^decisions\.(.{1,400})$/.exec(cursor) ?? []
  if (rest !== undefined) return { is: 'decisions', cursor: rest }
  const [, shard, from] = /^renewals\.(\d{1,3})(?:\.(\d{1,15}))?$/.exec(cursor) ?? []
  if (shard !== undefined)
    return { is: 'renewals', shard: Number(shard), from: from === undefined ? null : Number(from) }
  throw new LivegateError(
    'invalid_request',
    'Cannot continue the report: the cursor is not one of ours',
  )
}

async function decisionsPage(
  { directory }: RolloutSources,
  range: RolloutRange,
  { stage, limit }: { readonly stage: Extract<Stage, { is: 'decisions' }>; readonly limit: number },
): Promise<RolloutReport> {
  const { cursor } = stage
  const more = cursor === undefined ? {} : { cursor }
  const search = { rule: NOT_ENFORCED, limit, ...range, ...more }
  const { records, next } = await directory.searchDecisions(search)
  const decisions = records.flatMap(sparedIn)
  return {
    ...{ decisions, renewals: [], counts: countsOf(decisions) },
    erased: records.length - decisions.length,
    next: next === null ? 'renewals.0' : `decisions.${next}`,
  }
}

async function renewalsPage(
  { directory, shards }: RolloutSources,
  { from: since, to }: RolloutRange,
  page: { readonly shard: number; readonly from: number | null; readonly limit: number },
): Promise<RolloutReport> {
  const { shard, limit } = page
  const from = page.from ?? (await firstSince(directory, shard, since))
  const { records, next } = await directory.records({ shard, from, limit })
  const within = records.filter(
    (one) => one.kind === 'broadcast' && one.at >= since && (to === undefined || one.at <= to),
  )
  const spared = within.filter(isSaid)
  const renewals = spared.flatMap(sparedIn)
  const beyond = to !== undefined && records.length > 0 && records.every(({ at }) => at > to)
  const done = next === null || beyond
  const other = shard + 1 < shards ? `renewals.${shard + 1}` : null
  return {
    ...{ decisions: [], renewals, counts: [], erased: spared.length - renewals.length },
    next: done ? other : `renewals.${shard}.${next}`,
  }
}

/** What a record says of itself in public. */
function isSaid({ jws }: StoredRecord): boolean {
  const text = textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}'
  return (JSON.parse(text) as { readonly enforced?: boolean }).enforced === false
}

/** Nothing where the contents are erased. */
function sparedIn(record: StoredRecord): readonly SparedRecord[] {
  const result = disclosedText(record, 'result') as
    | (Partial<ResultGroup> & { readonly outcome?: Outcome })
    | undefined
  const would = result?.would
  if (would === undefined) return []
  const request = disclosedText(record, 'request') as RequestGroup | undefined
  const subject = disclosedText(record, 'subject') as SubjectGroup | undefined
  const starts = result?.lease_until != null
  return [
    {
      ...{ record, would, server: serverOf(request) },
      outcome: result?.outcome ?? outcomeOf(record),
      broadcast: broadcastOf(record),
      stopped: starts && !wouldRun(would),
      people: subject === undefined ? [] : [subject.subject, ...subject.cohosts],
    },
  ]
}

function outcomeOf({ jws }: StoredRecord): Outcome {
  const text = textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}'
  return (JSON.parse(text) as { readonly outcome?: Outcome }).outcome ?? 'allow'
}

function broadcastOf(record: StoredRecord): string | null {
  if (record.kind !== 'broadcast') return null
  return (disclosedText(record, 'facts') as BroadcastContent | undefined)?.broadcast ?? null
}

function serverOf(request: RequestGroup | undefined): string | null {
  if (request?.server !== undefined) return request.server
  const [, server] = /^hook:(.+)$/.exec(request?.caller ?? '') ?? []
  return server ?? null
}

function countsOf(decisions: readonly SparedRecord[]): readonly RolloutCount[] {
  const counts = new Map<string, RolloutCount>()
  for (const { would, server, stopped } of decisions)
    for (const rule of new Set(would.rules.map((one) => one.rule))) {
      const key = JSON.stringify([rule, server, would.outcome])
      const known = counts.get(key)
      counts.set(key, {
        ...{ rule, server, would: would.outcome },
        count: (known?.count ?? 0) + 1,
        stopped: (known?.stopped ?? 0) + Number(stopped),
      })
    }
  return [...counts.values()].toSorted((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1))
}
