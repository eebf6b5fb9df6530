/**
 * Files that are really on disk when a promise resolves, and never half there.
 *
 * Temp file beside the target, write, fsync, rename, fsync of the directory: a rename alone may survive a power cut
 * without its bytes. After a failed fsync nothing may be believed any more: `die` is called.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface DurableWrite {
  readonly path: string
  readonly bytes: Uint8Array
  /** Permissions; 0o444 for what never changes. */
  readonly mode: number
  /** Ends the process: a sync failed. */
  readonly die: (error: unknown) => void
}

/** Writes or replaces a file; its directory must be there. */
export async function writeDurably(write: DurableWrite): Promise<void> {
  await placeDurably(write)
  await syncDirectory(dirname(write.path), write.die)
}

/** As `writeDurably`, but the name is durable only after `syncDirectory`: for many files of one directory. */
export async function placeDurably({ path, bytes, mode, die }: DurableWrite): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(bytes)
      await file.chmod(mode)
      await synced(() => file.sync(), die)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Creates a directory and its parents; those that are new are synced into the one above. */
export async function makeDirectory(
  path: string,
  options: { readonly mode: number; readonly die: (error: unknown) => void },
): Promise<void> {
  const { mode, die } = options
  const first = await mkdir(path, { recursive: true, mode })
  if (first === undefined) return
  for (let at = path; at.length >= first.length; at = dirname(at))
    await syncDirectory(dirname(at), die)
}

/** Bytes of a file, null when there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** True for "no such file or directory". */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  )
}

/** Makes names in a directory durable. */
export async function syncDirectory(path: string, die: (error: unknown) => void): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await synced(() => directory.sync(), die)
  } finally {
    await directory.close()
  }
}

/** Runs a sync; when it fails `die` is called before the error goes on. */
export async function synced(
  sync: () => Promise<void>,
  die: (error: unknown) => void,
): Promise<void> {
  try {
    await sync()
  } catch (error) {
    die(error)
    throw error
  }
}
