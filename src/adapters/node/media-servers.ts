/**
 * Reads the servers file with the secrets it names (variables and files beside it). Parsing: media/servers-file.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Diagnostic } from '../../core/policy/diagnostic.ts'
import type { Result } from '../../core/result.ts'
import { readNamed, type Secrets, secretsBeside } from './config-files.ts'

/** What reads the file's text and words its problems; both keep secrets to themselves. */
export interface ServersReader<File> {
  parse(bytes: Uint8Array, file: string, secrets: Secrets): Result<File, readonly Diagnostic[]>
  describe(problem: Diagnostic): string
}

const WHAT = {
  noun: 'media servers file',
  hint: 'Name a file that is there with --servers, or leave it out: docs/media/README.md',
}

/** What it says; null without a file. Throws with every problem of the file, one a line, and no secret. */
export async function readMediaServers<File>(
  name: string | null,
  env: Readonly<Record<string, string | undefined>>,
  reader: ServersReader<File>,
): Promise<File | null> {
  if (name === null) return null
  const parsed = reader.parse(await readNamed(name, WHAT), name, secretsBeside(name, env))
  if (parsed.ok) return parsed.value
  const problems = parsed.error.map(reader.describe).join('\n')
  throw new LivegateError('internal', `Cannot read the media servers file\n${problems}`)
}
