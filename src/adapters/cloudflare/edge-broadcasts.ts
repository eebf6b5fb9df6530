/**
 * Everything that runs, listed on the edge: of one media server by its object, of everybody by the logs.
 *
 * No object can be enumerated, so a list walks what leads to everything that runs: the sessions of a server, or, log after log,
 * the chains whose newest record is no older than the longest lease (sequencer-running.ts). What runs there is each subject's
 * own object's to say (subject-open.ts). One that does not answer fails the page: a list that leaves somebody out would say
 * that nothing runs there. Duties: gate/broadcast-port.ts, `OpenBroadcasts`.
 */
import { CUT_FOR_MS } from '../../core/limits.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { type EpochMs, epochMs, MINUTE_MS } from '../../core/time.ts'
import { strangeCursor } from '../../gate/broadcast-port.ts'
import type { BroadcastQuery, BroadcastView, OpenBroadcasts, Pepper } from '../../ports.ts'
import { planOfText } from './edge-policy.ts'
import { serverName, subjectObjectName } from './names.ts'
import { openSinceOf } from './open-since.ts'
import { opened, type Stubs } from './rpc.ts'
import type { RunningPage, SessionRow } from './rpc-keeper.ts'

export interface EdgeBroadcastsParts {
  readonly stubs: Pick<Stubs, 'subject' | 'sequencer' | 'directory'>
  readonly pepper: Pepper
  readonly shards: number
}

/**
 * Subjects' objects one page asks, and how often it asks logs for more of them. The platform let a request make 1,000 calls at
 * least; these are 264, and a log's activations where its walk begins.
 */
export const ASKED_A_PAGE = 256
const LOOKS_A_PAGE = 8
/** Asked at once; one may answer 256 that run and 64 that are cut, so a page has 16 × 320 more than it should, at most. */
const AT_ONCE = 16

type Page = Awaited<ReturnType<OpenBroadcasts['list']>>
type Asked = Pick<BroadcastQuery, 'server' | 'cutting' | 'flagged'>

/** Everything before it has been listed. */
interface Position {
  readonly shard: number
  /** Null: the log has not been begun with. */
  readonly walk: { readonly next: number; readonly until: number } | null
}

export function createEdgeBroadcasts(parts: EdgeBroadcastsParts): OpenBroadcasts {
  return {
    list: (query, at) =>
      query.server === undefined
        ? listOfLogs(parts, query, at)
        : listOfServer(parts, { ...query, server: query.server }, at),
  }
}

async function listOfServer(
  { stubs, pepper }: EdgeBroadcastsParts,
  query: BroadcastQuery & { readonly server: string },
  at: EpochMs,
): Promise<Page> {
  const { after = null, limit, ...asked } = query
  const count = Math.min(limit, ASKED_A_PAGE)
  const directory = stubs.directory(serverName(query.server))
  const { items: rows, next } = await opened(directory.openSessions(after, count))
  const found = await inGroups(rows, async ({ subject, broadcast }: SessionRow) => {
    const object = stubs.subject(subjectObjectName(pepper, subject))
    const views = await opened(object.life(subject, { about: 'open', query: asked, at }))
    return views.filter(({ id }) => id === broadcast)
  })
  return { items: found, next }
}

async function listOfLogs(
  parts: EdgeBroadcastsParts,
  { after, limit, ...asked }: BroadcastQuery,
  at: EpochMs,
): Promise<Page> {
  const found = new Map<string, BroadcastView>()
  let place: Position | null = after === undefined ? START : readCursor(after, parts.shards)
  let left = ASKED_A_PAGE
  for (let look = 0; look < LOOKS_A_PAGE && left > 0 && found.size < limit; look++) {
    const page: Chains = await chainsAt(parts, place, { limit: left, at })
    let seen = 0
    while (seen < page.objects.length && seen < left && found.size < limit) {
      const group = page.objects.slice(seen, Math.min(seen + AT_ONCE, left))
      const views = await Promise.all(group.map((object) => askObject(parts, object, asked, at)))
      // A chain that gets a record meanwhile is told more than once.
      for (const view of views.flat()) found.set(view.id, view)
      seen += group.length
    }
    left -= seen
    place = placeBehind(place, page, { next: page.indexes[seen] ?? page.next, ...parts })
    if (place === null) return { items: [...found.values()], next: null }
  }
  return { items: [...found.values()], next: cursorOf(place) }
}

type Chains = RunningPage & { readonly until: number }

/** Some chains of a log that may have something running, and where the walk over it ends: what comes later began later. */
async function chainsAt(
  { stubs }: EdgeBroadcastsParts,
  { shard, walk }: Position,
  { limit, at }: { readonly limit: number; readonly at: EpochMs },
): Promise<Chains> {
  const log = stubs.sequencer(shard)
  if (walk !== null) {
    const { next: from, until } = walk
    return { ...(await opened(log.running({ since: at, from, until, limit }))), until }
  }
  const activations = await opened(log.activations())
  const planOf = (digest: string): Promise<Plan | null> =>
    planOfText(digest, () => opened(log.policyText(digest)))
  const leased = await openSinceOf(activations, planOf, at)
  // What is cut may be so for longer than a lease.
  const since = epochMs(Math.min(leased, at - CUT_FOR_MS - MINUTE_MS))
  const page = await opened(log.running({ since, from: null, until: 'size', limit }))
  return { ...page, until: page.size }
}

async function askObject(
  { stubs }: EdgeBroadcastsParts,
  object: string,
  query: Asked,
  at: EpochMs,
): Promise<readonly BroadcastView[]> {
  return opened(stubs.subject(object).life(null, { about: 'open', query, at }))
}

/** Null behind the last log. */
function placeBehind(
  { shard }: Position,
  { until }: Chains,
  { next, shards }: { readonly next: number; readonly shards: number },
): Position | null {
  if (next < until) return { shard, walk: { next, until } }
  return shard + 1 < shards ? { shard: shard + 1, walk: null } : null
}

const START: Position = { shard: 0, walk: null }
const CURSOR = /^(\d{1,2})(?:\.(-?\d{1,15})\.(\d{1,15}))?$/

function cursorOf({ shard, walk }: Position): string {
  return walk === null ? `${shard}` : `${shard}.${walk.next}.${walk.until}`
}

function readCursor(cursor: string, shards: number): Position {
  const [, shard, next, until] = CURSOR.exec(cursor) ?? []
  if (shard === undefined || Number(shard) >= shards) throw strangeCursor()
  if (next === undefined || until === undefined) return { shard: Number(shard), walk: null }
  return { shard: Number(shard), walk: { next: Number(next), until: Number(until) } }
}

async function inGroups<T, R>(
  all: readonly T[],
  ask: (one: T) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const answers: R[] = []
  for (let i = 0; i < all.length; i += AT_ONCE)
    answers.push(...(await Promise.all(all.slice(i, i + AT_ONCE).map(ask))).flat())
  return answers
}
