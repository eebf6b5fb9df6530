/**
 * What this layer hands to the WHIP front door, and what it expects back; implemented in adapters/media/whip.
 *
 * Bodies are bounded and unparsed. Answers are the door's own, problem documents included; nothing here redirects.
 */
export interface WhipRequest {
  readonly headers: Headers
  readonly body: Uint8Array
  /** Aborted when the encoder hung up before the answer, where the host can tell. */
  readonly signal?: AbortSignal
}

export interface WhipDoor {
  open(server: string, request: WhipRequest): Promise<Response>
  close(server: string, session: string, request: WhipRequest): Promise<Response>
  patch(server: string, session: string, request: WhipRequest): Promise<Response>
  preflight(): Response
}

/** Largest body: an offer with two media and all addresses of a machine has some 6 KB. */
export const MAX_WHIP_BYTES: number = 64 * 1024
