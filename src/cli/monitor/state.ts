/**
 * What a monitor remembers between looks and between runs: one small file, replaced whole after each look.
 *
 * Trusted checkpoints are kept as the notes the log has signed, and are opened under its key again before they are
 * compared with anything: nobody who can write the file can make a log look worse or better than it signed itself to be.
 */

import type { KeyState } from '../../core/audit/keys.ts'
import { fromUtf8 } from '../../core/encoding.ts'
import {
  type FollowedKeys,
  type SeenHead,
  TROUBLES,
  type Trouble,
  type Watch,
} from '../../core/monitor/watch.ts'
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts'
import { parseNote } from '../../core/tlog/note.ts'
import { incomplete } from '../failure.ts'
import { readIfThere, writeAtomic } from '../files.ts'
import { quote } from '../session.ts'

const FORMAT = 'livegate-monitor/v1'
/** Notes of 60 cosignatures have some 20 KB; there are at most three a log. */
const MAX_STATE_BYTES: number = 16 * 1024 * 1024

/** Watches by address; none when there is no file. Throws exit 1 for a file that is none of a monitor's. */
export async function readWatches(path: string): Promise<ReadonlyMap<string, Watch>> {
  const bytes = await readIfThere(path, MAX_STATE_BYTES)
  if (bytes === null) return new Map()
  const watches = watchesIn(fromUtf8(bytes))
  if (watches === null)
    throw incomplete(
      `Cannot resume from ${quote(path)}: it is no state of a monitor, or is damaged`,
      'name another file; the monitor then trusts what it sees first',
    )
  return new Map(watches.map((watch) => [watch.url, watch]))
}

/** Durable when resolved: the old content or the new. Watches of addresses that are not watched now are kept. */
export async function writeWatches(path: string, watches: Iterable<Watch>): Promise<void> {
  const logs = [...watches].map((watch) => ({ ...watch, trusted: watch.trusted?.note ?? null }))
  await writeAtomic(path, `${JSON.stringify({ format: FORMAT, logs }, null, 1)}\n`)
}

function watchesIn(text: string | null): readonly Watch[] | null {
  let value: unknown
  try {
    value = JSON.parse(text ?? '')
  } catch {
    return null
  }
  const { format, logs } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (format !== FORMAT || !Array.isArray(logs)) return null
  const watches = logs.map(watchIn)
  return watches.every((watch) => watch !== null) ? watches : null
}

function watchIn(value: unknown): Watch | null {
  const row = (value ?? {}) as Readonly<Record<string, unknown>>
  const { url, origin, trusted, grown_at, failures, last_trouble, heartbeat, fork } = row
  const head = trusted === null ? null : headIn(trusted)
  const beat = heartbeat === null ? null : numbersIn(heartbeat, ['index', 'at_s'])
  const times = numbersOrNull(row, ['checked_at', 'failing_since', 'unwitnessed_since'])
  if (typeof url !== 'string' || !isTextOrNull(origin) || head === undefined) return null
  if (!isCount(grown_at) || !isCount(failures) || beat === undefined || times === null) return null
  const known = last_trouble === null || TROUBLES.includes(last_trouble as Trouble)
  const evidence = fork === null ? null : forkIn(fork)
  // Absent in states from before keys were followed.
  const followed = row.followed == null ? null : followedIn(row.followed)
  if (!known || evidence === undefined || followed === undefined) return null
  const rest = { last_trouble: last_trouble as Trouble | null, fork: evidence }
  const { checked_at = null, failing_since = null, unwitnessed_since = null } = times
  return {
    ...{ url, origin, trusted: head, grown_at, failures, ...rest },
    ...{ checked_at, failing_since, unwitnessed_since },
    ...{ heartbeat: beat as Watch['heartbeat'], followed },
  }
}

function headIn(note: unknown): SeenHead | undefined {
  const parsed = typeof note === 'string' ? parseNote(note) : null
  const head = parsed?.ok ? parseCheckpoint(parsed.value.body) : null
  return head?.ok && typeof note === 'string' ? { size: head.value.size, note } : undefined
}

function forkIn(value: unknown): NonNullable<Watch['fork']> | undefined {
  const { trusted, seen, at, elsewhere } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof trusted !== 'string' || typeof seen !== 'string' || !isCount(at)) return undefined
  return { trusted, seen, at, ...(typeof elsewhere === 'string' ? { elsewhere } : {}) }
}

function followedIn(value: unknown): FollowedKeys | undefined {
  const { size, keys, checkpoint_keys } = value as Readonly<Record<string, unknown>>
  if (!isCount(size) || !isKeys(keys) || !isKeys(checkpoint_keys)) return undefined
  return { size, keys, checkpoint_keys }
}

function isKeys(value: unknown): value is readonly KeyState[] {
  return (
    Array.isArray(value) &&
    value.every(({ jwk, from, until } = {}) => {
      const ends = until === null || isCount(until)
      return ends && isCount(from) && ed25519Key(jwk)
    })
  )
}

function ed25519Key(jwk: unknown): boolean {
  const { kty, crv, x } = (jwk ?? {}) as Readonly<Record<string, unknown>>
  return kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string' && /^[\w-]{43}$/.test(x)
}

function numbersIn(
  value: unknown,
  names: readonly string[],
): Readonly<Record<string, number>> | undefined {
  const row = (value ?? {}) as Readonly<Record<string, unknown>>
  const numbers = names.map((name) => [name, row[name]] as const)
  if (!numbers.every(([, number]) => isCount(number))) return undefined
  return Object.fromEntries(numbers as (readonly [string, number])[])
}

function numbersOrNull(
  row: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, number | null>> | null {
  const numbers = names.map((name) => [name, row[name]] as const)
  if (!numbers.every(([, number]) => number === null || isCount(number))) return null
  return Object.fromEntries(numbers as (readonly [string, number | null])[])
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
