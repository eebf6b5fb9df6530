/**
 * One media server under the keeper's eye: what it lists is compared with what is open, and what follows is done.
 *
 * A look is: list → open broadcasts → reconcile.ts → actions. A list that could not be read changes nothing. What must
 * stop goes into the server's cut queue, whoever ordered it. Started and stopped by keeper.ts.
 */
import { type EpochMs, epochMs } from '../../core/time.ts'
import type { Enforcement } from '../../gate/enforcement.ts'
import type { Gate } from '../../gate-types.ts'
import type { BroadcastView, Clock, Observe, OpenBroadcasts } from '../../ports.ts'
import { type Budget, createBudget } from './budget.ts'
import type { ControlFault, LiveSession } from './control.ts'
import { type CutQueue, createCutQueue } from './cut-queue.ts'
import type { After } from './decide-start.ts'
import type { MediaDialect } from './dialect.ts'
import type { Control } from './drivers.ts'
import { sortList, strayCopies } from './late-copies.ts'
import { causeOf, decideLate } from './late-decisions.ts'
import { type ListedPorts, streamOf, whoseIs } from './listed.ts'
import { each, openOf } from './portions.ts'
import { type Action, type Listed, reconcile } from './reconcile.ts'
import { type Renewals, renewLease } from './renewals.ts'
import type { MediaServer } from './servers-file.ts'
import type { Sessions } from './sessions.ts'
import { readTapeName, supportsListed, withCopy } from './tape.ts'
import { lookAtUnlisted } from './unlisted.ts'

export interface KeptPorts extends ListedPorts {
  readonly gate: Pick<Gate, 'decide' | 'renew' | 'end' | 'cutDone' | 'broadcast'>
  readonly broadcasts: OpenBroadcasts
  /** Shared with the hooks. */
  readonly sessions: Sessions
  readonly renewals: Renewals
  readonly observe: Observe
  readonly clock: Clock
  /** Milliseconds from anywhere, never backwards. */
  readonly elapsed: () => number
  readonly after: After
  readonly onError: (error: unknown) => void
}

/** A server with what is needed to reach it. */
export interface ServerReach {
  readonly server: MediaServer
  readonly dialect: MediaDialect
  /** Null where there is no control interface. */
  readonly control: Control | null
  readonly enforcement: Enforcement | undefined
  /** What is asked of the server, where somebody else asks it as well; one of its own unless given. */
  readonly budget?: Budget
}

export interface KeptServer {
  /** One whole look; at most one at a time. Never rejects. */
  look(): Promise<void>
  /** Ends a session that the gate has refused, whatever it knows of it. */
  drop(session: string, handle: string): void
  /** Cuts what the gate has ordered to stop. */
  revoked(view: BroadcastView): void
  /** The end of a session was reported, and recorded where there was something to. */
  ended(session: string): void
  /** Orders that wait. */
  cutting(): number
  /** How long ago its last list could be read, ms, or since this began; null where none is asked for. */
  silentFor(): number | null
  /** No call begins afterwards; resolves when those under way are over. */
  stop(): Promise<void>
}

/** Calls to one server at once, and each second: a thousand cuts take eight, and leave most of the time to decisions. */
const CALLS_AT_ONCE = 8
const CALLS_PER_SECOND = 130
/** Decisions and ends one look has under way at once. */
const ACTIONS_AT_ONCE = 16
/** A session that is listed again so soon after it was dropped is dropped again, without another decision. */
const CUT_AGAIN_MS = 60_000
/** A publisher nobody knows is tried to be cut for so long; the next look finds him again. */
const STRANGER_MS = 60_000

/** How many cuts one server is asked for, on every host. */
export function cutBudget({ elapsed, after }: Pick<KeptPorts, 'elapsed' | 'after'>): Budget {
  return createBudget({ at_once: CALLS_AT_ONCE, per_second: CALLS_PER_SECOND, elapsed, after })
}

export function createKeptServer(ports: KeptPorts, reach: ServerReach): KeptServer {
  const { server, control } = reach
  const began = ports.elapsed()
  /** When a session was last confirmed to be dropped. */
  const dropped = new Map<string, number>()
  const { budget = cutBudget(ports) } = reach
  const of = server.template === undefined ? {} : { template: server.template }
  const onFault = (fault: ControlFault): void =>
    ports.observe({ type: 'control_failed', server: server.id, ...of, fault })
  const queue: CutQueue = createCutQueue({
    cut: control === null ? null : (cut) => control.driver.cut(control.access, cut),
    async done({ broadcast, session }, end) {
      if (end.confirmed === 'dropped') {
        dropped.set(session, ports.elapsed())
        ports.sessions.ended(server.id, session)
      }
      if (broadcast !== null) await ports.gate.cutDone(broadcast, end)
    },
    ...{ budget, onFault, clock: ports.clock, after: ports.after, onError: ports.onError },
  })
  let missed: ReadonlySet<string> = new Set()
  let seen_at: number | null = null
  let heard_at = began
  const lists = control !== null && control.driver.unlisted !== true && server.reconcile_ms > 0

  async function look(): Promise<void> {
    if (control === null) return
    const { start_timeout_ms, unlisted } = control.driver
    if (unlisted === true) return lookUnlisted()
    const [asked_at, since] = [ports.clock.now(), ports.elapsed()]
    const list = await control.driver.list(control.access)
    if (!list.ok) return onFault(list.error)
    heard_at = ports.elapsed()
    const { ours, copies } = sortList(server, reach.dialect, list.value)
    const listed: Listed[] = []
    for (const one of ours)
      listed.push({
        ...withCopy(ports.pepper, server, one),
        stream: await streamOf(ports, server, one),
      })
    const open = await openOf(ports, server.id)
    const busy = (session: string): boolean => ports.sessions.busySince(server.id, session, since)
    const heard = (session: string): boolean => ports.sessions.heard(server.id, session)
    const result = reconcile({ asked_at, listed, open, busy, heard, missed, start_timeout_ms })
    missed = result.missed
    meter(listed.length, result.actions)
    forgetOld([...listed, ...copies], since)
    // What has ended goes first: somebody else may have its session now.
    const over = result.actions.filter(isOver)
    const rest = result.actions.filter((action) => !isOver(action))
    for (const actions of [over, rest])
      await each(actions, ACTIONS_AT_ONCE, (action) => act(action, since))
    if (copies.length > 0) await dropStray(copies, ours)
  }

  async function dropStray(
    copies: readonly LiveSession[],
    ours: readonly LiveSession[],
  ): Promise<void> {
    const tapes = ours.flatMap(
      (one) => readTapeName(ports.pepper, server, one)?.playback_name ?? [],
    )
    // Read once more: what was found undecided may have its lease only now.
    const open = await openOf(ports, server.id)
    for (const copy of strayCopies(copies, new Set(tapes), open)) cutStranger(copy)
  }

  async function lookUnlisted(): Promise<void> {
    const now = ports.clock.now()
    const unlisted = {
      ...{ gate: ports.gate, renew: renewIfDue, caller: `hook:${server.id}` },
      drop: ({ session, handle = '' }: BroadcastView) => {
        if (session !== undefined) cutStranger({ session, handle })
      },
    }
    await each(await openOf(ports, server.id), ACTIONS_AT_ONCE, (open) =>
      lookAtUnlisted(unlisted, open, now).catch(ports.onError),
    )
  }

  /** Stream-seconds since the look before, as this look found them. */
  function meter(streams: number, actions: readonly Action[]): void {
    const now = ports.elapsed()
    const seconds = Math.min(now - (seen_at ?? now), 2 * server.reconcile_ms) / 1000
    seen_at = now
    const uncovered = actions.filter(({ type }) => type === 'decide_ungated').length
    const covered_s = seconds * (streams - uncovered)
    if (streams > 0)
      ports.observe({ type: 'observed', covered_s, uncovered_s: seconds * uncovered })
  }

  /** What was cut and is gone needs no memory; a stranger who is gone needs no further call. */
  function forgetOld(listed: readonly LiveSession[], since: number): void {
    const there = new Set(listed.map(({ session }) => session))
    for (const [session, at] of dropped) if (since - at > CUT_AGAIN_MS) dropped.delete(session)
    for (const session of strangers)
      if (!there.has(session)) {
        strangers.delete(session)
        if (queue.has(strangerKey(session))) queue.forgetSession(session)
      }
  }

  async function act(action: Action<BroadcastView>, since: number): Promise<void> {
    try {
      switch (action.type) {
        case 'keep':
          return await renewIfDue(action.broadcast)
        case 'cut':
          return order({ ...action.broadcast, handle: action.handle })
        case 'confirm_absent':
          return await confirmAbsent(action.broadcast)
        case 'end_lost':
          return await endLost(action.broadcast)
        case 'decide_ungated':
          return await decideListed(action.listed, since)
      }
    } catch (error) {
      ports.onError(error)
    }
  }

  async function renewIfDue(broadcast: BroadcastView): Promise<void> {
    if (!ports.renewals.due(broadcast, ports.clock.now())) return
    await renewLease(ports, server, broadcast)
  }

  async function confirmAbsent({ id }: BroadcastView): Promise<void> {
    if (queue.has(id)) queue.confirm(id, 'absent')
    else await ports.gate.cutDone(id, { confirmed: 'absent', attempts: 0 })
  }

  async function endLost({ id }: BroadcastView): Promise<void> {
    await ports.gate.end({ broadcast: id, caller: `hook:${server.id}`, reason: 'lost' })
  }

  async function decideListed(listed: Listed, since: number): Promise<void> {
    const { session } = listed
    // Asked first: a hook may have come while the look was under way.
    if (ports.sessions.busySince(server.id, session, since)) return
    const asked = ports.sessions.asked(server.id, session)
    const dropped_at = dropped.get(session)
    if (dropped_at !== undefined) {
      if (since > dropped_at) cutStranger(listed)
      return
    }
    await ports.sessions.run(server.id, session, () => decideNow(listed, asked))
  }

  async function decideNow(listed: Listed, asked: boolean): Promise<void> {
    const whose = await whoseIs(ports, server, listed, ports.clock.now())
    if (!whose.ok) {
      if (!strangers.has(listed.session))
        ports.observe({ type: 'ungated_stranger', server: server.id, why: whose.error })
      return cutStranger(listed)
    }
    const { running_ms } = listed
    const before = running_ms !== undefined && ports.elapsed() - running_ms < began
    const { leased } = whose.value
    const cause = causeOf({ leased, asked, before, when_down: server.when_down })
    const { session, handle } = listed
    const supports = supportsListed({ ...ports, ...reach }, listed)
    const late = { ...reach, session, handle, whose: whose.value, cause, supports }
    const answer = await decideLate(ports.gate, late)
    // It may run where it has a lease: also as late as it is shown already.
    if (answer.decision.lease_until === null) await cutRefused(answer.id, listed)
  }

  async function cutRefused(id: string, listed: Listed): Promise<void> {
    const view = await ports.gate.broadcast(id)
    if (view?.cutting != null) return order({ ...view, handle: listed.handle })
    // This server cannot carry out what the decision asks for: what it opened must not stay open.
    if (view !== null) await ports.gate.end({ broadcast: id, caller: `hook:${server.id}` })
    cutStranger(listed)
  }

  function order(view: BroadcastView): void {
    if (view.session === undefined || view.cutting === null) return
    const { id, session, handle = '' } = view
    queue.push({ key: id, broadcast: id, session, handle, until: view.cutting.until })
  }

  const strangers = new Set<string>()

  function cutStranger({ session, handle }: Pick<Listed, 'session' | 'handle'>): void {
    const until: EpochMs = epochMs(ports.clock.now() + STRANGER_MS)
    strangers.add(session)
    queue.push({ key: strangerKey(session), broadcast: null, session, handle, until })
  }

  return {
    look: () => look().catch(ports.onError),
    drop: (session, handle) => cutStranger({ session, handle }),
    revoked: order,
    ended(session) {
      queue.forgetSession(session)
    },
    cutting: () => queue.size(),
    silentFor: () => (lists ? ports.elapsed() - heard_at : null),
    stop: () => queue.stop(),
  }
}

function isOver({ type }: Action): boolean {
  return type === 'end_lost' || type === 'confirm_absent'
}

function strangerKey(session: string): string {
  return `session ${session}`
}
