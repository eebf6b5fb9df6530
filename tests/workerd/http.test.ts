/** The edge host from outside: what every host must do, here across two logs. */
import { env, exports } from 'cloudflare:workers'
import { describe } from 'vitest'
import { conformance } from '../conformance/all.ts'
import type { Host } from '../conformance/host.ts'

const host: Host = {
  origin: env.LIVEGATE_ORIGIN ?? '',
  issuer: env.LIVEGATE_ISSUER ?? '',
  shards: Number(env.LIVEGATE_SHARDS),
  adminKey: env.LIVEGATE_ADMIN_KEY ?? '',
  ask: (request) => exports.default.fetch(request),
}

describe('the edge host', () => {
  conformance(async () => host)
})
