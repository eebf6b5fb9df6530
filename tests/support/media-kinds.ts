/**
 * Media servers that cannot be run here, as the gate meets them: how each asks about a start, and what it takes for yes.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

export const SECRET = 'c2VjcmV0IG9mIGFsbCBraW5kcyBpbiB0aGlzIHRlc3Q'
export const SIGNS: string = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const JSON_TYPE = { 'content-type': 'application/json' }

export interface Key {
  readonly id: string
  readonly key: string
}

export interface Told {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface Asked {
  readonly query?: string
  readonly headers: Record<string, string>
  readonly body: string
}

export interface AskingKind {
  readonly secret: string
  readonly ingest: string
  /** A new connection each time, unless `session` says which: its id, or for OvenMediaEngine its port. */
  ask(key: Key, name: string, session?: string): Asked
  yes(told: Told): boolean
}

/** How a server of each kind asks about a start of the key: address, headers, body. */
export const KINDS: Readonly<Record<string, AskingKind>> = {
  srs: {
    secret: `srs.${SECRET}`,
    ingest: 'rtmp',
    ask: ({ key }, stream, session = randomUUID().slice(0, 8)) => ({
      query: `?secret=srs.${SECRET}`,
      headers: JSON_TYPE,
      body: JSON.stringify({
        server_id: 'vid-a1',
        service_id: 'pd8',
        action: 'on_publish',
        client_id: session,
        ip: '203.0.113.9',
        vhost: '__defaultVhost__',
        app: 'live',
        tcUrl: 'rtmp://host/live',
        stream,
        param: `?key=${key}`,
      }),
    }),
    yes: ({ status, body }) => status === 200 && body.code === 0,
  },
  mediamtx: {
    secret: `mtx.${SECRET}`,
    ingest: 'srt',
    ask: ({ key }, name, session = randomUUID()) => ({
      headers: {
        ...JSON_TYPE,
        authorization: `Basic ${Buffer.from(`gate:mtx.${SECRET}`).toString('base64')}`,
      },
      body: JSON.stringify({
        ip: '203.0.113.9',
        user: 'any',
        password: key,
        token: key,
        action: 'publish',
        path: `live/${name}`,
        protocol: 'srt',
        id: session,
        query: '',
        userAgent: '',
      }),
    }),
    yes: ({ status }) => status === 200,
  },
  'mediamtx-jwt': {
    secret: `jwt.${SECRET}`,
    ingest: 'webrtc',
    ask: ({ key }, _name, session = randomUUID()) => ({
      headers: { ...JSON_TYPE, authorization: `Bearer jwt.${SECRET}` },
      body: JSON.stringify({
        event: 'start',
        session,
        app: 'live',
        name: key,
        protocol: 'webrtc',
      }),
    }),
    yes: ({ status, body }) => status === 200 && typeof body.token === 'string',
  },
  ovenmediaengine: {
    secret: `ome.${SECRET}`,
    ingest: 'rtmp',
    ask({ key }, _name, session = String(1024 + Math.floor(Math.random() * 60_000))) {
      const body = JSON.stringify({
        client: { address: '203.0.113.9', port: Number(session) },
        request: {
          direction: 'incoming',
          protocol: 'rtmp',
          status: 'opening',
          time: new Date().toISOString(),
          url: `rtmp://h:1935/live/${key}`,
        },
      })
      const mac = createHmac('sha1', `ome.${SECRET}`).update(body).digest('base64url')
      return { headers: { ...JSON_TYPE, 'x-ome-signature': mac }, body }
    },
    yes: ({ status, body }) => status === 200 && body.allowed === true,
  },
  generic: {
    secret: SIGNS,
    ingest: 'app',
    ask: ({ key }, _name, session = randomUUID()) =>
      signed({ event: 'start', session, app: 'live', name: key }),
    yes: ({ status, body }) => status === 200 && body.allowed === true,
  },
}

export function signed(value: object): Asked {
  const [body, id, now] = [JSON.stringify(value), randomUUID(), new Date()]
  const headers = {
    ...JSON_TYPE,
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(SIGNS).sign(id, now, body),
  }
  return { headers, body }
}
