/**
 * MediaMTX (bluenviron/mediamtx) with `authMethod: http`: every publisher, reader and API call is asked about.
 *
 * Any 2xx admits. The question is asked inside the one loop that manages all paths, so an answer is never held back, and
 * readers pass without a decision. Clients that were not asked for credentials yet get 401, which makes the server ask.
 * No end is ever told: its list is what ends sessions (mediamtx-control.ts). Set-up for people: docs/media/mediamtx.md.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { HookCall, MediaDialect, MediaEvent, Reply, Verdict } from './dialect.ts'
import { argsOf, type JsonFields, readObject, textOf } from './json-fields.ts'
import { REFUSAL_STATUS, statusReply } from './replies.ts'

export const mediamtx: MediaDialect = {
  kind: 'mediamtx',
  ingest: 'rtmp',
  capabilities: {
    style: 'hook',
    proof: 'url',
    hold_max_ms: 0,
    rename: false,
    late: 'no',
    lifetime: false,
    reason_to_client: false,
    poll: false,
    cut: 'api',
    when_down: 'deny',
    // The stream id of SRT, the shortest of its carriers.
    max_credential_bytes: 512,
    supports: [],
  },
  parse,
  render,
  handleOf: (event) => event.protocol ?? '',
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What `request.ingest` is called for each protocol it names. */
const INGEST: Readonly<Record<string, string>> = {
  rtmp: 'rtmp',
  rtsp: 'rtsp',
  srt: 'srt',
  webrtc: 'whip',
  moq: 'moq',
}
const OTHER_ACTIONS = ['read', 'playback', 'api', 'metrics', 'pprof']

function parse(call: HookCall): Result<MediaEvent, string> {
  if (call.method !== 'POST') return err('method is not POST')
  const fields = readObject(call.body)
  if (fields === null) return err('body is not a JSON object')
  const action = textOf(fields, 'action') ?? ''
  if (action === 'publish') return startOf(fields)
  return OTHER_ACTIONS.includes(action) ? otherOf(action) : err('unknown action')
}

/** Viewers pass; who may use the server's own interfaces is not for the gate to say. */
function otherOf(action: string): Result<MediaEvent, string> {
  if (action === 'read' || action === 'playback') return ok({ kind: 'other' })
  return err('the API, metrics and profiles of the server are not for the gate to open')
}

function startOf(fields: JsonFields): Result<MediaEvent, string> {
  const session = textOf(fields, 'id') ?? ''
  // The publish page of WebRTC and its OPTIONS ask without one; a publisher always has one.
  if (!UUID.test(session)) return err('id is not a UUID')
  const protocol = textOf(fields, 'protocol') ?? ''
  const ingest = Object.hasOwn(INGEST, protocol) ? INGEST[protocol] : undefined
  if (ingest === undefined) return err('unknown protocol')
  const path = splitPath(textOf(fields, 'path') ?? '')
  if (path === null) return err('path is missing or not clean text')
  const query = textOf(fields, 'query')
  if (query === null) return err('query is missing or not clean text')
  return ok({
    kind: 'start',
    session,
    connection: connectionOf(fields),
    ...path,
    args: argsOf(query),
    client_ip: textOf(fields, 'ip') ?? '',
    credential: textOf(fields, 'token') || textOf(fields, 'password') || null,
    protocol,
    ingest,
  })
}

/** `live/k7f3q9` is application `live` and name `k7f3q9`; a path without a slash has an empty application. */
export function splitPath(path: string): { readonly app: string; readonly name: string } | null {
  const at = path.lastIndexOf('/')
  const name = path.slice(at + 1)
  return name === '' ? null : { app: path.slice(0, Math.max(at, 0)), name }
}

/** An id is new for every connection. */
function connectionOf(fields: JsonFields): string {
  const parts = ['id', 'ip', 'protocol'].map((name) => textOf(fields, name))
  return JSON.stringify(parts)
}

/** With 401 the server asks its client for credentials, if it has not yet. */
function render(verdict: Verdict): Reply {
  return statusReply(verdict, (why) => (why === 'no_key' ? 401 : REFUSAL_STATUS[why]))
}
