/** The OpenBroadcasts port in memory: a walk over everybody. Duties: gate/broadcast-port.ts. */
import { isListed, strangeCursor, viewOf } from '../../gate/broadcast-port.ts'
import type { BroadcastView, OpenBroadcasts } from '../../ports.ts'
import type { Shelves } from './ledger.ts'

export function createMemoryOpenBroadcasts({ states }: Shelves): OpenBroadcasts {
  return {
    async list({ after = '0', limit, ...query }, at) {
      if (!/^\d{1,15}$/.test(after)) throw strangeCursor()
      const items: BroadcastView[] = []
      let place = 0
      for (const [subject, { broadcasts }] of states) {
        place++
        if (place <= Number(after)) continue
        for (const open of broadcasts) {
          if (isListed(open, query, at)) items.push(viewOf(subject, open))
        }
        if (items.length >= limit) return { items, next: String(place) }
      }
      return { items, next: null }
    },
  }
}
