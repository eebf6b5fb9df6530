/**
 * Reads the servers file with the secrets it names (variables and files beside it). Parsing: media/servers-file.ts.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LivegateError } from '../../core/errors.ts'
import type { Diagnostic } from '../../core/policy/diagnostic.ts'
import type { Result } from '../../core/result.ts'

/** What reads the file's text and words its problems; both keep secrets to themselves. */
export interface ServersReader<Server> {
  parse(
    bytes: Uint8Array,
    file: string,
    secrets: { env(name: string): string | undefined; file(name: string): string | null },
  ): Result<readonly Server[], readonly Diagnostic[]>
  describe(problem: Diagnostic): string
}

/** The servers; none without a file. Throws with every problem of the file, one a line, and no secret. */
export async function readMediaServers<Server>(
  name: string | null,
  env: Readonly<Record<string, string | undefined>>,
  reader: ServersReader<Server>,
): Promise<readonly Server[]> {
  if (name === null) return []
  const path = resolve(name)
  const parsed = reader.parse(await readBytes(path, name), name, {
    env: (variable) => env[variable],
    file: (beside) => readTextFile(resolve(dirname(path), beside)),
  })
  if (parsed.ok) return parsed.value
  const problems = parsed.error.map(reader.describe).join('\n')
  throw new LivegateError('internal', `Cannot read the media servers file\n${problems}`)
}

async function readBytes(path: string, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    const hint = 'Name a file that is there with --servers, or leave it out: docs/media/README.md'
    const message = `Cannot read the media servers file ${name}: it cannot be opened`
    throw new LivegateError('internal', message, { cause, hint })
  }
}

/** Null when it cannot be read: a fault of the servers file, told with the others. */
function readTextFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}
