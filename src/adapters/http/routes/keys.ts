/**
 * The public keys records verify with. Verification at an index uses the key in force there, not only today's: old
 * keys stay in the set. Spec: docs/spec/record.md, "Keys".
 */
import { jwksOf } from '../../../core/record/jwk.ts'
import type { AppDeps } from '../deps.ts'
import type { Mount } from '../mount.ts'
import { published, raw } from '../reply.ts'

/** `GET /.well-known/jwks.json` (RFC 7517). */
export function mountKeys(mount: Mount, { recordKeys }: AppDeps): void {
  mount('GET /.well-known/jwks.json', async (call) =>
    raw(published(call), JSON.stringify(jwksOf(await recordKeys())), {
      type: 'application/jwk-set+json',
      cache: 'public, max-age=300',
    }),
  )
}
