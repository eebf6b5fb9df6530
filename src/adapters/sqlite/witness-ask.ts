/**
 * One question to a witness over HTTP, with an end: bounded in time and in bytes, and following nobody elsewhere.
 *
 * Whatever goes wrong is a fault with a name, never a throw. The same on both hosts, over the platform's `fetch`.
 * Next stop: witness-visit.ts.
 */
import { concatBytes } from '../../core/encoding.ts'
import { err, ok, type Result } from '../../core/result.ts'
import {
  MAX_WITNESS_ANSWER_BYTES,
  type WitnessFault,
  type WitnessReply,
} from '../../core/tlog/witness.ts'
import type { After } from '../../gate/context.ts'

export interface WitnessQuestion {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly body?: string
  /** The whole question ends by then. */
  readonly within_ms: number
}

/** Never rejects; settles within the time of the question. */
export type AskWitness = (question: WitnessQuestion) => Promise<Result<WitnessReply, WitnessFault>>

/** What of the platform's `fetch` is used. */
export type WitnessFetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly redirect: 'manual'
    readonly signal: AbortSignal
    readonly body?: string
  },
) => Promise<Response>

export function createAskWitness(parts: {
  readonly fetch: WitnessFetch
  readonly after: After
}): AskWitness {
  const { fetch, after } = parts
  return async ({ method, url, body, within_ms }) => {
    const gone = new AbortController()
    let cancel = (): void => {}
    const late = new Promise<Result<WitnessReply, WitnessFault>>((resolve) => {
      cancel = after(within_ms, () => {
        resolve(err('timed_out'))
        gone.abort()
      })
    })
    const headers = { 'content-type': 'text/plain; charset=utf-8', accept: 'text/plain' }
    const said = body === undefined ? {} : { body }
    const init = { method, headers, redirect: 'manual', signal: gone.signal, ...said } as const
    try {
      return await Promise.race([late, replyOf(fetch(url, init))])
    } finally {
      cancel()
    }
  }
}

async function replyOf(response: Promise<Response>): Promise<Result<WitnessReply, WitnessFault>> {
  try {
    const { status, headers, body } = await response
    const bytes = body === null ? new Uint8Array(0) : await read(body)
    if (bytes === null) return err('answer_too_large')
    return ok({ status, type: headers.get('content-type'), body: bytes })
  } catch {
    return err('unreachable')
  }
}

/** Null when there is more than an answer may hold; the rest is not read. */
async function read(stream: ReadableStream<Uint8Array>): Promise<Uint8Array | null> {
  const reader = stream.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concatBytes(...parts)
    size += value.length
    if (size > MAX_WITNESS_ANSWER_BYTES) {
      await reader.cancel().catch(() => {})
      return null
    }
    parts.push(value)
  }
}
