/**
 * The log as static files: `/log/checkpoint`, `/log/tile/…`, `/log/vkey`.
 *
 * Tiles never change and may be cached for ever; the checkpoint is at most two seconds old. Entries need scope `audit`
 * unless the deployment publishes them (scopes.ts). What may be seen by everybody may be read from any web page.
 */
import { LivegateError } from '../../../core/errors.ts'
import type { AppDeps } from '../deps.ts'
import { logFileOf } from '../log-path.ts'
import type { Call, Mount } from '../mount.ts'
import { IMMUTABLE, IMMUTABLE_PRIVATE, published, raw } from '../reply.ts'

const TEXT = 'text/plain; charset=utf-8'
const BYTES = 'application/octet-stream'

/** `GET /log/…`. */
export function mountLog(mount: Mount, deps: AppDeps): void {
  const { log, config } = deps
  mount('GET /log/checkpoint', async (call) =>
    raw(published(call), await log.checkpoint(), { type: TEXT, cache: 'public, max-age=1' }),
  )
  mount('GET /log/vkey', (call) =>
    raw(published(call), `${deps.logVkey}\n`, { type: TEXT, cache: 'public, max-age=300' }),
  )
  mount('GET /log/tile/entries/*', (call) => file(call, deps, config.log_public))
  mount('GET /log/tile/*', (call) => file(call, deps, true))
}

async function file(call: Call, { log }: AppDeps, open: boolean): Promise<Response> {
  const named = logFileOf(call.c.req.path)
  const bytes = named === null ? null : await log.tile(named.path)
  if (bytes === null)
    throw new LivegateError('not_found', 'Cannot find the file: the log has none of this name')
  return open
    ? raw(published(call), bytes, { type: BYTES, cache: IMMUTABLE })
    : raw(call, bytes, { type: BYTES, cache: IMMUTABLE_PRIVATE })
}
