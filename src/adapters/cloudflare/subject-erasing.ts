/**
 * Carries an erasure on, from wherever it is, to its end: the log, then everybody else, then this object's own storage.
 *
 * Each step may be taken again: what it asks of others is repeatable, and how far it got is a row (subject-leaving.ts). The log
 * comes first: from there on the chain is nobody's. The storage goes last and whole (`deleteAll`: nothing stays in freed pages);
 * what outlives it is written in the same turn of the event loop, and so in the same commit. Should that be lost all the same,
 * the log lets no chain of this object begin (sequencer-erasure.ts). Spec: docs/spec/storage.md, "The edge host".
 */
import { fromBase64Url } from '../../core/encoding.ts'
import { epochMs } from '../../core/time.ts'
import type { Clock } from '../../ports.ts'
import type { Sql, Writer } from '../sqlite/sql.ts'
import { putSuppressions } from '../sqlite/suppressions.ts'
import type { ChainStore } from './chain-store.ts'
import { RETRY_AFTER_MS } from './edge-ledger.ts'
import { type ChainGone, opened, type SequencerRpc } from './rpc.ts'
import type { Alarm } from './subject-alarm.ts'
import { dropLeaving, type Leaving, leavingIn, putLeaving } from './subject-leaving.ts'
import { hostsNaming, mentionsIn, serversOf } from './subject-mentions.ts'

export interface ErasingParts {
  readonly sql: Sql
  readonly writer: Writer
  readonly store: ChainStore
  /** Name of this object, and of its log. */
  readonly object: string
  readonly origin: string
  readonly storage: { deleteAll(): Promise<void> }
  readonly alarm: Alarm
  readonly clock: Clock
  readonly log: Pick<SequencerRpc, 'eraseChain' | 'forgetChain'>
  readonly elsewhere: Elsewhere
}

/** What other objects hold of a subject. Every method is repeatable, and rejects when it is not known to have happened. */
export interface Elsewhere {
  /** How many stream keys it has. */
  keys(subject: string): Promise<number>
  /** Strike ids, stream keys, sessions of these media servers. */
  drop(subject: string, servers: readonly string[]): Promise<void>
  releaseStrikes(subject: string, ids: readonly string[]): Promise<void>
  /** Records of `host`, by `seq`, no longer name it. */
  unname(host: string, subject: string, seqs: readonly number[]): Promise<void>
  /** `cohost` no longer knows that records of `subject` name it: these, by `seq`, or any. */
  unhost(cohost: string, subject: string, seqs?: readonly number[]): Promise<void>
}

export interface Erasing {
  /** Resolves when nothing is left to do; rejects when it cannot go on now. */
  carryOn(): Promise<void>
  /** Resolves when the log has the record; why it never will, null when it does. */
  logged(): Promise<'conflict' | 'requires' | null>
}

export function createErasing(parts: ErasingParts): Erasing {
  const { sql } = parts
  let running: Promise<unknown> | null = null
  let refused: 'conflict' | 'requires' | null = null

  const unfinished = (): Leaving | null => {
    const leaving = leavingIn(sql)
    return leaving === null || leaving.phase === 'done' ? null : leaving
  }

  /** One step at a time, whoever asks. */
  async function until(done: (leaving: Leaving) => boolean): Promise<void> {
    for (let now = unfinished(); now !== null && !done(now); now = unfinished()) {
      const leaving = now
      running ??= step(leaving).finally(() => {
        running = null
      })
      await running
    }
  }

  async function step(leaving: Leaving): Promise<void> {
    if (leaving.phase === 'begun') refused = await tellLog(parts, leaving)
    else if (leaving.phase === 'logged') await vacate(parts, leaving)
    else await finish(parts, leaving)
  }

  return {
    carryOn: () => until(() => false),
    async logged() {
      refused = null
      await until(({ phase }) => phase !== 'begun')
      return refused
    },
  }
}

/** Refused, it never was: nothing has been done for it yet. */
async function tellLog(
  parts: ErasingParts,
  leaving: Leaving,
): Promise<'conflict' | 'requires' | null> {
  const { sql, writer, log, object, origin } = parts
  const { work, record: id } = leaving
  const leaf = fromBase64Url(work?.leaf ?? '')
  if (work === null || work.jws === null || leaf === null || id === null)
    throw new TypeError('an erasure without its record')
  const { jws, leaf: leafText, seq, requires } = work
  const { strikes, named } = mentionsIn(parts)
  const record = { id, kind: 'erasure' as const, jws, leaf }
  const asked = { object, seq, record, requires, strikes, named }
  const gone: ChainGone = await opened(log.eraseChain(asked))
  if ('refused' in gone) {
    await writer.write(() => dropLeaving(sql))
    return gone.refused
  }
  const receipt = { origin, index: gone.index, leaf: leafText ?? '' }
  await writer.write(() => putLeaving(sql, { ...leaving, phase: 'logged', receipt }))
  return null
}

/** Seqs in one call. */
const SEQS_AT_ONCE = 500

async function vacate(parts: ErasingParts, leaving: Leaving): Promise<void> {
  const { sql, writer, store, storage, alarm, clock, elsewhere, object } = parts
  const { work } = leaving
  if (work === null) throw new TypeError('an erasure that does not know whose it is')
  const { subject, suppressions } = work
  const { cohosts } = mentionsIn(parts)
  await elsewhere.drop(subject, serversOf(store, subject))
  for (const [host, seqs] of hostsNaming(sql))
    for (let i = 0; i < seqs.length; i += SEQS_AT_ONCE)
      await elsewhere.unname(host, subject, seqs.slice(i, i + SEQS_AT_ONCE))
  for (const cohost of cohosts) await elsewhere.unhost(cohost, subject)
  const phase = leaving.record === null ? ('done' as const) : ('vacated' as const)
  // In one turn of the event loop, and so in one commit.
  const gone = storage.deleteAll()
  store.vacated()
  alarm.fired()
  const armed = alarm.arm(epochMs(clock.now() + RETRY_AFTER_MS))
  const left = writer.write(() => {
    putSuppressions(sql, object, suppressions)
    putLeaving(sql, { ...leaving, phase, work: null })
  })
  await Promise.all([gone, armed, left])
}

async function finish({ sql, writer, log, object }: ErasingParts, leaving: Leaving): Promise<void> {
  await opened(log.forgetChain(object))
  await writer.write(() => putLeaving(sql, { ...leaving, phase: 'done' }))
}
