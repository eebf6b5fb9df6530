/**
 * The WHIP front door (RFC 9725): an encoder offers, the gate decides, and only an allowed offer reaches the media server.
 *
 * Offer → whose key → decision → the server's own answer, whole, under a session address of ours. A refusal is a problem
 * document the encoder can show. What the server behind it does not take, or nobody waits for any more, is ended at once.
 * Session ids are 128 random bits; whoever ends or changes a session shows the same key again.
 * Spec: docs/media/whip.md. Next: backend.ts.
 */
import { fromUtf8, toBase64Url } from '../../../core/encoding.ts'
import { LivegateError } from '../../../core/errors.ts'
import type { Enforcement } from '../../../gate/enforcement.ts'
import { shedBy } from '../../../gate/shed.ts'
import type { Answer, Gate } from '../../../gate-types.ts'
import type { Clock, Directory, Observe, OpenBroadcast, Random } from '../../../ports.ts'
import { type After, decideStart } from '../decide-start.ts'
import type { Refusal, StartEvent } from '../dialect.ts'
import { type RegisteredServers, registeredAs } from '../registrations.ts'
import { type Lookup, type Resolved, resolveSubject } from '../resolve-subject.ts'
import { bearerOf } from '../server-secret.ts'
import type { MediaServer } from '../servers-file.ts'
import { type Backend, MAX_SDP_BYTES, type Session } from './backend.ts'
import { CORS, PREFLIGHT } from './cors.ts'
import { whip } from './dialect.ts'
import {
  backendProblem,
  conflictProblem,
  decisionProblem,
  notFoundProblem,
  refusalProblem,
} from './problems.ts'

export interface WhipPorts extends Lookup {
  readonly gate: Pick<Gate, 'decide' | 'endSession' | 'setHandle'>
  readonly directory: Pick<Directory, 'broadcastOfSession'>
  readonly servers: readonly MediaServer[]
  /** As HookPorts has it. */
  readonly registered?: RegisteredServers
  readonly backend: Backend
  readonly observe: Observe
  readonly clock: Clock
  readonly random: Random
  readonly after: After
  readonly enforcement: (server: string) => Enforcement | undefined
}

/** One request as the HTTP layer hands it over: bounded, unparsed. */
export interface WhipRequest {
  readonly headers: Headers
  /** At most MAX_SDP_BYTES. */
  readonly body: Uint8Array
  /** Aborted when the encoder hung up, where the host can tell. */
  readonly signal?: AbortSignal
}

/** Never rejects. `server` and `session` as in the path. */
export interface WhipDoor {
  open(server: string, request: WhipRequest): Promise<Response>
  close(server: string, session: string, request: WhipRequest): Promise<Response>
  patch(server: string, session: string, request: WhipRequest): Promise<Response>
  preflight(): Response
}

export function createWhipDoor(ports: WhipPorts): WhipDoor {
  const servers = new Map(ports.servers.map((server) => [server.id, { server, leaving: false }]))
  const at = async (
    id: string,
    work: (server: MediaServer, leaving: boolean) => Promise<Response>,
  ): Promise<Response> => {
    const found = servers.get(id) ?? (await registeredAs(ports, 'whip', id))
    if (found?.server.kind !== 'whip') return notFoundProblem()
    const { server, leaving } = found
    return work(server, leaving).catch((error: unknown) => failed(ports, server, error))
  }
  return {
    open: (id, request) =>
      at(id, async (server, leaving) =>
        leaving ? refuse(ports, server, 'leaving') : open(ports, server, request),
      ),
    close: (id, session, request) => at(id, (server) => close(ports, { server, session }, request)),
    patch: (id, session, request) => at(id, (server) => patch(ports, { server, session }, request)),
    preflight: () => new Response(null, { status: 204, headers: PREFLIGHT }),
  }
}

function refuse(
  { observe }: Pick<WhipPorts, 'observe'>,
  server: MediaServer,
  why: Refusal,
  retry_after_s: number | null = null,
): Response {
  const of = server.template === undefined ? {} : { template: server.template }
  observe({ type: 'hook_refused', server: server.id, ...of, why })
  return refusalProblem(why, retry_after_s)
}

function failed({ observe }: WhipPorts, server: MediaServer, error: unknown): Response {
  const shed = shedBy(error)
  if (shed !== null) observe(shed)
  const seconds = error instanceof LivegateError ? (error.retry_after_s ?? 1) : 1
  return refuse({ observe }, server, 'unavailable', seconds)
}

async function open(
  ports: WhipPorts,
  server: MediaServer,
  request: WhipRequest,
): Promise<Response> {
  const key = bearerOf(request.headers.get('authorization'))
  if (key === '') return refuse(ports, server, 'unauthenticated')
  if (typeOf(request) !== 'application/sdp')
    return conflictProblem('An offer has the type application/sdp', 415)
  const sdp = request.body.length > MAX_SDP_BYTES ? null : fromUtf8(request.body)
  if (sdp?.startsWith('v=0') !== true) return refuse(ports, server, 'malformed')
  const session = toBase64Url(ports.random.bytes(16))
  const event = startOf(session, key)
  const resolved = await resolveSubject(ports, server, event, ports.clock.now())
  if (!resolved.ok) return refuse(ports, server, resolved.error)
  const made = await decide(ports, server, { event, resolved: resolved.value, request })
  if (made === null) return refuse(ports, server, 'gone')
  if (made.outcome !== 'allow') return refused(ports, server, { made, session, request })
  return passOn(ports, server, { session, resolved: resolved.value, sdp, request })
}

function startOf(session: string, key: string): StartEvent {
  // The address an encoder has here may be its proxy's: guesses are not told apart by it.
  const nobody = { app: '', args: [], client_ip: session }
  return { kind: 'start', session, connection: session, name: key, ...nobody }
}

function decide(
  ports: WhipPorts,
  server: MediaServer,
  asked: {
    readonly event: StartEvent
    readonly resolved: Resolved
    readonly request: WhipRequest
  },
): Promise<Answer | null> {
  const { event, resolved, request } = asked
  return decideStart({
    ...{ gate: ports.gate, clock: ports.clock, after: ports.after },
    ...{ server, dialect: whip, event, resolved, start: { nonce: '1' } },
    over: () => request.signal ?? new AbortController().signal,
    enforcement: ports.enforcement(server.id),
  })
}

async function refused(
  ports: WhipPorts,
  server: MediaServer,
  {
    made,
    session,
    request,
  }: { readonly made: Answer; readonly session: string; readonly request: WhipRequest },
): Promise<Response> {
  const { lease_until, retry_after_s, not_before } = made.decision
  // A tape delay may start, but not here.
  if (lease_until !== null) await ports.gate.endSession(server.id, session)
  const wait = not_before === null ? null : (not_before - ports.clock.now()) / 1000
  const languages = request.headers.get('accept-language') ?? undefined
  return decisionProblem(made, { languages, retry_after_s: retry_after_s ?? wait })
}

async function passOn(
  ports: WhipPorts,
  server: MediaServer,
  allowed: {
    readonly session: string
    readonly resolved: Resolved
    readonly sdp: string
    readonly request: WhipRequest
  },
): Promise<Response> {
  const { session, resolved, sdp, request } = allowed
  const name = resolved.playback_name ?? resolved.stream
  const opened = await ports.backend.offer(server, name, sdp)
  if (!opened.ok) {
    await ports.gate.endSession(server.id, session)
    return backendProblem(opened.error)
  }
  const { handle } = opened.value
  const kept = await mayRun(ports, server, { session, handle }).catch(() => false)
  // What could not be cut, or nobody hears of, must not run.
  if (!kept || request.signal?.aborted === true) {
    await ports.backend.close(server, handle)
    await ports.gate.endSession(server.id, session)
    return refusalProblem('unavailable', 1)
  }
  return created(server, session, opened.value)
}

/** True once it can be cut, and nobody has ordered that yet: an order from before the handle has nothing to end it by. */
async function mayRun(
  { gate, directory }: WhipPorts,
  server: MediaServer,
  { session, handle }: { readonly session: string; readonly handle: string },
): Promise<boolean> {
  if (!(await gate.setHandle(server.id, session, handle))) return false
  const found = await directory.broadcastOfSession(server.id, session)
  return found !== null && found.broadcast.cutting === undefined
}

/** With a length: some encoders cannot read an answer in chunks. */
function created(server: MediaServer, session: string, { answer, link, etag }: Session): Response {
  const bytes = new TextEncoder().encode(answer)
  return new Response(bytes, {
    status: 201,
    headers: {
      ...{ 'content-type': 'application/sdp', 'content-length': String(bytes.length) },
      ...{ location: `/whip/${server.id}/${session}`, 'cache-control': 'no-store' },
      ...(link === null ? {} : { link }),
      ...(etag === null ? {} : { etag }),
      ...CORS,
    },
  })
}

interface Place {
  readonly server: MediaServer
  readonly session: string
}

/** What runs under a session, for whoever shows its key; a response for everybody else. */
async function owned(
  ports: WhipPorts,
  { server, session }: Place,
  request: WhipRequest,
): Promise<OpenBroadcast | Response> {
  const key = bearerOf(request.headers.get('authorization'))
  if (key === '') return refusalProblem('unauthenticated')
  const now = ports.clock.now()
  const resolved = await resolveSubject(ports, server, startOf(session, key), now)
  if (!resolved.ok) return refusalProblem(resolved.error)
  const found = await ports.directory.broadcastOfSession(server.id, session)
  if (found?.broadcast.stream !== resolved.value.stream) return notFoundProblem()
  return found.broadcast
}

async function close(ports: WhipPorts, place: Place, request: WhipRequest): Promise<Response> {
  const running = await owned(ports, place, request)
  if (running instanceof Response) return running
  const { server, session } = place
  const closed =
    running.handle === undefined ? null : await ports.backend.close(server, running.handle)
  if (closed !== null && !closed.ok) return backendProblem(closed.error)
  if (closed?.value === false) return backendProblem('refused')
  await ports.gate.endSession(server.id, session)
  return new Response(null, { status: 200, headers: CORS })
}

async function patch(ports: WhipPorts, place: Place, request: WhipRequest): Promise<Response> {
  if (typeOf(request) !== 'application/trickle-ice-sdpfrag')
    return conflictProblem('A change has the type application/trickle-ice-sdpfrag', 415)
  const running = await owned(ports, place, request)
  if (running instanceof Response) return running
  const body = request.body.length > MAX_SDP_BYTES ? null : fromUtf8(request.body)
  if (body === null || running.handle === undefined || running.cutting !== undefined)
    return notFoundProblem()
  const if_match = request.headers.get('if-match')
  const answered = await ports.backend.patch(place.server, running.handle, { body, if_match })
  if (!answered.ok) return backendProblem(answered.error)
  const { status, body: fragment, etag } = answered.value
  const type = { 'content-type': 'application/trickle-ice-sdpfrag' }
  return new Response(status === 200 ? fragment : null, {
    status,
    headers: { ...CORS, ...(status === 200 ? type : {}), ...(etag === null ? {} : { etag }) },
  })
}

function typeOf({ headers }: WhipRequest): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
