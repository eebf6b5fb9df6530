/**
 * The key files of a data directory while the process runs, and the files of keys to come.
 *
 * A new key lies durably beside the one in use before the log hears of it; once the old one has ended in the log the new
 * file takes its name in one rename, which is also the end of the old private key. The disk is read again after
 * whatever fails. Which of the keys signs: gate/signing.ts. Spec: docs/hosts/node.md, "Exchanging keys".
 */
import { readFile, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { fromUtf8, utf8 } from '../../core/encoding.ts'
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

/** Reads the key files. Throws `internal`, naming the file, when one is not what it should be. */
export async function openKeyFiles(request: {
  readonly paths: DataPaths
  readonly origin: string
  readonly die: (error: unknown) => void
}): Promise<KeyFiles> {
  const { paths, origin, die } = request
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
  async function changing(work: () => Promise<void>): Promise<void> {
    try {
      await work()
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
        await changing(() => writeDurably(file))
      }
      const next = held[use][1]
      if (next === undefined) throw new TypeError('a key that was written is not there')
      return { kid: next.kid, x: next.x }
    },
    async tidy(use, history) {
      const [current, next] = held[use]
      if (current === undefined || next === undefined) return
      if (isEnded(history, use, next.kid))
        await changing(async () => {
          await rm(nextPath(use), { force: true })
          await syncDirectory(paths.keys, die)
        })
      else if (isEnded(history, use, current.kid))
        await changing(async () => {
          await rename(nextPath(use), path(use))
          await syncDirectory(paths.keys, die)
        })
    },
  }
}

function isEnded(history: readonly LoggedKey[], use: KeyUse, kid: string): boolean {
  return history.some((key) => key.use === use && key.kid === kid && key.until !== null)
}

async function textOf(path: string): Promise<{ text: string; name: string } | null> {
  const bytes = await readIfThere(path)
  return bytes === null ? null : { text: fromUtf8(bytes) ?? '', name: basename(path) }
}
