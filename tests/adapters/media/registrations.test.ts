/**
 * Registrations over a real database: who comes, stays, goes quiet and leaves. Clock and timers in hand; who looks after
 * the servers is a list of what it was told. With a keeper and a gate: registered-keeper.test.ts.
 */
import { afterEach, describe, expect, it } from 'vitest'
import {
  createRegistrations,
  type Registrations,
} from '../../../src/adapters/media/registrations.ts'
import { parseServersFile, type ServersFile } from '../../../src/adapters/media/servers-file.ts'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createSqlMediaServers } from '../../../src/adapters/sqlite/media-servers.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { type EpochMs, epochMs } from '../../../src/core/time.ts'

const START = epochMs(1_790_000_000_000)
const TTL = 60_000
const FILE = `servers:
  - { id: edge-1, kind: nginx-rtmp, secret: "c2VjcmV0IG9mIGVkZ2UgMQ==", subject: { from: stream_key }, control: "http://10.0.3.1:8080" }
  - id: origins
    kind: nginx-rtmp
    secret: "c2VjcmV0IG9mIG9yaWdpbnM="
    subject: { from: stream_key }
    control: "http://{host}:8080/control"
    register: { hosts: [10.0.3.0/24, "fd00:3::/64", "*.origins.example"], max: 3 }
  - id: others
    kind: srs
    secret: "c2VjcmV0IG9mIG90aGVycw=="
    subject: { from: stream_key }
    register: { hosts: [10.0.3.0/24], ttl: 10s }
`

function fileOf(text = FILE): ServersFile {
  const read = parseServersFile(utf8(text), 'f', { env: () => undefined, file: () => null })
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value
}

interface Scene {
  readonly registrations: Registrations
  /** What custody was told, in order. */
  readonly told: string[]
  readonly events: string[]
  readonly errors: unknown[]
  /** Ids at which something is open. */
  readonly open: Set<string>
  /** How long nothing was heard of a server; null for all others. */
  readonly silent: Map<string, number>
  /** Writes fail while it is set. */
  fails: LivegateError | null
  /** What is written is there, but whoever wrote it hears of a failure: it died before its answer. */
  dies: boolean
  /** Moves both clocks. */
  pass(ms: number): Promise<void>
  /** The same, before anybody looks. */
  passUnseen(ms: number): void
  /** Moves the wall clock alone. */
  step(ms: number): void
  register(id: string, host?: string, template?: string): Promise<boolean>
  states(): Record<string, string>
  /** The same database under another process. */
  again(file?: ServersFile): Promise<Scene>
}

const databases: NodeSql[] = []
afterEach(() => {
  for (const sql of databases.splice(0)) sql.close()
})

async function aScene(
  given: { readonly file?: ServersFile; readonly sql?: NodeSql; readonly kept?: boolean } = {},
): Promise<Scene> {
  const sql = given.sql ?? openNodeSql(':memory:')
  if (given.sql === undefined) {
    databases.push(sql)
    migrate(sql)
  }
  let [wall, elapsed]: [EpochMs, number] = [START, 5_000]
  const [told, events, errors]: [string[], string[], unknown[]] = [[], [], []]
  const open = new Set<string>()
  const silent = new Map<string, number>()
  const state: { fails: LivegateError | null; dies: boolean } = { fails: null, dies: false }
  const store = createSqlMediaServers(sql, {
    async write(work) {
      await Promise.resolve()
      if (state.fails !== null) throw state.fails
      const written = sql.transaction(work)
      if (state.dies) throw DISK_FULL
      return written
    },
  })
  const registrations = createRegistrations({
    ...{ file: given.file ?? fileOf(), store, repeats_are_kept: given.kept ?? false },
    clock: { now: () => wall },
    now: () => (given.kept === true ? wall : elapsed),
    custody: {
      keep: async (server) => void told.push(`keep ${server.id} ${server.control}`),
      release: async (id) => void told.push(`release ${id}`),
      isOpen: async (id) => open.has(id),
      silentFor: (id) => silent.get(id) ?? null,
      abandon: async (id) => void told.push(`abandon ${id}`),
    },
    observe(event) {
      if (event.type === 'media_server') events.push(`${event.change} ${event.server}`)
    },
    onError: (error) => void errors.push(error),
  })
  await registrations.load()
  const passUnseen = (ms: number): void => {
    wall = epochMs(wall + ms)
    elapsed += ms
  }
  return {
    ...{ registrations, told, events, errors, open, silent },
    get fails() {
      return state.fails
    },
    set fails(error) {
      state.fails = error
    },
    get dies() {
      return state.dies
    },
    set dies(dies) {
      state.dies = dies
    },
    async pass(ms) {
      passUnseen(ms)
      await registrations.tick()
    },
    passUnseen,
    step(ms) {
      wall = epochMs(wall + ms)
    },
    async register(id, host = '10.0.3.7', template = 'origins') {
      return (await registrations.register({ id, template, host })).created
    },
    states: () =>
      Object.fromEntries(registrations.list().map(({ id, state: is }) => [id, is] as const)),
    again: (file) => aScene({ ...given, sql, ...(file === undefined ? {} : { file }) }),
  }
}

/** `code: message` of a refusal, with its faults. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'nothing was refused'
  } catch (error) {
    if (!(error instanceof LivegateError)) throw error
    const faults = error.faults.map(({ pointer, detail }) => `${pointer} ${detail}`)
    return [`${error.code}: ${error.message}`, ...faults].join('; ')
  }
}

const DISK_FULL = new LivegateError('log_unavailable', 'Cannot write: the disk is full')

describe('a registration', () => {
  it('is there at once, under its template, with its host in the control address', async () => {
    const scene = await aScene()
    const { view, created } = await scene.registrations.register({
      ...{ id: 'origin-7', template: 'origins', host: '10.0.3.7' },
    })
    expect(created).toBe(true)
    expect(view).toEqual({
      ...{ id: 'origin-7', kind: 'nginx-rtmp', template: 'origins', host: '10.0.3.7' },
      ...{ state: 'live', registered_at: START, expires_at: START + TTL },
    })
    expect(scene.registrations.find('origin-7')).toMatchObject({
      leaving: false,
      server: { id: 'origin-7', template: 'origins', control: 'http://10.0.3.7:8080/control' },
    })
    expect(scene.told).toEqual(['keep origin-7 http://10.0.3.7:8080/control'])
    expect(scene.states()).toEqual({ 'edge-1': 'fixed', 'origin-7': 'live' })
  })

  it('of an IPv6 host or a name has it in its address as a URL wants it', async () => {
    const scene = await aScene()
    await scene.register('a', 'FD00:3::7')
    await scene.register('b', 'B.Origins.example')
    expect(scene.registrations.find('a')?.server.control).toBe('http://[fd00:3::7]:8080/control')
    expect(scene.registrations.find('b')?.server.control).toBe(
      'http://b.origins.example:8080/control',
    )
    expect(await scene.register('a', 'fd00:3:0::7')).toBe(false)
  })

  it('repeated is a heartbeat: it ends a ttl after the last one, and nobody is told to keep it twice', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    for (let i = 0; i < 5; i++) {
      await scene.pass(TTL - 1)
      expect(scene.states()['origin-7']).toBe('live')
      expect(await scene.register('origin-7')).toBe(false)
    }
    expect(scene.told).toHaveLength(1)
    scene.open.add('origin-7')
    await scene.pass(TTL)
    expect(scene.states()['origin-7']).toBe('leaving')
  })

  const bad: readonly (readonly [
    why: string,
    id: string,
    template: string,
    host: string,
    says: RegExp,
  ])[] = [
    [
      'an id of the file',
      'edge-1',
      'origins',
      '10.0.3.7',
      /^conflict: .*stands in the servers file/,
    ],
    ['the name of a template', 'others', 'origins', '10.0.3.7', /^conflict: .*stands in/],
    [
      'an id in capitals',
      'Origin',
      'origins',
      '10.0.3.7',
      /^invalid_request: .*its id is not valid/,
    ],
    ['an id with a slash', 'a/b', 'origins', '10.0.3.7', /^invalid_request: .*its id/],
    ['an id with a blank before', ' a', 'origins', '10.0.3.7', /^invalid_request: .*its id/],
    ['an empty id', '', 'origins', '10.0.3.7', /^invalid_request: .*its id/],
    ['an id of 65', 'a'.repeat(65), 'origins', '10.0.3.7', /^invalid_request: .*its id/],
    [
      'an unknown template',
      'a',
      'origin',
      '10.0.3.7',
      /\/template expected the name of a template: origins, others$/,
    ],
    ['a fixed server as template', 'a', 'edge-1', '10.0.3.7', /\/template expected the name/],
    ['a host just below', 'a', 'origins', '10.0.2.255', /\/host expected a host within `hosts`/],
    ['a host just above', 'a', 'origins', '10.0.4.0', /\/host expected a host within `hosts`/],
    [
      'a name of the other template',
      'a',
      'others',
      'x.origins.example',
      /\/host expected a host within/,
    ],
    [
      'a host with a port',
      'a',
      'origins',
      '10.0.3.7:80',
      /\/host expected an IPv4 or IPv6 address/,
    ],
    ['a host with a user', 'a', 'origins', 'u@10.0.3.7', /\/host expected an IPv4/],
    [
      'a mapped address',
      'a',
      'origins',
      '::ffff:10.0.3.7',
      /\/host expected the IPv4 address as such/,
    ],
    ['brackets', 'a', 'origins', '[fd00:3::7]', /\/host expected an IPv4/],
    ['template and host', 'a', 'x', 'y z', /two members are not valid; \/template .*; \/host /],
    [
      'the address of a fixed server',
      'a',
      'origins',
      '10.0.3.1',
      /^conflict: .*is that of `edge-1`/,
    ],
  ]
  for (const [why, id, template, host, says] of bad)
    it(`with ${why} is refused, and nothing is kept`, async () => {
      const scene = await aScene()
      expect(await refusal(scene.register(id, host, template))).toMatch(says)
      expect(scene.told).toEqual([])
      expect((await scene.again()).states()).toEqual({ 'edge-1': 'fixed' })
    })

  it('without any template is told so', async () => {
    const scene = await aScene({ file: { servers: [], templates: [] } })
    expect(await refusal(scene.register('a'))).toContain('which has none')
  })

  it('beyond `max` is refused until one leaves; who is there already may repeat it', async () => {
    const scene = await aScene()
    for (const n of [7, 8, 9]) await scene.register(`o-${n}`, `10.0.3.${n}`)
    expect(await refusal(scene.register('o-10', '10.0.3.10'))).toMatch(
      /^conflict: .*3 of at most 3 are registered under `origins`/,
    )
    expect(await scene.register('o-7', '10.0.3.7')).toBe(false)
    expect(await scene.register('x', '10.0.3.10', 'others')).toBe(true)
    await scene.registrations.deregister('o-8')
    expect(await scene.register('o-10', '10.0.3.10')).toBe(true)
  })

  it('of a live id with another host or template is a conflict that says when to come back', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    await scene.pass(20_000)
    for (const [host, template] of [
      ['10.0.3.8', 'origins'],
      ['10.0.3.7', 'others'],
    ] as const) {
      const asked = scene.registrations.register({ id: 'origin-7', template, host })
      await expect(asked).rejects.toMatchObject({ code: 'conflict', retry_after_s: 40 })
    }
    expect(scene.registrations.find('origin-7')?.server.control).toContain('10.0.3.7')
  })

  it('two at once for one id: one wins, the other is told', async () => {
    const scene = await aScene()
    const hosts = ['10.0.3.7', '10.0.3.8', '10.0.3.9', '10.0.3.10']
    const all = await Promise.allSettled(hosts.map((host) => scene.register('origin-7', host)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(scene.told).toHaveLength(1)
    expect((await scene.again()).states()).toEqual(scene.states())
  })

  it('at once for the last place: one gets it', async () => {
    const scene = await aScene()
    const all = await Promise.allSettled(
      [7, 8, 9, 10, 11].map((n) => scene.register(`o-${n}`, `10.0.3.${n}`)),
    )
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  })

  it('for an address that another live server has is a conflict; of one that leaves it takes it', async () => {
    const scene = await aScene()
    await scene.register('old')
    expect(await refusal(scene.register('new'))).toMatch(/^conflict: .*is that of `old`/)
    scene.open.add('old')
    await scene.pass(TTL)
    expect(await scene.register('new')).toBe(true)
    expect(scene.events).toEqual([
      'registered old',
      'expired old',
      'displaced old',
      'registered new',
    ])
    expect(scene.told.slice(1)).toEqual(['keep old null', 'keep new http://10.0.3.7:8080/control'])
    expect(scene.registrations.find('old')).toMatchObject({ leaving: true })
    await scene.pass(1_000)
    expect(scene.told.at(-1)).toBe('abandon old')
    // It never gets its address back, whoever asks in its name.
    expect(await refusal(scene.register('old'))).toContain('broadcasts of an earlier host')
    scene.open.delete('old')
    await scene.pass(1_000)
    expect(scene.states()).toEqual({ 'edge-1': 'fixed', new: 'live' })
  })
})

describe('a server that leaves', () => {
  it('with nothing open is forgotten at once', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    await scene.registrations.deregister('origin-7')
    expect(scene.events).toEqual(['registered origin-7', 'deregistered origin-7', 'gone origin-7'])
    expect(scene.told.at(-1)).toBe('release origin-7')
    expect(scene.registrations.find('origin-7')).toBeNull()
    expect(await refusal(scene.registrations.deregister('origin-7'))).toMatch(/^not_found: /)
    expect(await scene.register('origin-7', '10.0.3.8')).toBe(true)
  })

  it('is kept with its address for as long as something is open there, and may be told again', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    scene.open.add('origin-7')
    await scene.registrations.deregister('origin-7')
    await scene.registrations.deregister('origin-7')
    await scene.pass(3 * 3_600_000)
    expect(scene.told).toHaveLength(1)
    expect(scene.registrations.find('origin-7')).toMatchObject({
      leaving: true,
      server: { control: 'http://10.0.3.7:8080/control' },
    })
    expect(await refusal(scene.register('origin-7', '10.0.3.8'))).toMatch(
      /^conflict: .*broadcasts of an earlier host/,
    )
    scene.open.delete('origin-7')
    await scene.pass(1_000)
    expect(scene.states()).toEqual({ 'edge-1': 'fixed' })
  })

  it('is abandoned once it has left for a ttl and nothing was heard of it for as long', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    scene.open.add('origin-7')
    scene.silent.set('origin-7', 10 * TTL)
    await scene.pass(TTL)
    await scene.pass(TTL - 1)
    expect(scene.told).not.toContain('abandon origin-7')
    scene.silent.set('origin-7', 100)
    await scene.pass(TTL)
    expect(scene.told).not.toContain('abandon origin-7')
    scene.silent.set('origin-7', TTL)
    await scene.pass(1)
    expect(scene.told).toContain('abandon origin-7')
  })

  it('comes back with a heartbeat after its end, from the same host, and is as it was', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    scene.open.add('origin-7')
    await scene.pass(TTL + 1)
    expect(await scene.register('origin-7')).toBe(false)
    expect(scene.states()['origin-7']).toBe('live')
    expect(scene.told).toHaveLength(1)
    expect(scene.events).toEqual(['registered origin-7', 'expired origin-7', 'returned origin-7'])
    expect((await scene.again()).states()['origin-7']).toBe('live')
  })

  it('between its end and the next look is refused its starts already', async () => {
    const scene = await aScene()
    await scene.register('x', '10.0.3.7', 'others')
    scene.passUnseen(9_999)
    expect(scene.registrations.find('x')?.leaving).toBe(false)
    const { view } = await scene.registrations.register({
      id: 'x',
      template: 'others',
      host: '10.0.3.7',
    })
    expect(view.expires_at).toBe(START + 9_999 + 10_000)
    scene.passUnseen(10_000)
    expect(scene.registrations.find('x')?.leaving).toBe(true)
    expect(scene.states().x).toBe('leaving')
  })

  it('of the file cannot leave', async () => {
    const scene = await aScene()
    for (const id of ['edge-1', 'origins'])
      expect(await refusal(scene.registrations.deregister(id))).toMatch(/^conflict: /)
  })
})

describe('a clock that steps', () => {
  for (const ms of [-86_400_000, -1_000, 86_400_000])
    it(`by ${ms / 1000} s ends nothing and keeps nothing longer`, async () => {
      const scene = await aScene()
      await scene.register('origin-7')
      scene.open.add('origin-7')
      scene.step(ms)
      await scene.pass(TTL - 1)
      expect(scene.states()['origin-7']).toBe('live')
      await scene.pass(1)
      expect(scene.states()['origin-7']).toBe('leaving')
    })
})

describe('another process', () => {
  it('believes who was live for one more ttl, whatever its clock says, and knows who was leaving', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    await scene.register('o-8', '10.0.3.8')
    scene.open.add('o-8')
    await scene.registrations.deregister('o-8')
    const after = await scene.again()
    after.step(-3_600_000)
    after.open.add('o-8')
    after.open.add('origin-7')
    expect(after.told).toEqual([
      'keep o-8 http://10.0.3.8:8080/control',
      'keep origin-7 http://10.0.3.7:8080/control',
    ])
    await after.pass(TTL - 1)
    expect(after.states()).toEqual({ 'edge-1': 'fixed', 'o-8': 'leaving', 'origin-7': 'live' })
    await after.pass(1)
    expect(after.states()['origin-7']).toBe('leaving')
  })

  it('does not call the address of a server that was displaced', async () => {
    const scene = await aScene()
    await scene.register('old')
    scene.open.add('old')
    await scene.registrations.deregister('old')
    await scene.register('new')
    const after = await scene.again()
    expect(after.told).toEqual(['keep new http://10.0.3.7:8080/control', 'keep old null'])
  })

  it('knows what was written by one that died before it answered, and whoever asks again hears so', async () => {
    const scene = await aScene()
    await scene.register('old')
    scene.open.add('old')
    await scene.registrations.deregister('old')
    scene.dies = true
    await expect(scene.register('new')).rejects.toBe(DISK_FULL)
    const after = await scene.again()
    expect(after.states()).toEqual({ 'edge-1': 'fixed', new: 'live', old: 'leaving' })
    expect(after.told).toContain('keep old null')
    expect(await after.register('new')).toBe(false)
    // And the one that lives on takes it for new once more.
    scene.dies = false
    expect(await scene.register('new')).toBe(true)
    expect(scene.states()).toEqual(after.states())
  })

  const changed: readonly (readonly [what: string, file: string])[] = [
    ['the template is gone', FILE.replace('id: origins', 'id: renamed')],
    ['the host is no longer within it', FILE.replace('10.0.3.0/24, "fd', '10.0.9.0/24, "fd')],
    ['the id stands in the file now', FILE.replace('id: edge-1', 'id: origin-7')],
  ]
  for (const [what, file] of changed)
    it(`drops a registration when ${what}, and says so`, async () => {
      const scene = await aScene()
      await scene.register('origin-7')
      const after = await scene.again(fileOf(file))
      expect(after.events).toEqual(['dropped origin-7'])
      expect(after.registrations.find('origin-7')).toBeNull()
      expect(after.told).toEqual([])
      expect(Object.values((await after.again()).states())).toEqual(['fixed'])
    })
})

describe('a disk that takes nothing', () => {
  it('refuses to register and to deregister, and what was stays', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    scene.fails = DISK_FULL
    expect(await refusal(scene.register('o-8', '10.0.3.8'))).toMatch(/^log_unavailable: /)
    expect(await refusal(scene.registrations.deregister('origin-7'))).toMatch(/^log_unavailable: /)
    expect(scene.told).toHaveLength(1)
    expect(scene.registrations.find('o-8')).toBeNull()
    scene.fails = null
    expect(await scene.register('o-8', '10.0.3.8')).toBe(true)
  })

  it('does not stop heartbeats: they are not written', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    scene.fails = DISK_FULL
    for (let i = 0; i < 3; i++) {
      await scene.pass(TTL - 1)
      expect(await scene.register('origin-7')).toBe(false)
    }
    expect(scene.errors).toEqual([])
  })

  it('ends a registration all the same, and writes it when it can', async () => {
    const scene = await aScene()
    await scene.register('origin-7')
    scene.open.add('origin-7')
    scene.fails = DISK_FULL
    await scene.pass(TTL)
    expect(scene.registrations.find('origin-7')?.leaving).toBe(true)
    expect(scene.errors).toEqual([DISK_FULL])
    scene.fails = null
    await scene.pass(1_000)
    expect((await scene.again()).states()['origin-7']).toBe('leaving')
  })
})

describe('where a process may forget at any moment', () => {
  it('who looks after a server hears of every heartbeat, and of nobody when it is read again', async () => {
    const scene = await aScene({ kept: true })
    await scene.register('origin-7')
    await scene.register('origin-7')
    expect(scene.told).toEqual(Array(2).fill('keep origin-7 http://10.0.3.7:8080/control'))
    expect((await scene.again()).told).toEqual([])
  })

  it('it is known when time makes something due: an end, and a look at what leaves', async () => {
    const scene = await aScene({ kept: true })
    expect(scene.registrations.next()).toBeNull()
    await scene.register('origin-7')
    await scene.register('x', '10.0.3.8', 'others')
    expect(scene.registrations.next()).toBe(START + 10_000)
    await scene.registrations.deregister('x')
    expect(scene.registrations.next()).toBe(START + TTL)
    scene.open.add('origin-7')
    await scene.pass(TTL)
    expect(scene.registrations.next()).toBe(START + TTL + 5_000)
  })

  it('a clock that steps back gives it a ttl, from when somebody asks, and no more', async () => {
    const scene = await aScene({ kept: true })
    await scene.register('origin-7')
    scene.open.add('origin-7')
    scene.step(-86_400_000)
    expect(scene.registrations.find('origin-7')?.leaving).toBe(false)
    await scene.pass(TTL - 1)
    expect(scene.states()['origin-7']).toBe('live')
    await scene.pass(1)
    expect(scene.states()['origin-7']).toBe('leaving')
  })

  it('a heartbeat is kept, and whoever opens the database next knows when it ends', async () => {
    const scene = await aScene({ kept: true })
    await scene.register('origin-7')
    await scene.pass(50_000)
    await scene.register('origin-7')
    const after = await scene.again()
    after.open.add('origin-7')
    await after.pass(109_999)
    expect(after.states()['origin-7']).toBe('live')
    await after.pass(1)
    expect(after.states()['origin-7']).toBe('leaving')
  })
})
