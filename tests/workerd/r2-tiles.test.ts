/** The TileStore port over a real bucket: written once, never replaced, and a checkpoint only its last reader moves. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { type Bucket, createR2Tiles } from '../../src/adapters/cloudflare/r2-tiles.ts'
import { utf8 } from '../../src/core/encoding.ts'

const bytes = Uint8Array.of(1, 2, 3)
const other = Uint8Array.of(1, 2, 4)
let prefixes = 0
const aPrefix = (): string => `r2-${++prefixes}/`

async function keys(prefix: string): Promise<string[]> {
  const { objects } = await env.LOG.list({ prefix })
  return objects.map(({ key }) => key.slice(prefix.length))
}

describe('a tile in a bucket', () => {
  it('is written once: the same bytes again are fine, others halt and change nothing', async () => {
    const tiles = createR2Tiles(env.LOG, aPrefix())
    const path = 'tile/0/000.p/1'
    expect(await tiles.get(path)).toBeNull()
    for (let again = 0; again < 3; again++) await tiles.put([{ path, bytes }])
    await expect(tiles.put([{ path, bytes: other }])).rejects.toMatchObject({ code: 'halted' })
    await expect(tiles.put([{ path, bytes: bytes.subarray(1) }])).rejects.toThrow('other bytes')
    expect(await tiles.get(path)).toEqual(bytes)
  })

  it('lies below its prefix, told to be immutable, and nowhere else', async () => {
    const prefix = aPrefix()
    const tiles = createR2Tiles(env.LOG, prefix)
    expect(await tiles.isEmpty()).toBe(true)
    await tiles.put([{ path: 'tile/entries/x001/234', bytes }])
    expect(await keys(prefix)).toEqual(['tile/entries/x001/234'])
    expect(await tiles.isEmpty()).toBe(false)
    const object = await env.LOG.head(`${prefix}tile/entries/x001/234`)
    expect(object?.httpMetadata).toMatchObject({
      contentType: 'application/octet-stream',
      cacheControl: 'public, max-age=31536000, immutable',
    })
    for (const path of ['checkpoint', '../x', 'tile/0/0'])
      await expect(tiles.put([{ path, bytes }])).rejects.toMatchObject({ code: 'internal' })
  })

  it('that is there and gone when looked at is nobody’s fault: tried again', async () => {
    const bucket = { put: async () => null, get: async () => null } as unknown as Bucket
    await expect(
      createR2Tiles(bucket, '').put([{ path: 'tile/0/000', bytes }]),
    ).rejects.toMatchObject({ code: 'log_unavailable' })
  })

  it('rejects only when nothing is being written any more', async () => {
    let done = 0
    const bucket = {
      put: async (key: string) => {
        if (key.endsWith('0')) throw new Error('lost')
        await env.LOG.get('none')
        done++
        return {}
      },
    } as unknown as Bucket
    const files = ['tile/0/000', 'tile/0/001', 'tile/0/002'].map((path) => ({ path, bytes }))
    await expect(createR2Tiles(bucket, '').put(files)).rejects.toThrow('lost')
    expect(done).toBe(2)
  })
})

describe('a checkpoint in a bucket', () => {
  it('is replaced by whoever saw it last', async () => {
    const prefix = aPrefix()
    const tiles = createR2Tiles(env.LOG, prefix)
    expect(await tiles.getCheckpoint()).toBeNull()
    for (const note of ['one', 'two', 'three']) await tiles.putCheckpoint(note)
    expect(await tiles.getCheckpoint()).toBe('three')
    const next = createR2Tiles(env.LOG, prefix)
    await next.getCheckpoint()
    await next.putCheckpoint('four')
    expect(await tiles.getCheckpoint()).toBe('four')
    const head = await env.LOG.head(`${prefix}checkpoint`)
    expect(head?.httpMetadata?.contentType).toBe('text/plain; charset=utf-8')
  })

  it('is not moved by one who comes late, nor by one who never looked', async () => {
    const prefix = aPrefix()
    const [first, late] = [createR2Tiles(env.LOG, prefix), createR2Tiles(env.LOG, prefix)]
    await first.putCheckpoint('one')
    await late.getCheckpoint()
    await first.putCheckpoint('two')
    await expect(late.putCheckpoint('late')).rejects.toMatchObject({ code: 'halted' })
    const blind = createR2Tiles(env.LOG, prefix)
    await expect(blind.putCheckpoint('blind')).rejects.toMatchObject({ code: 'halted' })
    expect(await first.getCheckpoint()).toBe('two')
  })

  it('that is there already, because an answer was lost, is fine', async () => {
    const prefix = aPrefix()
    const tiles = createR2Tiles(env.LOG, prefix)
    await tiles.putCheckpoint('one')
    await env.LOG.put(`${prefix}checkpoint`, utf8('two'))
    await tiles.putCheckpoint('two')
    await tiles.putCheckpoint('three')
    expect(await tiles.getCheckpoint()).toBe('three')
  })
})

describe('partial tiles', () => {
  it('go with their full one, those of an earlier life included, and no others', async () => {
    const prefix = aPrefix()
    const put = (tiles: ReturnType<typeof createR2Tiles>, ...paths: string[]) =>
      tiles.put(paths.map((path) => ({ path, bytes })))
    await put(createR2Tiles(env.LOG, prefix), 'tile/0/000.p/1', 'tile/0/000.p/2')
    const tiles = createR2Tiles(env.LOG, prefix)
    await put(tiles, 'tile/0/000.p/3', 'tile/0/000', 'tile/0/001.p/1', 'tile/entries/000.p/3')
    await tiles.dropPartials('tile/0/000')
    expect(await keys(prefix)).toEqual(['tile/0/000', 'tile/0/001.p/1', 'tile/entries/000.p/3'])
    await put(tiles, 'tile/0/001')
    await tiles.dropPartials('tile/0/001')
    expect(await keys(prefix)).toEqual(['tile/0/000', 'tile/0/001', 'tile/entries/000.p/3'])
  })

  it('may stay when the bucket does not answer', async () => {
    const down = { list: () => Promise.reject(new Error('down')) } as unknown as Bucket
    await expect(createR2Tiles(down, '').dropPartials('tile/0/000')).resolves.toBeUndefined()
  })
})
