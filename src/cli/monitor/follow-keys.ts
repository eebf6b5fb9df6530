/**
 * Learns checkpoint keys the monitor was not given, from the log's own key records, as an audit does.
 *
 * Only when a checkpoint carries a line under the log's name by a key nobody knows: during an overlap. Entries are read from
 * where the last look stopped, each proven under the checkpoint a known key has signed; a key counts once a record key in
 * force has signed its record. A look reads for a while and goes on at the next. Spec: docs/spec/log.md, "Checkpoint keys".
 */
import { Findings } from '../../core/audit/findings.ts'
import { KeyBook } from '../../core/audit/keys.ts'
import type { ScannedRecord } from '../../core/audit/scan.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import { fromAscii } from '../../core/encoding.ts'
import type { FollowedKeys } from '../../core/monitor/watch.ts'
import { type ParsedRecord, parseRecord } from '../../core/record/parse.ts'
import { expectedKey, signatureHolds } from '../../core/record/verify.ts'
import { TILE_WIDTH } from '../../core/tlog/tile.ts'
import { CliFailure, EXIT } from '../failure.ts'
import { verifyEd25519 } from '../log/ed25519.ts'
import { eachEntry } from '../log/evidence-source.ts'
import { openVerifiedTiles } from '../log/verified-tiles.ts'
import { type FetchFile, LookFailed } from './fetch.ts'

export interface FollowParts {
  readonly fetch: FetchFile
  /** API key for private entries. */
  readonly key: string | null
  readonly url: string
  readonly origin: string
  /** Signed under a known key. */
  readonly head: SignedHead
  /** What is known already. */
  readonly known: FollowedKeys | null
  readonly signal: AbortSignal
}

/** Entries one look reads: what some seconds are enough for. */
const ENTRIES_A_LOOK: number = 128 * TILE_WIDTH
/** 256 entries of 64 KiB: the most the format holds. */
const FILE_BYTES: number = 17 * 1024 * 1024

/** Key records up to some later place; null when entries may not be read, or are not served. Throws LookFailed. */
export async function followKeys(parts: FollowParts): Promise<FollowedKeys | null> {
  const { head, known, origin } = parts
  const from = known?.size ?? 0
  const to = Math.min(head.size, from + ENTRIES_A_LOOK)
  const found: { readonly index: number; readonly record: ParsedRecord }[] = []
  let size = from
  const read = await readEntries(parts, { from, to }, (index, bytes) => {
    const record = keyRecordOf(bytes, origin)
    if (record !== null) found.push({ index, record })
    size = index + 1
  })
  if (!read) return null
  const books = {
    record: new KeyBook(known?.keys),
    checkpoint: new KeyBook(known?.checkpoint_keys, { use: 'checkpoint' }),
  }
  for (const { index, record } of found) await learn(books, record, index)
  return {
    ...{ size, keys: books.record.state() },
    checkpoint_keys: books.checkpoint.state(),
  }
}

async function readEntries(
  { fetch, key, url, head, signal }: FollowParts,
  { from, to }: { readonly from: number; readonly to: number },
  use: (index: number, bytes: Uint8Array) => void,
): Promise<boolean> {
  const read = (path: string): Promise<Uint8Array | null> =>
    fetch(path, { limit: FILE_BYTES, key: path.startsWith('tile/entries/') ? key : null })
  const source = { ...{ name: url, remote: true }, read }
  try {
    const tiles = await openVerifiedTiles(source, head)
    const wanted = (first: number, after: number): boolean => first < to && after > from
    await eachEntry({ ...{ source, tiles, signal }, size: head.size }, wanted, (index, bytes) => {
      if (index >= from && index < to) use(index, bytes)
    })
    return true
  } catch (error) {
    // What was read in time counts; the look itself has come to its end.
    if (signal.aborted) return true
    if (error instanceof LookFailed && error.trouble === 'refused') return false
    if (!(error instanceof CliFailure)) throw error
    if (error.exit === EXIT.verification) throw new LookFailed('tiles_wrong')
    return false
  }
}

/** Null for every other entry: what else there is to say of one is an audit's. */
function keyRecordOf(bytes: Uint8Array, origin: string): ParsedRecord | null {
  const text = fromAscii(bytes)
  if (text === null || !text.startsWith(KEY_HEADER)) return null
  const record = parseRecord(text)
  return record.ok && record.value.claims.log === origin ? record.value : null
}

/** How the one spelling of a key record's header begins, up to a whole number of three bytes. */
const KEY_HEADER: string = Buffer.from('{"alg":"Ed25519","typ":"livegate-key+jwt')
  .toString('base64url')
  .slice(0, 52)

async function learn(
  books: { readonly record: KeyBook; readonly checkpoint: KeyBook },
  record: ParsedRecord,
  index: number,
): Promise<void> {
  const said = new Findings()
  if (record.kind !== 'key') return
  if (index === 0) books.record.first(record as ScannedRecord, said)
  const signer = expectedKey(record, books.record.ring(), { index })
  if (!signer.ok || !(await signatureHolds(record, signer.value, verifyEd25519))) return
  if (index === 0) return
  books.record.learn(record.claims, index, said)
  books.checkpoint.learn(record.claims, index, said)
}
