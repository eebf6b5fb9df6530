/**
 * Opens a log, or brings one into being: what has to be true before anything is appended.
 *
 * A log begins only when it is told to, over empty storage and an empty bucket: storage that looks empty is what a lost
 * object looks like. Then storage, bucket, name and keys have to belong together; what does not halts the log, with what
 * to do. A bucket that does not answer is no contradiction: opening fails, and is tried again.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Signing } from '../../gate/signing.ts'
import type { Entries } from '../sqlite/entries.ts'
import type { Halt } from '../sqlite/halt.ts'
import { insertLogState, originOf } from '../sqlite/log-state.ts'
import type { Rounds } from '../sqlite/rounds.ts'
import { firstDrafts, type Scribe } from '../sqlite/scribe.ts'
import type { Sql } from '../sqlite/sql.ts'
import { readSeal, writeSeal } from './deployment-seal.ts'
import { changedIn } from './fixed.ts'
import type { GroupWriter } from './group-writer.ts'
import { patiently } from './patient-tiles.ts'
import type { R2Tiles } from './r2-tiles.ts'
import type { SequencerParts } from './sequencer.ts'
import { appendOthers } from './sequencer-chains.ts'
import { SEGMENTS_PREFIX } from './sequencer-segments.ts'
import { after } from './worker-system.ts'

export interface OpenParts {
  readonly parts: Pick<
    SequencerParts,
    'origin' | 'create' | 'record' | 'checkpoint' | 'bucket' | 'prefix' | 'seal' | 'after'
  >
  readonly sql: Sql
  readonly halt: Halt
  readonly writer: GroupWriter
  readonly entries: Entries
  readonly tiles: R2Tiles
  readonly rounds: Rounds
  readonly scribe: Scribe
  readonly signing: Signing
}

/** Resolves with the log open or halted; rejects when neither is known. */
export async function openLog(open: OpenParts): Promise<void> {
  const { parts, sql, halt, rounds } = open
  const found = originOf(sql)
  const sealed = await compareSeal(open)
  if (halt.why() !== null) return
  if (found === null) await begin(open)
  else if (found !== parts.origin)
    halt.halt(`its storage holds the log \`${found}\``, 'Set LIVEGATE_ORIGIN to what it was.')
  if (halt.why() !== null) return
  await load(rounds, halt)
  if (halt.why() !== null) return
  open.signing.refresh()
  const trouble = open.signing.trouble()
  if (trouble !== null)
    halt.halt(trouble, 'Set LIVEGATE_RECORD_KEY and LIVEGATE_CHECKPOINT_SEED to what they were.')
  if (halt.why() === null && !sealed) await seal(open)
}

/** Halts a log that is configured otherwise than the deployment was begun; false while nothing says how that was. */
async function compareSeal({ parts, halt }: OpenParts): Promise<boolean> {
  const { bucket, seal } = parts
  if (seal === undefined) return true
  const there = await reached(parts, () => readSeal(bucket, seal.key))
  if (there === null) return false
  if (there === 'unreadable')
    halt.halt(`\`${seal.key}\` in its bucket is malformed`, 'Restore that object.')
  const changed = there === 'unreadable' ? null : changedIn(there, seal.fixed)
  if (changed !== null)
    halt.halt(`${changed} is not what the deployment began with`, `Set ${changed} to what it was.`)
  return true
}

/** Last of all, so that a bucket that belongs to others is left as it is; whoever comes second compares. */
async function seal(open: OpenParts): Promise<void> {
  const { bucket, seal } = open.parts
  if (seal === undefined || (await reached(open.parts, () => writeSeal(bucket, seal)))) return
  await compareSeal(open)
}

async function reached<T>(parts: OpenParts['parts'], work: () => Promise<T>): Promise<T> {
  try {
    return await patiently(work, parts.after ?? after)
  } catch (cause) {
    throw new LivegateError('log_unavailable', 'Cannot open log: its bucket does not answer', {
      cause,
      retry_after_s: 1,
    })
  }
}

async function load(rounds: Rounds, halt: Halt): Promise<void> {
  try {
    await rounds.load()
  } catch (error) {
    if (halt.why() !== null) return
    throw new LivegateError('log_unavailable', 'Cannot open log: its bucket does not answer', {
      cause: error,
      retry_after_s: 1,
    })
  }
}

const CREATE =
  'Set LIVEGATE_CREATE_LOG=true for the first start of a new deployment, and only then.'

/** The first entries, in one transaction with the name of the log: a log is there whole or not at all. */
async function begin({
  parts,
  sql,
  halt,
  writer,
  entries,
  tiles,
  scribe,
}: OpenParts): Promise<void> {
  if (!parts.create) return halt.halt('no log was ever created here', CREATE)
  if (!(await isEmpty(parts, tiles)))
    return halt.halt(
      'its storage is empty, but a log is in the bucket',
      'Restore the storage of the object, or bind the empty bucket of a new deployment.',
    )
  const { record, checkpoint, origin } = parts
  const first = await scribe.sign(firstDrafts({ recordKey: record.jwk.x, vkey: checkpoint.vkey }))
  await writer.writeEntries(() => {
    insertLogState(sql, origin)
    appendOthers(sql, entries, first)
  }, 16 * 1024)
}

/** Nothing of a log is there, nor of what it knew about its records. */
async function isEmpty(
  { bucket, prefix, after: within = after }: OpenParts['parts'],
  tiles: R2Tiles,
): Promise<boolean> {
  const records = { prefix: `${SEGMENTS_PREFIX}${prefix}`, limit: 1 }
  try {
    if (!(await tiles.isEmpty())) return false
    return (await patiently(() => bucket.list(records), within)).objects.length === 0
  } catch (cause) {
    throw new LivegateError('log_unavailable', 'Cannot create log: its bucket does not answer', {
      cause,
      retry_after_s: 1,
    })
  }
}
