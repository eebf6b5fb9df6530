/**
 * The REST API of OvenMediaEngine, from one virtual host on: applications, their streams, and who sends each.
 *
 * It knows streams by name only; the connection a stream comes from stands in its `sourceUrl`, and is what makes a session. A stream is deleted only while that is the connection that shall end. With `PrivacyProtection` the API hides
 * addresses, and nothing can be told. Set-up for people: docs/media/ovenmediaengine.md.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { ControlAccess, ControlDriver, ControlFault, LiveSession } from './control.ts'
import { callJson, getJson } from './control-json.ts'
import { fieldsOf, type JsonFields, textOf } from './json-fields.ts'
import { omeHandle, omeSession } from './ome.ts'

/** Each is a call of its own. */
const MAX_STREAMS = 500
/** No segment is `.` or `..`, which would lead elsewhere however it is escaped. */
const HANDLE = /^(?!\.{1,2}\/)[\w.!~*'()%-]{1,250}\/(?!\.{1,2}$)[\w.!~*'()%-]{1,250}$/
/** Streams somebody sends; others the server fetches or makes itself. */
const PUSHED = ['Rtmp', 'WebRTC', 'SRT']
const SOURCE = /^[A-Za-z/]{1,16}:\/\/((?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9.]{7,15}):[0-9]{1,5})$/

export const omeControl: ControlDriver = {
  kind: 'ovenmediaengine',
  start_timeout_ms: 20_000,
  async list(access) {
    const apps = await names(access, '/apps')
    if (!apps.ok) return apps
    const sessions: LiveSession[] = []
    for (const app of apps.value) {
      const found = await publishersOf(access, app, MAX_STREAMS - sessions.length)
      if (!found.ok) return found
      sessions.push(...found.value)
    }
    return ok(sessions)
  },
  async cut(access, { session, handle }) {
    const places = handle.split(' ')
    if (places.length > 2 || !places.every((place) => HANDLE.test(place))) return err('unreadable')
    const cuts = await Promise.all(places.map((place) => cutAt(access, place, session)))
    const dropped = cuts.find((cut) => cut.ok && cut.value.dropped > 0)
    return dropped ?? cuts.find((cut) => !cut.ok) ?? ok({ dropped: 0 })
  },
}

/** `place` is one of those a stream may run at: as it was asked for, or in the delayed application. */
async function cutAt(
  access: ControlAccess,
  place: string,
  session: string,
): Promise<Result<{ readonly dropped: number }, ControlFault>> {
  const [app, stream] = place.split('/')
  const path = `/apps/${app}/streams/${stream}`
  const there = await sourceOf(access, path)
  if (!there.ok) return there
  if (there.value !== session) return ok({ dropped: 0 })
  const answer = await callJson(access, { method: 'DELETE', path })
  if (!answer.ok) return answer
  if (answer.value.status === 200) return ok({ dropped: 1 })
  return answer.value.status === 404 ? ok({ dropped: 0 }) : err('unreadable')
}

async function publishersOf(
  access: ControlAccess,
  app: string,
  room: number,
): Promise<Result<readonly LiveSession[], ControlFault>> {
  const base = `/apps/${encodeURIComponent(app)}/streams`
  const streams = await names(access, base)
  if (!streams.ok) return streams
  if (streams.value.length > room) return err('too_large')
  const sessions: LiveSession[] = []
  for (const name of streams.value) {
    const source = await sourceOf(access, `${base}/${encodeURIComponent(name)}`)
    if (!source.ok) return source
    if (source.value === null) continue
    sessions.push({ session: source.value, handle: omeHandle(app, name), app, name })
  }
  return ok(sessions)
}

async function names(
  access: ControlAccess,
  path: string,
): Promise<Result<readonly string[], ControlFault>> {
  const answer = await getJson(access, path)
  if (!answer.ok) return answer
  const list: unknown = answer.value.response
  const clean = Array.isArray(list) && list.every(isSegment)
  return clean ? ok(list as readonly string[]) : err('unreadable')
}

function isSegment(name: unknown): boolean {
  return typeof name === 'string' && name.isWellFormed() && !['', '.', '..'].includes(name)
}

/** The session a stream comes from; null when it has ended or nobody sends it. */
async function sourceOf(
  access: ControlAccess,
  path: string,
): Promise<Result<string | null, ControlFault>> {
  const answer = await callJson(access, { method: 'GET', path })
  if (!answer.ok) return answer
  const { status, fields } = answer.value
  if (status === 404) return ok(null)
  const input: JsonFields | null = fieldsOf(fieldsOf(fields?.response)?.input)
  const type = textOf(input, 'sourceType')
  if (status !== 200 || type === null) return err('unreadable')
  if (!PUSHED.includes(type)) return ok(null)
  const source = SOURCE.exec(textOf(input, 'sourceUrl') ?? '')?.[1]
  return source === undefined ? err('unreadable') : ok(omeSession(source))
}
