/**
 * The control API of MediaMTX where tokens open it: sessions are what the tokens call `sub`, which it shows as `user`.
 *
 * Lists of connections, one for each protocol; a protocol that is switched off has none. A connection without a user was
 * let in by something else than a token of ours, and stands for itself. Set-up for people: docs/media/mediamtx.md.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { ControlAccess, ControlDriver, ControlFault, LiveSession } from './control.ts'
import { allPages, callJson, everyItem, PAGE, type Page } from './control-json.ts'
import { type JsonFields, textOf } from './json-fields.ts'
import { TOKEN_LIFE_MS } from './media-token.ts'
import { splitPath } from './mediamtx.ts'
import { EVERYWHERE, MEDIAMTX_ID } from './mediamtx-control.ts'

const SESSION = /^[\x21-\x7e]{1,256}$/

export const mediamtxJwtControl: ControlDriver = {
  kind: 'mediamtx-jwt',
  // A token may be shown as late as it ends, and a handshake follows.
  start_timeout_ms: TOKEN_LIFE_MS + 20_000,
  list,
  async cut(access, { session }) {
    const listed = await list(access)
    if (!listed.ok) return listed
    let dropped = 0
    for (const one of listed.value.filter((other) => other.session === session)) {
      const [kind, id] = one.handle.split('/')
      const answer = await callJson(access, { method: 'POST', path: `/v3/${kind}/kick/${id}` })
      if (!answer.ok) return answer
      if (answer.value.status === 200) dropped++
      else if (answer.value.status !== 404) return err('unreadable')
    }
    return ok({ dropped })
  },
}

async function list(access: ControlAccess): Promise<Result<readonly LiveSession[], ControlFault>> {
  const sessions: LiveSession[] = []
  for (const kind of EVERYWHERE) {
    const found = await allPages((page) => pageOf(access, kind, page))
    if (!found.ok) return found
    sessions.push(...found.value)
  }
  return ok(sessions)
}

async function pageOf(
  access: ControlAccess,
  kind: string,
  page: number,
): Promise<Result<Page, ControlFault>> {
  const path = `/v3/${kind}/list?itemsPerPage=${PAGE}&page=${page}`
  const answer = await callJson(access, { method: 'GET', path })
  if (!answer.ok) return answer
  const { status, fields } = answer.value
  if (status === 404 && page === 0) return ok({ sessions: [], last: true })
  const count = fields?.pageCount
  const sessions = status === 200 ? everyItem(fields?.items, publisherOf(kind)) : null
  if (sessions === null || typeof count !== 'number') return err('unreadable')
  return ok({ sessions, last: page + 1 >= count })
}

function publisherOf(kind: string): (item: JsonFields) => LiveSession | 'none' | null {
  return (item) => {
    if (item.state === 'read' || item.state === 'idle') return 'none'
    const id = textOf(item, 'id') ?? ''
    const place = splitPath(textOf(item, 'path') ?? '')
    if (item.state !== 'publish' || !MEDIAMTX_ID.test(id) || place === null) return null
    const user = textOf(item, 'user') ?? ''
    const session = SESSION.test(user) ? user : id
    return { session, handle: `${kind}/${id}`, ...place }
  }
}
