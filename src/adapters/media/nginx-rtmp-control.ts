/**
 * The control interface of nginx-rtmp: `/stat` tells who publishes, `/control/drop/publisher` ends one connection.
 *
 * Connections are dropped by `clientid`, the number the hooks carry; a name is never sent along, because the module
 * compares it with the name the stream has *now* (measured: the name before a rename drops nobody). The answer is the
 * number it dropped. Both pages know only the worker process that answers, and `drop` only one `server { }` of
 * `rtmp { }`, the first unless told. Set-up for people: docs/media/nginx-rtmp.md. Mounted by drivers.ts.
 */
import { fromUtf8 } from '../../core/encoding.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ControlAccess, ControlDriver, ControlFault, LiveSession } from './control.ts'
import { visitPlainXml, type XmlVisitor } from './plain-xml.ts'

export const nginxRtmpControl: ControlDriver = {
  kind: 'nginx-rtmp',
  // `netcall_timeout` of the documented configuration; a publisher is in the list once his hook was answered.
  start_timeout_ms: 10_000,
  async list(access) {
    const answer = await access.call({ method: 'GET', path: '/stat' })
    if (!answer.ok) return answer
    const text = answer.value.status === 200 ? fromUtf8(answer.value.body) : null
    return text === null ? err('unreadable') : readStatistics(text)
  },
  async cut(access, { session, handle }) {
    if (!NUMBER.test(session)) return err('unreadable')
    const { where = '', copy_app, copy } = HANDLE.exec(handle)?.groups ?? {}
    const dropped = drop(access, `${where === '' ? '' : `${where}&`}clientid=${session}`)
    if (copy === undefined) return dropped
    // Its late copy holds what was sent before: at once as well, and if that fails the keeper finds it in the list.
    await Promise.all([dropped, drop(access, `app=${copy_app}&name=${copy}`)])
    return dropped
  },
}

async function drop(
  access: ControlAccess,
  which: string,
): Promise<Result<{ readonly dropped: number }, ControlFault>> {
  const path = `/control/drop/publisher?${which}`
  const answer = await access.call({ method: 'GET', path })
  if (!answer.ok) return answer
  const count = answer.value.status === 200 ? fromUtf8(answer.value.body) : null
  if (count === null || !/^[0-9]{1,6}$/.test(count)) return err('unreadable')
  return ok({ dropped: Number(count) })
}

const NUMBER = /^[0-9]{1,20}$/
/** nginx compares arguments as they were sent, escapes and all: a name that needs escaping is left out. */
const PLAIN_NAME = /^[A-Za-z0-9_.-]{1,128}$/
const HANDLE =
  /^(?<where>(?:srv=[0-9]{1,3}&)?app=[A-Za-z0-9_.-]{1,128}|srv=[0-9]{1,3}|)(?: (?<copy_app>[A-Za-z0-9_.-]{1,128})\/(?<copy>live_[A-Za-z0-9_-]{22}))?$/

/**
 * What a drop needs beside the number of the connection: where to look. Empty = everywhere in the first server. `copy`,
 * application and name of its late copy, is behind a space.
 */
export function nginxHandle(app: string, server = 0, copy = ''): string {
  const parts = [
    ...(server === 0 ? [] : [`srv=${server}`]),
    ...(PLAIN_NAME.test(app) ? [`app=${app}`] : []),
  ]
  return `${parts.join('&')}${copy === '' ? '' : ` ${copy}`}`
}

interface Client {
  id: string
  address: string
  time: string
  publishing: boolean
}

/** Publishers on a `/stat` page. Pure. A page that lacks what is needed to know them all is unreadable. */
export function readStatistics(text: string): Result<readonly LiveSession[], ControlFault> {
  const reader = new StatisticsReader()
  return visitPlainXml(text, reader) && reader.complete() ? ok(reader.sessions) : err('unreadable')
}

/** rtmp > server > application > live > stream > client, and the few leaves that are wanted. */
class StatisticsReader implements XmlVisitor {
  readonly sessions: LiveSession[] = []
  readonly #seen = new Set<string>()
  #sound = true
  #root = ''
  #server = -1
  #app: string | null = null
  #stream: string | null = null
  #publishers = 0
  #client: Client | null = null

  /** True when nothing contradicted itself. */
  complete(): boolean {
    return this.#sound && this.#root === 'rtmp'
  }

  open(path: readonly string[]): void {
    if (path.length === 1) this.#root = path[0] ?? ''
    switch (path.join('/')) {
      case 'rtmp/server':
        this.#server++
        return
      case 'rtmp/server/application':
        this.#app = null
        return
      case STREAM:
        this.#stream = null
        this.#publishers = 0
        return
      case `${STREAM}/client`:
        this.#client = { id: '', address: '', time: '', publishing: false }
    }
  }

  close(path: readonly string[], text: string): void {
    if (path.length === 4 && path.join('/') === 'rtmp/server/application/name') this.#app = text
    else if (path.length === 6) this.#closeInStream(path.join('/'), text)
    else if (path.length === 7 && path[5] === 'client') this.#closeInClient(path[6], text)
  }

  #closeInStream(path: string, text: string): void {
    if (path === `${STREAM}/name`) this.#stream = text
    else if (path === `${STREAM}/client`) this.#closeClient()
    // `rtmp_stat live` tells of streams, not of who sends them.
    else if (path === `${STREAM}/publishing` && this.#publishers === 0) this.#sound = false
  }

  #closeInClient(name: string | undefined, text: string): void {
    if (this.#client === null) return
    if (name === 'publishing') this.#client.publishing = true
    else if (name === 'id' || name === 'address' || name === 'time') this.#client[name] = text
  }

  #closeClient(): void {
    const client = this.#client
    this.#client = null
    if (client?.publishing !== true) return
    this.#publishers++
    const { id, address, time } = client
    const [app, stream] = [this.#app, this.#stream]
    if (!NUMBER.test(id) || this.#seen.has(id) || app === null || stream === null) {
      this.#sound = false
      return
    }
    this.#seen.add(id)
    this.sessions.push({
      session: id,
      handle: nginxHandle(app, this.#server),
      app,
      // nginx writes a space for every byte that is not plain ASCII, so one cannot be told from another.
      name: stream.includes(' ') ? null : stream,
      ...(address === '' ? {} : { client_ip: address }),
      ...(/^[0-9]{1,15}$/.test(time) ? { running_ms: Number(time) } : {}),
    })
  }
}

const STREAM = 'rtmp/server/application/live/stream'
