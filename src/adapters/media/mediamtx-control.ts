/**
 * The control API of MediaMTX: `/v3/paths/list` tells who publishes, `/v3/{kind}/kick/{id}` ends one.
 *
 * The ids are those of the hook. A path names the kind of its source, which is also the kind of its kick; sources the
 * server pulls by itself are nobody's broadcast. Set-up for people: docs/media/mediamtx.md.
 */
import { err, ok } from '../../core/result.ts'
import type { ControlDriver, LiveSession } from './control.ts'
import { allPages, callJson, everyItem, getJson, PAGE } from './control-json.ts'
import { fieldsOf, type JsonFields, textOf } from './json-fields.ts'
import { splitPath } from './mediamtx.ts'

/** Ids of its connections. */
export const MEDIAMTX_ID: RegExp = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** By protocol, as the hook calls it. The same with and without TLS, so there are two places to look in. */
const KICKS: Readonly<Record<string, readonly string[]>> = {
  rtmp: ['rtmpconns', 'rtmpsconns'],
  rtsp: ['rtspsessions', 'rtspssessions'],
  srt: ['srtconns'],
  webrtc: ['webrtcsessions'],
  moq: ['moqsessions'],
}
export const EVERYWHERE: readonly string[] = Object.values(KICKS).flat()

/** What publishes, by the name of a path's source. */
const SOURCES: Readonly<Record<string, string>> = {
  rtmpConn: 'rtmp',
  rtmpsConn: 'rtmp',
  rtspSession: 'rtsp',
  rtspsSession: 'rtsp',
  srtConn: 'srt',
  webRTCSession: 'webrtc',
  moqSession: 'moq',
}

export const mediamtxControl: ControlDriver = {
  kind: 'mediamtx',
  // A path is listed once its tracks are known; WebRTC shakes hands first.
  start_timeout_ms: 20_000,
  list: (access) =>
    allPages(async (page) => {
      const answer = await getJson(access, `/v3/paths/list?itemsPerPage=${PAGE}&page=${page}`)
      if (!answer.ok) return answer
      const { pageCount, items } = answer.value
      const sessions = everyItem(items, publisherOf)
      if (sessions === null || typeof pageCount !== 'number') return err('unreadable')
      return ok({ sessions, last: page + 1 >= pageCount })
    }),
  async cut(access, { session, handle }) {
    if (!MEDIAMTX_ID.test(session)) return err('unreadable')
    for (const kind of Object.hasOwn(KICKS, handle) ? (KICKS[handle] ?? []) : EVERYWHERE) {
      const path = `/v3/${kind}/kick/${session}`
      const answer = await callJson(access, { method: 'POST', path })
      if (!answer.ok) return answer
      if (answer.value.status === 200) return ok({ dropped: 1 })
      if (answer.value.status !== 404) return err('unreadable')
    }
    return ok({ dropped: 0 })
  },
}

function publisherOf(path: JsonFields): LiveSession | 'none' | null {
  const place = splitPath(textOf(path, 'name') ?? '')
  if (place === null) return null
  if (path.source === null) return 'none'
  const source = fieldsOf(path.source)
  const type = textOf(source, 'type')
  if (type === null) return null
  const handle = Object.hasOwn(SOURCES, type) ? SOURCES[type] : undefined
  if (handle === undefined) return 'none'
  const session = textOf(source, 'id')
  return session !== null && MEDIAMTX_ID.test(session) ? { session, handle, ...place } : null
}
