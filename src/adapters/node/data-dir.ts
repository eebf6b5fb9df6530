/**
 * What lies in a data directory, who may open it, and when it is refused.
 *
 *     livegate.db   lock.db   log/{checkpoint,tile/…}   keys/{record.key,checkpoint.key,pepper}
 *
 * While a key is exchanged its successor lies beside it, as `record.next.key` or `checkpoint.next.key` (key-files.ts).
 *
 * A log comes into being only by `createDataDir`, never because something is missing: parts that do not belong
 * together, a second process, or keys others can read are refused with what to do about it. Next stop: store.ts.
 */
import { chmodSync, closeSync, openSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { isKeyName } from '../../core/tlog/note-key.ts'
import { isMissing, makeDirectory, writeDurably } from './durable-files.ts'
import { generateKeys, type KeyTexts } from './keys.ts'

/** Paths of everything in a data directory. */
export interface DataPaths {
  readonly dir: string
  readonly database: string
  readonly lock: string
  readonly log: string
  readonly checkpoint: string
  readonly keys: string
  readonly recordKey: string
  readonly recordNextKey: string
  readonly checkpointKey: string
  readonly checkpointNextKey: string
  readonly pepper: string
}

export function dataPaths(dir: string): DataPaths {
  const keys = join(dir, 'keys')
  return {
    dir,
    database: join(dir, 'livegate.db'),
    lock: join(dir, 'lock.db'),
    log: join(dir, 'log'),
    checkpoint: join(dir, 'log', 'checkpoint'),
    keys,
    recordKey: join(keys, 'record.key'),
    recordNextKey: join(keys, 'record.next.key'),
    checkpointKey: join(keys, 'checkpoint.key'),
    checkpointNextKey: join(keys, 'checkpoint.next.key'),
    pepper: join(keys, 'pepper'),
  }
}

/** True when a database, keys or a log lie there: then it is opened, never created. */
export async function hasDataDir(dir: string): Promise<boolean> {
  const paths = dataPaths(dir)
  const found = await Promise.all([paths.database, paths.keys, paths.log].map(exists))
  return found.includes(true)
}

/** Makes directories and keys; the database is store.ts's. Throws unless there is nothing of a log yet. */
export async function createDataDir(request: {
  readonly dir: string
  readonly origin: string
  readonly die: (error: unknown) => void
  /** Text of a pepper to keep; a new one unless given. */
  readonly pepper?: string
}): Promise<DataPaths> {
  const { dir, origin, die, pepper } = request
  if (!isKeyName(origin) || origin.length > 256)
    throw refused('its origin is not a name', {
      expected: 'a host and path without blank or plus',
      hint: 'For example: gate.example.org/log/main',
    })
  if (await hasDataDir(dir))
    throw refused('there is one already', {
      hint: 'Start without initialising, or name another directory.',
    })
  const paths = dataPaths(dir)
  await makeDirectory(dir, { mode: 0o700, die })
  await chmod(dir, 0o700)
  await mkdir(paths.keys, { mode: 0o700 })
  const texts = generateKeys(origin)
  const write = (path: string, text: string): Promise<void> =>
    writeDurably({ path, bytes: utf8(text), mode: 0o600, die })
  await write(paths.recordKey, texts.record)
  await write(paths.checkpointKey, texts.checkpoint)
  await write(paths.pepper, pepper ?? texts.pepper)
  await makeDirectory(paths.log, { mode: 0o755, die })
  return paths
}

/** Takes back what `createDataDir` made, after an initialisation that failed. */
export async function removeDataDir({ keys, log, database, lock }: DataPaths): Promise<void> {
  const files = [database, `${database}-wal`, `${database}-shm`, lock]
  for (const path of [keys, log, ...files]) await rm(path, { recursive: true, force: true })
}

/** Throws unless everything is there and the keys are the owner's alone. */
export async function checkDataDir(paths: DataPaths): Promise<void> {
  const { database, checkpoint } = paths
  const keys = [paths.recordKey, paths.checkpointKey, paths.pepper]
  const [hasDatabase, hasCheckpoint, ...hasKeys] = await Promise.all(
    [database, checkpoint, ...keys].map(exists),
  )
  const restore = 'Restore database, log and keys from the same moment.'
  if (!hasDatabase && !hasCheckpoint && !hasKeys.includes(true))
    throw refused('there is none', { hint: 'Create it explicitly: livegate serve --init' })
  if (hasKeys.includes(false)) throw refused('a key file is missing', { hint: restore })
  if (!hasDatabase && !hasCheckpoint) throw refused('there are keys, but no log', { hint: restore })
  if (!hasDatabase) throw refused('there are log files, but no database', { hint: restore })
  if (!hasCheckpoint)
    throw refused('there is a database, but no published log', {
      hint: `${restore} If initialisation was cut short, remove the directory and start over.`,
    })
  for (const path of keys) await checkPrivate(path)
  for (const path of [paths.recordNextKey, paths.checkpointNextKey])
    if (await exists(path)) await checkPrivate(path)
}

/** Key files as text: those in use by their names. */
export async function readKeyTexts(paths: DataPaths): Promise<KeyTexts> {
  const [record, checkpoint, pepper] = await Promise.all(
    [paths.recordKey, paths.checkpointKey, paths.pepper].map((path) => readFile(path, 'utf8')),
  )
  return { record: record ?? '', checkpoint: checkpoint ?? '', pepper: pepper ?? '' }
}

/**
 * Keeps every other process out for as long as this one lives; the kernel gives the lock back even after kill -9. A
 * database of its own, so that readers of the real one are not shut out.
 */
export function lockDataDir(path: string): { release(): void } {
  makePrivate(path)
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = DELETE')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw refused('another process has it open', {
      hint: 'Stop the other livegate, or name another directory.',
      cause,
    })
  }
  return { release: () => lock.close() }
}

/** An existing file is never opened here: closing it again would drop a lock this process holds on it. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
  }
  chmodSync(path, 0o600)
}

async function checkPrivate(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & 0o077) === 0) return
  throw refused(`keys can be read by others (mode ${(mode & 0o777).toString(8)})`, {
    expected: 'mode 600',
    hint: `chmod 600 ${path}`,
  })
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** A refusal to open or create, in the house's grammar. */
export function refused(
  state: string,
  more: { readonly expected?: string; readonly hint?: string; readonly cause?: unknown } = {},
): LivegateError {
  const { expected, ...options } = more
  const wish = expected === undefined ? '' : `, expected ${expected}`
  return new LivegateError('internal', `Cannot open data directory: ${state}${wish}`, options)
}
