/**
 * When a broadcast that still runs is looked at again: at half of what was left of its lease when it was first seen.
 *
 * Memory only: after a restart, half of what is left then. Renewing is the gate's; this only says when. Used by the
 * keeper for what a list shows, and by polls for what a server asks about.
 */
import { LRUCache } from 'lru-cache'
import { LivegateError } from '../../core/errors.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Gate } from '../../gate-types.ts'
import type { BroadcastView, Clock } from '../../ports.ts'
import type { MediaServer } from './servers-file.ts'

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

export interface RenewalPorts {
  readonly gate: Pick<Gate, 'renew'>
  readonly renewals: Renewals
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** Looks again at what runs; a revocation is ordered by the gate itself. Tells what became of it; null: not known. */
export async function renewLease(
  ports: RenewalPorts,
  server: Pick<MediaServer, 'id'>,
  broadcast: Pick<BroadcastView, 'id' | 'lease_until'>,
): Promise<'renewed' | 'revoked' | 'unchanged' | null> {
  const { id } = broadcast
  try {
    const caller = `hook:${server.id}`
    const { event } = await ports.gate.renew({ broadcast: id, caller, cause: 'lease' })
    if (event === 'unchanged') ports.renewals.looked(broadcast, ports.clock.now())
    return event
  } catch (error) {
    if (!hasEnded(error)) ports.onError(error)
    return null
  }
}

/** It ended, or is being cut, since it was read. */
function hasEnded(error: unknown): boolean {
  return error instanceof LivegateError && ['conflict', 'not_found'].includes(error.code)
}
