/**
 * WHIP (RFC 9725) as a kind of media server: a front door of our own, so nobody asks and nothing is parsed here.
 *
 * Publishers prove themselves by their stream key, so the server has no secret; its hook address refuses everybody. What
 * happens at the door: door.ts. Set-up for people: docs/media/whip.md.
 */
import { err } from '../../../core/result.ts'
import type { MediaDialect } from '../dialect.ts'
import { STRANGER } from '../replies.ts'

/** OBS gives up 8 s after its offer: a decision of 2 s and an exchange of 3 s have to fit as well. */
const HOLD_MAX_MS = 3_000
/** What a bearer may have in a header most servers and proxies take whole. */
const MAX_KEY_BYTES = 2_000

export const whip: MediaDialect = {
  kind: 'whip',
  ingest: 'whip',
  capabilities: {
    style: 'front-door',
    proof: 'publisher',
    hold_max_ms: HOLD_MAX_MS,
    rename: true,
    late: 'no',
    lifetime: false,
    reason_to_client: true,
    poll: false,
    cut: 'api',
    when_down: 'deny',
    max_credential_bytes: MAX_KEY_BYTES,
    supports: [],
  },
  authenticate: () => ({ ok: false }),
  parse: () => err('a front door has no hook'),
  render: () => STRANGER,
}
