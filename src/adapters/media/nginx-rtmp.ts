/**
 * nginx-rtmp (arut/nginx-rtmp-module 1.1.7 and later): how its notify calls read, and the answers it understands.
 *
 * It sends its own fields first and appends the publisher's query string raw behind them, so a publisher can repeat
 * any of them. Of the answer it reads one byte, the first digit of the status: 2 admits, 3 admits under the name in
 * `Location`, anything else closes the connection. Hence: no redirect but the rename, no page that begins with 2.
 * Set-up for people: docs/media/nginx-rtmp.md. Next: hooks.ts.
 */
import { fromUtf8, utf8 } from '../../core/encoding.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { HookCall, MediaDialect, MediaEvent, Reply, StartEvent, Verdict } from './dialect.ts'
import { type RawField, splitForm, unescapeStrictly } from './form.ts'
import { nginxHandle } from './nginx-rtmp-control.ts'
import { plainName, statusReply, textReply } from './replies.ts'

/** Name and arguments share one buffer of 256 bytes with its terminator; longer ones arrive cut off. */
const MAX_NAME_BYTES = 255

export const nginxRtmp: MediaDialect = {
  kind: 'nginx-rtmp',
  ingest: 'rtmp',
  capabilities: {
    style: 'hook',
    // By the proxy in the same nginx.
    proof: 'header',
    // librtmp (and OBS with it) gives up after 30 s.
    hold_max_ms: 25_000,
    rename: true,
    late: 'copy',
    lifetime: false,
    reason_to_client: false,
    poll: true,
    cut: 'api',
    when_down: 'deny',
    max_credential_bytes: MAX_NAME_BYTES,
    // Audience caps belong to a packager behind it; for tape delay see `late`.
    supports: [],
  },
  parse,
  render,
  handleOf: (event, playback, late_app) => nginxHandle(event.app, 0, copyOf(playback, late_app)),
}

function copyOf(playback: string | null, late_app: string | null = null): string {
  return playback === null || late_app === null ? '' : `${late_app}/${playback}`
}

/** Fields only the server may write. */
const OWNED: ReadonlySet<string> = new Set([
  'app',
  'flashver',
  'swfurl',
  'tcurl',
  'pageurl',
  'addr',
  'clientid',
  'epoch',
  'call',
  'time',
  'timestamp',
  'name',
  'type',
  'recorder',
  'path',
])

const CALLS: Readonly<Record<string, MediaEvent['kind']>> = {
  publish: 'start',
  publish_done: 'end',
  disconnect: 'end',
  update_publish: 'poll',
  connect: 'other',
  play: 'other',
  play_done: 'other',
  update_play: 'other',
  update: 'other',
  done: 'other',
  record_done: 'other',
}

function parse(call: HookCall): Result<MediaEvent, string> {
  const text = textOf(call)
  if (!text.ok) return text
  const form = readForm(splitForm(text.value))
  if (!form.ok) return form
  const kind = Object.hasOwn(CALLS, form.value.call) ? CALLS[form.value.call] : undefined
  if (kind === undefined) return err('unknown call')
  return kind === 'other' ? ok({ kind }) : eventOf(kind, form.value)
}

function textOf(call: HookCall): Result<string, string> {
  if (call.method === 'GET') return ok(call.query)
  if (call.method !== 'POST') return err('method is neither GET nor POST')
  const type = (call.content_type ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') return err('body is not a form')
  const text = fromUtf8(call.body)
  return text === null ? err('body is not UTF-8') : ok(text)
}

interface Form {
  readonly call: string
  readonly owned: ReadonlyMap<string, string>
  /** `app` to `clientid`, as sent. */
  readonly connection: string
  readonly args: readonly RawField[]
}

/** Splits the server's fields from the publisher's: the first value of each is the server's, a second is refused. */
function readForm(fields: readonly RawField[]): Result<Form, string> {
  const owned = new Map<string, string>()
  const args: RawField[] = []
  const connection: string[] = []
  for (const field of fields) {
    const name = unescapeStrictly(field.name)
    if (name === null) return err('field name is not clean text')
    if (!OWNED.has(name)) args.push(field)
    // `call=disconnect` names the app a second time by itself.
    else if (owned.has(name) && !(name === 'app' && owned.get('call') === 'disconnect'))
      return err('a field of the server is there twice')
    // Behind the first field of the publisher nothing is the server's any more.
    else if (args.length === 0 && name === field.name) owned.set(name, field.raw)
    if (!owned.has('call')) connection.push(field.raw)
  }
  const call = owned.get('call')
  if (call === undefined) return err('call is missing')
  return ok({ call, owned, args, connection: connection.join('&') })
}

function eventOf(kind: 'start' | 'end' | 'poll', form: Form): Result<MediaEvent, string> {
  const session = form.owned.get('clientid') ?? ''
  if (!/^[0-9]{1,20}$/.test(session)) return err('clientid is not a number')
  if (kind === 'end') return ok({ kind, session })
  const start = startOf(session, form)
  if (kind === 'start') return start
  return ok({ kind, session, ...(start.ok ? { start: start.value } : {}) })
}

function startOf(session: string, form: Form): Result<StartEvent, string> {
  const [app, name, clientIp] = ['app', 'name', 'addr'].map((field) =>
    unescapeStrictly(form.owned.get(field) ?? ''),
  )
  if (!app) return err('app is missing or not clean text')
  if (!name) return err('name is missing or not clean text')
  // No UTF-16 unit takes more than three bytes.
  if (3 * name.length >= MAX_NAME_BYTES && utf8(name).length >= MAX_NAME_BYTES)
    return err('name is as long as the server can send')
  return ok({
    kind: 'start',
    session,
    connection: form.connection,
    app,
    name,
    args: form.args.map((field) => [field.name, field.raw] as const),
    client_ip: clientIp ?? '',
  })
}

function render(verdict: Verdict): Reply {
  if (verdict.type !== 'admit' || verdict.playback_name === null) return statusReply(verdict)
  return textReply(302, 'ok\n', {
    'livegate-decision': verdict.decision,
    // With `rtmp://` in front nginx would send a copy of the stream there.
    location: plainName(verdict.playback_name),
  })
}
