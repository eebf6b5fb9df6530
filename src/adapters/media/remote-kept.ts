/**
 * One media server under the eye of a keeper that is not where its hooks are answered (the edge host).
 *
 * The look is that of every host (kept-server.ts). What hooks know lies elsewhere, so it is read once a look, after the list:
 * which sessions are open, and which the server has just spoken of. What is known of a broadcast is asked for when it is
 * new, when the list lacks it, and now and then; everything that follows is decided by the gate on what is true then.
 * A kind whose publishers are listed before their start is answered is believed at the second sight.
 */
import type { SubjectId } from '../../core/model.ts'
import { createEnforcement } from '../../gate/enforcement.ts'
import type { BroadcastView, GateEvent, Random } from '../../ports.ts'
import type { Budget } from './budget.ts'
import type { ControlDriver } from './control.ts'
import { dialectFor } from './dialects.ts'
import { type Control, controlOf } from './drivers.ts'
import { createKeptServer, cutBudget, type KeptPorts, type KeptServer } from './kept-server.ts'
import { createRenewals } from './renewals.ts'
import type { MediaServer } from './servers-file.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** A session that is open, as whoever finds subjects by sessions knows it. */
export interface OpenSession {
  readonly session: string
  readonly subject: SubjectId
  readonly broadcast: string
}

/** Sessions a server has spoken of, by what it said. */
export interface SpokenOf {
  /** Somebody is at it now, or was a moment ago. */
  readonly busy: readonly string[]
  /** It asks whether they may go on, so they run. */
  readonly heard: readonly string[]
  /** It asked whether they may start. */
  readonly asked: readonly string[]
}

export interface RemotePorts extends Omit<KeptPorts, 'broadcasts' | 'sessions' | 'renewals'> {
  readonly server: MediaServer
  readonly random: Random
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** All that is open at the server, and what it has said of those and of `listed`. */
  readonly read: (
    listed: readonly string[],
  ) => Promise<{ readonly open: readonly OpenSession[]; readonly spoken: SpokenOf }>
  /** Null when it has ended. */
  readonly view: (open: OpenSession) => Promise<BroadcastView | null>
}

/** Since this keeper began. */
export interface RemoteCounts {
  readonly covered_s: number
  readonly uncovered_s: number
  /** By why nobody had decided, or why nobody knows whose it is. */
  readonly ungated: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
}

export interface RemoteKept {
  /** One look. Never rejects. */
  look(): Promise<void>
  /**
   * Ends one session, when it is its turn: how many the server dropped, as far as that is known in time. Who asks again
   * about a session joins. Never rejects.
   */
  cut(at: { readonly session: string; readonly handle: string }): Promise<number | 'unknown'>
  counts(): RemoteCounts
  /** For how long nothing could be heard of what the server runs, ms; null where nobody can be asked that. */
  silentFor(): number | null
}

/** What was seen of a broadcast is good for so long, as long as it is listed. */
const SEEN_MS = 30_000
const VIEWS_AT_ONCE = 16
/** Who asked is told that nothing is known, and asks again. */
const CUT_PATIENCE_MS = 4_000
const NOTHING: SpokenOf = { busy: [], heard: [], asked: [] }

/** Null where nobody can ask what is live. */
export function createRemoteKept(ports: RemotePorts): RemoteKept | null {
  const { server } = ports
  const control = controlOf(ports, server)
  if (control === null || server.reconcile_ms === 0) return null
  const counts = createCounts()
  const budget = cutBudget(ports)
  const dialect = dialectFor(server.kind)
  const picture = createPicture(ports, {
    at_first_sight: dialect.capabilities.style === 'hook',
    unlisted: control.driver.unlisted === true,
    gone: (session) => kept.ended(session),
  })
  const kept: KeptServer = createKeptServer(
    {
      ...ports,
      gate: noted(ports.gate, picture, counts),
      sessions: picture.sessions,
      broadcasts: { list: async () => ({ items: await picture.open(), next: null }) },
      renewals: createRenewals(),
      observe(event) {
        counts.observe(event)
        ports.observe(event)
      },
    },
    {
      ...{ server, dialect, enforcement: createEnforcement(ports.random), budget },
      control: { access: control.access, driver: noting(control.driver, picture.note) },
    },
  )
  const { look, silentFor } = kept
  return { look, silentFor, counts: counts.read, cut: cutsOf(ports, control, budget) }
}

/** However many have to stop at once, the server is called as by the keeper of the other host. */
function cutsOf(
  { after }: RemotePorts,
  { driver, access }: Control,
  budget: Budget,
): RemoteKept['cut'] {
  const waiting = new Map<string, Promise<number | 'unknown'>>()
  return ({ session, handle }) => {
    const known = waiting.get(session)
    const cut =
      known ??
      budget
        .run(() => driver.cut(access, { session, handle }))
        .then((result) => (result.ok ? result.value.dropped : ('unknown' as const)))
        .catch(() => 'unknown' as const)
        .finally(() => waiting.delete(session))
    if (known === undefined) waiting.set(session, cut)
    return new Promise((resolve) => {
      const cancel = after(CUT_PATIENCE_MS, () => resolve('unknown'))
      void cut.then((dropped) => {
        cancel()
        resolve(dropped)
      })
    })
  }
}

/** What was done to a broadcast makes what was seen of it old. */
function noted(gate: KeptPorts['gate'], picture: Picture, counts: Counts): KeptPorts['gate'] {
  const then = async <T>(broadcast: string, done: Promise<T>): Promise<T> => {
    try {
      return await done
    } finally {
      picture.forget(broadcast)
    }
  }
  return {
    broadcast: (id) => gate.broadcast(id),
    renew: (request) => then(request.broadcast, gate.renew(request)),
    end: (request) => then(request.broadcast, gate.end(request)),
    cutDone: (id, done) => then(id, gate.cutDone(id, done)),
    async decide(request) {
      const answer = await gate.decide(request)
      if (request.ungated !== undefined && !answer.repeated) counts.ungated(request.ungated)
      return answer
    },
  }
}

/** The same driver; what it lists is noted before anything follows from it. */
function noting(
  driver: ControlDriver,
  note: (listed: readonly string[]) => Promise<void>,
): ControlDriver {
  return {
    ...driver,
    async list(access) {
      const live = await driver.list(access)
      if (live.ok) await note(live.value.map(({ session }) => session))
      return live
    },
    cut: (access, ref) => driver.cut(access, ref),
  }
}

interface Picture {
  /** Reads what hooks know of what was just listed. */
  note(listed: readonly string[]): Promise<void>
  open(): Promise<readonly BroadcastView[]>
  forget(broadcast: string): void
  readonly sessions: Sessions
}

function createPicture(
  ports: RemotePorts,
  about: {
    readonly at_first_sight: boolean
    readonly unlisted: boolean
    readonly gone: (session: string) => void
  },
): Picture {
  const { elapsed } = ports
  const own = createSessions(elapsed)
  const views = new Map<string, { readonly view: BroadcastView; readonly seen_at: number }>()
  let listed: ReadonlySet<string> = new Set()
  let before: ReadonlySet<string> = new Set()
  let open: readonly OpenSession[] = []
  let spoken = setsOf(NOTHING)
  let is_noted = false

  async function note(sessions: readonly string[]): Promise<void> {
    before = listed
    listed = new Set(sessions)
    is_noted = true
    const found = await ports.read(sessions)
    const there = new Set(found.open.map(({ broadcast }) => broadcast))
    // An order for what has ended must not reach whoever has that session next.
    for (const one of open) if (!there.has(one.broadcast)) about.gone(one.session)
    for (const id of views.keys()) if (!there.has(id)) views.delete(id)
    open = found.open
    spoken = setsOf(found.spoken)
  }

  async function viewOf(one: OpenSession): Promise<BroadcastView | null> {
    const known = views.get(one.broadcast)
    const now = elapsed()
    const calm = known?.view.cutting === null && known.view.lease_until > ports.clock.now()
    const runs = (about.unlisted || listed.has(one.session)) && !spoken.busy.has(one.session)
    if (known !== undefined && calm && runs && now - known.seen_at < SEEN_MS) return known.view
    const view = await ports.view(one)
    if (view === null) views.delete(one.broadcast)
    else views.set(one.broadcast, { view, seen_at: now })
    return view
  }

  function isNew(session: string): boolean {
    if (about.at_first_sight || before.has(session)) return false
    return listed.has(session) && open.every((one) => one.session !== session)
  }

  return {
    note,
    async open() {
      // Of a kind that cannot be asked what is live, what is open is all that is known.
      if (!is_noted) await note([])
      is_noted = false
      const found: BroadcastView[] = []
      for (let i = 0; i < open.length; i += VIEWS_AT_ONCE) {
        const some = await Promise.all(open.slice(i, i + VIEWS_AT_ONCE).map(viewOf))
        found.push(...some.flatMap((view) => view ?? []))
      }
      return found
    },
    forget: (broadcast) => void views.delete(broadcast),
    sessions: {
      ...own,
      busySince: (id, session, since) =>
        spoken.busy.has(session) || isNew(session) || own.busySince(id, session, since),
      heard: (_id, session) => spoken.heard.has(session),
      asked: (id, session) => spoken.asked.has(session) || own.asked(id, session),
    },
  }
}

function setsOf({
  busy,
  heard,
  asked,
}: SpokenOf): Readonly<Record<keyof SpokenOf, ReadonlySet<string>>> {
  return { busy: new Set(busy), heard: new Set(heard), asked: new Set(asked) }
}

interface Counts {
  ungated(why: string): void
  observe(event: GateEvent): void
  read(): RemoteCounts
}

function createCounts(): Counts {
  let [covered_s, uncovered_s] = [0, 0]
  const ungated: Record<string, number> = {}
  const faults: Record<string, number> = {}
  const count = (of: Record<string, number>, why: string): void => {
    of[why] = (of[why] ?? 0) + 1
  }
  return {
    ungated: (why) => count(ungated, why),
    observe(event) {
      if (event.type === 'observed') {
        covered_s += event.covered_s
        uncovered_s += event.uncovered_s
      } else if (event.type === 'ungated_stranger') count(ungated, event.why)
      else if (event.type === 'control_failed') count(faults, event.fault)
    },
    read: () => ({ covered_s, uncovered_s, ungated: { ...ungated }, faults: { ...faults } }),
  }
}
