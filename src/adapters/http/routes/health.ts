/**
 * For those who run it: alive, able to decide, what it has done. Answered even when the server is full.
 */
import { LivegateError } from '../../../core/errors.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { json, raw } from '../reply.ts'

/** `GET /healthz`, `/readyz`, `/metrics`. */
export function mountHealth(mount: Mount, deps: AppDeps): void {
  mount('GET /healthz', (call) => json(call, { status: 'alive' }))
  mount('GET /readyz', (call) => ready(call, deps))
  mount('GET /metrics', async (call) =>
    raw(call, await deps.metricsText(), {
      type: 'text/plain; version=0.0.4; charset=utf-8',
      cache: 'no-store',
    }),
  )
}

async function ready(call: Call, { readiness }: AppDeps): Promise<Response> {
  const state = await readiness()
  if (state.ready)
    return json(call, {
      status: 'ready',
      ...(state.policy === undefined ? {} : { policy: state.policy }),
      ...(state.shadow === undefined ? {} : { shadow: state.shadow }),
      ...(state.log === undefined ? {} : { log: state.log }),
    })
  throw new LivegateError(state.code, `Cannot decide: ${state.why}`)
}
