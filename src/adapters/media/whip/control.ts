/**
 * Ends a WHIP session at the server behind the door: DELETE of its session address (RFC 9725 section 4.2).
 *
 * The handle is that address without its origin. WHIP knows no list of sessions, so nothing is ever listed.
 */
import { err, ok } from '../../../core/result.ts'
import type { ControlDriver } from '../control.ts'

export const whipControl: ControlDriver = {
  kind: 'whip',
  start_timeout_ms: 10_000,
  baseOf: (control) => new URL(control).origin,
  unlisted: true,
  list: async () => err('unreadable'),
  async cut(access, { handle }) {
    if (!handle.startsWith('/')) return err('unreadable')
    const answer = await access.call({ method: 'DELETE', path: handle })
    if (!answer.ok) return answer
    const { status } = answer.value
    if (status >= 200 && status < 300) return ok({ dropped: 1 })
    // A session address is given once: what is not there has ended.
    return status === 404 || status === 410 ? ok({ dropped: 1 }) : err('unreadable')
  },
}
