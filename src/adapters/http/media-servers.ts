/**
 * What this layer asks of whoever knows media servers, and what it expects back; implemented in adapters/media.
 */
import type { EpochMs } from '../../core/time.ts'

/** One media server, without a secret. */
export interface MediaServerView {
  readonly id: string
  readonly kind: string
  /** Null for those in the servers file. */
  readonly template: string | null
  readonly host: string | null
  readonly state: 'fixed' | 'live' | 'leaving'
  readonly registered_at: EpochMs | null
  /** When the registration ends unless it is repeated. */
  readonly expires_at: EpochMs | null
}

/** Failures are LivegateErrors. */
export interface MediaServerDesk {
  list(): readonly MediaServerView[] | Promise<readonly MediaServerView[]>
  register(asked: {
    readonly id: string
    readonly template: string
    readonly host: string
  }): Promise<{ readonly view: MediaServerView; readonly created: boolean }>
  deregister(id: string): Promise<void>
}
