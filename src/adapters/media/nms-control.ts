/**
 * The API of node-media-server 4: `/api/v1/streams` tells who publishes, `DELETE /api/v1/sessions/{id}` ends one.
 *
 * It wants a token of its own making, which a login gives and a day takes back; ten logins a minute are its limit, five
 * wrong ones lock the account for a quarter of an hour. So one token is used until it is refused, and a refused login
 * is not tried again for a minute. Set-up for people: docs/media/node-media-server.md.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { MINUTE_MS } from '../../core/time.ts'
import type { Clock } from '../../ports.ts'
import type { ControlAccess, ControlDriver, ControlFault, LiveSession } from './control.ts'
import type { ControlAuth } from './control-auth.ts'
import { callJson, everyItem, getJson } from './control-json.ts'
import { fieldsOf, type JsonFields, textOf } from './json-fields.ts'

const ID = /^[a-z0-9]{8,64}$/

export const nmsControl: ControlDriver = {
  kind: 'node-media-server',
  start_timeout_ms: 10_000,
  async list(access) {
    const answer = await getJson(access, '/api/v1/streams')
    if (!answer.ok) return answer
    const { success, data } = answer.value
    const sessions = success === true ? everyItem(fieldsOf(data)?.streams, publisherOf) : null
    return sessions === null ? err('unreadable') : ok(sessions)
  },
  async cut(access, { session }) {
    if (!ID.test(session)) return err('unreadable')
    const path = `/api/v1/sessions/${session}`
    const answer = await callJson(access, { method: 'DELETE', path })
    if (!answer.ok) return answer
    const { status, fields } = answer.value
    if (status === 200 && fields?.success === true) return ok({ dropped: 1 })
    return status === 404 && fields?.success === false ? ok({ dropped: 0 }) : err('unreadable')
  },
}

/** `reconnecting` keeps the place of somebody who is gone. */
function publisherOf(stream: JsonFields): LiveSession | 'none' | null {
  if (stream.status === 'idle' || stream.status === 'reconnecting') return 'none'
  const publisher = fieldsOf(stream.publisher)
  const session = textOf(publisher, 'id')
  const [app, name] = [textOf(stream, 'app'), textOf(stream, 'name')]
  if (stream.status !== 'publishing' || session === null || !ID.test(session)) return null
  if (app === null || name === null) return null
  const ip = textOf(publisher, 'ip')?.replace(/:[0-9]{1,5}$/, '')
  return { session, handle: '', app, name, ...(ip ? { client_ip: ip } : {}) }
}

/** The same access with a token from a login in front. */
export function withLogin(
  access: ControlAccess,
  auth: Pick<ControlAuth, 'user' | 'reveal'>,
  clock: Clock,
): ControlAccess {
  let token: Promise<Result<string, ControlFault>> | null = null
  let again_at = 0
  const fresh = (): Promise<Result<string, ControlFault>> => {
    if (clock.now() < again_at) return Promise.resolve(err('refused'))
    const asked = login(access, auth).then((result) => {
      if (result.ok) return result
      token = null
      if (result.error === 'refused') again_at = clock.now() + MINUTE_MS
      return result
    })
    token = asked
    return asked
  }
  return {
    async call(call) {
      for (let attempt = 1; ; attempt++) {
        const used = token ?? fresh()
        const held = await used
        if (!held.ok) return held
        const headers = { ...call.headers, authorization: `Bearer ${held.value}` }
        const answer = await access.call({ ...call, headers })
        if (answer.ok || answer.error !== 'refused' || attempt === 2) return answer
        // It is a day old, or the server has started anew.
        if (token === used) token = null
      }
    },
  }
}

async function login(
  access: ControlAccess,
  auth: Pick<ControlAuth, 'user' | 'reveal'>,
): Promise<Result<string, ControlFault>> {
  const answer = await callJson(access, {
    method: 'POST',
    path: '/api/v1/login',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: auth.user ?? '', password: auth.reveal() }),
  })
  if (!answer.ok) return answer
  const { status, fields } = answer.value
  if (status === 429) return err('refused')
  const token = textOf(fieldsOf(fields?.data), 'token')
  return status === 200 && token !== null && /^[A-Za-z0-9._-]{1,2000}$/.test(token)
    ? ok(token)
    : err('unreadable')
}
