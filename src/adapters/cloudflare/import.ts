/**
 * The Importer of the edge host: takes lines apart and brings each to the object it belongs to.
 *
 * Every step may come twice, and how far the file is, is noted last, by the first log: whatever is interrupted is simply
 * brought again. All logs are shut before the first line and opened after the last. API keys are a secret of the
 * deployment and pass by. Duties: core/move/importer.ts. Spec: docs/spec/storage.md, "Moving".
 */

import { fromBase64Url, utf8 } from '../../core/encoding.ts'
import type { Importer, MoveProgress } from '../../core/move/importer.ts'
import type { MoveHeader, MoveLine } from '../../core/move/lines.ts'
import { numberedAfter, refusal, requireAcceptable } from '../../core/move/receive.ts'
import { groupIn } from '../../core/record/cohost-openings.ts'
import { leafHash } from '../../core/tlog/hash.ts'
import type { Pepper, StreamKeys } from '../../ports.ts'
import type { LogMove, LogProgress, Seed } from './import-steps.ts'
import { requireRoom, subjectOfMove } from './import-subject.ts'
import { directoryName, originOfShard, serverName, shardOf, subjectObjectName } from './names.ts'
import type { Stubs } from './rpc.ts'
import { opened } from './rpc.ts'

export interface EdgeImportParts {
  readonly stubs: Stubs
  readonly pepper: Pepper
  readonly streamKeys: Pick<StreamKeys, 'bind'>
  /** Name of the deployment's log; with several shards each adds its number. */
  readonly origin: string
  readonly shards: number
}

/** Objects asked at the same time. */
const AT_ONCE = 32

export function createEdgeImporter(parts: EdgeImportParts): Importer {
  const { stubs, pepper, origin, shards } = parts
  const logs = Array.from({ length: shards }, (_, shard) => shard)
  const origins = logs.map((shard) => originOfShard(origin, shard, shards))
  const step = (shard: number, move: LogMove): Promise<LogProgress> =>
    opened(stubs.sequencer(shard).move(move))

  async function begin(header: MoveHeader): Promise<MoveProgress & { readonly own: number }> {
    requireAcceptable(header, { origins, hash: (text) => pepper.hash('move', text) })
    const checked = await Promise.all(logs.map((shard) => step(shard, { check: header })))
    const own = Math.max(...checked.map(({ own_revisions = 0 }) => own_revisions))
    const [first] = await Promise.all(logs.map((shard) => step(shard, { begin: header })))
    const { lines, finished } = first ?? { lines: 1, finished: false }
    return { lines, finished, own }
  }

  return {
    async begin(header) {
      const { lines, finished } = await begin(header)
      return { lines, finished }
    },
    async put({ header, from, lines }) {
      const { lines: taken, finished, own } = await begin(header)
      if (from > taken) throw refusal(`line ${taken} has not arrived`, 'lines in order')
      const fresh = lines.slice(taken - from)
      if (finished || fresh.length === 0) return { lines: taken, finished }
      await bring(parts, step, { header, lines: fresh, own })
      const ended = fresh.some((line) => 'end' in line)
      const progress = { lines: taken + fresh.length, finished: ended }
      // The first log says how far the file is, so it is told last.
      for (const shard of ended ? logs.toReversed() : [0]) await step(shard, { progress })
      return progress
    },
  }
}

type Step = (shard: number, move: LogMove) => Promise<LogProgress>

async function bring(
  parts: EdgeImportParts,
  step: Step,
  {
    header,
    lines,
    own,
  }: {
    readonly header: MoveHeader
    readonly lines: readonly MoveLine[]
    readonly own: number
  },
): Promise<void> {
  for (const line of lines) requireRoom(line)
  for (const line of lines) if ('policy' in line) await keepPolicy(parts, step, line.policy)
  for (const line of lines)
    if ('activation' in line)
      await everywhere(parts, step, { activation: numberedAfter(own, line.activation) })
  // Strike ids first: one that somebody else has must be found before anything is written about the subject.
  await each(lines, (line) => claimStrike(parts, line))
  const bySubject = Map.groupBy(
    lines.filter((line) => 'subject' in line || 'strike' in line || 'record' in line),
    (line) => subjectOfMove([line]),
  )
  const logs = [header, ...header.predecessors].map(({ origin, size }) => ({ origin, size }))
  await each([...bySubject], async ([subject, own]) => {
    const object = subjectObjectName(parts.pepper, subject)
    await opened(parts.stubs.subject(object).moveIn({ logs, lines: own }))
  })
  await plant(parts, step, lines)
  await each(lines, (line) => openSessions(parts, line))
  await each(lines, (line) => bindKey(parts, line))
  await each(lines, (line) => keep(parts, line))
  await each(lines, (line) => nameCohosts(parts, line))
}

/** What outlives an erasure, and what stands before one, goes to the object it is about. */
async function keep({ stubs, pepper }: EdgeImportParts, line: MoveLine): Promise<void> {
  if ('suppression' in line)
    await opened(stubs.subject(line.suppression.key).keep({ suppression: line.suppression }))
  if (!('legal_hold' in line)) return
  const object = stubs.subject(subjectObjectName(pepper, line.legal_hold.subject))
  await opened(object.keep({ legal_hold: line.legal_hold }))
}

/** Whoever erases a co-host has to find the records that name it. */
async function nameCohosts({ stubs, pepper }: EdgeImportParts, line: MoveLine): Promise<void> {
  if (!('record' in line)) return
  const { subject, seq, openings } = line.record
  const { cohosts = [] } = (groupIn(openings, 'subject') ?? {}) as { cohosts?: readonly string[] }
  for (const cohost of cohosts)
    await opened(
      stubs
        .subject(subjectObjectName(pepper, cohost))
        .named(cohost, { host: subject, seq, pseudonym: null }),
    )
}

async function keepPolicy(
  { shards }: EdgeImportParts,
  step: Step,
  { digest, text }: { readonly digest: string; readonly text: string },
): Promise<void> {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw refusal('the text of a policy is malformed', 'base64url')
  await everywhere({ shards }, step, { policy: { digest, bytes } })
}

/** To each log in turn: all have every text and number before anybody is decided about. */
async function everywhere(
  { shards }: Pick<EdgeImportParts, 'shards'>,
  step: Step,
  move: LogMove,
): Promise<void> {
  for (let shard = 0; shard < shards; shard++) await step(shard, move)
}

async function claimStrike({ stubs, pepper }: EdgeImportParts, line: MoveLine): Promise<void> {
  if (!('strike' in line)) return
  const { id, subject } = line.strike.strike
  const slice = stubs.directory(directoryName(pepper, 'strike', id))
  if ((await opened(slice.claimStrike(id, subject))) === 'taken')
    throw refusal('the id of a strike is another subject’s here', 'a fresh deployment')
}

async function plant(
  { pepper, shards }: EdgeImportParts,
  step: Step,
  lines: readonly MoveLine[],
): Promise<void> {
  const seeds = lines.flatMap((line): Seed[] => {
    if (!('record' in line)) return []
    const { subject, id, kind, seq, at, place, decision, jws } = line.record
    const object = subjectObjectName(pepper, subject)
    return [{ ...{ object, id, kind, seq, at, place, decision }, leaf: leafHash(utf8(jws)) }]
  })
  const byShard = Map.groupBy(seeds, ({ object }) => shardOf(object, shards))
  for (const [shard, own] of byShard) await step(shard, { seeds: own })
}

async function openSessions({ stubs }: EdgeImportParts, line: MoveLine): Promise<void> {
  if (!('subject' in line)) return
  const { subject, broadcasts } = line.subject
  for (const { id, server, session } of broadcasts)
    if (server !== undefined && session !== undefined)
      await opened(stubs.directory(serverName(server)).openSession(session, subject, id))
}

async function bindKey({ streamKeys }: EdgeImportParts, line: MoveLine): Promise<void> {
  if (!('stream_key' in line)) return
  if ((await streamKeys.bind(line.stream_key)).ok) return
  throw refusal('a stream key is another subject’s here', 'a fresh deployment')
}

/** A few at a time, in order; the first failure ends it. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE)
    await Promise.all(items.slice(i, i + AT_ONCE).map(work))
}
