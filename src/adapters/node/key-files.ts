/**
 * The key files of a data directory while the process runs, and the files of keys to come.
 *
 * A new key lies durably beside the one in use before the log hears of it; once the old one has ended in the log the new
 * file takes its name in one rename, which is also the end of the old private key. The disk is read again after
 * whatever fails; private keys that a process which died left half written go when the directory is opened. Which of the keys signs: gate/signing.ts. Spec: docs/hosts/node.md, "Exchanging keys".
 */
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fromUtf8, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { KeyUse, LoggedKey } from '../../core/record/key-history.ts'
import type { KeyHolder } from '../../gate/key-rotation.ts'
import type { HeldKeys } from '../../gate/signing.ts'
import type { Pepper } from '../../ports.ts'
import type { DataPaths } from './data-dir.ts'
import { readIfThere, syncDirectory, writeDurably } from './durable-files.ts'
import {
  heldCheckpointKey,
  heldRecordKey,
  newCheckpointKey,
  newRecordKey,
  readPepper,
} from './keys.ts'

export interface KeyFiles extends KeyHolder {
  /** Oldest first; what is in the file named after its use comes before its successor. */
  held(): HeldKeys
  readonly pepper: Pepper
}

/** Reads the key files; nobody else may be writing them. Throws `internal`, naming the file, when one is not what it should be. */
export async function openKeyFiles(request: {
  readonly paths: DataPaths
  readonly origin: string
  readonly die: (error: unknown) => void
  /** Writes a file; durable-files.ts's unless given. */
  readonly write?: typeof writeDurably
}): Promise<KeyFiles> {
  const { paths, origin, die, write = writeDurably } = request
  await removeHalfWritten(paths)
  const pepper = readPepper(await readFile(paths.pepper, 'utf8'))
  let held = await readHeld()

  async function readHeld(): Promise<HeldKeys> {
    const texts = await Promise.all(
      [paths.recordKey, paths.recordNextKey, paths.checkpointKey, paths.checkpointNextKey].map(
        textOf,
      ),
    )
    const [record, recordNext, checkpoint, checkpointNext] = texts
    const records = [record, recordNext].flatMap((file) => file ?? [])
    const checkpoints = [checkpoint, checkpointNext].flatMap((file) => file ?? [])
    return {
      record: records.map(({ text, name }) => heldRecordKey(text, name)),
      checkpoint: checkpoints.map(({ text, name }) => heldCheckpointKey(text, origin, name)),
    }
  }

  const nextPath = (use: KeyUse): string =>
    use === 'record' ? paths.recordNextKey : paths.checkpointNextKey
  const path = (use: KeyUse): string => (use === 'record' ? paths.recordKey : paths.checkpointKey)

  /** Whatever became of it, what is known is what is on disk. */
  async function changing(file: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw unwritable(file, error)
    } finally {
      held = await readHeld()
    }
  }

  return {
    pepper,
    held: () => held,
    async prepare(use) {
      if (held[use].length < 2) {
        const text = use === 'record' ? newRecordKey() : newCheckpointKey(origin)
        const file = { path: nextPath(use), bytes: utf8(text), mode: 0o600, die }
        await changing(nextPath(use), () => write(file))
      }
      const next = held[use][1]
      if (next === undefined) throw new TypeError('a key that was written is not there')
      return { kid: next.kid, x: next.x }
    },
    async tidy(use, history) {
      const [current, next] = held[use]
      if (current === undefined || next === undefined) return
      if (isEnded(history, use, next.kid))
        await changing(nextPath(use), async () => {
          await rm(nextPath(use), { force: true })
          await syncDirectory(paths.keys, die)
        })
      else if (isEnded(history, use, current.kid))
        await changing(path(use), async () => {
          await rename(nextPath(use), path(use))
          await syncDirectory(paths.keys, die)
        })
    },
  }
}

/** A disk that takes nothing is no fault of this program: nothing was changed, and asking again may help. */
function unwritable(file: string, cause: unknown): LivegateError {
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return new LivegateError(
    'log_unavailable',
    `Cannot write keys/${basename(file)}: the disk did not take it${code}, expected room and a directory that can be written`,
    { cause, retry_after_s: 30 },
  )
}

/** What `placeDurably` calls a file before it has its name. */
const HALF_WRITTEN = /^(?:(?:record|checkpoint)(?:\.next)?\.key|pepper)\.[0-9a-f]{12}\.tmp$/

async function removeHalfWritten({ keys }: DataPaths): Promise<void> {
  for (const name of await readdir(keys))
    if (HALF_WRITTEN.test(name)) await rm(join(keys, name), { force: true })
}

function isEnded(history: readonly LoggedKey[], use: KeyUse, kid: string): boolean {
  return history.some((key) => key.use === use && key.kid === kid && key.until !== null)
}

async function textOf(path: string): Promise<{ text: string; name: string } | null> {
  const bytes = await readIfThere(path)
  return bytes === null ? null : { text: fromUtf8(bytes) ?? '', name: basename(path) }
}
