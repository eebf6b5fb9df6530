/**
 * Media servers that register themselves. Spec: docs/media/registering.md; what it means is adapters/media's.
 */
import { LivegateError } from '../../../core/errors.ts'
import { type EpochMs, formatInstant } from '../../../core/time.ts'
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import { REGISTRATION } from '../media-server-schemas.ts'
import type { MediaServerDesk, MediaServerView } from '../media-servers.ts'
import type { Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { json, noContent } from '../reply.ts'
import { NO_QUERY } from '../schemas.ts'

/** `GET /v1/servers`, `PUT` and `DELETE /v1/servers/{id}`. */
export function mountServers(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/servers', async (call) => {
    readQuery(call.c, NO_QUERY, 'list servers')
    const found = await deskOf(deps).list()
    return json(call, { servers: found.map(shown) })
  })
  mount('PUT /v1/servers/:id', async (call) => {
    readQuery(call.c, NO_QUERY, 'register the server')
    const { value } = await readJson(call.c.req.raw)
    const asked = read(REGISTRATION, value, 'register the server')
    const id = call.c.req.param('id') ?? ''
    const { view, created } = await deskOf(deps).register({ id, ...asked })
    return json(call, shown(view), created ? 201 : 200)
  })
  mount('DELETE /v1/servers/:id', async (call) => {
    readQuery(call.c, NO_QUERY, 'deregister the server')
    await deskOf(deps).deregister(call.c.req.param('id') ?? '')
    return noContent(call)
  })
}

function shown(view: MediaServerView): object {
  const { id, kind, template, host, state } = view
  return {
    ...{ id, kind, template, host, state },
    registered_at: instant(view.registered_at),
    expires_at: instant(view.expires_at),
    hook: kind === 'whip' ? `/whip/${id}` : `/hooks/${kind}/${id}`,
  }
}

function instant(at: EpochMs | null): string | null {
  return at === null ? null : formatInstant(at)
}

function deskOf({ mediaServers }: AppDeps): MediaServerDesk {
  if (mediaServers !== undefined) return mediaServers
  throw new LivegateError('not_found', 'Cannot look for media servers: this host knows none', {
    hint: 'start a gate with a servers file, in which an entry with `register` is a template',
  })
}
