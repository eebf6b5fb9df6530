import { describe, expect, it } from 'vitest'
import type { ServedLog } from '../../../src/adapters/http/deps.ts'
import { logFileOf } from '../../../src/adapters/http/log-path.ts'
import { aFixture, logOf, ORIGIN, type Sent } from '../../support/http.ts'

const YEAR = 'public, max-age=31536000, immutable'

describe('the log over HTTP', () => {
  it('serves the checkpoint as text that is stale after a second', async () => {
    const response = await aFixture().send({ path: '/log/checkpoint' })
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('public, max-age=1')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.text()).toMatch(/^gate\.example\/log\/test\n0\n/)
  })

  it('serves the witnessed checkpoint beside it, and is 404 while no quorum has cosigned one', async () => {
    const path = '/log/checkpoint.witnessed'
    const fixture = aFixture()
    expect((await fixture.send({ path })).status).toBe(404)
    let note: string | null = null
    Object.assign(logOf(fixture), { witnessed: async () => note })
    expect((await fixture.send({ path })).status).toBe(404)
    note = 'a cosigned note'
    const response = await fixture.send({ path })
    expect([response.status, await response.text()]).toEqual([200, 'a cosigned note'])
    expect(response.headers.get('cache-control')).toBe('public, max-age=1')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('serves the verifier key as one line', async () => {
    const response = await aFixture().send({ path: '/log/vkey' })
    expect(await response.text()).toMatch(
      /^gate\.example\/log\/test\+a7ce74b9\+[A-Za-z0-9+/]+=*\n$/,
    )
  })

  it('serves tiles as immutable bytes to everybody', async () => {
    const { send, world } = aFixture()
    for (const path of ['tile/0/000', 'tile/0/x001/234.p/17', 'tile/63/000.p/255'])
      world.tiles.set(path, new Uint8Array([1, 2, 3]))
    for (const path of world.tiles.keys()) {
      const response = await send({ path: `/log/${path}` })
      expect(response.headers.get('content-type')).toBe('application/octet-stream')
      expect(response.headers.get('cache-control')).toBe(YEAR)
      expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 2, 3])
    }
  })

  it('serves entries to auditors only, and tells shared caches to keep out', async () => {
    const { send, world } = aFixture()
    world.tiles.set('tile/entries/000.p/3', new Uint8Array([0]))
    const path = '/log/tile/entries/000.p/3'
    expect((await send({ path })).status).toBe(401)
    expect((await send({ path, as: 'read' })).status).toBe(403)
    const response = await send({ path, as: 'audit' })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe(YEAR.replace('public', 'private'))
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('is 404, not to be cached, for a tile that does not exist yet', async () => {
    const response = await aFixture().send({ path: '/log/tile/0/001' })
    expect(response.status).toBe(404)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('answers HEAD without a body', async () => {
    const response = await aFixture().send({ method: 'HEAD', path: '/log/checkpoint' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })
})

describe('paths that name no file', () => {
  const hostile: readonly string[] = [
    '/log/tile/0/../entries/000',
    '/log/tile/0/..%2fentries/000',
    '/log/tile/0/%2e%2e/entries/000',
    '/log/tile/%65ntries/000',
    '/log/tile/entries%2f000',
    '/log/tile%2fentries/000',
    '/log/tile/x/../entries/000',
    '/log/%2e%2e/data/key',
    '/log/tile/0/000%00',
    '/log/tile/00/000',
    '/log/tile/01/000',
    '/log/tile/64/000',
    '/log/tile/-1/000',
    '/log/tile/+1/000',
    '/log/tile/0/0',
    '/log/tile/0/00',
    '/log/tile/0/0000',
    '/log/tile/0/x000/000',
    '/log/tile/0/001/002',
    '/log/tile/0/x01/002',
    '/log/tile/0/X001/002',
    '/log/tile/0/000.p/0',
    '/log/tile/0/000.p/01',
    '/log/tile/0/000.p/256',
    '/log/tile/0/000.p/1000',
    '/log/tile/0/000.p',
    '/log/tile/0/000.p/',
    '/log/tile/0/000/',
    '/log/tile/0//000',
    '/log//tile/0/000',
    '//log/tile/0/000',
    '/log/tile/0/000;a',
    '/log/tile/0/٠٠٠',
    '/log/tile/data/000',
    '/log/tile/entries/x999/x999/x999/x999/x999/x999/x999/000',
    '/log/tile/',
    '/log/tile',
    '/log/',
    '/log/checkpoint/',
    '/log/checkpoint.witnessed/x',
    '/log/../healthz/x',
  ]
  for (const path of hostile)
    it(`is 4xx and never reaches storage: ${path}`, async () => {
      const asked: string[] = []
      const log = {
        ...logOf(aFixture()),
        tile: async (name: string): Promise<Uint8Array | null> => {
          asked.push(name)
          return name.startsWith('tile/entries/') ? new Uint8Array([1]) : null
        },
      }
      const { send } = aFixture({ deps: { logs: [{ log, vkey: '', access: async () => {} }] } })
      const response = await send({ path })
      // Dot segments are resolved before any server sees them; what they resolve to is guarded like any other path.
      expect([400, 401, 404]).toContain(response.status)
      expect(asked).toEqual([])
      expect(logFileOf(path)).toBeNull()
    })
})

describe('several logs over HTTP', () => {
  const asked: string[] = []
  const { send } = aFixture({ deps: { logs: [0, 1, 2].map((shard) => numbered(shard, asked)) } })

  function numbered(shard: number, calls: string[]): ServedLog {
    const origin = `${ORIGIN}/${shard}`
    const log = {
      ...logOf(aFixture()),
      origin,
      checkpoint: async () => `${origin}\n`,
      witnessed: async () => (shard === 1 ? `${origin}\ncosigned\n` : null),
      tile: async (path: string) => {
        calls.push(`${shard} ${path}`)
        return new Uint8Array([shard])
      },
    }
    return { log, vkey: `${origin}+key`, access: async () => {} }
  }

  it('serves each under its number', async () => {
    expect(await (await send({ path: '/log/2/checkpoint' })).text()).toBe(`${ORIGIN}/2\n`)
    expect(await (await send({ path: '/log/0/vkey' })).text()).toBe(`${ORIGIN}/0+key\n`)
    const witnessed = '/checkpoint.witnessed'
    expect(await (await send({ path: `/log/1${witnessed}` })).text()).toBe(
      `${ORIGIN}/1\ncosigned\n`,
    )
    expect((await send({ path: `/log/0${witnessed}` })).status).toBe(404)
    const tile = await send({ path: '/log/1/tile/0/000' })
    expect([...new Uint8Array(await tile.arrayBuffer())]).toEqual([1])
  })

  it('keeps entries of every log to auditors', async () => {
    const path = '/log/1/tile/entries/000'
    expect((await send({ path })).status).toBe(401)
    expect((await send({ path, as: 'read' })).status).toBe(403)
    expect((await send({ path, as: 'audit' })).status).toBe(200)
  })

  const nowhere: readonly string[] = [
    '/log/checkpoint',
    '/log/vkey',
    '/log/tile/0/000',
    '/log/3/checkpoint',
    '/log/00/checkpoint',
    '/log/%30/checkpoint',
    '/log/-1/vkey',
    '/log//checkpoint',
    '/log/x/tile/0/000',
    '/log/01/tile/0/000',
    '/log/%31/tile/0/000',
    '/log/1/tile/00/000',
    '/log/1/1/tile/0/000',
    '/log/tile/tile/0/000',
    '/log/tile/tile/entries/000',
  ]
  for (const path of nowhere)
    it(`is 404 and never reaches storage: ${path}`, async () => {
      asked.length = 0
      const sent: Sent = { path, as: 'audit' }
      expect([(await send(sent)).status, asked]).toEqual([404, []])
    })

  it('is described as it is mounted', async () => {
    const document = (await (await send({ path: '/openapi.json' })).json()) as { paths: object }
    const paths = Object.keys(document.paths).filter((path) => path.startsWith('/log/'))
    expect(paths).toEqual([
      '/log/{shard}/checkpoint',
      '/log/{shard}/checkpoint.witnessed',
      '/log/{shard}/vkey',
      '/log/{shard}/tile/entries/{file}',
      '/log/{shard}/tile/{file}',
    ])
  })
})
