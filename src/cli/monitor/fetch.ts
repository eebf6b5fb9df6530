/**
 * Files of a log from a server nobody trusts: bounded in time and in bytes, never led elsewhere.
 *
 * What comes to nothing has a name and is thrown as `Fetched`; it says nothing about the log.
 */
import type { Trouble } from '../../core/monitor/watch.ts'
import { plainBytes } from '../files.ts'
import type { World } from '../world.ts'

/** Ends a look: the server did not hand out what was asked for. */
export class LookFailed extends Error {
  readonly trouble: Trouble

  constructor(trouble: Trouble) {
    super(trouble)
    this.trouble = trouble
  }
}

export interface FileOptions {
  /** Bytes; the rest is not read. */
  readonly limit: number
  /** Sent as bearer key; for entries only. */
  readonly key?: string | null
}

/** A file, null when the server says that there is none. Throws LookFailed. */
export type FetchFile = (path: string, options: FileOptions) => Promise<Uint8Array | null>

/** Everything asked through it ends when `signal` does. */
export function fetcher(world: World, base: string, signal: AbortSignal): FetchFile {
  return async (path, { limit, key = null }) => {
    try {
      const response = await world.fetch(`${base}/${path}`, {
        ...{ redirect: 'manual', signal },
        headers: key === null ? {} : { authorization: `Bearer ${key}` },
      })
      const { status } = response
      if (status === 200) return await bodyOf(response, limit)
      await response.body?.cancel()
      if (status === 404) return null
      throw new LookFailed(status >= 300 && status < 400 ? 'redirected' : 'refused')
    } catch (error) {
      if (error instanceof LookFailed) throw error
      throw new LookFailed(signal.aborted ? 'timed_out' : 'unreachable')
    }
  }
}

async function bodyOf(response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.length
    if (size > limit) throw new LookFailed('too_large')
    parts.push(part)
  }
  return plainBytes(Buffer.concat(parts))
}
