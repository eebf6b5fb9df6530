import type { Env } from '../../src/adapters/cloudflare/env.ts'

declare global {
  // biome-ignore lint/style/noNamespace: the only way the runtime's types let a Worker name its bindings
  namespace Cloudflare {
    interface Env extends LivegateEnv {}
    /** What `exports` of cloudflare:workers has. */
    interface GlobalProps {
      mainModule: typeof import('./worker.ts')
    }
  }
}

type LivegateEnv = Env
