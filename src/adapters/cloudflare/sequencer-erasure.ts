/**
 * What a log does when a subject is erased: its chain becomes nobody's, and one record says that it ended.
 *
 * One transaction appends the record, empties the row that led from the number of the chain to the object (all that linked
 * records here and in the bucket to anybody) and drops what decisions relied on. Until the object says that its storage is
 * gone the log remembers that it is on its way, so asking again is answered alike and no chain of it begins before what
 * outlives the erasure is in place. Spec: docs/spec/storage.md, "The edge host". From: sequencer.ts.
 */
import { equalBytes } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { SignedRecord } from '../../ports.ts'
import { CLOSING, type Entries } from '../sqlite/entries.ts'
import { bytes, integer, type Sql } from '../sqlite/sql.ts'
import type { GroupWriter } from './group-writer.ts'
import type { ChainErasure, ChainForgetting, ChainGone } from './rpc.ts'
import { appendOthers, requireLeaf } from './sequencer-chains.ts'
import { emptyHead, headOf, keyOf, LEAVING } from './sequencer-heads.ts'
import type { Packs } from './sequencer-packs.ts'
import { dropNaming, dropRelying } from './sequencer-relying.ts'

export interface LogErasureParts {
  readonly sql: Sql
  readonly entries: Entries
  readonly packs: Pick<Packs, 'forgetStrikes'>
  readonly writer: Pick<GroupWriter, 'writeEntries' | 'write'>
}

const INSERT = 'INSERT INTO leaving (object, leaf, idx) VALUES (?, ?, ?)'

/** Ends a chain; the same again is answered alike. */
export async function eraseChain(
  parts: LogErasureParts,
  erasure: ChainErasure,
): Promise<ChainGone> {
  const { record } = erasure
  requireOwn(record)
  return parts.writer.writeEntries(() => erase(parts, erasure), record.jws.length + 64 * 1024)
}

function erase({ sql, entries, packs }: LogErasureParts, erasure: ChainErasure): ChainGone {
  const { object, seq, record, requires, strikes, named } = erasure
  const before = sql.get(LEAVING, keyOf(object))
  if (before !== undefined)
    return equalBytes(bytes(before, 'leaf'), record.leaf)
      ? { index: integer(before, 'idx') }
      : { refused: 'conflict' }
  const head = headOf(sql, object)
  if (head.chain === null || head.seq !== seq) return { refused: 'conflict' }
  if (entries.hasNow(CLOSING) || !requires.every(entries.hasNow)) return { refused: 'requires' }
  const [receipt] = appendOthers(sql, entries, [{ ...record, openings: {} }])
  if (receipt === undefined) throw new LivegateError('internal', 'Cannot erase: nothing was logged')
  emptyHead(sql, head.chain)
  dropRelying(sql, strikes)
  dropNaming(sql, named)
  packs.forgetStrikes(strikes)
  sql.run(INSERT, keyOf(object), record.leaf, receipt.index)
  return { index: receipt.index }
}

/** The object's storage is gone, and what outlives it is in place; again changes nothing. */
export async function forgetChain({ sql, writer }: LogErasureParts, object: string): Promise<null> {
  await writer.write(() => sql.run('DELETE FROM leaving WHERE object = ?', keyOf(object)))
  return null
}

/** Logs that strikes of a chain that goes on were forgotten; the same again is answered alike while nothing else was. */
export async function forgetStrikes(
  parts: LogErasureParts,
  { object, seq, record, requires, strikes }: ChainForgetting,
): Promise<ChainGone> {
  const { sql, entries, packs, writer } = parts
  requireOwn(record)
  return writer.writeEntries(
    () => {
      if (headOf(sql, object).seq !== seq) return { refused: 'conflict' as const }
      if (entries.hasNow(CLOSING) || !requires.every(entries.hasNow))
        return { refused: 'requires' as const }
      const [receipt] = appendOthers(sql, entries, [{ ...record, openings: {} }])
      dropRelying(sql, strikes)
      packs.forgetStrikes(strikes)
      return { index: receipt?.index ?? 0 }
    },
    record.jws.length + 64 * 1024,
  )
}

function requireOwn(record: Omit<SignedRecord, 'openings'>): void {
  if (record.kind !== 'erasure')
    throw new LivegateError(
      'internal',
      `Cannot erase: the record is of kind ${record.kind}, expected erasure`,
    )
  requireLeaf({ ...record, openings: {} })
}
