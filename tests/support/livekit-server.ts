/**
 * A LiveKit server as far as a gate sees it: RoomService over Twirp, tokens checked and webhooks signed by LiveKit's own SDK.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AccessToken, TokenVerifier } from 'livekit-server-sdk'

export const API_KEY = 'APIdemo'
export const API_SECRET = 'livekit-secret-0123456789abcdefgh'

export interface Webhook {
  readonly body: string
  readonly headers: Headers
}

export interface LiveKitServer {
  readonly url: string
  /** Method and body of every call that was let in. */
  readonly calls: readonly {
    readonly method: string
    readonly body: Readonly<Record<string, unknown>>
  }[]
  /** Publishers by `room/identity`. */
  readonly publishers: ReadonlySet<string>
  /** Joins and publishes with a token, as a client does; the webhooks that follow. Rejects a token that is none. */
  join(token: string): Promise<readonly Webhook[]>
  webhook(event: string, room: string, identity: string, more?: object): Promise<Webhook>
  forget(): void
  /** Answers instead of the usual. */
  instead: ((method: string) => { status: number; body: string } | null) | null
  close(): Promise<void>
}

export async function startLiveKit(): Promise<LiveKitServer> {
  const publishers = new Set<string>()
  const calls: LiveKitServer['calls'][number][] = []
  let events = 0
  const verifier = new TokenVerifier(API_KEY, API_SECRET)
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const [, method = ''] = /^\/twirp\/livekit\.RoomService\/(\w+)$/.exec(request.url ?? '') ?? []
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const scripted = livekit.instead?.(method) ?? null
    if (scripted !== null) return response.writeHead(scripted.status).end(scripted.body)
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
    const claims = await verifier.verify(token).catch(() => null)
    const body = JSON.parse(text) as { readonly room?: string; readonly identity?: string }
    const may =
      method === 'ListRooms'
        ? claims?.video?.roomList
        : claims?.video?.roomAdmin && claims.video.room === body.room
    if (may !== true) return answer(401, { code: 'unauthenticated' })
    calls.push({ method, body: body as Record<string, unknown> })
    const rooms = [...new Set([...publishers].map((one) => one.split('/')[0] ?? ''))]
    const place = `${body.room}/${body.identity}`
    if (method === 'ListRooms')
      return answer(200, { rooms: rooms.map((name) => ({ sid: `RM_${name}`, name })) })
    if (method === 'ListParticipants') {
      const there = [...publishers].filter((one) => one.startsWith(`${body.room}/`))
      const participants = there.map((one) => ({
        ...{ sid: 'PA_1', identity: one.split('/')[1], state: 'ACTIVE', kind: 'STANDARD' },
        tracks: [{ sid: 'TR_1', type: 'VIDEO' }],
      }))
      return answer(200, { participants })
    }
    if (!publishers.has(place)) return answer(404, { code: 'not_found' })
    if (method === 'RemoveParticipant') publishers.delete(place)
    return answer(200, {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  async function webhook(
    event: string,
    room: string,
    identity: string,
    more = {},
  ): Promise<Webhook> {
    const participant = {
      sid: 'PA_1',
      identity,
      kind: 'STANDARD',
      permission: { canPublish: true },
      ...more,
    }
    const body = JSON.stringify({
      event,
      room: { sid: `RM_${room}`, name: room },
      participant,
      id: `EV_${++events}`,
      createdAt: '1',
    })
    const token = new AccessToken(API_KEY, API_SECRET, { ttl: 300 })
    token.sha256 = createHash('sha256').update(body).digest('base64')
    return {
      body,
      headers: new Headers({
        ...{ 'content-type': 'application/webhook+json', authorization: await token.toJwt() },
      }),
    }
  }

  const livekit: LiveKitServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ calls, publishers, webhook, instead: null },
    forget: () => void calls.splice(0),
    async join(token) {
      const { sub = '', video } = await verifier.verify(token)
      if (video?.roomJoin !== true || video.canPublish !== true) throw new Error('no grant')
      const { room = '' } = video
      publishers.add(`${room}/${sub}`)
      return [
        await webhook('participant_joined', room, sub),
        await webhook('track_published', room, sub),
      ]
    },
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return livekit
}
