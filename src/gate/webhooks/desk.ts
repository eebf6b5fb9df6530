/**
 * What operators see of webhooks and may do: where each endpoint stands, what did not arrive, and sending that again.
 *
 * A deployment with several logs tells each endpoint from each of them; a place is one of one log. Here is the desk of a host
 * with one; the other: adapters/cloudflare/edge-webhooks.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Clock } from '../../ports.ts'
import type { Dispatcher } from './dispatcher.ts'
import { eachOf } from './each-of.ts'
import { messageOf } from './messages.ts'
import type {
  WebhookEndpoint,
  WebhookLog,
  WebhookOutbox,
  WebhookPlaces,
  WebhookType,
} from './port.ts'

/** How far an endpoint has been told of one log. */
export interface Standing {
  /** Log entries it has not been told of, letters not counted. */
  readonly behind: number
  /** Messages that did not arrive and are tried again. */
  readonly waiting: number
  /** Messages nobody tries any more. */
  readonly dead: number
  /** When it said 410 Gone; null while it is sent to. */
  readonly disabled_at: EpochMs | null
}

/** Over all logs: sums, and the earliest 410. */
export interface EndpointView extends Standing {
  readonly id: string
  readonly types: readonly WebhookType[]
  /** Of each log, in their order. */
  readonly logs: readonly Standing[]
}

export interface DeadLetter {
  readonly index: number
  /** Null when what it was about has been erased, or cannot be opened now. */
  readonly message: string | null
  readonly type: WebhookType | null
  readonly attempts: number
  readonly failed_at: EpochMs
  readonly error: string
}

export interface DeadPage {
  readonly letters: readonly DeadLetter[]
  /** Index to go on with; null behind the last. */
  readonly next: number | null
}

export interface Replayed {
  readonly revived: number
  readonly enabled: boolean
}

/** `shard` is the log's number: 0, or null for all of them. Rejects with `not_found` what there is none of. */
export interface WebhookDesk {
  list(): Promise<readonly EndpointView[]>
  /** Dead letters from an index on, at most `limit`. */
  dead(
    endpoint: string,
    page: { readonly shard: number; readonly from: number; readonly limit: number },
  ): Promise<DeadPage>
  /** Sends dead letters again, those given or all, and sends to the endpoint again if it was disabled. Repeatable. */
  replay(
    endpoint: string,
    which: { readonly shard: number | null; readonly indexes: readonly number[] | null },
  ): Promise<Replayed>
}

export function createWebhookDesk(parts: {
  readonly origin: string
  readonly endpoints: readonly WebhookEndpoint[]
  readonly outbox: WebhookOutbox
  readonly dispatcher: Pick<Dispatcher, 'wake'>
  readonly clock: Clock
}): WebhookDesk {
  const { origin, endpoints, outbox, dispatcher, clock } = parts
  return {
    list: async () => standingsOf(endpoints, outbox),
    async dead(endpoint, { shard, ...page }) {
      requireEndpoint(endpoints, endpoint)
      requireShard(shard, 1)
      return deadIn(outbox, origin, endpoint, page)
    },
    async replay(endpoint, { shard, indexes }) {
      requireEndpoint(endpoints, endpoint)
      requireShard(shard ?? 0, 1)
      const replayed = await reviveIn(outbox, endpoint, { indexes, at: clock.now() })
      dispatcher.wake()
      return replayed
    },
  }
}

/** Where endpoints stand that have one log. */
export function standingsOf(
  endpoints: readonly WebhookEndpoint[],
  outbox: WebhookPlaces & Pick<WebhookLog, 'size'>,
): readonly EndpointView[] {
  return endpoints.map((endpoint) => viewOf(endpoint, [standingOf(outbox, endpoint.id)]))
}

/** Where an endpoint stands in one log. */
export function standingOf(
  outbox: WebhookPlaces & Pick<WebhookLog, 'size'>,
  endpoint: string,
): Standing {
  const place = outbox.place(endpoint)
  return {
    behind: place === null ? 0 : Math.max(0, outbox.size() - place.next),
    ...outbox.counts(endpoint),
    disabled_at: place?.disabled_at ?? null,
  }
}

/** One view of an endpoint's standings in all logs. */
export function viewOf(
  { id, types }: Pick<WebhookEndpoint, 'id' | 'types'>,
  logs: readonly Standing[],
): EndpointView {
  const sum = (what: 'behind' | 'waiting' | 'dead'): number =>
    logs.reduce((total, log) => total + log[what], 0)
  const [disabled_at = null] = logs.flatMap((log) => log.disabled_at ?? []).sort((a, b) => a - b)
  const sums = { behind: sum('behind'), waiting: sum('waiting'), dead: sum('dead') }
  return { id, types: [...types].sort(), ...sums, disabled_at, logs }
}

const LOOKED_UP_AT_ONCE = 8

/** A page of dead letters of one log. */
export async function deadIn(
  outbox: Pick<WebhookOutbox, 'dead' | 'entry'>,
  origin: string,
  endpoint: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<DeadPage> {
  const found = outbox.dead(endpoint, from, limit + 1)
  const some = { isOver: () => false, atOnce: LOOKED_UP_AT_ONCE }
  const letters = await eachOf(found.slice(0, limit), some, async (letter): Promise<DeadLetter> => {
    const { index, attempts, failed_at, error } = letter
    const entry = await outbox.entry(index)
    const message = entry === null || 'shut' in entry ? null : messageOf(entry, origin)
    const named = { message: message?.id ?? null, type: message?.type ?? null }
    return { index, ...named, attempts, failed_at, error }
  })
  return { letters, next: found[limit]?.index ?? null }
}

/** Dead letters of one log are due again, and the endpoint is sent to again. */
export async function reviveIn(
  places: WebhookPlaces,
  endpoint: string,
  { indexes, at }: { readonly indexes: readonly number[] | null; readonly at: EpochMs },
): Promise<Replayed> {
  const enabled = (places.place(endpoint)?.disabled_at ?? null) !== null
  if (enabled) await places.disable(endpoint, null)
  return { revived: await places.revive(endpoint, indexes, at), enabled }
}

/** Throws `not_found`. */
export function requireEndpoint(endpoints: readonly { readonly id: string }[], id: string): void {
  if (endpoints.some((endpoint) => endpoint.id === id)) return
  throw new LivegateError('not_found', 'Cannot find the endpoint: none has this id', {
    hint: 'GET /v1/webhooks lists those of the webhooks file',
  })
}

/** Throws `not_found`. */
export function requireShard(shard: number, shards: number): void {
  if (shard < shards) return
  throw new LivegateError('not_found', 'Cannot find the log: there is none of this number')
}
