/**
 * (G5, G11) What runs late stays as late as it must: a real gate, a real control server, a delayed application beside.
 */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { aStrike, HOUR, MINUTE, NOW, policyOf, useGates } from '../../support/gate.ts'
import { publishBody, SECRET } from './desk.ts'
import { aKeeperScene, type KeeperScene, type SceneOptions, WAIT } from './keeper-scene.ts'

/** Small offences are shown late, greater ones later, great ones not at all. */
const POLICY = policyOf(
  [
    ['late', 'low', 'outcome: delay, broadcast_delay: 10s'],
    ['later', 'medium', 'outcome: delay, broadcast_delay: 20s'],
    ['much-later', 'high', 'outcome: delay, broadcast_delay: 40s'],
    ['never', 'critical', 'outcome: deny'],
  ]
    .map(
      ([id, severity, asks]) =>
        `  - { id: ${id}, ground: terms, count: { category: ["*"], severity: [${severity}] }, ladder: { 1: 30d }, ${asks} }`,
    )
    .join('\n'),
)
const SERVER = { delayed: { app: 'live_delayed', up_to_s: 30 } }

const newGate = useGates()
const scenes: KeeperScene[] = []
afterEach(async () => {
  for (const one of scenes.splice(0)) await one.end()
})

async function scene(options: SceneOptions = {}): Promise<KeeperScene> {
  const made = await aKeeperScene(newGate, { policy: POLICY, server: SERVER, ...options })
  scenes.push(made)
  return made
}

async function publish(
  { hooks }: KeeperScene,
  secret: string,
  clientid: string,
): Promise<Response> {
  const body = publishBody({ name: secret, clientid })
  const headers = new Headers({
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Bearer ${SECRET}`,
  })
  return hooks.handle('nginx-rtmp', 'edge-1', {
    ...{ method: 'POST', url: 'http://gate.test/hooks/nginx-rtmp/edge-1' },
    ...{ headers, body: new TextEncoder().encode(body) },
  })
}

const strikes = { low: 'late', medium: 'later', high: 'much-later', critical: 'never' } as const
type Severity = keyof typeof strikes
let count = 0
function strike({ t }: KeeperScene, subject: string, severity: Severity) {
  return t.gate.strike(aStrike(`s${++count}`, subject, { severity }))
}

/** Goes live through the hook: publisher in the list, and his late copy if he has one. */
async function live(s: KeeperScene, subject: string, session: string, struck?: Severity) {
  const key = await s.key(subject)
  if (struck !== undefined) await strike(s, subject, struck)
  const name = (await publish(s, key.secret, session)).headers.get('location') ?? ''
  expect(name).not.toBe('')
  s.control.publishers.set(session, { app: 'live', name })
  if (name.startsWith('tape_'))
    s.control.publishers.set(`9${session}`, { app: 'live_delayed', name: key.name })
  return { ...key, runs_as: name }
}

const running = ({ control }: KeeperScene): string[] => [...control.publishers.keys()].sort()
const drops = ({ control }: KeeperScene): string[] =>
  control.calls.filter((call) => call.includes('/drop/'))

async function ungated(s: KeeperScene): Promise<string[]> {
  return (await s.broadcastEvents()).filter((event) => event.startsWith('ungated'))
}

describe('a delayed broadcast', () => {
  it('is known in the list by the name it was given, and its copy belongs to it', async () => {
    const s = await scene()
    const { runs_as } = await live(s, 'u_1', '41', 'low')
    expect(runs_as).toMatch(/^tape_10_/)
    await s.looks(3)
    expect(running(s)).toEqual(['41', '941'])
    expect([drops(s), await s.broadcastEvents(), s.errors]).toEqual([[], [], []])
  })

  it('is renewed as late as it is', async () => {
    const s = await scene()
    await live(s, 'u_1', '41', 'low')
    await s.looks()
    s.t.clock.set(NOW + 3 * HOUR)
    await vi.waitFor(async () => expect(await s.broadcastEvents()).toEqual(['renewed lease']), WAIT)
    await s.looks()
    s.t.clock.set(NOW + 6 * HOUR)
    await vi.waitFor(async () => expect(await s.broadcastEvents()).toHaveLength(2), WAIT)
    expect(running(s)).toEqual(['41', '941'])
  })

  it('ends with its copy when it must stop', async () => {
    const s = await scene()
    const { name } = await live(s, 'u_1', '41', 'low')
    await live(s, 'u_2', '42', 'low')
    await strike(s, 'u_1', 'critical')
    await vi.waitFor(() => expect(running(s)).toEqual(['42', '942']), WAIT)
    expect(drops(s).slice(0, 2).sort()).toEqual([
      'GET /control/drop/publisher?app=live&clientid=41',
      `GET /control/drop/publisher?app=live_delayed&name=${name}`,
    ])
    await vi.waitFor(
      async () => expect(await s.broadcastEvents()).toContain('cut strike dropped'),
      WAIT,
    )
  })

  it('that is found only by a look ends with its copy as well', async () => {
    const s = await scene({ deaf: true, start: false })
    const { name } = await live(s, 'u_1', '41', 'low')
    await strike(s, 'u_1', 'critical')
    expect(running(s)).toEqual(['41', '941'])
    await s.keeper.start()
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    expect(drops(s)).toContain(`GET /control/drop/publisher?app=live_delayed&name=${name}`)
  })

  it('that should now be later than it is cut, and comes back as late as it must be', async () => {
    const s = await scene()
    const { secret } = await live(s, 'u_1', '41', 'low')
    await strike(s, 'u_1', 'medium')
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    expect((await publish(s, secret, '43')).headers.get('location')).toMatch(/^tape_20_/)
    await strike(s, 'u_1', 'high')
    expect((await publish(s, secret, '44')).status).toBe(403)
  })

  it('whose later delay is no longer asked for runs on as it is', async () => {
    const s = await scene()
    await live(s, 'u_1', '41', 'medium')
    await strike(s, 'u_1', 'low')
    await s.looks(3)
    expect(running(s)).toEqual(['41', '941'])
  })

  it('that need not be late any more stays late, and is not cut when it must be again', async () => {
    const s = await scene()
    await live(s, 'u_1', '41', 'low')
    await s.looks()
    await s.t.gate.reverse({ strike: `s${count}`, reason: 'upheld' })
    s.t.clock.set(NOW + 3 * HOUR)
    await vi.waitFor(async () => expect(await s.broadcastEvents()).toEqual(['renewed lease']), WAIT)
    await strike(s, 'u_1', 'low')
    await s.looks(3)
    expect(running(s)).toEqual(['41', '941'])
    expect(await s.broadcastEvents()).toEqual(['renewed lease'])
  })

  it('whose lease was missed again and again goes on being seen', async () => {
    const s = await scene()
    await live(s, 'u_1', '41', 'low')
    s.t.clock.set(NOW + 29 * 24 * HOUR)
    await s.looks()
    s.t.clock.set(NOW + 31 * 24 * HOUR)
    await s.looks(3)
    expect(running(s)).toEqual(['41', '941'])
    expect(await ungated(s)).toHaveLength(2)
  })

  it('whose publisher is in no list, because an old worker of nginx keeps him, goes on being seen', async () => {
    const s = await scene()
    await live(s, 'u_1', '41', 'low')
    s.control.publishers.delete('41')
    await s.looks(3)
    expect(running(s)).toEqual(['941'])
  })
})

describe('what is shown at once', () => {
  it('and should now be late is cut, and comes back late', async () => {
    const s = await scene()
    const { secret, runs_as, name } = await live(s, 'u_1', '41')
    expect(runs_as).toBe(name)
    await strike(s, 'u_1', 'low')
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    await vi.waitFor(
      async () =>
        expect(await s.broadcastEvents()).toEqual(['revoked strike', 'cut strike dropped']),
      WAIT,
    )
    expect((await publish(s, secret, '42')).headers.get('location')).toMatch(/^tape_10_/)
  })

  it('stays cut off after a renewal: what it runs with is remembered', async () => {
    const s = await scene()
    await live(s, 'u_1', '41')
    await s.looks()
    s.t.clock.set(NOW + 3 * HOUR)
    await vi.waitFor(async () => expect(await s.broadcastEvents()).toEqual(['renewed lease']), WAIT)
    await strike(s, 'u_1', 'low')
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
  })

  it('because it began while the gate was away, and should be late, is cut', async () => {
    const s = await scene()
    const { secret } = await s.key('u_1')
    await strike(s, 'u_1', 'low')
    s.control.publishers.set('41', { app: 'live', name: secret })
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    await vi.waitFor(async () => expect(await ungated(s)).toHaveLength(1), WAIT)
  })
})

describe('a lease that ran out unseen', () => {
  it('of a delayed broadcast is decided anew, as late as it is shown', async () => {
    const s = await scene({ start: false })
    await live(s, 'u_1', '41', 'low')
    s.t.clock.set(NOW + 5 * HOUR)
    await s.keeper.start()
    await vi.waitFor(async () => expect(await ungated(s)).toEqual(['ungated lease_lost']), WAIT)
    await s.looks(3)
    expect(running(s)).toEqual(['41', '941'])
    expect(drops(s)).toEqual([])
  })

  it('of one that should be later by now is cut with its copy', async () => {
    const s = await scene({ start: false })
    const { name } = await live(s, 'u_1', '41', 'low')
    s.t.clock.set(NOW + 5 * HOUR)
    await strike(s, 'u_1', 'medium')
    await s.keeper.start()
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    expect(drops(s)).toContain(`GET /control/drop/publisher?app=live_delayed&name=${name}`)
  })
})

describe('in the delayed application', () => {
  it('a copy that was left behind is dropped', async () => {
    const s = await scene()
    const { name } = await s.key('u_1')
    s.control.publishers.set('77', { app: 'live_delayed', name })
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    await s.looks()
    expect(await s.broadcastEvents()).toEqual([])
  })

  it('whatever else runs there is dropped, whoever it is', async () => {
    const s = await scene()
    const { secret } = await s.key('u_1')
    s.control.publishers.set('77', { app: 'live_delayed', name: secret })
    s.control.publishers.set('78', { app: 'live_delayed', name: 'side door' })
    s.control.publishers.set('79', { app: 'other', name: 'mine' })
    await vi.waitFor(() => expect(running(s)).toEqual(['79']), WAIT)
  })

  it('a copy whose broadcast has ended is dropped', async () => {
    const s = await scene()
    await live(s, 'u_1', '41', 'low')
    await s.looks()
    s.control.publishers.delete('41')
    s.t.clock.set(NOW + MINUTE)
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
  })
})

describe('a made-up tape name', () => {
  it('is nobody’s, and is cut', async () => {
    const s = await scene()
    const { stream } = await s.key('u_1')
    const name = `tape_10_${stream.slice(3)}_${'A'.repeat(22)}`
    s.control.publishers.set('41', { app: 'live', name })
    await vi.waitFor(() => expect(running(s)).toEqual([]), WAIT)
    expect(s.events).toContainEqual({
      ...{ type: 'ungated_stranger', server: 'edge-1', why: 'unknown_key' },
    })
    expect(await ungated(s)).toEqual([])
  })
})
