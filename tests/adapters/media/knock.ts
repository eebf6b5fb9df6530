/** Calls of each kind of server as its hook makes them, with the proof it gives. */
import { createHmac } from 'node:crypto'
import type { MediaEvent, Reply } from '../../../src/adapters/media/dialect.ts'
import { dialectFor, MEDIA_KINDS, type MediaKind } from '../../../src/adapters/media/dialects.ts'
import { ServerSecret } from '../../../src/adapters/media/server-secret.ts'
import type { MediaServer } from '../../../src/adapters/media/servers-file.ts'
import { toBase64, utf8 } from '../../../src/core/encoding.ts'
import { aServer, NOW, publishBody, SECRET, type TestDesk } from './desk.ts'

export const SIGNING_SECRET: string = `whsec_${toBase64(new Uint8Array(32).fill(7))}`
export const SESSION_ID = '6f1c2d3e-0a1b-4c5d-8e9f-001122334455'
/** What a publisher uses whose key is `k7f3q9` and whose key's id is the desk's. */
export const PUBLIC_NAME = 'live_AAAAAAAAAAAAAAAAAAAAAA'

export type Fields = Readonly<Record<string, unknown>>

/** Kinds that ask us by a hook, in JSON but for nginx-rtmp. */
export type JsonKind = 'srs' | 'mediamtx' | 'ovenmediaengine' | 'node-media-server' | 'generic'
export const HOOK_KINDS: readonly MediaKind[] = MEDIA_KINDS.filter((kind) =>
  dialectFor(kind).capabilities.style.endsWith('hook'),
)

/** A start of each kind, as an object; nginx-rtmp speaks in forms. */
export const STARTS: Readonly<Record<JsonKind, Fields>> = {
  srs: {
    server_id: 'vid-a1',
    service_id: 'pd8',
    action: 'on_publish',
    client_id: '175yx980',
    ip: '203.0.113.9',
    vhost: '__defaultVhost__',
    app: 'live',
    tcUrl: 'rtmp://host/live',
    stream: PUBLIC_NAME,
    param: '?key=k7f3q9',
    stream_url: `/live/${PUBLIC_NAME}`,
  },
  mediamtx: {
    ip: '203.0.113.9',
    user: '',
    password: '',
    token: 'k7f3q9',
    action: 'publish',
    path: `live/${PUBLIC_NAME}`,
    protocol: 'rtmp',
    id: SESSION_ID,
    query: '',
    userAgent: '',
  },
  ovenmediaengine: {
    client: { address: '203.0.113.9', port: 50_211, real_ip: '198.51.100.7' },
    request: {
      direction: 'incoming',
      protocol: 'rtmp',
      status: 'opening',
      time: new Date(NOW).toISOString(),
      url: 'rtmp://h:1935/live/k7f3q9?sig=abc',
    },
  },
  'node-media-server': {
    id: 'mwr1c9k2ab3cd4ef',
    ip: '203.0.113.9:46894',
    app: 'live',
    name: PUBLIC_NAME,
    query: { key: 'k7f3q9' },
    protocol: 'rtmp',
    createtime: NOW,
    endtime: 0,
    inbytes: 3_447,
    outbytes: 0,
    filePath: '',
    action: 'prePublish',
  },
  generic: {
    event: 'start',
    session: 's-1',
    app: 'live',
    name: 'k7f3q9',
    client_ip: '203.0.113.9',
    protocol: 'srt',
  },
}

export function isJsonKind(kind: MediaKind): kind is JsonKind {
  return Object.hasOwn(STARTS, kind)
}

/** The body of a start; members of `changes` replace its own. */
export function startBody(kind: MediaKind, changes: Fields = {}): string {
  return isJsonKind(kind) ? JSON.stringify({ ...STARTS[kind], ...changes }) : publishBody()
}

/** A server of that kind, set up as its page says. */
export function serverOf(kind: MediaKind, changes: Partial<MediaServer> = {}): MediaServer {
  const { capabilities, signingKey } = dialectFor(kind)
  const text = capabilities.proof === 'signature' ? SIGNING_SECRET : SECRET
  return aServer({
    kind,
    secret: new ServerSecret(text, signingKey?.(text) ?? undefined),
    hold_max_ms: Math.min(5_000, capabilities.hold_max_ms),
    playback: capabilities.rename ? 'rename' : 'pair',
    ...changes,
  })
}

/** What a body of that kind says: the event, or why it says nothing. */
export function read(kind: MediaKind, body: string): MediaEvent | string {
  const call = { method: 'POST', query: '', content_type: null, body: utf8(body) }
  const event = dialectFor(kind).parse(call)
  return event.ok ? event.value : event.error
}

export interface Knock {
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: string
  readonly method?: string
  readonly server?: string
  /** Unix seconds of the signature of a generic hook. */
  readonly stamp?: number
  readonly signal?: AbortSignal
}

/** Headers that prove the body, for kinds that sign; a bearer for the others. */
export function proofOf(
  kind: MediaKind,
  body: string,
  stamp: number = NOW / 1000,
): Record<string, string> {
  if (kind === 'ovenmediaengine')
    return {
      'x-ome-signature': createHmac('sha1', SIGNING_SECRET).update(body).digest('base64url'),
    }
  if (kind !== 'generic') return { authorization: `Bearer ${SECRET}` }
  const key = Buffer.from(SIGNING_SECRET.slice('whsec_'.length), 'base64')
  const id = `msg_${stamp}`
  const signature = createHmac('sha256', key).update(`${id}.${stamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': String(stamp),
    'webhook-signature': `v1,${signature}`,
  }
}

export async function knock(
  desk: Pick<TestDesk, 'hooks'>,
  kind: MediaKind,
  body: string,
  options: Knock = {},
): Promise<Pick<Reply, 'status' | 'body'> & { readonly headers: Headers }> {
  const type = kind === 'nginx-rtmp' ? 'application/x-www-form-urlencoded' : 'application/json'
  const { server = 'edge-1', query = '', method = 'POST', stamp, signal } = options
  const response = await desk.hooks.handle(kind, server, {
    method,
    url: `http://gate.example/hooks/${kind}/${server}${query}`,
    headers: new Headers({
      'content-type': type,
      ...(options.headers ?? proofOf(kind, body, stamp)),
    }),
    body: utf8(body),
    ...(signal === undefined ? {} : { signal }),
  })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

/** What each server takes for yes, as measured or read in its source. */
export function isYes(kind: MediaKind, { status, body }: Pick<Reply, 'status' | 'body'>): boolean {
  switch (kind) {
    case 'nginx-rtmp':
      return status >= 200 && status < 400
    case 'srs':
      return (status === 200 || status === 201) && (body === '0' || memberOf(body, 'code') === 0)
    case 'mediamtx':
      return status >= 200 && status < 300
    case 'ovenmediaengine':
    case 'generic':
      return status === 200 && memberOf(body, 'allowed') === true
    case 'node-media-server':
      return status === 200
    default:
      throw new Error(`${kind} does not ask by a hook`)
  }
}

function memberOf(body: string, name: string): unknown {
  try {
    return (JSON.parse(body) as Fields)[name]
  } catch {
    return undefined
  }
}
