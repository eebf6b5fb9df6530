/**
 * Records that wait in an outbox while the key that signed them ends: signed anew, with the key the log goes on with.
 *
 * A log takes nothing new under a key that has ended, and a chain cannot go on without its next record. Nobody was told of one
 * that waits, so nothing stands against other bytes for it, unless the log has it after all: it is asked first, and since the
 * key has ended there it cannot take the old bytes any more. All that wait are signed in one transaction, each behind the one before it, so
 * whatever dies in between finds either all old or all new. Spec: docs/spec/storage.md, "The edge host". Next stop: outbox.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import type { Openings } from '../../core/record/groups.ts'
import { type Renewed, renewRecord } from '../../core/record/renew.ts'
import type { Random, RecordSigner } from '../../ports.ts'
import { integer, type Sql, text, textOrNull, type Writer } from '../sqlite/sql.ts'
import { type ChainEntry, carried, type Reply, type SequencerRpc } from './rpc.ts'
import { kidOf } from './sequencer-chains.ts'
import { undone } from './turn-writer.ts'

export interface RenewalParts {
  readonly sql: Sql
  readonly writer: Writer
  /** Name of this subject's object. */
  readonly object: string
  readonly log: Pick<SequencerRpc, 'append' | 'head'>
  readonly signer: RecordSigner
  readonly random: Random
  /** True when the log is known, from just now, to have ended this key; rejects when it cannot be asked. */
  readonly hasEnded: (kid: string) => Promise<boolean>
  /** Rows were written: what is in memory of them is read again. */
  readonly reread: () => void
}

type Append = SequencerRpc['append']

/** `append` of a log, to which nothing is sent that it would refuse for its key. */
export function renewing(parts: RenewalParts): Pick<SequencerRpc, 'append'> {
  const { log, object } = parts
  const append: Append = async (entries) => {
    const [first] = entries
    if (first === undefined || !(await anyEnded(parts, entries))) return log.append(entries)
    const head = await log.head(object)
    if (!head.ok) return head
    const there = entries.filter(({ seq }) => seq <= head.value)
    // A log that was set back finds that out by what is sent to it.
    if (there.length === entries.length || head.value < first.seq - 1) return log.append(entries)
    const placed: Reply<readonly number[]> =
      there.length === 0 ? { ok: true, value: [] } : await log.append(there)
    if (!placed.ok) return placed
    const renewed = await carried(
      () => renewTail(parts, entries.slice(there.length)),
      console.error,
    )
    if (!renewed.ok) return renewed
    const rest = await log.append(renewed.value)
    return rest.ok ? { ok: true, value: [...placed.value, ...rest.value] } : rest
  }
  return { append }
}

/** False as well where that cannot be found out: the log says it by refusing. */
async function anyEnded(
  { hasEnded }: RenewalParts,
  entries: readonly ChainEntry[],
): Promise<boolean> {
  for (const kid of new Set(entries.map(({ record }) => kidOf(record.jws))))
    if (kid !== '' && (await hasEnded(kid).catch(() => false))) return true
  return false
}

interface Waiting {
  readonly idx: number
  readonly jws: string
  readonly openings: Openings
}

const TAIL = 'SELECT idx, jws, openings FROM records WHERE idx >= ? ORDER BY idx'
const HEAD = 'SELECT head FROM subjects'
const REPLACE = 'UPDATE records SET jws = ?, leaf = ?, openings = ? WHERE idx = ?'

/** These entries as they are from now on; everything else that waits behind them is signed anew with them. */
async function renewTail(
  parts: RenewalParts,
  entries: readonly ChainEntry[],
): Promise<readonly ChainEntry[]> {
  const { sql, writer, reread } = parts
  const head = headIn(sql)
  const tail = sql.all(TAIL, (entries[0]?.seq ?? 1) - 1).map(
    (row): Waiting => ({
      idx: integer(row, 'idx'),
      jws: text(row, 'jws'),
      openings: JSON.parse(textOrNull(row, 'openings') ?? '{}') as Openings,
    }),
  )
  const renewed = await signedAnew(parts, tail)
  const written = await writer.write(() => {
    // Whoever wrote meanwhile wrote behind what was there.
    if (headIn(sql) !== head) return false
    for (const [idx, { jws, leaf, openings }] of renewed)
      sql.run(REPLACE, jws, leaf, JSON.stringify(openings), idx)
    const newest = renewed.get(tail.at(-1)?.idx ?? -1)
    if (newest !== undefined) sql.run('UPDATE subjects SET head = ?', toBase64Url(newest.leaf))
    return true
  })
  if (!written) throw undone('the chain went on while its records were signed anew')
  reread()
  return entries.map((entry) => {
    const { jws, leaf } = renewed.get(entry.seq - 1) ?? entry.record
    return { ...entry, record: { ...entry.record, jws, leaf } }
  })
}

/** By `idx`. */
async function signedAnew(
  { signer, random }: RenewalParts,
  tail: readonly Waiting[],
): Promise<ReadonlyMap<number, Renewed>> {
  const renewed = new Map<number, Renewed>()
  let prev: string | null = null
  for (const { idx, ...record } of tail) {
    const options = { signer, random: (count: number) => random.bytes(count) }
    const one = await renewRecord(record, prev, options)
    renewed.set(idx, one)
    prev = toBase64Url(one.leaf)
  }
  return renewed
}

function headIn(sql: Sql): string | null {
  const row = sql.get(HEAD)
  return row === undefined ? null : textOrNull(row, 'head')
}
