/** The OpenBroadcasts port in memory: a walk over everybody. Duties: gate/broadcast-port.ts. */
import { LivegateError } from '../../core/errors.ts'
import { viewOf } from '../../gate/broadcast-port.ts'
import type { BroadcastView, OpenBroadcasts } from '../../ports.ts'
import type { Shelves } from './ledger.ts'

export function createMemoryOpenBroadcasts({ states }: Shelves): OpenBroadcasts {
  return {
    async list({ server, cutting, flagged = false, after = '0', limit }, at) {
      if (!/^\d{1,15}$/.test(after))
        throw new LivegateError('invalid_request', 'Cannot go on: the cursor is not one of ours')
      const items: BroadcastView[] = []
      let place = 0
      for (const [subject, { broadcasts }] of states) {
        place++
        if (place <= Number(after)) continue
        for (const open of broadcasts) {
          const runs = open.lease_until > at || (open.cutting?.until ?? 0) > at
          const marked = open.recheck !== undefined || open.ungated !== undefined
          const listed = open.role === 'host' ? !flagged || marked : flagged && marked
          const ofServer = server === undefined || open.server === server
          const asCut = cutting === undefined || cutting === (open.cutting !== undefined)
          if (runs && listed && ofServer && asCut) items.push(viewOf(subject, open))
        }
        if (items.length >= limit) return { items, next: String(place) }
      }
      return { items, next: null }
    },
  }
}
