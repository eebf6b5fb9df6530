/**
 * Records that enforcers or callers kept, read from files or whole directories of them.
 *
 * A line is an answer as JSON (`{"record": "…", "receipt": {…}}`, other members ignored), an SD-JWT or a bare JWS; blank
 * lines are passed over. A directory is every file below it whose name does not begin with a dot, in the order of their
 * names. A line that holds no record ends the command with its place. Next: witnessed-records.ts.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { incomplete } from '../failure.ts'
import { quote } from '../session.ts'
import { eachLine, type RawLine } from './each-line.ts'
import { type GivenRecord, parseGiven } from './given-record.ts'

/** A record and where it was read: enough to read it again. */
export interface CollectedRecord extends GivenRecord {
  readonly path: string
  readonly offset: number
  readonly length: number
  /** The line itself, when what it stood in can be read only once. */
  readonly text: string | null
}

/** Reads the records of a file, or of every file of a directory. */
export async function readRecords(
  path: string,
  use: (record: CollectedRecord) => void,
): Promise<void> {
  for (const file of filesOf(path)) {
    const once = !statSync(file).isFile()
    await eachLine(
      file,
      () => undefined,
      (line) => {
        const record = recordOf(file, line, once)
        if (record !== null) use(record)
      },
    )
  }
}

function filesOf(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => !file.slice(path.length).split(/[\\/]/).some(isHidden))
    .sort()
}

function isHidden(name: string): boolean {
  return name.startsWith('.')
}

function recordOf(path: string, raw: RawLine, once: boolean): CollectedRecord | null {
  const { bytes, start, end, offset, line } = raw
  const text = bytes.toString('utf8', start, end)
  if (text.trim() === '') return null
  const found = parseGiven(text)
  if (found === null)
    throw incomplete(
      `Cannot read ${quote(`${path}:${line}`)}: the line holds no record`,
      'expected {"record": "…"}, or a record as it is, on every line',
    )
  return { ...found, line, path, offset, length: end - start, text: once ? text : null }
}

/** The record at a place, read again; null when it is not there any more. */
export function readAgain({
  path,
  offset,
  length,
}: Pick<CollectedRecord, 'path' | 'offset' | 'length'>): string | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    const bytes = Buffer.alloc(length)
    const read = readSync(file, bytes, 0, length, offset)
    return parseGiven(bytes.toString('utf8', 0, read))?.jws ?? null
  } finally {
    closeSync(file)
  }
}
