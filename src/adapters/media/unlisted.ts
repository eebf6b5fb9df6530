/**
 * A look at a server that cannot be asked what is live: a front door, whose sessions are those the gate itself let in.
 *
 * Nobody says that an encoder vanished without a word, so a lease is renewed for a day at most; whoever broadcasts longer
 * begins again. Ends and cuts come as everywhere. Called by kept-server.ts.
 */
import { DAY_MS, type EpochMs } from '../../core/time.ts'
import type { Gate } from '../../gate-types.ts'
import type { BroadcastView } from '../../ports.ts'

/** Longest time a session that nobody can see is taken to run. */
export const MAX_UNSEEN_MS: number = DAY_MS

export interface UnlistedPorts {
  readonly gate: Pick<Gate, 'end'>
  readonly renew: (broadcast: BroadcastView) => Promise<void>
  /** Ends the session at the server, whatever the gate knows of it. */
  readonly drop: (broadcast: BroadcastView) => void
  readonly caller: string
}

/** What to do about one open broadcast. */
export async function lookAtUnlisted(
  ports: UnlistedPorts,
  broadcast: BroadcastView,
  now: EpochMs,
): Promise<void> {
  const { id, cutting, opened_at, lease_until } = broadcast
  if (cutting !== null) return
  const over = now - opened_at >= MAX_UNSEEN_MS || lease_until <= now
  if (!over) return ports.renew(broadcast)
  // The lease goes first: a drop that comes to nothing leaves no broadcast that counts.
  await ports.gate.end({ broadcast: id, caller: ports.caller, reason: 'lease' })
  ports.drop(broadcast)
}
