/**
 * One look at one log: checkpoint, consistency with the last trusted one, quorum, newest heartbeat.
 *
 *     checkpoint → signature → older and newer head compared over tiles → checkpoint.witnessed → newest entries → new keys
 *
 * Only what is proven under the signed checkpoint comes back. Concluding from it: core/monitor/watch.ts.
 */
import { fromUtf8, toBase64 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { compareHeads } from '../../core/monitor/compare.ts'
import type {
  FollowedKeys,
  Fork,
  KeyNews,
  Look,
  Watch,
  WitnessedTrouble,
} from '../../core/monitor/watch.ts'
import { vkeyOf } from '../../core/record/key-history.ts'
import {
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from '../../core/tlog/checkpoint.ts'
import { HASH_BYTES } from '../../core/tlog/hash.ts'
import { parseNote } from '../../core/tlog/note.ts'
import { TILE_WIDTH, tilePath } from '../../core/tlog/tile.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import type { AsyncHashReader } from '../../core/tlog/tree.ts'
import { quorumOf, type WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import { verifyEd25519 } from '../log/ed25519.ts'
import { type LogKey, logKeyOf } from '../log/head.ts'
import { withLearned } from '../log/head-signers.ts'
import { type FetchFile, LookFailed } from './fetch.ts'
import { followKeys } from './follow-keys.ts'
import { newestHeartbeat } from './heartbeats.ts'

export interface LookParts {
  readonly fetch: FetchFile
  /** Keys by the name of their log. */
  readonly keys: ReadonlyMap<string, LogKey>
  /** Whose cosignatures are wanted; null when nobody asked. */
  readonly policy: WitnessPolicy | null
  /** API key for private entries. */
  readonly key: string | null
  /** Ends the look. */
  readonly signal: AbortSignal
}

/** A note is at most some 200 KB with 60 cosignatures of the largest kind. */
const NOTE_BYTES: number = 512 * 1024
const TILE_BYTES: number = TILE_WIDTH * HASH_BYTES

/** Never rejects for what a server does. */
export async function lookAt(
  parts: LookParts,
  watch: Watch,
): Promise<{ readonly look: Look; readonly origin: string | null }> {
  let origin = watch.origin
  try {
    const head = await readHead(parts, 'checkpoint', watch)
    if (head === null) return { look: { trouble: 'no_checkpoint' }, origin }
    origin = head.origin
    const look = await compared(parts, { ...watch, origin }, head)
    return { look: look ?? (await further(parts, watch, head)), origin }
  } catch (error) {
    if (error instanceof LookFailed) return { look: { trouble: error.trouble }, origin }
    throw error
  }
}

export interface Head extends OpenedCheckpoint {
  readonly note: string
}

type Known = Pick<Watch, 'origin' | 'followed'>

/** A checkpoint under the key of the log it says it is of; null when there is none. */
async function readHead(
  { fetch, keys }: LookParts,
  path: string,
  known: Known,
): Promise<Head | null> {
  const bytes = await fetch(path, { limit: NOTE_BYTES })
  if (bytes === null) return null
  return openHead(fromUtf8(bytes), keys, known)
}

/** The head of a note under a key given or learned; `ended` keys too for what was trusted in their time. Throws LookFailed. */
export async function openHead(
  note: string | null,
  keys: LookParts['keys'],
  { origin: expected, followed }: Known,
  options: { readonly ended?: boolean } = {},
): Promise<Head> {
  const parsed = note === null ? null : parseNote(note)
  const head = parsed?.ok ? parseCheckpoint(parsed.value.body) : null
  if (note === null || !head?.ok) throw new LookFailed('not_a_checkpoint')
  const key = keys.get(head.value.origin)
  if (key === undefined || (expected !== null && expected !== key.origin))
    throw new LookFailed('other_log')
  const opened = await openCheckpoint({ note, ...withLearned(key, followed, options) })
  if (!opened.ok) throw new LookFailed('not_signed')
  return { ...opened.value, note }
}

/** Null when the head is of the trusted tree, and not behind it. */
async function compared(parts: LookParts, watch: Watch, head: Head): Promise<Look | null> {
  if (watch.trusted === null || watch.trusted.note === head.note) return null
  const trusted = await openHead(watch.trusted.note, parts.keys, watch, { ended: true })
  const back = head.size < trusted.size
  const [older, newer] = back ? [head, trusted] : [trusted, head]
  if (await forked(parts, older, newer)) return { fork: { trusted: trusted.note, seen: head.note } }
  return back ? { trouble: 'older' } : null
}

/** Throws LookFailed when the tiles do not tell. */
export async function forked(
  parts: Pick<LookParts, 'fetch'>,
  older: Head,
  newer: Head,
): Promise<boolean> {
  const result = await compareHeads({ older, newer, read: readerOf(parts, newer.size) })
  if (result === 'tiles_wrong') throw new LookFailed('tiles_wrong')
  return result === 'fork'
}

/** Over the tiles of a tree; every tile is asked for once. */
function readerOf({ fetch }: Pick<LookParts, 'fetch'>, size: number): AsyncHashReader {
  const files = new Map<string, Promise<Uint8Array | null>>()
  let missing = false
  const read = hashReaderOverTiles(async (tile) => {
    const path = tilePath(tile)
    const file = files.get(path) ?? fetch(path, { limit: TILE_BYTES })
    files.set(path, file)
    const bytes = await file
    missing ||= bytes === null && tile.width === TILE_WIDTH
    return bytes
  }, size)
  return async (nodes) => {
    try {
      return await read(nodes)
    } catch (error) {
      if (error instanceof LivegateError)
        throw new LookFailed(missing ? 'tiles_missing' : 'tiles_wrong')
      throw error
    }
  }
}

/** What else there is to see under a head that is the log's, and goes on from the trusted one. */
async function further(parts: LookParts, watch: Watch, head: Head): Promise<Look> {
  const { size, note } = head
  const seen = { size, note }
  const quorum =
    parts.policy === null
      ? null
      : await quorumAt(parts, parts.policy, {
          head,
          known: { origin: head.origin, followed: watch.followed },
        })
  if (quorum !== null && 'fork' in quorum) return { fork: quorum.fork }
  const from = watch.heartbeat === null ? 0 : watch.heartbeat.index + 1
  const grown = watch.trusted === null || size > watch.trusted.size
  const found = grown
    ? await newestHeartbeat({ ...parts, read: readerOf(parts, size), head, from })
    : null
  const keys = await newKeys(parts, watch, head)
  return {
    head: seen,
    ...keys,
    ...(quorum === null ? {} : { witnessed: quorum.witnessed }),
    ...(found === null ? {} : { heartbeat: found }),
  }
}

/** What the log says of a key that has signed under its name and that nobody gave to the monitor. */
async function newKeys(
  parts: LookParts,
  watch: Watch,
  head: Head,
): Promise<{ readonly followed?: FollowedKeys; readonly key?: KeyNews }> {
  const { origin } = head
  const given = parts.keys.get(origin)
  if (given === undefined) return {}
  const before = withLearned(given, watch.followed)
  const note = parseNote(head.note)
  const lines = note.ok ? note.value.signatures : []
  const strange = lines.filter(
    ({ name, keyId }) => name === origin && before.verifiers.every((one) => one.keyId !== keyId),
  )
  if (strange.length === 0) return {}
  const { fetch, key, signal } = parts
  const from = { ...{ fetch, key, signal, origin }, url: watch.url, known: watch.followed }
  const followed = await followKeys({ ...from, head })
  if (followed === null) return { key: { is: 'unreadable' } }
  const vkeys = followed.checkpoint_keys
    .filter(({ until }) => until === null)
    .map(({ jwk }) => vkeyOf(jwk.x, origin))
    .filter((vkey) => strange.some(({ keyId }) => logKeyOf(vkey).verifiers[0]?.keyId === keyId))
  if (vkeys.length > 0) return { followed, key: { is: 'learned', vkeys } }
  return followed.size < head.size ? { followed, key: { is: 'following' } } : { followed }
}

type QuorumAt =
  | { readonly fork: Fork }
  | { readonly witnessed: number | { readonly trouble: WitnessedTrouble } }

/** How far `checkpoint.witnessed` comes: under the log's key, of the same tree, with the quorum. */
async function quorumAt(
  parts: LookParts,
  policy: WitnessPolicy,
  { head, known }: { readonly head: Head; readonly known: Known },
): Promise<QuorumAt> {
  try {
    const cosigned = await readHead(parts, 'checkpoint.witnessed', known)
    if (cosigned === null) return { witnessed: 0 }
    const [older, newer] = cosigned.size < head.size ? [cosigned, head] : [head, cosigned]
    if (toBase64(older.root) !== toBase64(newer.root) && (await forked(parts, older, newer)))
      return { fork: { trusted: head.note, seen: cosigned.note } }
    const quorum = await quorumOf(cosigned.note, policy, verifyEd25519)
    if (!quorum.ok) return { witnessed: { trouble: 'cosignature_bad' } }
    const { met, log_signed } = quorum.value
    return met && log_signed !== false
      ? { witnessed: cosigned.size }
      : { witnessed: { trouble: 'quorum_missed' } }
  } catch (error) {
    if (error instanceof LookFailed) return { witnessed: { trouble: error.trouble } }
    throw error
  }
}
