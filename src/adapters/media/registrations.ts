/**
 * Media servers that register themselves: who is there now, who has gone quiet, who is leaving.
 *
 * A registration is repeated before it ends; whoever does not, or says good-bye, is *leaving*: nothing starts there any
 * more, but what runs is looked at, renewed and cut as before, until nothing is left or nobody answers any more. So a
 * server that vanishes takes no order with it: cuts go on until they are confirmed or given up, and only what needs no
 * cut is ended as lost. Changes happen one after the other; who is registered is durable before it is answered.
 * Spec: docs/media/registering.md. Next: register-checks.ts.
 */
import { type EpochMs, epochMs } from '../../core/time.ts'
import { createTurns } from '../../gate/turns.ts'
import type { Clock, MediaServerChange, Observe } from '../../ports.ts'
import {
  type Asked,
  addressOf,
  addressTaken,
  fullTemplate,
  idTaken,
  readAsked,
  stillThere,
  unknownServer,
} from './register-checks.ts'
import type { MediaServer, ServersFile } from './servers-file.ts'
import { type ServerTemplate, serverFrom } from './servers-templates.ts'

/** `displaced`: leaving, and its address belongs to another. */
export type RegisteredState = 'live' | 'leaving' | 'displaced'

/** What is kept of a registration. */
export interface Registered {
  readonly id: string
  readonly template: string
  readonly host: string
  readonly state: RegisteredState
  readonly registered_at: EpochMs
  /** When it ends unless repeated, by `now`; null: it is believed for a whole ttl once more when it is read. */
  readonly until: number | null
}

/** Durable when resolved; all or nothing. */
export interface RegisteredStore {
  list(): readonly Registered[] | Promise<readonly Registered[]>
  put(rows: readonly Registered[]): Promise<void>
  drop(id: string): Promise<void>
}

/** Who looks after what runs. */
export interface Custody {
  /** Looks after a server from now on, in place of another of its id. */
  keep(server: MediaServer): Promise<void>
  release(id: string): Promise<void>
  /** True while anything runs there that the gate knows of, or is being cut. */
  isOpen(id: string): Promise<boolean>
  /** Nobody has heard of it for so long, ms; null where nobody could. */
  silentFor(id: string): number | null | Promise<number | null>
  /** Ends what runs there as lost; what is being cut stays. */
  abandon(id: string): Promise<void>
}

export interface RegistrationPorts {
  readonly file: ServersFile
  readonly store: RegisteredStore
  readonly custody: Custody
  readonly clock: Clock
  /** Ends of registrations are judged by it: milliseconds from anywhere, never backwards. */
  readonly now: () => number
  /**
   * For a host that may forget at any moment what it knows: each repetition is stored and told to who looks after the server,
   * who is there by himself when this one reads what it has stored.
   */
  readonly repeats_are_kept: boolean
  readonly observe: Observe
  readonly onError: (error: unknown) => void
}

/** As an operator sees it. */
export interface ServerView {
  readonly id: string
  readonly kind: string
  /** Null for those in the servers file. */
  readonly template: string | null
  readonly host: string | null
  readonly state: 'fixed' | 'live' | 'leaving'
  readonly registered_at: EpochMs | null
  /** When it ends unless repeated; null for what does not, or has. */
  readonly expires_at: EpochMs | null
}

export interface KnownServer {
  readonly server: MediaServer
  /** Nothing starts there any more. */
  readonly leaving: boolean
}

/** Who registers, for those who answer hooks. */
export interface RegisteredServers {
  /** What they show is the secret of one of these. */
  readonly templates: readonly MediaServer[]
  /** `proven`: whose secret was shown; null where nobody shows one. */
  find(id: string, proven: MediaServer | null): KnownServer | null | Promise<KnownServer | null>
}

export interface Registrations {
  /** Reads who is registered, once, before anything else. */
  load(): Promise<void>
  /** Who is registered under `id`; servers of the file are not. */
  find(id: string): KnownServer | null
  /** What is kept of one; null for an id nobody has registered. */
  registration(id: string): Registered | null
  /** By id: those of the file first. */
  list(): readonly ServerView[]
  /** The same again is a repetition. @throws LivegateError `invalid_request`, `conflict` */
  register(asked: Asked): Promise<{ readonly view: ServerView; readonly created: boolean }>
  /** @throws LivegateError `not_found`, `conflict` */
  deregister(id: string): Promise<void>
  /** Does what time has made due. Never rejects. */
  tick(): Promise<void>
  /** When time makes something due, by `now`; null for nothing. */
  next(): number | null
}

/** How often it is looked whether anything is left at one that leaves. */
const LEAVING_LOOK_MS = 5_000

interface Entry {
  row: Registered
  readonly template: ServerTemplate
  server: MediaServer
  deadline: number
  /** When it was found to leave; null while it does not. */
  left_at: number | null
}

export function createRegistrations(ports: RegistrationPorts): Registrations {
  const { file, store, custody, clock, now, observe } = ports
  const templates = new Map(file.templates.map((template) => [template.server.id, template]))
  const entries = new Map<string, Entry>()
  const turns = createTurns()
  const oneByOne = <T>(work: () => Promise<T>): Promise<T> => turns.run('', work)

  function isLive(entry: Entry): boolean {
    // Nothing ends later than a ttl from now: the clock went back.
    entry.deadline = Math.min(entry.deadline, now() + entry.template.ttl_ms)
    return entry.row.state === 'live' && now() < entry.deadline
  }
  const tell = ({ row }: Entry, change: MediaServerChange): void =>
    observe({ type: 'media_server', server: row.id, template: row.template, change })

  function viewOf(entry: Entry): ServerView {
    const { id, template, host, registered_at } = entry.row
    const live = isLive(entry)
    const expires_at = live ? epochMs(clock.now() + Math.round(entry.deadline - now())) : null
    const state = live ? 'live' : 'leaving'
    return { id, kind: entry.server.kind, template, host, state, registered_at, expires_at }
  }

  async function load(): Promise<void> {
    for (const row of await store.list()) {
      const template = templates.get(row.template)
      const fits = template !== undefined && stillThere(file, template, row)
      if (!fits) {
        const { id: server } = row
        observe({ type: 'media_server', server, template: row.template, change: 'dropped' })
        await store.drop(server).catch(ports.onError)
        continue
      }
      const server = serverFrom(template, row.id, row.host)
      const entry: Entry = {
        ...{ row, template, deadline: row.until ?? now() + template.ttl_ms },
        server: row.state === 'displaced' ? withoutAddress(server) : server,
        left_at: row.state === 'live' ? null : now(),
      }
      entries.set(row.id, entry)
      if (!ports.repeats_are_kept) await custody.keep(entry.server)
    }
  }

  /** It is heard of again; comes back where it was leaving. */
  async function repeat(entry: Entry): Promise<void> {
    const deadline = now() + entry.template.ttl_ms
    const was = isLive(entry)
    if (!was) requireRoom(entry.template)
    if (entry.row.state !== 'live' || ports.repeats_are_kept) {
      const until = ports.repeats_are_kept ? deadline : null
      const row: Registered = { ...entry.row, state: 'live', until }
      await store.put([row])
      entry.row = row
    }
    Object.assign(entry, { deadline, left_at: null })
    if (ports.repeats_are_kept) await custody.keep(entry.server)
    if (!was) tell(entry, 'returned')
  }

  async function registerNow(asked: Asked): ReturnType<Registrations['register']> {
    const { id, template, host } = readAsked(file, asked)
    const { template: name } = asked
    const there = entries.get(id)
    if (there !== undefined) {
      const { row } = there
      if (row.template === name && row.host === host && row.state !== 'displaced') {
        await repeat(there)
        return { view: viewOf(there), created: false }
      }
      await requireGone(there)
    }
    const server = serverFrom(template, id, host)
    const before = holdersOf(server)
    requireRoom(template)
    const deadline = now() + template.ttl_ms
    const until = ports.repeats_are_kept ? deadline : null
    const row: Registered = {
      ...{ id, template: name, host, state: 'live', registered_at: clock.now(), until },
    }
    await store.put([...before.map((one) => ({ ...one.row, state: 'displaced' as const })), row])
    for (const one of before) await displace(one)
    const entry: Entry = { row, template, server, deadline, left_at: null }
    entries.set(id, entry)
    await custody.keep(server)
    tell(entry, 'registered')
    return { view: viewOf(entry), created: true }
  }

  /** Another may take its id only when nothing of it is left. */
  async function requireGone(entry: Entry): Promise<void> {
    if (isLive(entry)) throw idTaken('registered', (entry.deadline - now()) / 1000)
    if (await custody.isOpen(entry.row.id)) throw idTaken('leaving', null)
    await forget(entry)
  }

  /** Who had the address and is leaving; whoever still lives there keeps it. */
  function holdersOf(server: MediaServer): readonly Entry[] {
    const address = addressOf(server)
    if (address === null) return []
    const holders = [...entries.values()].filter(
      (one) => one.row.id !== server.id && addressOf(one.server) === address,
    )
    const fixed = file.servers.find((one) => addressOf(one) === address)
    const [live] = fixed === undefined ? holders.filter(isLive) : []
    const taken = fixed?.id ?? live?.row.id
    if (taken !== undefined) throw addressTaken(taken)
    return holders
  }

  function requireRoom(template: ServerTemplate): void {
    const live = [...entries.values()].filter((one) => one.template === template && isLive(one))
    if (live.length >= template.max) throw fullTemplate(template)
  }

  async function displace(entry: Entry): Promise<void> {
    entry.row = { ...entry.row, state: 'displaced' }
    entry.server = withoutAddress(entry.server)
    entry.left_at ??= now()
    await custody.keep(entry.server)
    tell(entry, 'displaced')
  }

  async function leave(entry: Entry, change: 'expired' | 'deregistered'): Promise<void> {
    entry.left_at ??= now()
    const row: Registered = { ...entry.row, state: 'leaving' }
    await store.put([row])
    entry.row = row
    tell(entry, change)
  }

  async function forget(entry: Entry): Promise<void> {
    const { id } = entry.row
    await store.drop(id)
    entries.delete(id)
    await custody.release(id)
    tell(entry, 'gone')
  }

  async function see(entry: Entry): Promise<void> {
    if (entries.get(entry.row.id) !== entry || isLive(entry)) return
    if (entry.row.state === 'live') await leave(entry, 'expired')
    const { id, state } = entry.row
    if (!(await custody.isOpen(id))) return forget(entry)
    const left_ms = now() - (entry.left_at ?? now())
    const silent_ms = await custody.silentFor(id)
    const silent = silent_ms !== null && Math.min(silent_ms, left_ms) >= entry.template.ttl_ms
    if (state === 'displaced' || silent) await custody.abandon(id)
  }

  return {
    load,
    find(id) {
      const entry = entries.get(id)
      return entry === undefined ? null : { server: entry.server, leaving: !isLive(entry) }
    },
    registration(id) {
      const entry = entries.get(id)
      if (entry === undefined) return null
      return isLive(entry) || entry.row.state !== 'live'
        ? entry.row
        : { ...entry.row, state: 'leaving' }
    },
    list: () => [...file.servers.map(fixedView), ...[...entries.values()].map(viewOf).sort(byId)],
    register: (asked) => oneByOne(() => registerNow(asked)),
    deregister: (id) =>
      oneByOne(async () => {
        const entry = entries.get(id)
        if (entry === undefined) throw unknownServer(file, id)
        if (entry.row.state === 'live') await leave(entry, 'deregistered')
        await see(entry)
      }),
    next() {
      const due = [...entries.values()].map((one) =>
        isLive(one) ? one.deadline : now() + LEAVING_LOOK_MS,
      )
      return due.length === 0 ? null : Math.min(...due)
    },
    async tick() {
      for (const entry of [...entries.values()])
        await oneByOne(() => see(entry)).catch(ports.onError)
    },
  }
}

/** What is counted of them: those that registered themselves. */
export function standingsOf(
  views: readonly ServerView[],
): readonly { readonly template: string; readonly state: 'live' | 'leaving' }[] {
  return views.flatMap(({ template, state }) =>
    template === null || state === 'fixed' ? [] : [{ template, state }],
  )
}

/** Nobody is called there any more: whoever stands there now is another. */
function withoutAddress(server: MediaServer): MediaServer {
  return { ...server, control: null }
}

function fixedView({ id, kind }: MediaServer): ServerView {
  const none = { template: null, host: null, registered_at: null, expires_at: null }
  return { id, kind, state: 'fixed', ...none }
}

function byId(a: ServerView, b: ServerView): number {
  return a.id < b.id ? -1 : 1
}

/** Who registered under an id of a kind, where nobody has shown a secret. */
export async function registeredAs(
  { registered }: { readonly registered?: RegisteredServers },
  kind: string,
  id: string,
): Promise<KnownServer | null> {
  const none = registered?.templates.every((one) => one.kind !== kind) ?? true
  return none ? null : ((await registered?.find(id, null)) ?? null)
}
