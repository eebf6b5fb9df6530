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
import type { CountedStanding, HooksStubs, WebhooksRpc } from './rpc-webhooks.ts'

export interface EdgeWebhooks extends WebhookDesk {
  /** For metrics: every endpoint over all logs. Rejects while one of its objects does not answer. */
  counted(): Promise<readonly CountedEndpoint[]>
}

export interface CountedEndpoint {
  readonly id: string
  /** Entries it has not been told of, letters that wait included. */
  readonly waiting: number
  /** Attempts by result. */
  readonly posted: Readonly<Record<string, number>>
}

export function createEdgeWebhooks({
  endpoints,
  hooks,
  shards,
}: {
  readonly endpoints: readonly Pick<WebhookEndpoint, 'id' | 'types'>[]
  readonly hooks: HooksStubs
  readonly shards: number
}): EdgeWebhooks {
  const ofAll = (endpoint: string): readonly WebhooksRpc[] =>
    Array.from({ length: shards }, (_, shard) => hooks({ endpoint, shard }))

  const standings = (endpoint: string): Promise<readonly CountedStanding[]> =>
    Promise.all(ofAll(endpoint).map((one) => opened(one.standing())))

  return {
    list: () =>
      Promise.all(
        endpoints.map(async (endpoint) =>
          viewOf(
            endpoint,
            (await standings(endpoint.id)).map(({ posted: _posted, ...standing }) => standing),
          ),
        ),
      ),
    counted: () => Promise.all(endpoints.map(async ({ id }) => addedUp(id, await standings(id)))),
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

function addedUp(id: string, all: readonly CountedStanding[]): CountedEndpoint {
  const posted: Record<string, number> = {}
  for (const one of all)
    for (const [result, n] of Object.entries(one.posted ?? {}))
      posted[result] = (posted[result] ?? 0) + n
  return { id, waiting: all.reduce((sum, one) => sum + one.behind + one.waiting, 0), posted }
}
