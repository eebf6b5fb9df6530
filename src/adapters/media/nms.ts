/**
 * node-media-server 4: its notifications, which come too late to keep anybody out and early enough to throw him out.
 *
 * Media flows while the gate decides; status 200 lets it flow on, any other closes the connection, to whatever action
 * it is the answer. Nobody answering means yes. The body is JSON under `text/plain`; the end is told half a minute late,
 * or not at all when the publisher comes back meanwhile. Set-up for people: docs/media/node-media-server.md.
 * Next: nms-control.ts.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { parseAction } from './actions.ts'
import type { MediaDialect, MediaEvent } from './dialect.ts'
import { fieldsOf, type JsonFields, textOf } from './json-fields.ts'
import { statusReply } from './replies.ts'

export const nodeMediaServer: MediaDialect = {
  kind: 'node-media-server',
  ingest: 'rtmp',
  capabilities: {
    style: 'late-hook',
    proof: 'url',
    // Waiting would be streaming.
    hold_max_ms: 0,
    rename: false,
    late: 'no',
    lifetime: false,
    reason_to_client: false,
    poll: false,
    cut: 'api',
    when_down: 'allow',
    max_credential_bytes: 1_000,
    supports: [],
  },
  parse: (call) => parseAction(call, ACTIONS, eventOf),
  render: (verdict) => statusReply(verdict),
  handleOf: () => '',
}

const ACTIONS: Readonly<Record<string, MediaEvent['kind']>> = {
  prePublish: 'start',
  donePublish: 'end',
  postPublish: 'other',
  prePlay: 'other',
  postPlay: 'other',
  donePlay: 'other',
  postRecord: 'other',
  doneRecord: 'other',
}

function eventOf(kind: 'start' | 'end' | 'poll', fields: JsonFields): Result<MediaEvent, string> {
  const session = textOf(fields, 'id') ?? ''
  if (!/^[a-z0-9]{8,64}$/.test(session)) return err('id is not an id')
  if (kind !== 'start') return ok({ kind, session })
  const [app, name] = [textOf(fields, 'app'), textOf(fields, 'name')]
  if (!app) return err('app is missing or not clean text')
  if (!name) return err('name is missing or not clean text')
  const protocol = textOf(fields, 'protocol') ?? ''
  if (!/^[a-z0-9]{1,16}$/.test(protocol)) return err('unknown protocol')
  const args = argumentsOf(fields)
  if (args === null) return err('query is not a list of texts')
  const ip = textOf(fields, 'ip') ?? ''
  return ok({
    kind,
    session,
    connection: JSON.stringify([session, ip]),
    app,
    name,
    args,
    client_ip: ip.replace(/:[0-9]{1,5}$/, ''),
    protocol,
    ingest: protocol,
  })
}

/** An argument that was there more than once is a list. */
function argumentsOf(fields: JsonFields): readonly (readonly [string, string])[] | null {
  if (fields.query === undefined) return []
  const query = fieldsOf(fields.query)
  if (query === null) return null
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): readonly [string, unknown] => [name, one]),
  )
  const texts = pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string')
  return texts.length === pairs.length ? texts : null
}
