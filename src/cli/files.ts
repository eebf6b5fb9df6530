/**
 * Files as the command line needs them: read with a bound, written whole or not at all.
 *
 * A file is written beside its place, synced, renamed over it, and the directory synced: after a crash there is the
 * old content or the new, never a part.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { incomplete } from './failure.ts'

/** The bytes of a file of at most `limit` bytes, or null when there is none. */
export async function readIfThere(path: string, limit: number): Promise<Uint8Array | null> {
  return readIfThereSync(path, limit)
}

/** As `readIfThere`; for many small files, where going through the thread pool costs more than the disk. */
export function readIfThereSync(path: string, limit: number): Uint8Array | null {
  const file = openIfThere(path)
  if (file === null) return null
  try {
    const { size } = fstatSync(file)
    if (size > limit)
      throw incomplete(`Cannot read \`${path}\`: it has ${size} bytes, expected at most ${limit}`)
    // A pipe or a device says nothing of its size, and may never end.
    return size > 0 ? plainBytes(readFileSync(file)) : readUpTo(file, path, limit)
  } catch (error) {
    // Reading by number, Node does not say which file.
    throw error instanceof Error ? Object.assign(error, { path }) : error
  } finally {
    closeSync(file)
  }
}

function readUpTo(file: number, path: string, limit: number): Uint8Array {
  const parts: Buffer[] = []
  let size = 0
  for (;;) {
    const part = Buffer.allocUnsafe(64 * 1024)
    const read = readSync(file, part)
    if (read === 0) return plainBytes(Buffer.concat(parts))
    size += read
    if (size > limit) throw incomplete(`Cannot read \`${path}\`: it has more than ${limit} bytes`)
    parts.push(part.subarray(0, read))
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch (error) {
    const code = (error as { code?: string }).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

/** The same bytes without Node's own methods: `slice` of a buffer is a view, of a Uint8Array a copy. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/** As `readIfThere`, failing when there is none. */
export async function readBounded(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readIfThere(path, limit)
  if (bytes === null) throw incomplete(`Cannot read \`${path}\`: there is no such file`)
  return bytes
}

/** Replaces the file at `path`; durable when resolved. `mode` holds for a new file. */
export async function writeAtomic(
  path: string,
  content: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, 'w', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes renames inside `path` durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
