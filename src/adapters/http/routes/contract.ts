/**
 * The contract for machines: `/openapi.json`, built on first use and the same from then on.
 */
import type { AppDeps } from '../deps.ts'
import type { Mount } from '../mount.ts'
import { openApi } from '../openapi.ts'
import { published, raw } from '../reply.ts'

/** `GET /openapi.json`. */
export function mountContract(mount: Mount, { logs }: AppDeps): void {
  let text: string | null = null
  mount('GET /openapi.json', (call) => {
    text ??= JSON.stringify(openApi(logs.length))
    return raw(published(call), text, { type: 'application/json', cache: 'public, max-age=300' })
  })
}
