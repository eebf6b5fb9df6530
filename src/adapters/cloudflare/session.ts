/** A broadcast a media server admitted: its directory object knows it too, and is told when it ends. */
import type { OpenBroadcast } from '../../ports.ts'

export type Session = OpenBroadcast & { readonly server: string; readonly session: string }

export function isSession(broadcast: OpenBroadcast | undefined): broadcast is Session {
  return broadcast?.server !== undefined && broadcast.session !== undefined
}
