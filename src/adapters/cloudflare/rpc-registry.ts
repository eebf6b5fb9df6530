/**
 * What the object that knows who has registered is asked. Crosses as everything of rpc.ts does. Who implements it:
 * keeper-object.ts, under a name of its own; what it means: adapters/media/registrations.ts.
 */
import type { EpochMs } from '../../core/time.ts'
import type { Reply } from './rpc.ts'

/** A server that has registered itself. */
export interface RegisteredAs {
  readonly template: string
  readonly host: string
  /** `displaced`: leaving, and its address belongs to another. */
  readonly state: 'live' | 'leaving' | 'displaced'
}

/** A media server as operators see it. */
export interface ServerShown {
  readonly id: string
  readonly kind: string
  readonly template: string | null
  readonly host: string | null
  readonly state: 'fixed' | 'live' | 'leaving'
  readonly registered_at: EpochMs | null
  readonly expires_at: EpochMs | null
}

export interface RegistryRpc {
  register(asked: {
    readonly id: string
    readonly template: string
    readonly host: string
  }): Promise<Reply<{ readonly view: ServerShown; readonly created: boolean }>>
  deregister(id: string): Promise<Reply<null>>
  servers(): Promise<Reply<readonly ServerShown[]>>
  /** Null for an id nobody has registered. */
  registration(id: string): Promise<Reply<RegisteredAs | null>>
}
