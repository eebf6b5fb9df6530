/**
 * The WHIP server behind the door: an offer goes there, an answer comes back, both bounded and never followed elsewhere.
 *
 * Whatever answers is taken for hostile. Its session address must lie on the same origin: the bearer for it goes nowhere
 * else. Spec: RFC 9725 sections 4.1 to 4.3. From: door.ts.
 */
import { fromUtf8 } from '../../../core/encoding.ts'
import { MAX_HANDLE_CHARS } from '../../../core/limits.ts'
import { err, ok, type Result } from '../../../core/result.ts'
import { readBounded } from '../bounded-body.ts'
import type { After } from '../decide-start.ts'
import type { MediaServer } from '../servers-file.ts'
import { iceLinksIn } from './ice-links.ts'

export type BackendFault = 'unreachable' | 'timeout' | 'refused' | 'unreadable'

export interface Session {
  /** SDP answer. */
  readonly answer: string
  /** Address of the session without its origin, at most MAX_HANDLE_CHARS. */
  readonly handle: string
  /** ICE servers it names (RFC 9725 section 4.6), null for none. */
  readonly link: string | null
  readonly etag: string | null
}

/** What a trickle or restart was answered with. */
export interface Patched {
  readonly status: number
  readonly body: string
  readonly etag: string | null
}

export interface Backend {
  offer(server: MediaServer, name: string, sdp: string): Promise<Result<Session, BackendFault>>
  /** True when the session is gone there. */
  close(server: MediaServer, handle: string): Promise<Result<boolean, BackendFault>>
  patch(
    server: MediaServer,
    handle: string,
    given: { readonly body: string; readonly if_match: string | null },
  ): Promise<Result<Patched, BackendFault>>
}

/** Largest SDP or fragment: an offer with two media and all of a machine's addresses has some 6 KB. */
export const MAX_SDP_BYTES: number = 64 * 1024
const TIMEOUT_MS = 3_000

interface Reached {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export function createBackend(ports: {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly after: After
}): Backend {
  async function reach(url: URL, init: RequestInit): Promise<Result<Reached, BackendFault>> {
    const stop = new AbortController()
    let late = false
    const cancel = ports.after(TIMEOUT_MS, () => {
      late = true
      stop.abort()
    })
    try {
      const response = await ports.fetch(url.href, {
        ...init,
        redirect: 'manual',
        signal: stop.signal,
      })
      const bytes = await readBounded(response, MAX_SDP_BYTES)
      const body = bytes === null ? null : fromUtf8(bytes)
      if (body === null) return err('unreadable')
      return ok({ status: response.status, headers: response.headers, body })
    } catch {
      return err(late ? 'timeout' : 'unreachable')
    } finally {
      cancel()
    }
  }

  async function dropUnused(server: MediaServer, reached: Reached, url: URL): Promise<void> {
    const handle = handleOf(reached.headers.get('location'), url)
    if (reached.status !== 201 || handle === null) return
    await reach(sessionUrl(server, handle), { method: 'DELETE', headers: bearerFor(server) })
  }

  return {
    async offer(server, name, sdp) {
      const url = endpointOf(server, name)
      const headers = { ...bearerFor(server), 'content-type': 'application/sdp' }
      const reached = await reach(url, { method: 'POST', headers, body: sdp })
      if (!reached.ok) return reached
      const session = sessionIn(reached.value, url)
      // It has begun one that nobody will use.
      if (!session.ok) await dropUnused(server, reached.value, url)
      return session
    },
    async close(server, handle) {
      const reached = await reach(sessionUrl(server, handle), {
        method: 'DELETE',
        headers: bearerFor(server),
      })
      if (!reached.ok) return reached
      const { status } = reached.value
      return ok((status >= 200 && status < 300) || status === 404 || status === 410)
    },
    async patch(server, handle, { body, if_match }) {
      const headers = {
        ...bearerFor(server),
        'content-type': 'application/trickle-ice-sdpfrag',
        ...(if_match === null ? {} : { 'if-match': if_match }),
      }
      const reached = await reach(sessionUrl(server, handle), { method: 'PATCH', headers, body })
      if (!reached.ok) return reached
      const { status } = reached.value
      if (!mayTell(status)) return err('refused')
      return ok({
        status,
        body: status === 200 ? reached.value.body : '',
        etag: etagOf(reached.value),
      })
    },
  }
}

/** The bearer is the gate's, not the encoder's: what the server thinks of it is not told, nor where else it is. */
function mayTell(status: number): boolean {
  if (status === 401 || status === 403) return false
  return (status >= 200 && status < 300) || (status >= 400 && status < 500)
}

/** 201 with SDP and a session on the same origin (section 4.1); anything else is no session. */
function sessionIn(reached: Reached, url: URL): Result<Session, BackendFault> {
  const { status, headers, body } = reached
  if (status !== 201) return err(status >= 400 && status < 500 ? 'refused' : 'unreadable')
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/sdp' || !body.startsWith('v=0')) return err('unreadable')
  const handle = handleOf(headers.get('location'), url)
  if (handle === null) return err('unreadable')
  const link = iceLinksIn(headers.get('link'))
  return ok({ answer: body, handle, link, etag: etagOf(reached) })
}

function handleOf(location: string | null, url: URL): string | null {
  const session = location === null ? null : URL.parse(location, url.href)
  if (session === null || session.origin !== url.origin) return null
  const handle = session.pathname + session.search
  return handle.length <= MAX_HANDLE_CHARS ? handle : null
}

function etagOf({ headers }: Reached): string | null {
  const etag = headers.get('etag')
  return etag !== null && etag.length <= 256 ? etag : null
}

/** `control` of the servers file; `{name}` in it stands for the public name. */
function endpointOf({ control }: MediaServer, name: string): URL {
  return new URL((control ?? '').replaceAll('{name}', encodeURIComponent(name)))
}

function sessionUrl({ control }: MediaServer, handle: string): URL {
  // Put together as text: a path that begins with two slashes would be another host.
  return new URL(new URL(control ?? '').origin + handle)
}

function bearerFor({ control_auth }: MediaServer): Record<string, string> {
  const authorization = control_auth?.header() ?? null
  return authorization === null ? {} : { authorization }
}
