/**
 * Who looks after servers that register themselves, where one process does all of it: its keeper, and what the gate knows.
 */
import type { Gate } from '../../gate-types.ts'
import type { Keeper } from './keeper.ts'
import { type OpenPorts, openOf } from './portions.ts'
import type { Custody } from './registrations.ts'
import type { Sessions } from './sessions.ts'

export interface CustodyPorts extends OpenPorts {
  readonly keeper: Pick<Keeper, 'keep' | 'release' | 'silentFor'>
  readonly gate: Pick<Gate, 'end'>
  readonly sessions: Pick<Sessions, 'heard'>
}

export function createCustody(ports: CustodyPorts): Custody {
  const { keeper, gate, sessions } = ports
  return {
    keep: keeper.keep,
    release: keeper.release,
    silentFor: keeper.silentFor,
    isOpen: async (id) => (await openOf(ports, id)).length > 0,
    async abandon(id) {
      for (const { id: broadcast, session, cutting } of await openOf(ports, id)) {
        // Its server asks about it, so it runs, whoever cannot be reached.
        const runs = session !== undefined && sessions.heard(id, session)
        if (cutting !== null || runs) continue
        const caller = `hook:${id}`
        await gate.end({ broadcast, caller, reason: 'lost', unless_cutting: true })
      }
    },
  }
}
