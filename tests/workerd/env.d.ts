import type { Env } from '../../src/adapters/cloudflare/env.ts'

declare global {
  namespace Cloudflare {
    interface Env extends LivegateEnv {}
  }
}

type LivegateEnv = Env
