/**
 * The Directory port of the Worker: what is found by id, by time or by its place, whichever object holds it.
 *
 * Logs know where a record is (they had it before its 2xx was out), the subject's object has the record with its
 * openings: so every question goes to the logs first, all shards at once, then to the objects they name. How several
 * logs become one list: merged-search.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { MAX_RELYING } from '../../core/limits.ts'
import type { Directory, Pepper, RecordPage, StoredRecord } from '../../ports.ts'
import { charsOf, recordsOf } from './kept-records.ts'
import { cursorBehind, mergedSearch } from './merged-search.ts'
import { directoryName, serverName, shardOf, subjectObjectName } from './names.ts'
import { type ChainPlace, opened, type SequencerRpc, type Stubs } from './rpc.ts'

export interface EdgeDirectoryParts {
  readonly stubs: Stubs
  readonly pepper: Pepper
  readonly shards: number
  /** Whoever asks for sessions does so because their server asks whether they may go on. */
  readonly polls?: true
}

/** Characters of one page of records: as in adapters/sqlite/directory.ts. */
const MAX_PAGE_CHARS = 1024 * 1024
/**
 * Records asked for at once: few at first, because each may have 2 MB and an isolate has 128; more each time while
 * they turn out small.
 */
const FIRST_RECORDS = 10
const RECORDS_AT_ONCE = 50

export function createEdgeDirectory(parts: EdgeDirectoryParts): Directory {
  const { stubs, pepper, shards, polls } = parts
  const logs = Array.from({ length: shards }, (_, shard) => stubs.sequencer(shard))
  return {
    subjectOfStrike: (strike) =>
      opened(stubs.directory(directoryName(pepper, 'strike', strike)).subjectOfStrike(strike)),
    async record(id) {
      const place = await placeOf(logs, id)
      return place === null ? null : ((await recordsAt(stubs, [place]))[0] ?? null)
    },
    async searchDecisions(question) {
      const { places, next } = await mergedSearch(logs, question)
      const { records, taken } = await recordsWithin(stubs, places)
      const last = taken < places.length ? places[taken - 1] : undefined
      return {
        records,
        next: last === undefined ? next : cursorBehind(last, shardOf(last.object, shards)),
      }
    },
    records: (page) => pageOf(stubs, logOf(logs, page), page),
    async decisionsRelyingOn(strike) {
      const found = await Promise.all(logs.map((log) => opened(log.decisionsRelyingOn(strike))))
      return found
        .flat()
        .sort((a, b) => b.at - a.at)
        .slice(0, MAX_RELYING)
    },
    async broadcastOfSession(server, session) {
      const spoken = polls === true ? 'poll' : undefined
      const found = await opened(stubs.directory(serverName(server)).session(session, spoken))
      if (found === null) return null
      const { subject } = found
      const view = await opened(stubs.subject(subjectObjectName(pepper, subject)).view(subject))
      const broadcast = view.broadcasts.find(({ id }) => id === found.broadcast)
      return broadcast === undefined ? null : { subject, broadcast }
    },
  }
}

/** One log has it or none has; one that does not answer only matters when the others do not have it. */
async function placeOf(logs: readonly SequencerRpc[], id: string): Promise<ChainPlace | null> {
  const asked = await Promise.allSettled(logs.map((log) => opened(log.find(id))))
  const found = asked.find((one) => one.status === 'fulfilled' && one.value !== null)
  if (found?.status === 'fulfilled') return found.value
  const failed = asked.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return null
}

function logOf(logs: readonly SequencerRpc[], { shard = 0 }: RecordPage): SequencerRpc {
  const log = logs[shard]
  if (log !== undefined) return log
  throw new LivegateError('not_found', 'Cannot read records: there is no log of this number')
}

/** Records until there are enough, or they are large enough; what was erased is left out. */
async function pageOf(
  stubs: Stubs,
  log: SequencerRpc,
  page: RecordPage,
): Promise<{ readonly records: readonly StoredRecord[]; readonly next: number | null }> {
  const { places, next } = await opened(log.records({ from: page.from, limit: page.limit }))
  const { records, taken } = await recordsWithin(stubs, places)
  return { records, next: places[taken]?.index ?? next }
}

/** The records at the first places, in their order, until they are large enough for a page; how many places those are. */
async function recordsWithin(
  stubs: Stubs,
  places: readonly ChainPlace[],
): Promise<{ readonly records: readonly StoredRecord[]; readonly taken: number }> {
  const records: StoredRecord[] = []
  let [taken, chars, count] = [0, 0, FIRST_RECORDS]
  while (taken < places.length && chars < MAX_PAGE_CHARS) {
    const found = await recordsAt(stubs, places.slice(taken, taken + count))
    records.push(...found)
    taken = Math.min(taken + count, places.length)
    chars += found.reduce((sum, record) => sum + charsOf(record), 0)
    count = Math.min(4 * count, RECORDS_AT_ONCE)
  }
  return { records, taken }
}

/** The records at places, in their order; each object is asked once, or more often when they are large. */
async function recordsAt(
  stubs: Stubs,
  places: readonly ChainPlace[],
): Promise<readonly StoredRecord[]> {
  const byObject = Map.groupBy(places, ({ object }) => object)
  const found = new Map<string, StoredRecord>()
  await Promise.all(
    [...byObject].map(async ([object, asked]) => {
      for (const record of await recordsOf(stubs.subject(object), asked))
        found.set(`${object} ${record.seq}`, record)
    }),
  )
  return places.flatMap(({ object, seq }) => found.get(`${object} ${seq}`) ?? [])
}
