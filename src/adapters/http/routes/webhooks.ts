/**
 * Webhooks for operators: where endpoints stand, what never arrived, sending that again. Spec: docs/webhooks.md.
 */
import { LivegateError } from '../../../core/errors.ts'
import { type EpochMs, formatInstant } from '../../../core/time.ts'
import type { WebhookDesk } from '../../../gate/webhooks/desk.ts'
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { json } from '../reply.ts'
import { NO_QUERY } from '../schemas.ts'
import { DEAD_QUERY, REPLAY_BODY } from '../webhook-schemas.ts'

const SHOWN = 50

/** `GET /v1/webhooks`, `GET /v1/webhooks/{endpoint}/dead`, `POST /v1/webhooks/{endpoint}/replay`. */
export function mountWebhooks(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/webhooks', async (call) => {
    readQuery(call.c, NO_QUERY, 'list webhooks')
    const found = await deskOf(deps).list()
    const endpoints = found.map((one) => ({ ...shown(one), logs: one.logs.map(shown) }))
    return json(call, { endpoints })
  })
  mount('GET /v1/webhooks/:endpoint/dead', async (call) => {
    const query = readQuery(call.c, DEAD_QUERY, 'list dead letters')
    const { shard = 0, from = 0, limit = SHOWN } = query
    const endpoint = call.c.req.param('endpoint') ?? ''
    const { letters, next } = await deskOf(deps).dead(endpoint, { shard, from, limit })
    const dated = letters.map((one) => ({ ...one, failed_at: formatInstant(one.failed_at) }))
    return json(call, { letters: dated, next })
  })
  mount('POST /v1/webhooks/:endpoint/replay', async (call) => {
    readQuery(call.c, NO_QUERY, 'replay dead letters')
    const { value } = await readJson(call.c.req.raw)
    const { indexes = null, shard } = read(REPLAY_BODY, value, 'replay dead letters')
    // Places are one log's: without its number, of the first.
    const which = { indexes, shard: shard ?? (indexes === null ? null : 0) }
    return json(call, await deskOf(deps).replay(call.c.req.param('endpoint') ?? '', which))
  })
}

function shown<T extends { readonly disabled_at: EpochMs | null }>(
  one: T,
): Omit<T, 'disabled_at'> & { readonly disabled_at: string | null } {
  return { ...one, disabled_at: instant(one.disabled_at) }
}

function instant(at: EpochMs | null): string | null {
  return at === null ? null : formatInstant(at)
}

function deskOf({ webhooks }: AppDeps): WebhookDesk {
  if (webhooks !== undefined) return webhooks
  throw new LivegateError('not_found', 'Cannot show webhooks: this host sends none')
}
