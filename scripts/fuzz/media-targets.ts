/**
 * What media servers send: the calls of every hook, and what their control interfaces answer.
 *
 * Whoever publishes writes a part of a call, and whoever has taken over a server all of an answer. Nothing throws; what is
 * read as a start names a session, a stream and clean text; an answer that cannot be read whole lists nobody.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { ControlAccess, ControlDriver } from '../../src/adapters/media/control.ts'
import type { MediaDialect, SignedCall } from '../../src/adapters/media/dialect.ts'
import { dialectOf } from '../../src/adapters/media/dialects.ts'
import { mediamtxControl } from '../../src/adapters/media/mediamtx-control.ts'
import { nmsControl } from '../../src/adapters/media/nms-control.ts'
import { omeControl } from '../../src/adapters/media/ome-control.ts'
import { ServerSecret } from '../../src/adapters/media/server-secret.ts'
import { srsControl } from '../../src/adapters/media/srs-control.ts'
import { utf8 } from '../../src/core/encoding.ts'
import { epochMs } from '../../src/core/time.ts'
import { damaged, type FuzzTarget, must, target } from './target.ts'

interface Vector {
  readonly kind: string
  readonly exchanges: readonly { readonly body: string }[]
  readonly control: readonly { readonly body: string; readonly sessions?: unknown }[]
}

const FOLDER = new URL('../../tests/vectors/media/', import.meta.url)
const VECTORS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Vector)

const NGINX: Vector = {
  kind: 'nginx-rtmp',
  exchanges: [
    'app=live&flashver=FMLE/3.0&swfurl=&tcurl=rtmp://h/live&pageurl=&addr=203.0.113.9&clientid=41&call=publish&name=k7f3q9&type=live&sig=a%20b',
    'app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=203.0.113.9&clientid=41&call=disconnect&app=live',
  ].map((body) => ({ body })),
  control: [],
}
const GENERIC: Vector = {
  kind: 'generic',
  exchanges: [
    '{"event":"start","session":"s-1","app":"live","name":"k7f3q9","key":"k","client_ip":"203.0.113.9","protocol":"srt"}',
    '{"event":"poll","session":"s-1"}',
    '{"event":"end","session":"s-1"}',
  ].map((body) => ({ body })),
  control: [],
}
const DRIVERS: readonly ControlDriver[] = [srsControl, mediamtxControl, nmsControl, omeControl]
const SECRET = new ServerSecret('only-for-fuzzing', utf8('only-for-fuzzing'))
const NOW = epochMs(1_790_000_000_000)
// biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there.
const UNCLEAN = /[\x00-\x1f\x7f-\x9f]/

function checkCall(dialect: MediaDialect, body: string): void {
  const call: SignedCall = {
    method: 'POST',
    query: '',
    content_type: 'application/x-www-form-urlencoded',
    body: utf8(body),
    header: () => 'msg_1',
  }
  must(dialect.authenticate?.(call, SECRET, NOW).ok !== true, 'nobody signed it')
  const event = dialect.parse(call)
  if (!event.ok) {
    must(/^[\w ,`']{5,80}$/.test(event.error), 'a refusal is a fixed phrase')
    return
  }
  dialect.render({ type: 'noted' }, event.value)
  if (event.value.kind === 'other') return
  must(/^[\x21-\x7e]{1,256}$/.test(event.value.session), 'a session is an id')
  if (event.value.kind !== 'start') return
  const { name, app, client_ip } = event.value
  must(name !== '' && ![name, app, client_ip].some((text) => UNCLEAN.test(text)), 'clean text')
  const handle = dialect.handleOf?.(event.value, 'live_x') ?? ''
  must(handle.length <= 512 && !/[\s?#]|(^|\/)\.{1,2}(\/|$)/.test(handle), 'a handle leads nowhere')
  const admit = { type: 'admit', playback_name: 'live_x', decision: 'd' } as const
  const { status } = dialect.render(admit, event.value)
  must(status === 200 || status === 302, 'what was read can be admitted')
}

/** The same answer to the first call, and to the further ones of OvenMediaEngine something that lists nobody. */
async function checkList(driver: ControlDriver, body: string): Promise<void> {
  let calls = 0
  const access: ControlAccess = {
    call: async () => {
      calls++
      const text = calls === 1 ? body : '{"response":[]}'
      return { ok: true, value: { status: 200, content_type: '', body: utf8(text) } }
    },
  }
  const list = await driver.list(access)
  if (!list.ok) return
  for (const { session, handle } of list.value)
    must(/^[\w.:[\]-]{1,64}$/.test(session) && handle.length <= 512, 'a session is an id')
}

export const MEDIA_TARGETS: readonly FuzzTarget[] = [
  ...[...VECTORS, NGINX, GENERIC].flatMap(({ kind, exchanges }) => {
    const dialect = dialectOf(kind)
    if (dialect === null) throw new Error(`no dialect ${kind}`)
    const inputs = damaged(exchanges.map(({ body }) => body))
    return [target(`hook-${kind}`, inputs, (body) => checkCall(dialect, body))]
  }),
  ...DRIVERS.map((driver) => {
    const vector = VECTORS.find(({ kind }) => kind === driver.kind)
    const lists = (vector?.control ?? []).map(({ body }) => body)
    return target(`control-${driver.kind}`, damaged(lists), (body) => checkList(driver, body))
  }),
]
