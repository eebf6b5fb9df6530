/**
 * What a kind of media server can do, how it asks, and which exact bytes it takes for an answer.
 *
 * A dialect is pure: no clock, no network, no look-up. `authenticate` proves who asks where a server signs, `parse`
 * reads hostile bytes, `render` is the only place that knows a status code. What happens in between is hooks.ts; ending
 * what runs is control.ts. One file per kind, listed in dialects.ts.
 */
import type { Result } from '../../core/result.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ControlAuth } from './control-auth.ts'
import type { ServerSecret } from './server-secret.ts'

export interface Capabilities {
  /**
   * When the server asks. `hook`: before media flows. `late-hook`: media flows meanwhile, a refusal cuts it. `token`: not
   * at all, it checks a credential of ours. `front-door`: publishers ask us, and we pass them on.
   */
  readonly style: 'hook' | 'late-hook' | 'token' | 'front-door'
  /**
   * How a call shows whose it is. `header`: a bearer, put there by a proxy or the server. `url`: it can send no header, so
   * its secret may stand in the query of the hook address instead. `signature`: over the bytes of the body. `publisher`: nobody
   * calls but publishers with their keys.
   */
  readonly proof: 'header' | 'url' | 'signature' | 'publisher'
  /** Longest time an answer may be held back without losing the publisher. 0 = answer at once. */
  readonly hold_max_ms: number
  /** The answer can give the stream another name than the publisher used. */
  readonly rename: boolean
  /**
   * How a broadcast can be shown later than it is sent. `copy`: it keeps running under a name nobody can guess, and a late
   * copy of it in another application is what viewers get. `move`: the answer can put it into another application, which
   * nobody watches. Either needs `delayed` in the servers file.
   */
  readonly late: 'copy' | 'move' | 'no'
  /** The answer can limit how long the stream runs. */
  readonly lifetime: boolean
  /** A refused publisher can be told why. */
  readonly reason_to_client: boolean
  /** The server asks again while a stream runs. */
  readonly poll: boolean
  /**
   * How a running stream can be ended. `api`: the server's own control interface. `poll`: by the answer to its next
   * question. `lifetime`: by the end it was given at its start.
   */
  readonly cut: 'api' | 'poll' | 'lifetime' | 'none'
  /** What the server does by itself when nobody answers. */
  readonly when_down: 'deny' | 'allow'
  /** Bytes of stream name and arguments; anything longer arrives cut off. */
  readonly max_credential_bytes: number
  /** Obligations and delay modes it can carry out: `supports` of every decision. */
  readonly supports: readonly string[]
}

/** A hook call before it is understood. */
export interface HookCall {
  readonly method: string
  /** Raw query of the URL, without `?`. */
  readonly query: string
  readonly content_type: string | null
  readonly body: Uint8Array
}

/** A call with the headers a signature may stand in; names are compared without regard to case. */
export interface SignedCall extends HookCall {
  header(name: string): string | null
}

/** Who asks, before anything is parsed for what it says. */
export type Proof =
  | { readonly ok: false }
  /** `once`: a second call with the same id before `until` is a replay and refused. */
  | { readonly ok: true; readonly once: { readonly id: string; readonly until: EpochMs } | null }

/** Somebody wants to go live. */
export interface StartEvent {
  readonly kind: 'start'
  /** The server's own id of the connection. */
  readonly session: string
  /** What the server says of the connection: equal for two calls of one; different calls may share it. Opaque, and nothing to keep. */
  readonly connection: string
  readonly app: string
  /** The stream name as the publisher sent it: a secret key, or a name an upstream has checked. */
  readonly name: string
  /** What the publisher added by himself, in order. Never trusted. */
  readonly args: readonly (readonly [name: string, value: string])[]
  /** As the server sees it: may be a relay's. */
  readonly client_ip: string
  /** Secret the publisher sent beside the name; null = there is a place for it and it is empty. */
  readonly credential?: string | null
  /** Address the publisher used, where the answer has to repeat it. Holds the key. */
  readonly url?: string
  /** What the publisher speaks, in the server's words. */
  readonly protocol?: string
  /** `request.ingest` of this start, where one kind of server takes several. */
  readonly ingest?: string
}

export type MediaEvent =
  | StartEvent
  /** The connection's broadcast is over. */
  | { readonly kind: 'end'; readonly session: string }
  /** It still runs; `start` where the question says once more who publishes what. */
  | { readonly kind: 'poll'; readonly session: string; readonly start?: StartEvent }
  /** Nothing the gate decides: viewers, connections, recordings. */
  | { readonly kind: 'other' }

/** Why a call was refused without an outcome: nothing was decided and nothing logged. */
export const REFUSALS = [
  'unauthenticated',
  'too_large',
  'malformed',
  'wrong_app',
  'wrong_name',
  'no_key',
  'unknown_key',
  'revoked_key',
  'rate_limited',
  'session_conflict',
  'leaving',
  'gone',
  'unavailable',
] as const
export type Refusal = (typeof REFUSALS)[number]

/** What to tell the server. */
export type Verdict =
  | {
      readonly type: 'admit'
      /** Name viewers use; null = the publisher's own. */
      readonly playback_name: string | null
      /** Application it is moved to; absent where it stays. */
      readonly app?: string
      readonly decision: string
      /** The server shall end it by itself after so long; absent where something else does. */
      readonly lifetime_ms?: number
    }
  | {
      readonly type: 'deny'
      readonly outcome: 'deny' | 'delay'
      readonly decision: string
      readonly retry_after_s: number | null
    }
  /** A call that asks for nothing. */
  | { readonly type: 'noted' }
  | { readonly type: 'refused'; readonly why: Refusal; readonly retry_after_s: number | null }

/** Exact answer. `body` is ASCII and never holds a key, a subject or a reason text. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** By whom and when an answer is signed. */
export interface SignedAt {
  readonly server: {
    readonly id: string
    readonly secret: ServerSecret
    readonly control_auth: ControlAuth | null
  }
  readonly now: EpochMs
}

export interface MediaDialect {
  /** Second segment of the hook URL and `kind` of the servers file. */
  readonly kind: string
  /** `request.ingest` of every decision. */
  readonly ingest: string
  readonly capabilities: Capabilities
  /** Key of signatures, its own or ours for it, from the secret of the servers file; null = cannot be one. */
  signingKey?(secret: string): Uint8Array | null
  /** For servers that sign; without it the secret itself is shown (proof.ts). Constant in time for any key. */
  authenticate?(call: SignedCall, secret: ServerSecret, now: EpochMs): Proof
  /** The error is a fixed phrase for operators; it never repeats what was sent. */
  parse(call: HookCall): Result<MediaEvent, string>
  /** `event`: what it answers, where it could be read. */
  render(verdict: Verdict, event?: MediaEvent): Reply
  /** In place of `render` where an answer holds what has to be signed. */
  complete?(verdict: Verdict, event: MediaEvent, at: SignedAt): Promise<Reply>
  /** Public keys by which the server checks what `complete` signs. */
  keys?(secret: ServerSecret): Promise<Reply>
  /**
   * What the control interface needs to find the broadcast again, at most 512 characters, no key in it. `late_app`: the
   * delayed application of the server, where it may be found as well.
   */
  handleOf?(event: StartEvent, playback_name: string | null, late_app?: string | null): string
}
