/**
 * The webhook desk of the Worker: every endpoint has an object for each log, and they are asked where they stand.
 *
 * An object that was never told anything stands at nothing. Next stop: webhooks-object.ts.
 */
import {
  requireEndpoint,
  requireShard,
  viewOf,
  type WebhookDesk,
} from '../../gate/webhooks/desk.ts'
import type { WebhookEndpoint } from '../../gate/webhooks/port.ts'
import { opened } from './rpc.ts'
import type { HooksStubs, WebhooksRpc } from './rpc-webhooks.ts'

export function createEdgeWebhooks({
  endpoints,
  hooks,
  shards,
}: {
  readonly endpoints: readonly Pick<WebhookEndpoint, 'id' | 'types'>[]
  readonly hooks: HooksStubs
  readonly shards: number
}): WebhookDesk {
  const ofAll = (endpoint: string): readonly WebhooksRpc[] =>
    Array.from({ length: shards }, (_, shard) => hooks({ endpoint, shard }))

  return {
    list: () =>
      Promise.all(
        endpoints.map(async (endpoint) => {
          const standings = ofAll(endpoint.id).map((one) => opened(one.standing()))
          return viewOf(endpoint, await Promise.all(standings))
        }),
      ),
    async dead(endpoint, { shard, ...page }) {
      requireEndpoint(endpoints, endpoint)
      requireShard(shard, shards)
      return opened(hooks({ endpoint, shard }).dead(page))
    },
    async replay(endpoint, { shard, indexes }) {
      requireEndpoint(endpoints, endpoint)
      requireShard(shard ?? 0, shards)
      const asked = shard === null ? ofAll(endpoint) : [hooks({ endpoint, shard })]
      const all = await Promise.all(asked.map((one) => opened(one.replay(indexes))))
      return {
        revived: all.reduce((sum, { revived }) => sum + revived, 0),
        enabled: all.some(({ enabled }) => enabled),
      }
    },
  }
}
