/**
 * Files a configuration names, and the secrets beside them. What they mean is their readers' business.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LivegateError } from '../../core/errors.ts'

/** Where a file's secrets come from: variables, and files beside it. */
export interface Secrets {
  env(name: string): string | undefined
  /** Null when it cannot be read: a fault of the file that names it, told with the others. */
  file(name: string): string | null
}

/** Bytes of a file. `noun` and `hint` are for whoever named one that cannot be opened. */
export async function readNamed(
  name: string,
  { noun, hint }: { readonly noun: string; readonly hint: string },
): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(resolve(name)))
  } catch (cause) {
    const message = `Cannot read the ${noun} ${name}: it cannot be opened`
    throw new LivegateError('internal', message, { cause, hint })
  }
}

export function secretsBeside(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Secrets {
  const directory = dirname(resolve(name))
  return {
    env: (variable) => env[variable],
    file(beside) {
      try {
        return readFileSync(resolve(directory, beside), 'utf8').trim()
      } catch {
        return null
      }
    },
  }
}
