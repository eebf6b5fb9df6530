/**
 * Publish hooks: a media server asks, the gate decides, the server's dialect says it.
 *
 * Order matters: who asks (URL path and proof.ts, before a byte is parsed) → what is asked (dialect) → whose broadcast
 * (resolve-subject.ts) → the decision (decide-start.ts) → exact bytes. Whatever fails on the way has the shape of a
 * refusal; nothing here can admit without a durable decision. Sessions are (server, connection), never stream names:
 * a refused twin on a live name ends only itself.
 * Spec: docs/media/README.md. Mounted by adapters/http. Next: dialect.ts, dialects.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { MAX_HOOK_BYTES } from '../../core/limits.ts'
import { type Hasher, portableHasher } from '../../core/record/hashing.ts'
import { createEnforcement, type Enforcement } from '../../gate/enforcement.ts'
import { shedBy } from '../../gate/shed.ts'
import type { Gate } from '../../gate-types.ts'
import type { Clock, Observe, Pepper, Random, StreamKeys } from '../../ports.ts'
import { type After, decideStart } from './decide-start.ts'
import type {
  MediaDialect,
  MediaEvent,
  Refusal,
  Reply,
  SignedCall,
  StartEvent,
  Verdict,
} from './dialect.ts'
import { dialectOf } from './dialects.ts'
import { createGuessLimit, type GuessLimit } from './guess-limit.ts'
import type { Keeper } from './keeper.ts'
import type { PollEvent } from './polls.ts'
import { createProofs } from './proof.ts'
import { type KnownServer, type RegisteredServers, registeredAs } from './registrations.ts'
import { STRANGER } from './replies.ts'
import { type Resolved, resolveSubject } from './resolve-subject.ts'
import type { ServerSecret } from './server-secret.ts'
import type { MediaServer } from './servers-file.ts'
import { createSessions, type Sessions, type Spoken } from './sessions.ts'
import { Start } from './starts.ts'
import { placeOf } from './tape.ts'
import { lifetimeOf, retryAfterSeconds } from './terms.ts'

export interface HookPorts {
  readonly gate: Pick<Gate, 'decide' | 'endSession'>
  readonly streamKeys: StreamKeys
  readonly pepper: Pepper
  readonly servers: readonly MediaServer[]
  /** Who has registered under an id that none of `servers` has. */
  readonly registered?: RegisteredServers
  readonly observe: Observe
  readonly clock: Clock
  readonly random: Random
  /** Timer for holds that are waited out; never used for deciding. */
  readonly after: After
  /** Answers polls and is told of ends; without one every poll is answered "go on". */
  readonly keeper?: Pick<Keeper, 'polled' | 'ended' | 'enforcement' | 'running'>
  /** Shared with the keeper; own ones unless given. */
  readonly sessions?: Sessions
  /** The host's own; the portable one unless given. */
  readonly hasher?: Hasher
}

/** One call as the HTTP layer hands it over: bounded, unparsed. */
export interface HookRequest {
  readonly method: string
  /** Whole URL with its query, as received. */
  readonly url: string
  readonly headers: Headers
  /** Whole body; empty for GET. */
  readonly body: Uint8Array
  /** Aborted when the caller hung up. Without it an allow nobody heard runs until its lease ends. */
  readonly hungUp?: () => AbortSignal
}

export interface Hooks {
  /** Answers one call to `/hooks/{kind}/{serverId}`. Never rejects, never redirects except to rename a stream. */
  handle(kind: string, serverId: string, request: HookRequest): Promise<Response>
  /** JWKS by which a server checks tokens made for it; null where it checks none. */
  keys(kind: string, serverId: string): Promise<Response | null>
}

interface Desk extends HookPorts {
  readonly guesses: GuessLimit
  readonly sessions: Sessions
  readonly hasher: Hasher
  /** Never the same twice. */
  nonce(): string
  /** By server: this instance numbers what it asks for. */
  enforcement(server: string): Enforcement
}

interface Asker {
  readonly server: MediaServer
  readonly dialect: MediaDialect
  /** Nothing starts there any more. */
  readonly leaving: boolean
}

interface StartAsker extends Asker {
  /** Aborted when the server (or its proxy) no longer waits for the answer. */
  readonly hungUp: (() => AbortSignal) | null
}

export function createHooks(ports: HookPorts): Hooks {
  const desk: Desk = {
    ...ports,
    guesses: createGuessLimit(),
    sessions: ports.sessions ?? createSessions(ports.clock.now),
    hasher: ports.hasher ?? portableHasher,
    nonce: noncesOf(ports.clock),
    enforcement: enforcementsOf(ports),
  }
  const servers = new Map(ports.servers.map((server) => [server.id, { server, leaving: false }]))
  const proofs = createProofs(desk.hasher)
  return {
    async handle(kind, serverId, request) {
      const dialect = dialectOf(kind)
      const call = callOf(request)
      const proves = ({ secret }: { readonly secret: ServerSecret | null }): boolean =>
        proofs.check(dialect, call, { secret, now: desk.clock.now() })
      const known = await whoAsks(ports, servers, { kind, id: serverId }, proves).catch(() => null)
      if (known === null || dialect === null) {
        const there = servers.get(serverId)?.server ?? null
        refusal(desk, there?.kind === kind ? there : null, 'unauthenticated')
        return responseTo(STRANGER)
      }
      const { server, leaving } = known
      try {
        const asker = { server, dialect, leaving, hungUp: request.hungUp ?? null }
        return responseTo(await answer(desk, asker, call))
      } catch (error) {
        const shed = shedBy(error)
        if (shed !== null) desk.observe(shed)
        const seconds = error instanceof LivegateError ? (error.retry_after_s ?? 1) : 1
        return responseTo(dialect.render(refusal(desk, server, 'unavailable', seconds)))
      }
    },
    async keys(kind, serverId) {
      const known = servers.get(serverId) ?? (await registeredAs(ports, kind, serverId))
      const secret = known?.server.kind === kind ? known.server.secret : null
      const reply = secret === null ? undefined : dialectOf(kind)?.keys?.(secret)
      return reply === undefined ? null : responseTo(await reply)
    },
  }
}

/** Whoever shows the secret of the server that has the id; nobody is looked for who shows none. */
async function whoAsks(
  { registered }: HookPorts,
  servers: ReadonlyMap<string, KnownServer>,
  { kind, id }: { readonly kind: string; readonly id: string },
  proves: (whose: { readonly secret: ServerSecret | null }) => boolean,
): Promise<KnownServer | null> {
  const fixed = servers.get(id)
  const templates = fixed === undefined ? (registered?.templates ?? []) : [fixed.server]
  const alike = templates.filter((one) => one.kind === kind)
  const proven = alike.find(proves)
  // An id nobody has takes as long as a wrong secret.
  if (alike.length === 0) proves({ secret: null })
  if (proven === undefined || fixed !== undefined)
    return proven === undefined ? null : (fixed ?? null)
  const known = await registered?.find(id, proven)
  return known?.server.template === proven.id ? known : null
}

/** The keeper's where there is one, so that late decisions count in the same row. */
function enforcementsOf({ keeper, random }: HookPorts): (server: string) => Enforcement {
  const own = new Map<string, Enforcement>()
  return (server) => {
    const known = keeper?.enforcement(server) ?? own.get(server)
    if (known !== undefined) return known
    const made = createEnforcement(random)
    own.set(server, made)
    return made
  }
}

/** An instant, so that none of this process is one of the process before it, and a number. */
function noncesOf(clock: Clock): () => string {
  let lives = 0
  return () => `${clock.now().toString(36)}.${(++lives).toString(36)}`
}

function callOf({ method, url, headers, body }: HookRequest): SignedCall {
  const [, query = ''] = /^[^?#]*\?([^#]*)/.exec(url) ?? []
  const content_type = headers.get('content-type')
  return { method, query, content_type, body, header: (name) => headers.get(name) }
}

async function answer(desk: Desk, asker: StartAsker, call: SignedCall): Promise<Reply> {
  const { server, dialect } = asker
  if (call.body.length > MAX_HOOK_BYTES || call.query.length > MAX_HOOK_BYTES)
    return dialect.render(refusal(desk, server, 'too_large'))
  const event = dialect.parse(call)
  if (!event.ok) return dialect.render(refusal(desk, server, 'malformed'))
  const verdict = await verdictOn(desk, asker, event.value)
  const { id, secret, control_auth } = server
  if (dialect.complete === undefined || secret === null) return dialect.render(verdict, event.value)
  const at = { server: { id, secret, control_auth }, now: desk.clock.now() }
  return dialect.complete(verdict, event.value, at).catch(async (error: unknown) => {
    // Nobody will hear of what was opened.
    if (event.value.kind === 'start') await takeBack(desk, server, event.value.session)
    throw error
  })
}

async function verdictOn(desk: Desk, asker: StartAsker, event: MediaEvent): Promise<Verdict> {
  switch (event.kind) {
    case 'start':
      return start(desk, asker, event)
    case 'end':
      return end(desk, asker.server, event.session)
    case 'poll':
      return poll(desk, asker.server, event)
    case 'other':
      return { type: 'noted' }
  }
}

/** Only a clear no ends what runs. */
async function poll(desk: Desk, server: MediaServer, event: PollEvent): Promise<Verdict> {
  const answer = await desk.keeper?.polled(server.id, event)
  if (answer?.type !== 'stop') return { type: 'noted' }
  return { type: 'deny', outcome: 'deny', decision: answer.decision, retry_after_s: null }
}

async function start(desk: Desk, asker: StartAsker, event: StartEvent): Promise<Verdict> {
  const work = (spoken: Spoken): Promise<Verdict> => startInTurn(desk, asker, event, spoken)
  return desk.sessions.run(asker.server.id, event.session, work, 'asked')
}

async function startInTurn(
  desk: Desk,
  asker: StartAsker,
  event: StartEvent,
  spoken: Spoken,
): Promise<Verdict> {
  const { server } = asker
  if (asker.leaving) {
    await endEarlier(desk, server, event.session, spoken)
    return refusal(desk, server, 'leaving')
  }
  const resolved = await resolveSubject(desk, server, event, desk.clock.now())
  const earlier = spoken.start
  const alike =
    earlier !== null && earlier.admitted?.connection === desk.hasher.digestText(event.connection)
  // A proxy repeated the call.
  const repeated = alike && resolved.ok && earlier.stream === resolved.value.stream
  if (!repeated) await endEarlier(desk, server, event.session, spoken)
  if (!resolved.ok) return refusal(desk, server, resolved.error)
  if (!repeated && alike) return refusal(desk, server, 'session_conflict')
  const again = repeated ? await stillAdmitted(desk, server, earlier) : null
  if (again !== null) return again
  const life = repeated ? earlier : new Start(desk.nonce(), resolved.value.stream)
  spoken.start = life
  let admitted = false
  try {
    const verdict = await decide(desk, asker, { event, resolved: resolved.value, life })
    admitted = verdict.type === 'admit'
    // A refusal closes the connection, and with it what an earlier call of it was allowed.
    if (!admitted && repeated) await endEarlier(desk, server, event.session, spoken)
    return verdict
  } finally {
    if (!admitted) spoken.start = null
  }
}

/** A repeated call of what runs, and may, gets the same answer; null when it has to be decided. */
async function stillAdmitted(
  desk: Desk,
  server: MediaServer,
  { admitted }: Start,
): Promise<Verdict | null> {
  const view = admitted === null ? null : ((await desk.keeper?.running(admitted.decision)) ?? null)
  if (admitted === null || view === null) return null
  const lifetime = lifetimeOf(server, view.lease_until, desk.clock.now())
  return { type: 'admit', ...admitted.place, decision: admitted.decision, ...lifetime }
}

async function decide(
  desk: Desk,
  asker: StartAsker,
  input: { readonly event: StartEvent; readonly resolved: Resolved; readonly life: Start },
): Promise<Verdict> {
  const { event, resolved, life } = input
  const { server, dialect, hungUp } = asker
  const { gate, clock, after, pepper } = desk
  const over = (): AbortSignal =>
    hungUp === null ? life.over.signal : AbortSignal.any([life.over.signal, hungUp()])
  const enforcement = desk.enforcement(server.id)
  // Who can ask what runs needs no stored answer to know a repeated call by.
  const start = desk.keeper === undefined ? life : null
  const asked = { event, resolved, start, over, enforcement }
  const made = await decideStart({ gate, clock, after, server, dialect, ...asked })
  if (made === null) return refusal(desk, server, 'gone')
  const place = placeOf({ pepper, server, dialect }, resolved, made)
  if (place !== null && hungUp?.().aborted !== true) {
    const connection = desk.hasher.digestText(event.connection)
    life.admitted = { decision: made.id, place, connection }
    const lifetime = lifetimeOf(server, made.decision.lease_until, clock.now())
    return { type: 'admit', ...place, decision: made.id, ...lifetime }
  }
  // Nobody heard it, or this server cannot carry it out: what the decision opened must not stay open.
  if (made.decision.lease_until !== null) await gate.endSession(server.id, event.session)
  if (place !== null || made.outcome === 'allow') return refusal(desk, server, 'gone')
  const retry = retryAfterSeconds(made, clock.now())
  return { type: 'deny', outcome: made.outcome, decision: made.id, retry_after_s: retry }
}

/** The server says it is over. A session nobody opened ends nothing and is no fault. */
async function end(desk: Desk, server: MediaServer, session: string): Promise<Verdict> {
  desk.sessions.start(server.id, session)?.over.abort()
  return desk.sessions.run(server.id, session, async (spoken) => {
    desk.sessions.ended(server.id, session)
    await endEarlier(desk, server, session, spoken)
    return { type: 'noted' }
  })
}

/** Nobody will hear that it may go live. */
function takeBack(desk: Desk, server: MediaServer, session: string): Promise<void> {
  return desk.sessions.run(server.id, session, (spoken) =>
    endEarlier(desk, server, session, spoken),
  )
}

async function endEarlier(
  desk: Desk,
  server: MediaServer,
  session: string,
  spoken: Spoken,
): Promise<void> {
  spoken.start = null
  await desk.gate.endSession(server.id, session)
  desk.keeper?.ended(server.id, session)
}

function refusal(
  desk: Desk,
  server: MediaServer | null,
  why: Refusal,
  retryAfterS: number | null = null,
): Verdict {
  const of = server?.template === undefined ? {} : { template: server.template }
  desk.observe({ type: 'hook_refused', server: server?.id ?? 'unknown', ...of, why })
  return { type: 'refused', why, retry_after_s: retryAfterS }
}

function responseTo({ status, headers, body }: Reply): Response {
  return new Response(body, { status, headers })
}
