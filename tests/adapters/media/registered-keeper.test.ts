/**
 * Registered servers between a real gate, a real keeper and a real control interface: nothing that runs is let go of, and no
 * cut is confirmed that nobody saw. The rules without them: registrations.test.ts.
 */
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  createRegistrations,
  type Registrations,
} from '../../../src/adapters/media/registrations.ts'
import { type MediaServer, parseServersFile } from '../../../src/adapters/media/servers-file.ts'
import { openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createSqlMediaServers } from '../../../src/adapters/sqlite/media-servers.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { opened, useGates } from '../../support/gate.ts'
import { eventBody, publishBody } from './desk.ts'
import { aKeeperScene, type KeeperScene, WAIT } from './keeper-scene.ts'

const SECRET = 'c2VjcmV0IG9mIG9yaWdpbnM='
const TTL = 10_000
const ID = 'edge-1'
const newGate = useGates()
const over: (() => unknown)[] = []
afterEach(async () => {
  for (const end of over.splice(0)) await end()
})

interface Scene extends KeeperScene {
  readonly registrations: Registrations
  register(id?: string, host?: string): Promise<void>
  /** Lets so much time pass for registrations, and looks. */
  quiet(ms: number): Promise<void>
  hook(body: string, id?: string): Promise<number>
  strike(subject: string): Promise<void>
}

async function aScene(): Promise<Scene> {
  const holder: { registrations: Registrations | null; templates: MediaServer[] } = {
    ...{ registrations: null, templates: [] },
  }
  const scene = await aKeeperScene(newGate, {
    registered: {
      templates: holder.templates,
      find: (id) => holder.registrations?.find(id) ?? null,
    },
  })
  over.push(scene.end)
  const sql = openNodeSql(':memory:')
  over.push(() => sql.close())
  migrate(sql)
  const { port } = new URL(scene.control.url)
  const file = parseServersFile(
    utf8(`servers:
  - id: origins
    kind: nginx-rtmp
    secret: "${SECRET}"
    subject: { from: stream_key }
    app: live
    reconcile: 1s
    control: "http://{host}:${port}"
    register: { hosts: [127.0.0.0/8], ttl: 10s }
`),
    'f',
    { env: () => undefined, file: () => null },
  )
  if (!file.ok) throw new Error(JSON.stringify(file.error))
  // The file counts in whole seconds; looks here are quick.
  const templates = file.value.templates.map((one) => ({
    ...one,
    server: { ...one.server, reconcile_ms: 10 },
  }))
  holder.templates.push(...templates.map((one) => one.server))
  let elapsed = 0
  const registrations = createRegistrations({
    file: { servers: [], templates },
    store: createSqlMediaServers(sql, { write: async (work) => sql.transaction(work) }),
    ...{ custody: scene.custody, clock: scene.t.clock, now: () => elapsed },
    repeats_are_kept: false,
    observe: (event) => void scene.events.push(event),
    onError: (error) => void scene.errors.push(error),
  })
  holder.registrations = registrations
  await registrations.load()
  return {
    ...scene,
    registrations,
    async register(id = ID, host = '127.0.0.1') {
      await registrations.register({ id, template: 'origins', host })
    },
    async quiet(ms) {
      elapsed += ms
      await registrations.tick()
    },
    async hook(body, id = ID) {
      const answer = await scene.hooks.handle('nginx-rtmp', id, {
        method: 'POST',
        url: `http://gate.example/hooks/nginx-rtmp/${id}`,
        headers: new Headers({
          authorization: `Bearer ${SECRET}`,
          'content-type': 'application/x-www-form-urlencoded',
        }),
        body: utf8(body),
      })
      return answer.status
    },
    async strike(subject) {
      const at = scene.t.clock.now()
      await scene.t.gate.strike({
        ...{ id: `s_${subject}`, subject, category: 'terrorism.link', severity: 'high' },
        issued_at: at,
      })
    },
  }
}

function changesOf({ events }: Scene): string[] {
  return events.flatMap((event) =>
    event.type === 'media_server' ? [`${event.change} ${event.server}`] : [],
  )
}

describe('a registered server', () => {
  it('is nobody before it registers and after it is gone, and let in while it is there', async () => {
    const scene = await aScene()
    const { secret } = await scene.key('u_1')
    expect(await scene.hook(publishBody({ name: secret }))).toBe(401)
    await scene.register()
    expect(await scene.hook(publishBody({ name: secret }))).toBe(302)
    expect(await scene.hook(eventBody('publish_done'))).toBe(200)
    await scene.registrations.deregister(ID)
    expect(await scene.hook(publishBody({ name: secret }))).toBe(401)
    expect(changesOf(scene)).toEqual([`registered ${ID}`, `deregistered ${ID}`, `gone ${ID}`])
  })

  it('is looked at from its registration on: what it runs without a decision is decided', async () => {
    const scene = await aScene()
    const { secret } = await scene.key('u_1')
    scene.control.publishers.set('7', { app: 'live', name: secret })
    await scene.register()
    await vi.waitFor(async () => expect(await scene.broadcastEvents()).toHaveLength(1), WAIT)
    expect((await scene.broadcastEvents())[0]).toContain('ungated')
  })

  it('that leaves starts nothing, tells its ends, and loses its broadcasts to nobody', async () => {
    const scene = await aScene()
    const [one, two] = [await scene.key('u_1'), await scene.key('u_2')]
    await scene.register()
    expect(await scene.hook(publishBody({ name: one.secret, clientid: '41' }))).toBe(302)
    scene.control.publishers.set('41', { app: 'live', name: one.name })
    await scene.quiet(TTL)
    expect(await scene.hook(publishBody({ name: two.secret, clientid: '42' }))).toBe(503)
    await scene.looks()
    expect(await scene.custody.isOpen(ID)).toBe(true)
    scene.control.publishers.delete('41')
    expect(await scene.hook(eventBody('publish_done', '41'))).toBe(200)
    await scene.quiet(1)
    expect(changesOf(scene).at(-1)).toBe(`gone ${ID}`)
    expect(await scene.broadcastEvents()).toEqual(['ended publish_done'])
    expect(scene.keeper.silentFor(ID)).toBeNull()
  })

  it('that leaves is still told to cut what is struck', async () => {
    const scene = await aScene()
    await scene.register()
    await scene.live('u_1', '41')
    await scene.registrations.deregister(ID)
    await scene.strike('u_1')
    await vi.waitFor(() => expect(scene.control.publishers.size).toBe(0), WAIT)
    await vi.waitFor(async () => expect(await scene.custody.isOpen(ID)).toBe(false), WAIT)
    expect((await scene.broadcastEvents()).at(-1)).toBe('cut strike dropped')
    await scene.quiet(1)
    expect(changesOf(scene).at(-1)).toBe(`gone ${ID}`)
  })

  it('that vanished: what needs no cut is lost after a second ttl, a cut goes on and confirms nothing', async () => {
    const scene = await aScene()
    await scene.register()
    await scene.live('u_1', '41')
    await scene.live('u_2', '42')
    scene.control.manners = (request) => void request.socket.destroy()
    await scene.strike('u_2')
    await vi.waitFor(
      () =>
        expect(scene.events.filter(({ type }) => type === 'control_failed').length).toBeGreaterThan(
          2,
        ),
      WAIT,
    )
    await scene.quiet(TTL)
    expect(await scene.broadcastEvents()).toEqual(['revoked strike'])
    // Nothing was heard of it for as long as it has been leaving.
    scene.skip(TTL)
    await scene.quiet(TTL)
    expect(await scene.broadcastEvents()).toEqual(['revoked strike', 'ended lost'])
    expect(await scene.custody.isOpen(ID)).toBe(true)
    expect(changesOf(scene)).toEqual([`registered ${ID}`, `expired ${ID}`])
    scene.t.clock.set(scene.t.clock.now() + 4 * 3_600_000)
    await vi.waitFor(
      async () =>
        expect(await scene.broadcastEvents()).toEqual([
          'revoked strike',
          'ended lost',
          'cut strike none',
        ]),
      { ...WAIT, timeout: 8_000 },
    )
    await scene.quiet(1)
    expect(changesOf(scene).at(-1)).toBe(`gone ${ID}`)
  })

  it('whose address another has is not looked for there: the other confirms no cut of it', async () => {
    const scene = await aScene()
    await scene.register()
    await scene.live('u_1', '41')
    await scene.live('u_2', '42')
    let refused = 0
    scene.control.manners = (request, response, honest) => {
      if (request.url?.includes('/control/drop') !== true) return honest(request, response)
      refused++
      response.writeHead(500).end()
    }
    await scene.strike('u_2')
    await vi.waitFor(() => expect(refused).toBeGreaterThan(1), WAIT)
    await scene.quiet(TTL)
    // Another machine answers at that address now, and knows nobody.
    scene.control.publishers.clear()
    scene.control.manners = null
    await scene.register('edge-2')
    await scene.looks(3)
    await scene.quiet(1)
    expect(await scene.broadcastEvents()).toEqual(['revoked strike', 'ended lost'])
    // Long enough for a list that lacks it to confirm a cut, were it asked for.
    scene.t.clock.set(scene.t.clock.now() + 120_000)
    await scene.looks(3)
    expect(await scene.broadcastEvents()).toEqual(['revoked strike', 'ended lost'])
    scene.t.clock.set(scene.t.clock.now() + 4 * 3_600_000)
    await vi.waitFor(
      async () => expect((await scene.broadcastEvents()).at(-1)).toBe('cut strike none'),
      {
        ...WAIT,
        timeout: 8_000,
      },
    )
  })

  it('ends as lost nothing that has to stop', async () => {
    const scene = await aScene()
    await scene.register()
    const broadcast = await scene.live('u_1', '41')
    scene.control.manners = (request) => void request.socket.destroy()
    const lost = { broadcast, caller: 'hook:edge-1', reason: 'lost', unless_cutting: true } as const
    await scene.strike('u_1')
    expect(await scene.t.gate.end(lost)).toBe(false)
    expect(await scene.broadcastEvents()).toEqual(['revoked strike'])
    const { unless_cutting: _, ...whatever } = lost
    expect(await scene.t.gate.end(whatever)).toBe(true)
    expect((await scene.broadcastEvents()).at(-1)).toBe('cut strike absent')
  })

  it('that comes back under its id has an enforcer of its own: no number is left out or given twice', async () => {
    const scene = await aScene()
    const { secret } = await scene.key('u_1')
    for (let life = 0; life < 2; life++) {
      await scene.register(ID, `127.0.0.${life + 1}`)
      for (const clientid of ['1', '2', '3']) {
        expect(await scene.hook(publishBody({ name: secret, clientid }))).toBe(302)
        expect(await scene.hook(eventBody('publish_done', clientid))).toBe(200)
      }
      await scene.registrations.deregister(ID)
    }
    const { records } = await scene.t.store.directory.records({ from: 0, limit: 500 })
    const asked = records
      .filter(({ kind }) => kind === 'decision')
      .map(({ openings }) => opened(openings, 'request') as { enforcer: string; enf_seq: number })
    const enforcers = [...new Set(asked.map(({ enforcer }) => enforcer))]
    expect(enforcers).toHaveLength(2)
    for (const enforcer of enforcers)
      expect(
        asked.filter((one) => one.enforcer === enforcer).map(({ enf_seq }) => enf_seq),
      ).toEqual([1, 2, 3])
  })
})
