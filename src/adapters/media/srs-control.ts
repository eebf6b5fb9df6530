/**
 * The HTTP API of SRS: `/api/v1/streams` tells who publishes, `DELETE /api/v1/clients/{id}` ends a connection.
 *
 * The ids are those of the callbacks. A stream that ended stays in the list for a while, inactive. Whatever the API says,
 * it says with status 200; the `code` inside counts. Set-up for people: docs/media/srs.md.
 */
import { err, ok } from '../../core/result.ts'
import type { ControlDriver, LiveSession } from './control.ts'
import { allPages, callJson, everyItem, getJson, PAGE } from './control-json.ts'
import { fieldsOf, type JsonFields, textOf } from './json-fields.ts'

const ID = /^[A-Za-z0-9_-]{1,64}$/
/** `ERROR_RTMP_CLIENT_NOT_FOUND`. */
const NOT_FOUND = 2049

export const srsControl: ControlDriver = {
  kind: 'srs',
  start_timeout_ms: 10_000,
  list: (access) =>
    allPages(async (page) => {
      const path = `/api/v1/streams?start=${page * PAGE}&count=${PAGE}`
      const answer = await getJson(access, path)
      if (!answer.ok) return answer
      const { code, streams } = answer.value
      const sessions = code === 0 ? everyItem(streams, publisherOf) : null
      if (sessions === null) return err('unreadable')
      return ok({ sessions, last: (streams as readonly unknown[]).length < PAGE })
    }),
  async cut(access, { session }) {
    if (!ID.test(session)) return err('unreadable')
    const answer = await callJson(access, { method: 'DELETE', path: `/api/v1/clients/${session}` })
    if (!answer.ok) return answer
    const code = answer.value.status === 200 ? answer.value.fields?.code : undefined
    if (code === 0) return ok({ dropped: 1 })
    return code === NOT_FOUND ? ok({ dropped: 0 }) : err('unreadable')
  },
}

function publisherOf(stream: JsonFields): LiveSession | 'none' | null {
  const publish = fieldsOf(stream.publish)
  if (publish?.active === false) return 'none'
  const session = textOf(publish, 'cid')
  const [app, name] = [textOf(stream, 'app'), textOf(stream, 'name')]
  if (publish?.active !== true || session === null || !ID.test(session)) return null
  return app === null || name === null ? null : { session, handle: '', app, name }
}
