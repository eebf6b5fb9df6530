/** Drivers of SRS, MediaMTX, OvenMediaEngine and node-media-server against servers that lie; honest ones: vectors.test.ts. */
import { describe, expect, it } from 'vitest'
import type { ControlAccess, ControlFault } from '../../../src/adapters/media/control.ts'
import { CONTROL_FAULTS } from '../../../src/adapters/media/control.ts'
import { ControlAuth } from '../../../src/adapters/media/control-auth.ts'
import { PAGE } from '../../../src/adapters/media/control-json.ts'
import { nmsControl, withLogin } from '../../../src/adapters/media/nms-control.ts'
import { omeSession } from '../../../src/adapters/media/ome.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { err, ok } from '../../../src/core/result.ts'
import { epochMs } from '../../../src/core/time.ts'
import { CONTROL_DRIVERS, controlDriver } from './control-drivers.ts'
import { NOW } from './desk.ts'
import { SESSION_ID } from './knock.ts'
import { scriptedAccess } from './scripted-access.ts'

/** A session and handle each kind would be asked to cut. */
const REFS: Readonly<Record<string, { readonly session: string; readonly handle: string }>> = {
  srs: { session: '175yx980', handle: '' },
  mediamtx: { session: SESSION_ID, handle: 'srt' },
  'node-media-server': { session: 'mwr1c9k2ab3cd4ef', handle: '' },
  ovenmediaengine: { session: omeSession('203.0.113.9:50211'), handle: 'app/live_x' },
}

/** Answers every call alike. */
function always(status: number, body: string): ControlAccess {
  return {
    call: async () => ok({ status, content_type: 'application/json', body: utf8(body) }),
  }
}

/** What each says when it has dropped somebody; MediaMTX says it by the status, OvenMediaEngine is asked who sends first. */
const YES: Readonly<Record<string, string>> = {
  srs: '"code":0',
  mediamtx: '',
  'node-media-server': '"success":true',
  ovenmediaengine: '"sourceUrl"',
}

const LIES: readonly (readonly [string, number, string])[] = [
  ['a page', 200, '<!doctype html><h1>ok</h1>'],
  ['nothing', 200, ''],
  ['null', 200, 'null'],
  ['a list', 200, '[]'],
  ['an empty object', 200, '{}'],
  ['half an object', 200, '{"streams":['],
  ['bytes of a picture', 200, '\ufffdPNG'],
  ['success without data', 200, '{"code":0,"success":true,"statusCode":200}'],
  ['an error with status 200', 200, '{"code":1,"success":false,"statusCode":500}'],
  ['a list of numbers', 200, lists('1')],
  ['a list of nulls', 200, lists('null')],
  ['a list of empty objects', 200, lists('{}')],
  ['an object for a list', 200, lists('1').replaceAll('[1]', '{"0":{}}')],
  ['trouble', 500, '{}'],
  ['teapot', 418, 'x'],
]

/** A list of one thing under every name a driver looks for. */
function lists(item: string): string {
  const list = `[${item}]`
  return `{"code":0,"success":true,"streams":${list},"items":${list},"pageCount":1,"response":${list},"data":{"streams":${list}}}`
}

for (const driver of CONTROL_DRIVERS)
  describe(`the control interface of ${driver.kind}`, () => {
    const ref = REFS[driver.kind] ?? { session: '', handle: '' }

    for (const [name, status, body] of LIES)
      it(`${name} is no list, and no cut unless it says so`, async () => {
        expect(await driver.list(always(status, body))).toEqual(err('unreadable'))
        const cut = await driver.cut(always(status, body), ref)
        const kicked = status === 200 && body.includes(YES[driver.kind] ?? '')
        expect(cut).toEqual(kicked ? ok({ dropped: 1 }) : err('unreadable'))
      })

    for (const fault of CONTROL_FAULTS)
      it(`${fault} stays what it is`, async () => {
        const access: ControlAccess = { call: async () => err(fault) }
        expect(await driver.list(access)).toEqual(err(fault))
        expect(await driver.cut(access, ref)).toEqual(err(fault))
      })

    it('puts no text into a path that could lead elsewhere', async () => {
      const calls: string[] = []
      const access: ControlAccess = {
        call: async ({ path }) => {
          calls.push(path)
          return err('unreachable')
        },
      }
      for (const text of [
        '../x',
        'a/b',
        'a?b',
        'a b',
        'a\r\nb',
        '',
        '%2e%2e',
        'é',
        'x'.repeat(600),
      ]) {
        await driver.cut(access, { session: text, handle: text })
        await driver.cut(access, { ...ref, handle: text })
      }
      for (const path of calls) expect(path).toMatch(/^\/[\w/.:()!~*'%?=&-]+$/)
      for (const path of calls) expect(path).not.toMatch(/\.\.|\?/)
    })

    it('a session that is not there was not dropped', async () => {
      const gone =
        driver.kind === 'srs' ? always(200, '{"code":2049}') : always(404, '{"success":false}')
      expect(await driver.cut(gone, ref)).toEqual(ok({ dropped: 0 }))
    })
  })

describe('long lists', () => {
  const stream = (i: number) =>
    `{"name":"n${i}","app":"live","publish":{"active":true,"cid":"c${i}"}}`
  const page = (from: number, count: number) =>
    `{"code":0,"streams":[${Array.from({ length: count }, (_, i) => stream(from + i)).join()}]}`

  it('are read page by page; who moved to the next meanwhile counts once', async () => {
    const access = scriptedAccess([
      { call: `GET /api/v1/streams?start=0&count=${PAGE}`, status: 200, body: page(0, PAGE) },
      {
        call: `GET /api/v1/streams?start=${PAGE}&count=${PAGE}`,
        status: 200,
        body: page(PAGE - 1, 2),
      },
    ])
    const list = await controlDriver('srs').list(access)
    expect(list.ok && list.value.length).toBe(PAGE + 1)
    expect(access.left()).toEqual([])
  })

  it('one bad page is no list at all', async () => {
    const access = scriptedAccess([
      { call: `GET /api/v1/streams?start=0&count=${PAGE}`, status: 200, body: page(0, PAGE) },
      { call: `GET /api/v1/streams?start=${PAGE}&count=${PAGE}`, status: 200, body: '{}' },
    ])
    expect(await controlDriver('srs').list(access)).toEqual(err('unreadable'))
  })

  it('have an end, whatever the server says', async () => {
    expect(await controlDriver('srs').list(always(200, page(0, PAGE)))).toEqual(err('too_large'))
    const items = '{"pageCount":1000000,"items":[]}'
    expect(await controlDriver('mediamtx').list(always(200, items))).toEqual(err('too_large'))
    const names = JSON.stringify({ response: Array.from({ length: 501 }, (_, i) => `n${i}`) })
    expect(await controlDriver('ovenmediaengine').list(always(200, names))).toEqual(
      err('too_large'),
    )
  })
})

describe('MediaMTX', () => {
  it('looks for a publisher with and without TLS, and everywhere when it does not know the protocol', async () => {
    const calls: string[] = []
    const access: ControlAccess = {
      call: async ({ path }) => {
        calls.push(path.split('/')[2] ?? '')
        return ok({ status: 404, content_type: '', body: utf8('{}') })
      },
    }
    const mediamtx = controlDriver('mediamtx')
    await mediamtx.cut(access, { session: SESSION_ID, handle: 'rtmp' })
    expect(calls.splice(0)).toEqual(['rtmpconns', 'rtmpsconns'])
    await mediamtx.cut(access, { session: SESSION_ID, handle: '' })
    expect(calls).toHaveLength(7)
  })
})

describe('OvenMediaEngine', () => {
  const source = (url: string, type = 'Rtmp') =>
    `{"statusCode":200,"response":{"name":"live_x","input":{"sourceType":"${type}","sourceUrl":"${url}"}}}`
  const names = (...list: string[]) => JSON.stringify({ statusCode: 200, response: list })
  const listing = (...bodies: (readonly [number, string])[]) =>
    scriptedAccess([
      { call: 'GET /apps', status: 200, body: names('app') },
      { call: 'GET /apps/app/streams', status: 200, body: names(...bodies.map((_, i) => `s${i}`)) },
      ...bodies.map(([status, body], i) => ({ call: `GET /apps/app/streams/s${i}`, status, body })),
    ])

  it('lists who sends, passes over what it fetches itself and what has just ended', async () => {
    const access = listing(
      [200, source('TCP://203.0.113.9:50211')],
      [200, source('TCP://[2001:db8::9]:443', 'WebRTC')],
      [200, source('rtsp://camera/1', 'RtspPull')],
      [404, '{}'],
    )
    expect(await controlDriver('ovenmediaengine').list(access)).toEqual(
      ok([
        { session: omeSession('203.0.113.9:50211'), handle: 'app/s0', app: 'app', name: 's0' },
        { session: omeSession('[2001:db8::9]:443'), handle: 'app/s1', app: 'app', name: 's1' },
      ]),
    )
  })

  it('cannot tell anything where the server hides addresses', async () => {
    const access = listing([200, source('TCP://xxx.xxx.xxx.xxx:xxx')])
    expect(await controlDriver('ovenmediaengine').list(access)).toEqual(err('unreadable'))
  })

  it('does not delete the stream of somebody else who has the name now', async () => {
    const access = scriptedAccess([
      {
        call: 'GET /apps/app/streams/live_x',
        status: 200,
        body: source('TCP://203.0.113.9:50299'),
      },
    ])
    const ref = { session: omeSession('203.0.113.9:50211'), handle: 'app/live_x' }
    expect(await controlDriver('ovenmediaengine').cut(access, ref)).toEqual(ok({ dropped: 0 }))
  })

  describe('that may have moved a stream', () => {
    const ref = {
      session: omeSession('203.0.113.9:50211'),
      handle: 'app/live_x app_held/live_x',
    }
    /** An answer for each path; anything else is not there. */
    const paths = (answers: Readonly<Record<string, readonly [number, string]>>) => {
      const deleted: string[] = []
      const access: ControlAccess = {
        async call({ method, path }) {
          if (method === 'DELETE') deleted.push(path)
          const [status, body] = answers[path] ?? [404, '{}']
          return ok({ status, content_type: 'application/json', body: utf8(body) })
        },
      }
      return { access, deleted }
    }
    const mine = source('TCP://203.0.113.9:50211')

    for (const app of ['app', 'app_held'])
      it(`deletes it in ${app} if it is there`, async () => {
        const path = `/apps/${app}/streams/live_x`
        const { access, deleted } = paths({ [path]: [200, mine] })
        const cut = await controlDriver('ovenmediaengine').cut(access, ref)
        expect([cut, deleted]).toEqual([ok({ dropped: 1 }), [path]])
      })

    it('is not sure while one place cannot be looked at', async () => {
      const { access } = paths({ '/apps/app_held/streams/live_x': [500, '{}'] })
      const cut = await controlDriver('ovenmediaengine').cut(access, ref)
      expect(cut).toEqual(err('unreadable'))
    })

    it('and is in neither place has dropped nobody', async () => {
      const cut = await controlDriver('ovenmediaengine').cut(paths({}).access, ref)
      expect(cut).toEqual(ok({ dropped: 0 }))
    })

    it('is asked about two places at most', async () => {
      const three = { ...ref, handle: 'a/live_x b/live_x c/live_x' }
      const cut = await controlDriver('ovenmediaengine').cut(paths({}).access, three)
      expect(cut).toEqual(err('unreadable'))
    })
  })
})

describe('the login of node-media-server', () => {
  const AUTH = new ControlAuth('login', 'admin', 'hunter2hunter2')
  const LIST = '{"success":true,"data":{"streams":[]}}'
  const login = (
    status: number,
    body = '{"success":true,"data":{"token":"t.1"}}',
    fault?: ControlFault,
  ) => ({
    call: 'POST /api/v1/login',
    status,
    body,
    ...(fault === undefined ? {} : { fault }),
  })
  const list = (fault?: ControlFault) => ({
    call: 'GET /api/v1/streams',
    status: 200,
    body: LIST,
    ...(fault === undefined ? {} : { fault }),
  })
  const start = (...script: Parameters<typeof scriptedAccess>[0]) => {
    let now = NOW
    const access = scriptedAccess(script)
    const inside = withLogin(access, AUTH, { now: () => now })
    return {
      access,
      list: () => nmsControl.list(inside),
      wait: (ms: number) => (now = epochMs(now + ms)),
    }
  }

  it('happens once, and its token is shown from then on', async () => {
    const { access, list: look } = start(login(200), list(), list())
    expect([await look(), await look()]).toEqual([ok([]), ok([])])
    expect(access.shown).toEqual([undefined, 'Bearer t.1', 'Bearer t.1'])
  })

  it('happens once for calls at the same time', async () => {
    const { list: look, access } = start(login(200), list(), list())
    expect(await Promise.all([look(), look()])).toEqual([ok([]), ok([])])
    expect(access.left()).toEqual([])
  })

  it('happens again when the token is refused, and not a third time', async () => {
    const again = start(login(200), list(), list('refused'), login(200), list())
    expect([await again.list(), await again.list()]).toEqual([ok([]), ok([])])
    const never = start(login(200), list('refused'), login(200), list('refused'))
    expect(await never.list()).toEqual(err('refused'))
    expect(never.access.left()).toEqual([])
  })

  it('that was refused is not tried again for a minute, so that the account is not locked', async () => {
    const { list: look, wait, access } = start(login(401, '', 'refused'), login(200), list())
    expect([await look(), await look()]).toEqual([err('refused'), err('refused')])
    expect(access.left()).toHaveLength(2)
    wait(60_000)
    expect(await look()).toEqual(ok([]))
  })

  it('that failed otherwise is tried again at once', async () => {
    const { list: look } = start(login(200, '', 'timeout'), login(200), list())
    expect([await look(), await look()]).toEqual([err('timeout'), ok([])])
  })

  for (const [body, status, error] of [
    ['{"success":true,"data":{"token":"a b"}}', 200, 'unreadable'],
    ['{"success":true,"data":{}}', 200, 'unreadable'],
    ['<h1>', 200, 'unreadable'],
    ['{"success":false}', 429, 'refused'],
    ['{"success":false}', 500, 'unreadable'],
  ] as const)
    it(`answered ${status} ${body} gives no token`, async () => {
      expect(await start(login(status, body)).list()).toEqual(err(error))
    })
})
