/**
 * The keys of a deployment: what there is, the exchange of one for another, and a key that is not to be trusted any more.
 *
 * Every change is a record in the log before it has an effect; asked again it goes on where it stopped. Public record
 * keys for everybody are keys.ts's. Spec: docs/spec/api.md, "Keys".
 */
import { LivegateError } from '../../../core/errors.ts'
import type { KeyChangeRequest, KeyDesk, KeyView } from '../../../gate/key-desk.ts'
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import { REVOCATION_BODY, ROTATION_BODY } from '../key-schemas.ts'
import type { Call, Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { json } from '../reply.ts'
import { NO_QUERY } from '../schemas.ts'

/** `GET /v1/keys`, `POST /v1/keys/rotation`, `POST /v1/keys/revocation`. */
export function mountKeyChanges(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/keys', async (call) => {
    readQuery(call.c, NO_QUERY, 'list keys')
    return json(call, { keys: (await deskOf(deps).list()).map(render) })
  })
  mount('POST /v1/keys/rotation', async (call) => {
    readQuery(call.c, NO_QUERY, 'rotate the key')
    const { value } = await readJson(call.c.req.raw)
    const { use, step = 'begin' } = read(ROTATION_BODY, value, 'rotate the key')
    return change(call, deskOf(deps), { step, use, log: null })
  })
  mount('POST /v1/keys/revocation', async (call) => {
    readQuery(call.c, NO_QUERY, 'revoke the key')
    const { value } = await readJson(call.c.req.raw)
    const { kid, from = null, log = null } = read(REVOCATION_BODY, value, 'revoke the key')
    return change(call, deskOf(deps), { step: 'revoke', kid, from, log })
  })
}

async function change(call: Call, desk: KeyDesk, request: KeyChangeRequest): Promise<Response> {
  const { changed, keys } = await desk.change(request)
  return json(call, { changed, keys: keys.map(render) }, changed ? 201 : 200)
}

function deskOf({ keyDesk }: AppDeps): KeyDesk {
  if (keyDesk !== undefined) return keyDesk
  throw new LivegateError('not_found', 'Cannot change keys: this host does not offer it')
}

function render({ until, vkey, ...key }: KeyView): object {
  return {
    ...key,
    ...(until === null ? {} : { until }),
    ...(vkey === null ? {} : { vkey }),
  }
}
