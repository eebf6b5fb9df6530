/**
 * The door encoders knock at with WHIP (RFC 9725); what is behind it is adapters/media/whip's. Contract: ../whip.ts.
 */
import { LivegateError } from '../../../core/errors.ts'
import { readBytes } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { MAX_WHIP_BYTES, type WhipDoor, type WhipRequest } from '../whip.ts'

/** `POST /whip/{server}`, `PATCH` and `DELETE /whip/{server}/{session}`, `OPTIONS` for both. */
export function mountWhip(mount: Mount, deps: AppDeps): void {
  mount('POST /whip/:server', async (call) =>
    doorOf(deps).open(nameOf(call, 'server'), await requestOf(call)),
  )
  mount('PATCH /whip/:server/:session', async (call) =>
    doorOf(deps).patch(nameOf(call, 'server'), nameOf(call, 'session'), await requestOf(call)),
  )
  mount('DELETE /whip/:server/:session', async (call) =>
    doorOf(deps).close(nameOf(call, 'server'), nameOf(call, 'session'), await requestOf(call)),
  )
  mount('OPTIONS /whip/:server', () => doorOf(deps).preflight())
  mount('OPTIONS /whip/:server/:session', () => doorOf(deps).preflight())
}

function doorOf({ whip }: AppDeps): WhipDoor {
  if (whip !== undefined) return whip
  throw new LivegateError('not_found', 'Cannot take the offer: no front door is configured')
}

async function requestOf({ c }: Call): Promise<WhipRequest> {
  const { headers, signal } = c.req.raw
  return { headers, signal, body: await readBytes(c.req.raw, MAX_WHIP_BYTES) }
}

function nameOf({ c }: Call, name: 'server' | 'session'): string {
  return c.req.param(name) ?? ''
}
