/**
 * What this layer hands to the hooks of media servers, and what it expects back.
 *
 * The bytes are bounded and unparsed, because some servers append what publishers write to their own fields and only a
 * dialect knows which spelling to trust. Nothing here redirects, strips a slash or rewrites: nginx-rtmp takes any 3xx
 * for a rename. The dialect proves the server (bearer or signature). Implemented in adapters/media.
 */
export interface HookRequest {
  readonly method: string
  /** Whole URL with its query, as received. */
  readonly url: string
  readonly headers: Headers
  /** At most MAX_HOOK_BYTES. */
  readonly body: Uint8Array
  /** Aborted when the media server hung up before the answer; where the host can tell, and made when first asked for. */
  readonly hungUp?: () => AbortSignal
}

export interface Hooks {
  /** Answers in the dialect of `kind`; a rejection becomes a problem document, which every server takes for a refusal. */
  handle(kind: string, serverId: string, request: HookRequest): Promise<Response>
  /** JWKS by which a server checks tokens made for it; null where it checks none, or is not configured. */
  keys?(kind: string, serverId: string): Promise<Response | null>
}
