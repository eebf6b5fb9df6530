/**
 * The log as static files: `/log/checkpoint` (and `.witnessed`), `/log/tile/…`, `/log/vkey`.
 *
 * Tiles never change and may be cached for ever; the checkpoint is at most two seconds old. Entries need scope `audit`
 * unless the deployment publishes them (scopes.ts). What may be seen by everybody may be read from any web page.
 */
import { LivegateError } from '../../../core/errors.ts'
import type { AppDeps, ServedLog } from '../deps.ts'
import { logFileOf, shardOfName } from '../log-path.ts'
import type { Call, Mount } from '../mount.ts'
import { IMMUTABLE, IMMUTABLE_PRIVATE, published, raw } from '../reply.ts'

const TEXT = 'text/plain; charset=utf-8'
const BYTES = 'application/octet-stream'

/** `GET /log/…`, with several logs `GET /log/{shard}/…`. */
export function mountLog(mount: Mount, deps: AppDeps): void {
  mount('GET /log/checkpoint', async (call) => {
    const { log } = served(call, deps)
    const cache = 'public, max-age=1'
    return raw(published(call), await log.checkpoint(), { type: TEXT, cache })
  })
  mount('GET /log/checkpoint.witnessed', async (call) => {
    const note = (await served(call, deps).log.witnessed?.()) ?? null
    if (note === null)
      throw new LivegateError(
        'not_found',
        'Cannot find the witnessed checkpoint: no quorum of witnesses has cosigned one',
      )
    return raw(published(call), note, { type: TEXT, cache: 'public, max-age=1' })
  })
  mount('GET /log/vkey', async (call) => {
    const { vkey, vkeys } = served(call, deps)
    const lines = (await vkeys?.()) ?? [vkey]
    const text = lines.map((line) => `${line}\n`).join('')
    return raw(published(call), text, { type: TEXT, cache: 'public, max-age=300' })
  })
  mount('GET /log/tile/entries/*', (call) => file(call, deps, deps.config.log_public))
  mount('GET /log/tile/*', (call) => file(call, deps, true))
}

interface Served extends ServedLog {
  /** Null where there is only one. */
  readonly shard: number | null
}

/** The log a request is about: the only one, or the one its path names (as it was sent, so that it has one spelling). */
function served({ c }: Call, { logs }: AppDeps): Served {
  const [only] = logs
  if (only !== undefined && logs.length === 1) return { ...only, shard: null }
  const shard = shardOfName(c.req.path.split('/')[2] ?? '', logs.length)
  const found = shard === null ? undefined : logs[shard]
  if (found !== undefined) return { ...found, shard }
  throw new LivegateError('not_found', 'Cannot find the log: there is none of this number')
}

async function file(call: Call, deps: AppDeps, open: boolean): Promise<Response> {
  const { log, shard } = served(call, deps)
  const named = logFileOf(call.c.req.path, shard)
  const bytes = named === null ? null : await log.tile(named.path)
  if (bytes === null)
    throw new LivegateError('not_found', 'Cannot find the file: the log has none of this name')
  return open
    ? raw(published(call), bytes, { type: BYTES, cache: IMMUTABLE })
    : raw(call, bytes, { type: BYTES, cache: IMMUTABLE_PRIVATE })
}
