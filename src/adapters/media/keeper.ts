/**
 * The keeper: what runs on the media servers is what the gate allows, and stays so.
 *
 * Every few seconds it asks each server with a control interface what is live, decides what nobody has decided (G11),
 * renews leases, notices what has ended unseen, and cuts what was revoked (G5). It owns no truth: what is open and what
 * is being cut lies in the gate's state, so a process that was killed goes on where it was. One server: kept-server.ts.
 * Questions of servers about running streams: polls.ts. Mounted by the host.
 */
import { createEnforcement, type Enforcement } from '../../gate/enforcement.ts'
import type { BroadcastView, Random } from '../../ports.ts'
import { dialectFor } from './dialects.ts'
import { controlOf } from './drivers.ts'
import {
  createKeptServer,
  type KeptPorts,
  type KeptServer,
  type ServerReach,
} from './kept-server.ts'
import { answerPoll, type PollAnswer, type PollEvent } from './polls.ts'
import { openOf } from './portions.ts'
import type { MediaServer } from './servers-file.ts'

export interface KeeperPorts extends KeptPorts {
  readonly servers: readonly MediaServer[]
  readonly random: Random
  /** Calls a control interface; redirects are not to be followed. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
}

export interface Keeper {
  /** Looks after one more server from now on, in place of another of its id; at once where it has been started. */
  keep(server: MediaServer): Promise<void>
  /** No call to it begins afterwards; resolves when those under way are over. What is open there stays as it is. */
  release(server: string): Promise<void>
  /** What is looked after under an id; null for nothing. */
  serverOf(id: string): MediaServer | null
  /** For how long nothing could be heard of what a server runs, ms; null where nobody can be asked that. */
  silentFor(server: string): number | null
  /** Takes up the cuts that were under way, then begins to look. Never rejects. */
  start(): Promise<void>
  /** No look and no call begins afterwards; resolves when those under way have ended. */
  stop(): Promise<void>
  /** Hint of the gate that a broadcast must stop; the order is durable. */
  revoked(view: BroadcastView): void
  /** The hooks were told the end of a session, and the gate has recorded it. */
  ended(server: string, session: string): void
  /** May it go on? Never rejects. */
  polled(server: string, event: PollEvent): Promise<PollAnswer>
  /** The broadcast a decision let start, if it runs and nothing has to be looked at first. */
  running(decision: string): Promise<BroadcastView | null>
  /** Numbers what is asked in the name of a server: hooks and late decisions share it. */
  enforcement(server: string): Enforcement | undefined
  /** Orders that wait, of all servers. */
  cutting(): number
}

interface Kept {
  readonly reach: ServerReach
  readonly server: KeptServer
  /** The look that is to come; null while there is none. */
  later: (() => void) | null
  look: Promise<void> | null
  begun: boolean
  stopped: boolean
}

export function createKeeper(ports: KeeperPorts): Keeper {
  const kept = new Map(ports.servers.map((server) => [server.id, keptOf(ports, server)]))
  let running = false

  function lookLater(one: Kept, delay_ms: number): void {
    if (one.stopped) return
    one.later = ports.after(delay_ms, () => lookNow(one))
  }

  function lookNow(one: Kept): void {
    one.later = null
    if (one.stopped) return
    const from = ports.elapsed()
    one.look = one.server.look().then(() => {
      one.look = null
      const { reconcile_ms } = one.reach.server
      lookLater(one, Math.max(reconcile_ms - (ports.elapsed() - from), reconcile_ms / 2))
    })
  }

  async function begin(one: Kept): Promise<void> {
    if (one.begun) return
    one.begun = true
    await takeUp(ports, one)
    if (one.reach.control !== null && one.reach.server.reconcile_ms > 0) lookNow(one)
  }

  async function stop(one: Kept): Promise<void> {
    one.stopped = true
    one.later?.()
    await Promise.all([one.server.stop(), one.look])
  }

  async function release(id: string): Promise<void> {
    const one = kept.get(id)
    kept.delete(id)
    if (one !== undefined) await stop(one)
  }

  return {
    async keep(server) {
      await release(server.id)
      const one = keptOf(ports, server)
      kept.set(server.id, one)
      if (running) await begin(one)
    },
    release,
    serverOf: (id) => kept.get(id)?.reach.server ?? null,
    silentFor: (id) => kept.get(id)?.server.silentFor() ?? null,
    async start() {
      running = true
      for (const one of kept.values()) await begin(one)
    },
    async stop() {
      running = false
      await Promise.all([...kept.values()].map(stop))
    },
    revoked(view) {
      if (view.server !== undefined) kept.get(view.server)?.server.revoked(view)
    },
    ended: (server, session) => kept.get(server)?.server.ended(session),
    async polled(server, event) {
      const one = kept.get(server)
      if (one === undefined) return { type: 'go_on' }
      const answer = await answerPoll(ports, one.reach, event)
      // It was only told, and does not heed the answer.
      if (answer.type === 'stop' && !one.reach.dialect.capabilities.poll)
        one.server.drop(event.session, handleIn(one.reach, event))
      return answer
    },
    async running(decision) {
      const view = await ports.gate.broadcast(decision)
      const may = view?.cutting === null && view.recheck === undefined
      return may && view.lease_until > ports.clock.now() ? view : null
    },
    enforcement: (server) => kept.get(server)?.reach.enforcement,
    cutting: () => [...kept.values()].reduce((sum, { server }) => sum + server.cutting(), 0),
  }
}

function handleIn({ dialect }: ServerReach, { start }: PollEvent): string {
  return start === undefined ? '' : (dialect.handleOf?.(start, null) ?? '')
}

function keptOf(ports: KeeperPorts, server: MediaServer): Kept {
  const reach: ServerReach = {
    server,
    dialect: dialectFor(server.kind),
    enforcement: createEnforcement(ports.random),
    control: controlOf(ports, server),
  }
  const kept = createKeptServer(ports, reach)
  return { reach, server: kept, later: null, look: null, begun: false, stopped: false }
}

/** What was being cut when the process ended. */
async function takeUp(ports: KeeperPorts, { reach, server }: Kept): Promise<void> {
  try {
    for (const view of await openOf(ports, reach.server.id, true)) server.revoked(view)
  } catch (error) {
    ports.onError(error)
  }
}
