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
  mount('GET /v1/webhooks', (call) => {
    readQuery(call.c, NO_QUERY, 'list webhooks')
    const endpoints = deskOf(deps)
      .list()
      .map((one) => ({ ...one, disabled_at: instant(one.disabled_at) }))
    return json(call, { endpoints })
  })
  mount('GET /v1/webhooks/:endpoint/dead', (call) => {
    const { from = 0, limit = SHOWN } = readQuery(call.c, DEAD_QUERY, 'list dead letters')
    const { letters, next } = deskOf(deps).dead(call.c.req.param('endpoint') ?? '', { from, limit })
    const shown = letters.map((one) => ({ ...one, failed_at: formatInstant(one.failed_at) }))
    return json(call, { letters: shown, next })
  })
  mount('POST /v1/webhooks/:endpoint/replay', async (call) => {
    readQuery(call.c, NO_QUERY, 'replay dead letters')
    const { value } = await readJson(call.c.req.raw)
    const { indexes = null } = read(REPLAY_BODY, value, 'replay dead letters')
    return json(call, await deskOf(deps).replay(call.c.req.param('endpoint') ?? '', indexes))
  })
}

function instant(at: EpochMs | null): string | null {
  return at === null ? null : formatInstant(at)
}

function deskOf({ webhooks }: AppDeps): WebhookDesk {
  if (webhooks !== undefined) return webhooks
  throw new LivegateError('not_found', 'Cannot show webhooks: this host sends none')
}
