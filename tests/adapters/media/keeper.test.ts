/**
 * (G5, G11) The keeper with a real gate and a real HTTP control server: cuts, late decisions, leases, and servers that lie.
 */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { aStrike, ask, HOUR, MINUTE, NOW, useGates } from '../../support/gate.ts'
import { SECRET } from './desk.ts'
import { aKeeperScene, type KeeperScene, type SceneOptions, WAIT } from './keeper-scene.ts'

const newGate = useGates()
const scenes: KeeperScene[] = []
afterEach(async () => {
  for (const one of scenes.splice(0)) await one.end()
})

async function scene(options: SceneOptions = {}): Promise<KeeperScene> {
  const made = await aKeeperScene(newGate, options)
  scenes.push(made)
  return made
}

const running = ({ control }: KeeperScene): string[] => [...control.publishers.keys()]

async function open({ t }: KeeperScene, subject: string) {
  return (await t.state(subject)).broadcasts
}

const drops = ({ control }: KeeperScene): string[] =>
  control.calls.filter((call) => call.includes('/drop/'))

describe('a strike', () => {
  it('ends what runs: ordered, dropped, confirmed and recorded', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    await s.live('u_2', '42')
    const answer = await s.t.gate.strike(aStrike('s1', 'u_1'))
    expect(answer.revoked).toHaveLength(1)
    await vi.waitFor(() => expect(running(s)).toEqual(['42']), WAIT)
    await vi.waitFor(
      async () =>
        expect(await s.broadcastEvents()).toEqual(['revoked strike', 'cut strike dropped']),
      WAIT,
    )
    expect(await open(s, 'u_1')).toEqual([])
    expect(await open(s, 'u_2')).toHaveLength(1)
    expect(drops(s)).toEqual(['GET /control/drop/publisher?app=live&clientid=41'])
    expect(s.keeper.cutting()).toBe(0)
  })

  it('of which no hint came is found by the next look', async () => {
    const s = await scene({ deaf: true })
    await s.live('u_1', '41')
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
  })

  it('that came before a crash is carried out by the next process', async () => {
    const s = await scene({ deaf: true, start: false })
    await s.live('u_1', '41')
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    expect(running(s)).toEqual(['41'])
    await s.anotherKeeper().start()
    await vi.waitFor(
      async () => expect(await s.broadcastEvents()).toContain('cut strike dropped'),
      WAIT,
    )
    expect(running(s)).toEqual([])
  })

  it('on a publisher who is only about to start: "0 dropped" confirms nothing, and he is dropped when he is there', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    const publisher = s.control.publishers.get('41')
    s.control.publishers.clear()
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    await vi.waitFor(() => expect(drops(s).length).toBeGreaterThan(1), WAIT)
    await s.looks()
    expect(await s.broadcastEvents()).toEqual(['revoked strike'])
    if (publisher !== undefined) s.control.publishers.set('41', publisher)
    await vi.waitFor(
      async () => expect(await s.broadcastEvents()).toContain('cut strike dropped'),
      WAIT,
    )
  })

  it('on somebody who is gone without a word is confirmed by his absence, but only after a start could have come', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    s.control.publishers.clear()
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    s.t.clock.set(NOW + 15_000)
    await s.looks()
    expect(await s.broadcastEvents()).toEqual(['revoked strike'])
    s.t.clock.set(NOW + 15_001)
    await vi.waitFor(
      async () => expect(await s.broadcastEvents()).toContain('cut strike absent'),
      WAIT,
    )
  })

  it('whose end the server reports is not cut any further', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    s.control.manners = (_request, response) => void response.writeHead(500).end()
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    await vi.waitFor(() => expect(s.keeper.cutting()).toBe(1), WAIT)
    const body = 'app=live&addr=203.0.113.9&clientid=41&call=publish_done&name=x'
    await post(s, body)
    expect(await s.broadcastEvents()).toEqual(['revoked strike', 'cut strike reported'])
    expect(s.keeper.cutting()).toBe(0)
  })

  it('is given up when its time is over, and the record says that nobody confirmed it', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    s.control.manners = (request) => void request.socket.destroy()
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    await vi.waitFor(() => expect(drops(s).length).toBeGreaterThan(1), WAIT)
    s.t.clock.set(NOW + 5 * HOUR)
    await vi.waitFor(
      async () => expect(await s.broadcastEvents()).toContain('cut strike none'),
      WAIT,
    )
  })

  it('on one of two publishers of a name ends that connection only', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    const { name = '' } = s.control.publishers.get('41') ?? {}
    await s.live('u_2', '42')
    s.control.publishers.set('42', {
      app: 'live',
      name: s.control.publishers.get('42')?.name ?? '',
    })
    s.control.publishers.set('43', { app: 'other', name })
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    await vi.waitFor(() => expect(running(s)).toEqual(['42', '43']), WAIT)
  })
})

describe('a server that lies', () => {
  it('about having dropped somebody is told again, without a second decision or order', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    s.control.manners = (request, response, honest) => {
      if (request.url?.includes('/drop/')) response.end('1')
      else honest(request, response)
    }
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    await vi.waitFor(() => expect(drops(s).length).toBeGreaterThan(3), WAIT)
    const decided = s.t.kinds().filter((kind) => kind === 'decision').length
    expect(decided).toBe(1)
    expect(await s.broadcastEvents()).toEqual(['revoked strike', 'cut strike dropped'])
    s.control.manners = null
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
  })

  const PAGES: readonly (readonly [string, string])[] = [
    ['an HTML page', '<!doctype html><title>ok</title>'],
    ['nothing', ''],
    ['half a list', '<?xml version="1.0" encoding="utf-8" ?>\r\n<rtmp>\r\n<server>'],
    ['ten megabytes', 'x'.repeat(10_000_000)],
  ]
  for (const [name, page] of PAGES)
    it(`by answering ${name} ends nothing and confirms nothing`, async () => {
      const s = await scene()
      await s.live('u_1', '41')
      await s.live('u_2', '42')
      s.control.manners = (_request, response) => void response.end(page)
      await s.t.gate.strike(aStrike('s1', 'u_1'))
      s.t.clock.set(NOW + 2 * MINUTE)
      await s.looks(3)
      expect(await s.broadcastEvents()).toEqual(['revoked strike'])
      expect(await open(s, 'u_2')).toHaveLength(1)
      expect(s.events).toContainEqual(expect.objectContaining({ type: 'control_failed' }))
      s.control.manners = null
      await vi.waitFor(() => expect(running(s)).toEqual(['42']), WAIT)
    })

  it('by listing nobody loses no lease that is young, and one that is old only at the second time', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    s.control.publishers.clear()
    s.t.clock.set(NOW + 10_000)
    await s.looks(3)
    expect(await open(s, 'u_1')).toHaveLength(1)
    s.t.clock.set(NOW + 10_001)
    await vi.waitFor(async () => expect(await open(s, 'u_1')).toEqual([]), WAIT)
    expect(await s.broadcastEvents()).toEqual(['ended lost'])
  })
})

it('what no list shows but the server asks about keeps its lease, and is cut by its next question', async () => {
  const s = await scene()
  await s.live('u_1', '41')
  s.control.publishers.clear()
  expect((await poll(s)).status).toBe(200)
  s.t.clock.set(NOW + MINUTE)
  await s.looks(3)
  expect(await open(s, 'u_1')).toHaveLength(1)
  await s.t.gate.strike(aStrike('s1', 'u_1'))
  await s.looks()
  expect(await s.broadcastEvents()).toEqual(['revoked strike'])
  expect((await poll(s)).status).toBe(403)
})

describe('a publisher nobody decided', () => {
  it('under a key of somebody who may is decided, recorded as ungated and kept', async () => {
    const s = await scene({ server: { when_down: 'allow' } })
    const { secret, stream } = await s.key('u_1')
    s.control.publishers.set('41', { app: 'live', name: secret })
    await vi.waitFor(async () => expect(await open(s, 'u_1')).toHaveLength(1), WAIT)
    await s.looks()
    expect(await s.broadcastEvents()).toEqual(['ungated gate_unreachable'])
    expect(await open(s, 'u_1')).toMatchObject([{ stream, session: '41', server: 'edge-1' }])
    expect(running(s)).toEqual(['41'])
    expect(JSON.stringify(s.t.store.entries())).not.toContain(secret)
    expect(JSON.stringify([await open(s, 'u_1'), s.events])).not.toContain(secret)
  })

  it('under a key of somebody who may not is decided, recorded and cut', async () => {
    const s = await scene({ server: { when_down: 'allow' } })
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    const { secret } = await s.key('u_1')
    s.control.publishers.set('41', { app: 'live', name: secret })
    await vi.waitFor(
      async () =>
        expect(await s.broadcastEvents()).toEqual([
          'ungated gate_unreachable',
          'cut ungated dropped',
        ]),
      WAIT,
    )
    expect(running(s)).toEqual([])
    await s.looks()
    expect(s.t.kinds().filter((kind) => kind === 'decision')).toHaveLength(1)
  })

  it('under nobody’s key is cut without an outcome and counted', async () => {
    const s = await scene()
    s.control.publishers.set('41', { app: 'live', name: 'side-door' })
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    expect(s.events).toContainEqual({
      type: 'ungated_stranger',
      server: 'edge-1',
      why: 'unknown_key',
    })
    expect(s.t.kinds()).not.toContain('decision')
  })

  it('under somebody else’s public name is no more that somebody than anybody', async () => {
    const s = await scene({ server: { when_down: 'allow' } })
    const { name } = await s.key('u_victim')
    s.control.publishers.set('41', { app: 'live', name })
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    expect(s.t.kinds()).not.toContain('decision')
  })

  it('whose own lease was over is known by it, also under his public name', async () => {
    const s = await scene({ start: false })
    await s.live('u_1', '41')
    s.t.clock.set(NOW + 5 * HOUR)
    await s.keeper.start()
    await vi.waitFor(
      async () => expect(await s.broadcastEvents()).toContain('ungated lease_lost'),
      WAIT,
    )
    await s.looks()
    expect(running(s)).toEqual(['41'])
  })

  it('with a number that belonged to somebody before the server restarted is not that somebody', async () => {
    const s = await scene({ server: { when_down: 'allow' } })
    await s.live('u_1', '41')
    const { secret } = await s.key('u_2')
    s.control.publishers.set('41', { app: 'live', name: secret })
    await vi.waitFor(async () => expect(await open(s, 'u_2')).toHaveLength(1), WAIT)
    expect(await open(s, 'u_1')).toEqual([])
    expect(await s.broadcastEvents()).toEqual(['ended lost', 'ungated gate_unreachable'])
  })

  it('in another application is the operator’s business where one application is named', async () => {
    const s = await scene()
    s.control.publishers.set('41', { app: 'hls', name: 'live_720p' })
    await s.looks(3)
    expect(running(s)).toEqual(['41'])
    expect(s.events.filter(({ type }) => type !== 'observed')).toEqual([])
  })

  it('is left running while the gate cannot decide, and decided when it can', async () => {
    const s = await scene({ server: { when_down: 'allow' } })
    const { secret } = await s.key('u_1')
    s.t.fates.push('before', 'before')
    s.control.publishers.set('41', { app: 'live', name: secret })
    await vi.waitFor(async () => expect(await open(s, 'u_1')).toHaveLength(1), WAIT)
    expect(s.errors.length).toBeGreaterThan(0)
    expect(running(s)).toEqual(['41'])
  })

  it('twenty of them are decided in one look', async () => {
    const s = await scene({ server: { when_down: 'allow' }, start: false })
    for (let n = 1; n <= 20; n++) {
      const subject = `u_${n}`
      const { secret } = await s.key(subject)
      if (n % 2 === 0) await s.t.gate.strike(aStrike(`s${n}`, subject))
      s.control.publishers.set(String(n), { app: 'live', name: secret })
    }
    await s.keeper.start()
    await vi.waitFor(() => expect(running(s)).toHaveLength(10), WAIT)
    await vi.waitFor(
      async () =>
        expect(
          (await s.broadcastEvents()).filter((event) => event.startsWith('ungated')),
        ).toHaveLength(20),
      WAIT,
    )
  })
})

describe('a lease', () => {
  it('is renewed at half of it while the server lists the publisher, and not before', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    await s.looks()
    s.t.clock.set(NOW + 2 * HOUR - 1)
    await s.looks()
    expect(await s.broadcastEvents()).toEqual([])
    s.t.clock.set(NOW + 2 * HOUR)
    await vi.waitFor(async () => expect(await s.broadcastEvents()).toEqual(['renewed lease']), WAIT)
    expect(await open(s, 'u_1')).toMatchObject([{ lease_until: NOW + 6 * HOUR }])
    await s.looks()
    expect(await s.broadcastEvents()).toEqual(['renewed lease'])
  })

  it('of what would be refused now is not renewed but revoked and cut', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    await s.looks()
    await s.t.activate(STRICTER)
    s.t.clock.set(NOW + 2 * HOUR)
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    expect(await s.broadcastEvents()).toContain('revoked lease')
  })
})

describe('a poll', () => {
  it('of what runs under its lease goes on', async () => {
    const s = await scene({ server: { control: null } })
    await s.live('u_1', '41')
    expect((await poll(s)).status).toBe(200)
    expect(await s.broadcastEvents()).toEqual([])
  })

  it('renews at half of the lease, where there is no list', async () => {
    const s = await scene({ server: { control: null } })
    await s.live('u_1', '41')
    await poll(s)
    s.t.clock.set(NOW + 2 * HOUR)
    expect((await poll(s)).status).toBe(200)
    expect(await s.broadcastEvents()).toEqual(['renewed lease'])
  })

  it('of what was revoked is the server’s order to cut it', async () => {
    const s = await scene({ server: { control: null } })
    await s.live('u_1', '41')
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    expect((await poll(s)).status).toBe(403)
    await post(s, 'app=live&addr=203.0.113.9&clientid=41&call=publish_done&name=x')
    expect(await s.broadcastEvents()).toEqual(['revoked strike', 'cut strike reported'])
  })

  it('of what would be refused at its renewal stops it at once', async () => {
    const s = await scene({ server: { control: null } })
    await s.live('u_1', '41')
    await poll(s)
    await s.t.activate(STRICTER)
    s.t.clock.set(NOW + 2 * HOUR)
    expect((await poll(s)).status).toBe(403)
  })

  it('of what nobody decided decides it by the key it names', async () => {
    const s = await scene({ server: { control: null, when_down: 'allow' } })
    await s.key('u_1')
    await s.key('u_2')
    await s.t.gate.strike(aStrike('s1', 'u_2'))
    expect((await poll(s, '41', 'secret-of-u_1')).status).toBe(200)
    expect((await poll(s, '42', 'secret-of-u_2')).status).toBe(403)
    expect((await poll(s, '42', 'secret-of-u_2')).status).toBe(403)
    expect(await s.broadcastEvents()).toEqual([
      'ungated gate_unreachable',
      'ungated gate_unreachable',
    ])
  })

  it('that comes after the end it was overtaken by decides nothing', async () => {
    const s = await scene({ server: { control: null } })
    await s.live('u_1', '41')
    await post(s, 'app=live&addr=203.0.113.9&clientid=41&call=publish_done&name=x')
    expect((await poll(s)).status).toBe(200)
    expect(s.t.kinds().filter((kind) => kind === 'decision')).toHaveLength(1)
    expect(await open(s, 'u_1')).toEqual([])
  })

  it('that comes after the cut it was overtaken by decides nothing', async () => {
    const s = await scene()
    await s.live('u_1', '41')
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    await vi.waitFor(
      async () => expect(await s.broadcastEvents()).toContain('cut strike dropped'),
      WAIT,
    )
    expect((await poll(s)).status).toBe(200)
    expect(s.t.kinds().filter((kind) => kind === 'decision')).toHaveLength(1)
  })

  it('of somebody unknown goes on: only a clear no ends what runs', async () => {
    const s = await scene({ server: { control: null } })
    expect((await poll(s, '99', 'who-is-this')).status).toBe(200)
  })

  it('that the gate cannot answer goes on', async () => {
    const s = await scene({ server: { control: null } })
    await s.live('u_1', '41')
    await poll(s)
    s.t.clock.set(NOW + 2 * HOUR)
    s.t.fates.push('before')
    expect((await poll(s)).status).toBe(200)
    expect(s.errors).toHaveLength(1)
    expect((await poll(s)).status).toBe(200)
    expect(await s.broadcastEvents()).toEqual(['renewed lease'])
  })
})

describe('a start that is repeated', () => {
  const PUBLISH =
    'app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=203.0.113.9&clientid=41&call=publish&name=secret-of-u_1&type=live'
  const decisions = ({ t }: KeeperScene): number =>
    t.kinds().filter((kind) => kind === 'decision').length

  it('gets the same answer and no second decision, while it runs', async () => {
    const s = await scene({ server: { control: null } })
    await s.key('u_1')
    const answers = [await post(s, PUBLISH), await post(s, PUBLISH)]
    expect(answers.map(({ status }) => status)).toEqual([302, 302])
    const [first, second] = answers.map(({ headers }) => headers.get('livegate-decision'))
    expect(second).toBe(first)
    expect(decisions(s)).toBe(1)
    expect(await open(s, 'u_1')).toHaveLength(1)
  })

  it('is decided anew after a strike in between, and refused', async () => {
    const s = await scene({ server: { control: null } })
    await s.key('u_1')
    await post(s, PUBLISH)
    await s.t.gate.strike(aStrike('s1', 'u_1'))
    expect((await post(s, PUBLISH)).status).toBe(403)
    expect(await open(s, 'u_1')).toEqual([])
  })

  it('is decided anew once its lease is over', async () => {
    const s = await scene({ server: { control: null } })
    await s.key('u_1')
    await post(s, PUBLISH)
    s.t.clock.set(NOW + 5 * HOUR)
    expect((await post(s, PUBLISH)).status).toBe(302)
    expect(decisions(s)).toBe(2)
  })

  it('after its end is another start', async () => {
    const s = await scene({ server: { control: null } })
    await s.key('u_1')
    await post(s, PUBLISH)
    await post(s, 'app=live&addr=203.0.113.9&clientid=41&call=publish_done&name=x')
    expect((await post(s, PUBLISH)).status).toBe(302)
    expect(decisions(s)).toBe(2)
  })
})

it('what is observed is counted in stream-seconds, with and without a decision', async () => {
  const s = await scene()
  await s.live('u_1', '41')
  await s.looks(4)
  const seen = s.events.flatMap((event) => (event.type === 'observed' ? [event] : []))
  expect(seen.reduce((sum, { covered_s }) => sum + covered_s, 0)).toBeGreaterThan(0)
  expect(seen.reduce((sum, { uncovered_s }) => sum + uncovered_s, 0)).toBe(0)
})

it('after a stop nothing is asked and nothing is cut', async () => {
  const s = await scene()
  await s.live('u_1', '41')
  await s.keeper.stop()
  const { length } = s.control.calls
  await s.t.gate.strike(aStrike('s1', 'u_1'))
  await s.t.gate.decide(ask('u_2'))
  expect(s.control.calls).toHaveLength(length)
  expect(running(s)).toEqual(['41'])
})

/** Denies everybody. */
const STRICTER = `livegate: policy/v1
name: stricter
rules:
  - { id: nobody, ground: terms, when: 'now > timestamp("2000-01-01T00:00:00Z")', outcome: deny }
on_unknown: { retry_after: 30s }
default: allow
lease: 4h
`

function poll(s: KeeperScene, session = '41', name = 'secret-of-u_1'): Promise<Response> {
  const who = `app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=203.0.113.9&clientid=${session}`
  return post(s, `${who}&call=update_publish&time=4&timestamp=3956&name=${name}`)
}

function post({ hooks }: KeeperScene, body: string): Promise<Response> {
  return hooks.handle('nginx-rtmp', 'edge-1', {
    method: 'POST',
    url: 'http://gate.example/hooks/nginx-rtmp/edge-1',
    headers: new Headers({
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/x-www-form-urlencoded',
    }),
    body: new TextEncoder().encode(body),
  })
}
