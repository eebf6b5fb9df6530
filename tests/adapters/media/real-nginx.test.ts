/**
 * The hooks behind a real nginx-rtmp with a real encoder, in the configuration of docs/media/nginx-rtmp.md.
 */
import type { ServerResponse } from 'node:http'
import { afterEach, expect, it, vi } from 'vitest'
import type { Answer } from '../../../src/gate-types.ts'
import { type Broadcast, broadcast, canPlay } from '../../support/ffmpeg.ts'
import { type Nginx, startNginx } from '../../support/nginx.ts'
import { pageConfig } from '../../support/nginx-page.ts'
import { describeWithMedia } from '../../support/programs.ts'
import {
  ALLOW,
  aDesk,
  anAnswer,
  aStreamKey,
  DENY,
  type DeskSetup,
  SECRET,
  type TestDesk,
} from './desk.ts'
import { type HookServer, startHookServer } from './hook-server.ts'

const KEY = 'k7f3q9-the-secret-key'
const PUBLIC = 'live_AAAAAAAAAAAAAAAAAAAAAA'
const WAIT = { timeout: 15_000, interval: 50 }

interface Scene {
  readonly desk: TestDesk
  readonly gate: HookServer
  readonly nginx: Nginx
  go(name: string, seconds?: number): Broadcast
}

interface Staging extends DeskSetup {
  readonly when_down?: 'deny' | 'allow'
  readonly answer?: (response: ServerResponse) => boolean
  readonly replace?: readonly (readonly [string, string])[]
}

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end()
})

async function stage(staging: Staging = {}): Promise<Scene> {
  const { when_down = 'deny', answer, replace = [] } = staging
  const desk = aDesk({ keys: [aStreamKey(KEY)], real: true, ...staging })
  const gate = await startHookServer(desk.hooks, answer)
  endings.push(gate.stop)
  const nginx = await startNginx((ports) =>
    pageConfig({ ...ports, gate: gate.url, secret: SECRET, when_down, replace }),
  )
  endings.push(nginx.stop)
  return {
    desk,
    gate,
    nginx,
    go(name, seconds = 30) {
      const on = broadcast(`${nginx.rtmp}/live/${name}`, seconds)
      endings.push(on.stop)
      return on
    },
  }
}

describeWithMedia('nginx-rtmp behind the gate', () => {
  it('an allowed broadcast runs under the public name, and the key plays and shows nowhere', async () => {
    const { desk, nginx, go } = await stage()
    const on = go(`${KEY}?sig=abc`)
    expect(await on.live).toBe(true)
    expect(await nginx.names()).toEqual([PUBLIC])
    expect(await canPlay(`${nginx.rtmp}/live/${PUBLIC}`)).toBe(true)
    expect(await canPlay(`${nginx.rtmp}/live/${KEY}`)).toBe(false)
    desk.ended.length = 0
    await on.stop()
    await vi.waitFor(() => expect(desk.ended).toHaveLength(1), WAIT)
    expect(desk.ended).toEqual([`edge-1/${desk.asked[0]?.session?.session}`])
    expect(nginx.written()).not.toContain(KEY)
  })

  it('a denied broadcast ends before any media, and ends no session', async () => {
    const { desk, nginx, go } = await stage({ decide: () => DENY })
    const on = go(KEY)
    expect(await on.live).toBe(false)
    expect((await on.ended).log).toContain('Input/output error')
    expect(desk.asked).toHaveLength(1)
    expect(await nginx.names()).toEqual([])
  })

  it('an unknown key is refused without being decided', async () => {
    const { desk, go } = await stage()
    expect(await go('guess').live).toBe(false)
    expect(desk.events.map((event) => event.type === 'hook_refused' && event.why)).toEqual([
      'unknown_key',
    ])
    expect(desk.asked).toEqual([])
  })

  for (const args of ['?name=clean&call=publish', '?sig=a&clientid=1', '?a=1&%6eame=clean'])
    it(`the query ${args} of a publisher cannot change whose broadcast it is`, async () => {
      const keys = [aStreamKey('struck', { subject: 'struck' }), aStreamKey('clean')]
      const { desk, go } = await stage({ keys })
      expect(await go(`struck${args}`).live).toBe(false)
      expect(desk.events).toEqual([{ type: 'hook_refused', server: 'edge-1', why: 'malformed' }])
      expect(desk.asked).toEqual([])
    })

  it('a key with every character that needs care arrives as it is', async () => {
    const key = 'a+b;c~d,e(f)g=h:i@j'
    const { desk, go } = await stage({ keys: [aStreamKey(key)] })
    expect(await go(key).live).toBe(true)
    expect(desk.asked[0]?.subject).toBe('u_81f')
  })

  it('a wrong secret in the proxy refuses', async () => {
    const { desk, go } = await stage({ replace: [[SECRET, `${SECRET.slice(1)}`]] })
    expect(await go(KEY).live).toBe(false)
    expect(desk.events).toMatchObject([{ why: 'unauthenticated' }])
  })

  const HTML = '<!doctype html><title>2xx</title><h1>200 everything is fine</h1>'
  for (const when_down of ['deny', 'allow'] as const)
    for (const status of [403, 500, 502, 503])
      it(`an HTML page with status ${status} refuses (when_down: ${when_down})`, async () => {
        const answer = (response: ServerResponse) => {
          response.writeHead(status, { 'content-type': 'text/html' }).end(HTML)
          return true
        }
        const { go } = await stage({ when_down, answer })
        expect(await go(KEY).live).toBe(false)
      })

  for (const [when_down, live] of [
    ['deny', false],
    ['allow', true],
  ] as const) {
    it(`a gate that is gone means ${when_down} where the deployment chose so`, async () => {
      const { gate, go } = await stage({ when_down })
      await gate.stop()
      expect(await go(KEY).live).toBe(live)
    })

    it(`a gate that never answers means ${when_down}, too`, async () => {
      const decide = () => new Promise<Answer>(() => {})
      const replace = [['proxy_read_timeout 8s', 'proxy_read_timeout 1s']] as const
      const { desk, go } = await stage({ when_down, decide, replace })
      expect(await go(KEY).live).toBe(live)
      expect(desk.asked).toHaveLength(1)
    })

    it(`a gate in trouble refuses, when_down ${when_down} or not`, async () => {
      const { go } = await stage({ when_down, decide: () => Promise.reject(new Error('log')) })
      expect(await go(KEY).live).toBe(false)
    })
  }

  it('a hold about to end is waited for, then decided again, and media flows', async () => {
    const started = Date.now()
    const hold = { not_before: started + 1_500 } as Pick<Answer['decision'], 'not_before'>
    const answers = [anAnswer({ outcome: 'delay', mode: 'hold', ...hold })]
    const { desk, go } = await stage({ decide: () => answers.pop() ?? ALLOW })
    expect(await go(KEY).live).toBe(true)
    expect(desk.asked).toHaveLength(2)
    expect(Date.now()).toBeGreaterThanOrEqual(started + 1_500)
  })

  it('a second publisher on a live name is turned away and does not end the first', async () => {
    const { desk, nginx, go } = await stage()
    expect(await go(KEY).live).toBe(true)
    desk.ended.length = 0
    const twin = go(KEY)
    await twin.ended
    await vi.waitFor(() => expect(desk.ended).toHaveLength(2), WAIT)
    const [first, second] = desk.asked.map((request) => request.session?.session)
    expect(second).not.toBe(first)
    // Once before it was decided, once by its own publish_done.
    expect(desk.ended).toEqual([`edge-1/${second}`, `edge-1/${second}`])
    expect(await nginx.names()).toEqual([PUBLIC])
  })

  it('polls keep a running stream while the gate answers, refuses the secret, is in trouble, and is gone', async () => {
    const polls: number[] = []
    let status = 200
    const answer = (response: ServerResponse) => {
      if (status !== 200) response.writeHead(status).end('<h1>trouble</h1>')
      polls.push(status)
      return status !== 200
    }
    const replace = [['notify_update_timeout 15s', 'notify_update_timeout 300ms']] as const
    const { gate, nginx, go } = await stage({ replace, answer })
    const on = go(KEY)
    expect(await on.live).toBe(true)
    for (status of [200, 401, 503]) {
      const twice = () => expect(polls.filter((poll) => poll === status).length).toBeGreaterThan(2)
      await vi.waitFor(twice, WAIT)
    }
    await gate.stop()
    const state = await Promise.race([on.ended.then(() => 'cut'), after(1_500)])
    expect([state, await nginx.names()]).toEqual(['still running', [PUBLIC]])
  })

  it('after a restart of nginx, which counts from one again, the next broadcast is decided anew', async () => {
    const { desk, gate, nginx, go } = await stage()
    expect(await go(KEY).live).toBe(true)
    await nginx.stop()
    const fresh = await startNginx((ports) =>
      pageConfig({ ...ports, gate: gate.url, secret: SECRET, when_down: 'deny' }),
    )
    endings.push(fresh.stop)
    const on = broadcast(`${fresh.rtmp}/live/${KEY}`)
    endings.push(on.stop)
    expect(await on.live).toBe(true)
    expect(desk.asked).toHaveLength(2)
  })
})

function after(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('still running'), ms))
}
