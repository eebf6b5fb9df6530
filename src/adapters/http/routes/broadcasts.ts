/**
 * Broadcasts that run: shown, asked about again, ended, joined.
 *
 * Who may ask whether something may start may ask whether it may go on. What has to stop is ended by its media server's
 * keeper or by who asks here; either way its end is said here or there. Spec: docs/spec/api.md, "Broadcasts".
 */
import { LivegateError } from '../../../core/errors.ts'
import { chosenId, read, readParameter } from '../atoms.ts'
import { readJson } from '../body.ts'
import {
  BROADCASTS_PAGE,
  BROADCASTS_QUERY,
  COHOST_BODY,
  END_BODY,
  RENEWAL_BODY,
} from '../broadcast-schemas.ts'
import { cohostOf, factsOf } from '../decode.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { renderAnswer } from '../render.ts'
import { renderRenewal, renderView } from '../render-broadcast.ts'
import { json } from '../reply.ts'
import { NO_QUERY } from '../schemas.ts'

/** `/v1/broadcasts` and below. */
export function mountBroadcasts(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/broadcasts', (call) => list(call, deps))
  mount('GET /v1/broadcasts/:id', (call) => show(call, deps))
  mount('POST /v1/broadcasts/:id/renewal', (call) => renew(call, deps))
  mount('POST /v1/broadcasts/:id/end', (call) => end(call, deps))
  mount('POST /v1/broadcasts/:id/cohosts', (call) => join(call, deps))
}

async function list(call: Call, { broadcasts, clock }: AppDeps): Promise<Response> {
  const query = readQuery(call.c, BROADCASTS_QUERY, 'list broadcasts')
  if (broadcasts === undefined)
    throw new LivegateError('not_found', 'Cannot list broadcasts: this host knows them one by one')
  const { server, cutting, cursor, limit = BROADCASTS_PAGE } = query
  const page = await broadcasts.list(
    {
      ...(server === undefined ? {} : { server }),
      ...(cutting === undefined ? {} : { cutting: cutting === 'true' }),
      ...(cursor === undefined ? {} : { after: cursor }),
      limit,
    },
    clock.now(),
  )
  return json(call, { broadcasts: page.items.map(renderView), next: page.next })
}

async function show(call: Call, { gate }: AppDeps): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'show the broadcast')
  const view = await gate.broadcast(idOf(call))
  if (view === null)
    throw new LivegateError('not_found', 'Cannot show the broadcast: none of this id runs')
  return json(call, renderView(view))
}

async function renew(call: Call, { gate }: AppDeps): Promise<Response> {
  const broadcast = idOf(call)
  const { facts } = read(RENEWAL_BODY, await bodyOf(call), 'renew the broadcast')
  const given = facts == null ? {} : { facts: factsOf(facts) }
  return json(
    call,
    renderRenewal(await gate.renew({ broadcast, caller: call.caller.id, ...given })),
  )
}

async function end(call: Call, { gate }: AppDeps): Promise<Response> {
  const broadcast = idOf(call)
  const why = read(END_BODY, await bodyOf(call), 'end the broadcast')
  return json(call, { ended: await gate.end({ broadcast, caller: call.caller.id, ...why }) })
}

async function join(call: Call, { gate }: AppDeps): Promise<Response> {
  const broadcast = idOf(call)
  const { value } = await readJson(call.c.req.raw)
  const cohost = cohostOf(read(COHOST_BODY, value, 'join the broadcast'))
  const answer = await gate.join({ broadcast, cohost, caller: call.caller.id })
  return json(call, renderAnswer(answer))
}

/** Nothing has to be said. */
async function bodyOf(call: Call): Promise<unknown> {
  const { raw } = call.c.req
  return raw.body === null ? {} : (await readJson(raw)).value
}

function idOf(call: Call): string {
  return readParameter(chosenId, call.c.req.param('id'), 'the id of the broadcast')
}
