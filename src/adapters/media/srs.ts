/**
 * SRS (ossrs/srs 4 and later): its HTTP callbacks, and the one answer it takes for yes.
 *
 * Only status 200 or 201 with `{"code":0}` admits; a status without a body keeps it waiting for one, so every answer has
 * a body. It cannot rename a stream, hence the key stands beside the name. Refused publishers over WebRTC get an end of
 * their own. Set-up for people: docs/media/srs.md. Next: srs-control.ts.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { parseAction } from './actions.ts'
import type { MediaDialect, MediaEvent, Reply, Verdict } from './dialect.ts'
import { argsOf, type JsonFields, textOf } from './json-fields.ts'
import { jsonReply, REFUSAL_STATUS, retryAfter } from './replies.ts'

export const srs: MediaDialect = {
  kind: 'srs',
  ingest: 'rtmp',
  capabilities: {
    style: 'hook',
    proof: 'url',
    // Its callback waits 30 s, and so does librtmp.
    hold_max_ms: 25_000,
    rename: false,
    late: 'no',
    lifetime: false,
    reason_to_client: false,
    poll: false,
    cut: 'api',
    when_down: 'deny',
    // What ffmpeg and librtmp keep of a URL.
    max_credential_bytes: 1_000,
    supports: [],
  },
  parse: (call) => parseAction(call, ACTIONS, eventOf),
  render,
  handleOf: () => '',
}

const ACTIONS: Readonly<Record<string, MediaEvent['kind']>> = {
  on_publish: 'start',
  on_unpublish: 'end',
  on_connect: 'other',
  on_close: 'other',
  on_play: 'other',
  on_stop: 'other',
  on_dvr: 'other',
  on_hls: 'other',
  on_hls_notify: 'other',
}

function eventOf(kind: 'start' | 'end' | 'poll', fields: JsonFields): Result<MediaEvent, string> {
  const session = textOf(fields, 'client_id') ?? ''
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(session)) return err('client_id is not an id')
  if (kind !== 'start') return ok({ kind, session })
  const [app, name] = [textOf(fields, 'app'), textOf(fields, 'stream')]
  if (!app) return err('app is missing or not clean text')
  if (!name) return err('stream is missing or not clean text')
  const param = textOf(fields, 'param')
  if (param === null) return err('param is missing or not clean text')
  return ok({
    kind,
    session,
    connection: connectionOf(fields),
    app,
    name,
    args: argsOf(param),
    client_ip: textOf(fields, 'ip') ?? '',
    // A WebRTC publisher has no RTMP address.
    ingest: textOf(fields, 'tcUrl') === '' ? 'whip' : 'rtmp',
  })
}

/** Ids of the process and of the connection in it. */
function connectionOf(fields: JsonFields): string {
  const ids = ['server_id', 'service_id', 'client_id', 'ip'].map((name) => textOf(fields, name))
  return JSON.stringify(ids)
}

function render(verdict: Verdict): Reply {
  switch (verdict.type) {
    case 'admit':
      return jsonReply(200, { code: 0 }, { 'livegate-decision': verdict.decision })
    case 'noted':
      return jsonReply(200, { code: 0 })
    case 'deny':
      return jsonReply(
        200,
        { code: 403 },
        {
          'livegate-decision': verdict.decision,
          ...retryAfter(verdict.retry_after_s),
        },
      )
    case 'refused':
      return jsonReply(
        200,
        { code: REFUSAL_STATUS[verdict.why] },
        retryAfter(verdict.retry_after_s),
      )
  }
}
