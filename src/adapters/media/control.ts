/**
 * The control interface of a media server: which calls a driver may make there, and what may come back.
 *
 * Whatever answers is taken for hostile: one call has three seconds and four mebibytes as a whole, follows no redirect,
 * and ends in a value, never in a rejection. A fault means "not known": no driver turns one into a list of sessions or
 * a confirmed cut. The credential goes out in one header and is part of no message. Drivers: one file per kind,
 * nginx-rtmp-control.ts is the first. Who asks, and when: keeper.ts.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { readBounded } from './bounded-body.ts'
import type { After } from './decide-start.ts'

/** Why nothing is known after a call. `refused`: the server did not take the credential. */
export const CONTROL_FAULTS = [
  'unreachable',
  'timeout',
  'too_large',
  'unreadable',
  'refused',
  'redirect',
] as const
export type ControlFault = (typeof CONTROL_FAULTS)[number]

/** One whole call, connecting and reading included. */
export const CONTROL_TIMEOUT_MS = 3_000
/** Largest answer, unpacked: some 13,000 connections in nginx-rtmp's words, viewers counted. */
export const MAX_CONTROL_BYTES: number = 4 * 1024 * 1024

export interface ControlCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Begins with `/`; what stands behind the base address, query included. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface ControlAnswer {
  /** 200 to 299 or 400 and above, but neither 401 nor 403. */
  readonly status: number
  /** Lower case, without parameters; empty when there is none. */
  readonly content_type: string
  readonly body: Uint8Array
}

/** Bounded access to one server's control interface. */
export interface ControlAccess {
  /** Never rejects. */
  call(call: ControlCall): Promise<Result<ControlAnswer, ControlFault>>
}

/** A publisher a server says it has now. */
export interface LiveSession {
  /** The same id as in the server's hooks. */
  readonly session: string
  /** What `cut` needs; see MediaDialect.handleOf. */
  readonly handle: string
  readonly app: string
  /** The stream's name as the server runs it; null when the list does not tell it as it is. May be a secret key. */
  readonly name: string | null
  readonly client_ip?: string
  /** How long the connection has been there. */
  readonly running_ms?: number
}

/** Speaks one kind of control interface. Stateless; every answer is read strictly, or is `unreadable`. */
export interface ControlDriver {
  readonly kind: string
  /** How long after a start's decision a publisher may not be in the list yet. */
  readonly start_timeout_ms: number
  /** Where its calls go, where that is not the address in the servers file itself. */
  baseOf?(control: string): string
  /** True: nobody can ask it what is live; only what the gate let in is known, and `list` is not called. */
  readonly unlisted?: true
  /** All publishers, or a fault; never a part of them. */
  list(access: ControlAccess): Promise<Result<readonly LiveSession[], ControlFault>>
  /** Ends one session. `dropped` 0: the server had no such publisher at that moment, which confirms nothing. */
  cut(
    access: ControlAccess,
    ref: { readonly session: string; readonly handle: string },
  ): Promise<Result<{ readonly dropped: number | 'unknown' }, ControlFault>>
}

export interface ControlOptions {
  /** Address of the interface, `control` of the servers file; a slash at its end counts for nothing. */
  readonly base: string
  /** Whole value of the Authorization header, null = none; asked for at each call, so that nothing else keeps it. */
  readonly authorization: (() => string | null) | null
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly after: After
  readonly timeout_ms?: number
  readonly max_bytes?: number
}

export function createControlAccess(options: ControlOptions): ControlAccess {
  const { after, timeout_ms = CONTROL_TIMEOUT_MS } = options
  return {
    call(call) {
      const stop = new AbortController()
      return new Promise((resolve) => {
        const cancel = after(timeout_ms, () => {
          // Answered first: not every fetch heeds the signal.
          resolve(err('timeout'))
          stop.abort()
        })
        void exchange(options, call, stop.signal).then((result) => {
          cancel()
          resolve(result)
        })
      })
    },
  }
}

async function exchange(
  options: ControlOptions,
  call: ControlCall,
  signal: AbortSignal,
): Promise<Result<ControlAnswer, ControlFault>> {
  const { base, authorization, max_bytes = MAX_CONTROL_BYTES } = options
  const { method, path, body } = call
  const credential = authorization?.() ?? null
  try {
    const response = await options.fetch(base.replace(/\/+$/, '') + path, {
      method,
      headers: {
        // Nothing is gained by packing, and what is unpacked is what counts.
        'accept-encoding': 'identity',
        ...call.headers,
        ...(credential === null ? {} : { authorization: credential }),
      },
      redirect: 'manual',
      signal,
      ...(body === undefined ? {} : { body }),
    })
    const fault = faultOf(response)
    if (fault !== null) {
      await response.body?.cancel()
      return err(fault)
    }
    const bytes = await readBounded(response, max_bytes)
    if (bytes === null) return err('too_large')
    return ok({ status: response.status, content_type: typeOf(response), body: bytes })
  } catch {
    return err('unreachable')
  }
}

function faultOf({ status }: Response): ControlFault | null {
  if (status === 401 || status === 403) return 'refused'
  // A browser's fetch hides a redirect behind status 0.
  if (status === 0 || (status >= 300 && status < 400)) return 'redirect'
  return null
}

function typeOf(response: Response): string {
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';', 1)
  return type.trim().toLowerCase()
}
