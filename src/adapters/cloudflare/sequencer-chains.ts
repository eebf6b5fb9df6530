/**
 * What a sequencer writes: records of chains, each chain in order and without a gap, and records of the deployment.
 *
 * Everything is looked at before anything is written, because others share the transaction: a refused append is a value.
 * A record that is sent again is recognised by its full leaf hash and keeps the index it has: it is looked for outside of
 * the transaction and comes back as `known`, which is rare; so the row of a chain, the only thing that grows with people,
 * is as small as it can be. A caller who remembers a place this log does not have shows that the log was set back.
 * Next stop: sequencer-heads.ts, sequencer.ts.
 */
import { equalBytes, toBase64Url, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { isChainKind } from '../../core/record/kinds.ts'
import { leafHash } from '../../core/tlog/hash.ts'
import type { Receipt, SignedRecord } from '../../ports.ts'
import { claimsOf, type Entries, requireEntry } from '../sqlite/entries.ts'
import type { Sql } from '../sqlite/sql.ts'
import type { ChainEntry } from './rpc.ts'
import type { DecidedBook } from './sequencer-decided.ts'
import {
  advanceHead,
  type Head,
  headOf,
  insertHead,
  isLeaving,
  nextChain,
} from './sequencer-heads.ts'
import { noteBeat } from './sequencer-heartbeat.ts'
import type { Packs } from './sequencer-packs.ts'
import { insertRelying } from './sequencer-relying.ts'
import type { ShadowBook } from './sequencer-shadow.ts'

/** Why an append was refused; then nothing of it is there. */
export interface Refused {
  readonly refused: string
}

/** What came of an append; unless it is indexes, nothing of it is there. */
export type Appended =
  | readonly number[]
  | Refused
  /** Records a chain has come past: where they are has to be found first. */
  | { readonly older: readonly ChainEntry[] }
  /** A record is new here, but signed by a key that has ended. */
  | { readonly ended: string }
  /** What was acknowledged is not here any more. */
  | { readonly lost: string }

/** Where a chain's records are written. */
export interface ChainLog {
  readonly sql: Sql
  readonly entries: Pick<Entries, 'append' | 'next' | 'isEnded'>
  readonly packs: Pick<Packs, 'describe'>
  readonly shadow: Pick<ShadowBook, 'note'> | null
  readonly decided: Pick<DecidedBook, 'note'>
}

/** Older records by `knownAs`: their index, or null where there is no such record. */
export type Known = ReadonlyMap<string, number | null>

/** `chain` null: a new one. */
type Step = {
  readonly entry: ChainEntry
  readonly known: number | null
  readonly chain: number | null
}

/**
 * Indexes of the entries, in their order. Inside a transaction only; throws `internal` for what no log can hold before
 * it writes, so callers have called `requireChainEntries` outside of any.
 */
export function appendChains(log: ChainLog, chains: readonly ChainEntry[], known: Known): Appended {
  const heads = new Map<string, Head>()
  const steps: Step[] = []
  const older: ChainEntry[] = []
  for (const entry of chains) {
    const head = heads.get(entry.object) ?? headOf(log.sql, entry.object)
    heads.set(entry.object, head)
    const lost = lostIn(head, entry)
    if (lost !== null) return { lost }
    const place = placeOf(head, entry, known)
    if (place === undefined) older.push(entry)
    else if (place !== null) steps.push({ entry, known: place, chain: head.chain })
    else if (entry.seq === head.seq + 1) {
      const kid = kidOf(entry.record.jws)
      if (log.entries.isEnded(kid)) return { ended: kid }
      if (head.chain === null && isLeaving(log.sql, entry.object)) return LEAVING
      steps.push({ entry, known: null, chain: head.chain })
      heads.set(entry.object, { chain: head.chain, seq: entry.seq, idx: null })
    } else return { refused: refusalOf(head, entry) }
  }
  if (older.length > 0) return { older }
  return written(log, steps)
}

/** Throws `internal` for entries that could spoil the transaction of others, or the log. */
export function requireChainEntries(chains: readonly ChainEntry[]): void {
  for (const { record, seq } of chains) {
    requireLeaf({ ...record, openings: {} })
    if (isChainKind(record.kind) && Number.isSafeInteger(seq) && seq >= 1) continue
    throw new LivegateError(
      'internal',
      `Cannot append a ${record.kind} record at ${seq}: expected a record of a chain and its place`,
    )
  }
}

/** What an older record is called in `Known`. */
export function knownAs({ object, seq, record }: ChainEntry): string {
  return `${object} ${seq} ${toBase64Url(record.leaf)}`
}

/** A log has a header for each kind and key. */
const kids = new Map<string, string>()
const MAX_KIDS = 1024

/** The key the header of a record of ours names; nobody's when it names none. */
export function kidOf(jws: string): string {
  const header = jws.slice(0, jws.indexOf('.'))
  const known = kids.get(header)
  if (known !== undefined) return known
  // A header alone is read as the claims of a record are.
  const { kid } = claimsOf(`.${header}`)
  const name = typeof kid === 'string' ? kid : ''
  if (kids.size >= MAX_KIDS) kids.clear()
  kids.set(header, name)
  return name
}

/** Appends records of the deployment. Inside a transaction only; `requireLeaf` has been called for each. */
export function appendOthers(
  sql: Sql,
  entries: Pick<Entries, 'append'>,
  records: readonly SignedRecord[],
): readonly Receipt[] {
  return records.map((record) => {
    noteBeat(sql, record)
    return entries.append({ ...record, openings: {} })
  })
}

/** Throws `internal` for a record whose bytes do not hash to its leaf: signed over, it would end the log. */
export function requireLeaf(record: SignedRecord): void {
  requireEntry(record)
  if (equalBytes(leafHash(utf8(record.jws)), record.leaf)) return
  throw new LivegateError('internal', 'Cannot log record: its bytes do not hash to its leaf')
}

/** Whoever was told a place remembers it: a log that does not was set back, and others have their places by now. */
function lostIn({ seq, idx }: Head, entry: ChainEntry): string | null {
  const { after = null } = entry
  if (after === null || entry.seq <= seq) return null
  const record = entry.seq - 1
  if (record > seq)
    return `record ${record} of a chain was at ${after}, but ${seq} is the newest here`
  if (idx === null || idx === after) return null
  return `record ${record} of a chain was at ${after}, but is at ${idx} here`
}

/** Index of this very record; null when it is not there, undefined when that has to be found out. */
function placeOf(head: Head, entry: ChainEntry, known: Known): number | null | undefined {
  return entry.seq > head.seq ? null : known.get(knownAs(entry))
}

/** Its storage is on its way out: what it had to keep may not be there yet. */
const LEAVING: Refused = { refused: 'a chain of a subject whose erasure is not done' }

function refusalOf({ seq }: Head, entry: ChainEntry): string {
  return `record ${entry.seq} of a chain that has ${seq}, expected the next one`
}

/** Each head once, however many of its records come together. */
function written(log: ChainLog, steps: readonly Step[]): readonly number[] {
  const begun = new Map<string, number>()
  const ends = new Map<string, { chain: number; seq: number; idx: number }>()
  let base: number | null = null
  function begin(object: string): number {
    base ??= nextChain(log.sql)
    const chain = base + begun.size
    begun.set(object, chain)
    return chain
  }
  const indexes = steps.map(({ entry, known, chain: there }) => {
    if (known !== null) return known
    const { object, seq } = entry
    const chain = there ?? begun.get(object) ?? begin(object)
    const idx = insert(log, entry, chain)
    ends.set(object, { chain, seq, idx })
    return idx
  })
  for (const [object, head] of ends)
    if (begun.has(object)) insertHead(log.sql, object, head)
    else advanceHead(log.sql, head)
  return indexes
}

function insert(
  { sql, entries, packs, shadow, decided }: ChainLog,
  entry: ChainEntry,
  chain: number,
): number {
  const { seq, at, record, decision } = entry
  const { id, kind, leaf } = record
  const { index } = entries.append({ ...record, openings: {} })
  shadow?.note(entry)
  decided.note(entry)
  const { outcome = null, mode = null, rules = [], strikes = [] } = decision ?? {}
  const place = { index, id, kind, at, chain, seq, leaf: toBase64Url(leaf) }
  packs.describe({ ...place, outcome, mode, rules }, strikes)
  if (outcome !== null) insertRelying(sql, index, { id, outcome, at, strikes })
  return index
}

/** Bytes an entry writes, about. A strike that is named is a row of its own. */
export function weightOf({ record, decision }: ChainEntry): number {
  const { strikes = [], rules = [] } = decision ?? {}
  const named = strikes.reduce((sum, id) => sum + id.length + 64, 0)
  return record.jws.length + 512 + named + rules.reduce((sum, rule) => sum + rule.length, 0)
}
