/**
 * What operators see of webhooks and may do: where each endpoint stands, what did not arrive, and sending that again.
 */
import { LivegateError } from '../../core/errors.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Clock } from '../../ports.ts'
import type { Dispatcher } from './dispatcher.ts'
import { messageOf } from './messages.ts'
import type { WebhookEndpoint, WebhookOutbox, WebhookType } from './port.ts'

export interface EndpointView {
  readonly id: string
  readonly types: readonly WebhookType[]
  /** Log entries it has not been told of, letters not counted. */
  readonly behind: number
  /** Messages that did not arrive and are tried again. */
  readonly waiting: number
  /** Messages nobody tries any more. */
  readonly dead: number
  /** When it said 410 Gone; null while it is sent to. */
  readonly disabled_at: EpochMs | null
}

export interface DeadLetter {
  readonly index: number
  /** Null when what it was about has been erased. */
  readonly message: string | null
  readonly type: WebhookType | null
  readonly attempts: number
  readonly failed_at: EpochMs
  readonly error: string
}

export interface WebhookDesk {
  list(): readonly EndpointView[]
  /** Dead letters from an index on, at most `limit`, and the index to go on with. Rejects `not_found`. */
  dead(
    endpoint: string,
    page: { readonly from: number; readonly limit: number },
  ): { readonly letters: readonly DeadLetter[]; readonly next: number | null }
  /** Sends dead letters again, those given or all, and sends to the endpoint again if it was disabled. Repeatable. */
  replay(
    endpoint: string,
    indexes: readonly number[] | null,
  ): Promise<{ readonly revived: number; readonly enabled: boolean }>
}

export function createWebhookDesk(parts: {
  readonly origin: string
  readonly endpoints: readonly WebhookEndpoint[]
  readonly outbox: WebhookOutbox
  readonly dispatcher: Pick<Dispatcher, 'wake'>
  readonly clock: Clock
}): WebhookDesk {
  const { origin, endpoints, outbox, dispatcher, clock } = parts

  function require(id: string): void {
    if (endpoints.some((endpoint) => endpoint.id === id)) return
    throw new LivegateError('not_found', 'Cannot find the endpoint: none has this id', {
      hint: 'GET /v1/webhooks lists those of the webhooks file',
    })
  }

  return {
    list: () =>
      endpoints.map(({ id, types }) => {
        const place = outbox.place(id)
        return {
          ...{ id, types: [...types].sort(), ...outbox.counts(id) },
          behind: place === null ? 0 : Math.max(0, outbox.size() - place.next),
          disabled_at: place?.disabled_at ?? null,
        }
      }),
    dead(endpoint, { from, limit }) {
      require(endpoint)
      const found = outbox.dead(endpoint, from, limit + 1)
      const letters = found.slice(0, limit).map(({ index, attempts, failed_at, error }) => {
        const [entry] = outbox.read(index, 1)
        const message = entry?.index === index ? messageOf(entry, origin) : null
        const named = { message: message?.id ?? null, type: message?.type ?? null }
        return { index, ...named, attempts, failed_at, error }
      })
      return { letters, next: found[limit]?.index ?? null }
    },
    async replay(endpoint, indexes) {
      require(endpoint)
      const enabled = outbox.place(endpoint)?.disabled_at != null
      if (enabled) await outbox.disable(endpoint, null)
      const revived = await outbox.revive(endpoint, indexes, clock.now())
      dispatcher.wake()
      return { revived, enabled }
    },
  }
}
