/**
 * The door for publish hooks of media servers; what they mean is adapters/media's.
 *
 * Bounded bytes in, the dialect's own answer out. Whatever fails here is an error status, which every server takes for
 * a refusal. Contract: ../hooks.ts.
 */
import { LivegateError } from '../../../core/errors.ts'
import { MAX_HOOK_BYTES } from '../../../core/limits.ts'
import { readBytes } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** `POST /hooks/{kind}/{server}`, and the public keys of those that check tokens. */
export function mountHooks(mount: Mount, deps: AppDeps): void {
  mount('POST /hooks/:kind/:server', (call) => hook(call, deps))
  mount('GET /hooks/:kind/:server/jwks.json', (call) => keys(call, deps))
}

async function keys({ c }: Call, { hooks }: AppDeps): Promise<Response> {
  const found = await hooks?.keys?.(c.req.param('kind') ?? '', c.req.param('server') ?? '')
  if (!found)
    throw new LivegateError('not_found', 'Cannot show keys: no media server checks tokens there')
  return found
}

async function hook({ c }: Call, { hooks }: AppDeps): Promise<Response> {
  const kind = c.req.param('kind') ?? ''
  const server = c.req.param('server') ?? ''
  if (hooks === undefined || !NAME.test(kind) || !NAME.test(server))
    throw new LivegateError('not_found', 'Cannot take the hook: no such media server is configured')
  const request = c.req.raw
  const body = await readBytes(request, MAX_HOOK_BYTES)
  const { method, url, headers } = request
  const hungUp = (): AbortSignal => request.signal
  return hooks.handle(kind, server, { method, url, headers, body, hungUp })
}
