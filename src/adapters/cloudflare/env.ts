/**
 * What a deployment binds (wrangler.toml): objects, the bucket, secrets and settings. Checked once in config.ts.
 */
import type { DirectoryRpc, SequencerRpc, SubjectRpc } from './rpc.ts'
import type { KeeperRpc } from './rpc-keeper.ts'
import type { WebhooksRpc } from './rpc-webhooks.ts'

type Objects<T> = DurableObjectNamespace<Rpc.DurableObjectBranded & T>

export interface Env {
  readonly SUBJECTS: Objects<SubjectRpc>
  readonly SEQUENCERS: Objects<SequencerRpc>
  readonly DIRECTORIES: Objects<DirectoryRpc>
  readonly WEBHOOKS: Objects<WebhooksRpc>
  /** Reaches public addresses only; absent where the platform's own network is like that. */
  readonly PUBLIC?: { fetch(url: string, init: RequestInit): Promise<Response> }
  readonly KEEPERS: Objects<KeeperRpc>
  /** Tiles and checkpoints, `<shard>/…`. */
  readonly LOG: R2Bucket
  /** Everything else is text: secrets and variables `LIVEGATE_…`. */
  readonly [name: `LIVEGATE_${string}`]: string | undefined
}

/** Files name secrets; here they are variables of the Worker. */
export function secretsOf(env: Env): { env(name: string): string | undefined; file(): null } {
  const bound = env as unknown as Readonly<Record<string, unknown>>
  return {
    env(name) {
      const value = bound[name]
      return typeof value === 'string' ? value : undefined
    },
    file: () => null,
  }
}
