/**
 * When a broadcast that still runs is looked at again: at half of what was left of its lease when it was first seen.
 *
 * Memory only: after a restart, half of what is left then. Renewing is the gate's; this only says when. Used by the
 * keeper for what a list shows, and by polls for what a server asks about.
 */
import { LRUCache } from 'lru-cache'
import type { EpochMs } from '../../core/time.ts'

export interface Leased {
  readonly id: string
  readonly lease_until: EpochMs
}

export interface Renewals {
  /** True from half of the lease on, until `looked` is told. */
  due(broadcast: Leased, now: EpochMs): boolean
  /** It was looked at and its lease stayed: the next time is half of what is left. */
  looked(broadcast: Leased, now: EpochMs): void
}

/** At about 120 bytes each, 6 MB; who is forgotten is looked at half a lease later. */
const REMEMBERED = 50_000

export function createRenewals(): Renewals {
  const times = new LRUCache<string, { readonly lease_until: EpochMs; readonly due_at: number }>({
    max: REMEMBERED,
  })
  const plan = ({ id, lease_until }: Leased, now: EpochMs): number => {
    const due_at = now + (lease_until - now) / 2
    times.set(id, { lease_until, due_at })
    return due_at
  }
  return {
    due(broadcast, now) {
      const known = times.get(broadcast.id)
      const same = known !== undefined && known.lease_until === broadcast.lease_until
      return now >= (same ? known.due_at : plan(broadcast, now))
    },
    looked(broadcast, now) {
      plan(broadcast, now)
    },
  }
}
