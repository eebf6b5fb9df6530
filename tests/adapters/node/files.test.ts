/** Files that must be on disk: what is written once, what is compared, and what a failed sync means. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  makeDirectory,
  readIfThere,
  synced,
  writeDurably,
} from '../../../src/adapters/node/durable-files.ts'
import { createTileFiles } from '../../../src/adapters/node/tile-files.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { fail } from '../../contract/node-store.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'livegate-'))
})
afterEach(() => rm(root, { recursive: true }))

const file = (path: string, text: string): { path: string; bytes: Uint8Array } => ({
  path,
  bytes: utf8(text),
})
const names = (): Promise<string[]> => readdir(root, { recursive: true })

describe('tiles on disk', () => {
  it('are written once, read-only, and nothing else is left', async () => {
    const tiles = createTileFiles(root, fail)
    await tiles.put([file('tile/0/x001/234', 'a'), file('tile/entries/000.p/5', 'b')])
    expect(await tiles.get('tile/0/x001/234')).toEqual(Buffer.from('a'))
    expect((await stat(join(root, 'tile/0/x001/234'))).mode & 0o777).toBe(0o444)
    expect((await names()).filter((name) => name.includes('tmp'))).toEqual([])
  })

  it('may be put again with the same bytes, and with no others', async () => {
    const tiles = createTileFiles(root, fail)
    await tiles.put([file('tile/0/000', 'a')])
    await tiles.put([file('tile/0/000', 'a'), file('tile/0/001', 'b')])
    const differing = tiles.put([file('tile/0/000', 'x'), file('tile/0/002', 'c')])
    await expect(differing).rejects.toMatchObject({ code: 'halted' })
    expect(await tiles.get('tile/0/000')).toEqual(Buffer.from('a'))
  })

  it('never leave their directory', async () => {
    const tiles = createTileFiles(join(root, 'log'), fail)
    for (const path of [
      '../secret',
      'tile/../../secret',
      '/etc/passwd',
      'checkpoint',
      'tile/0/0',
    ]) {
      await expect(tiles.put([file(path, 'x')]), path).rejects.toThrow('Cannot name file')
      expect(() => tiles.get(path), path).toThrow('Cannot name file')
    }
    expect(await names()).toEqual([])
  })

  it('give up partial files once the full one is there', async () => {
    const tiles = createTileFiles(root, fail)
    await tiles.put([
      file('tile/0/000.p/1', 'a'),
      file('tile/0/000.p/2', 'ab'),
      file('tile/0/000', 'abc'),
    ])
    await tiles.dropPartials('tile/0/000')
    await tiles.dropPartials('tile/0/000')
    expect(await tiles.get('tile/0/000.p/1')).toBeNull()
    expect(await readdir(join(root, 'tile/0'))).toEqual(['000'])
  })

  it('replace the checkpoint, which is no tile', async () => {
    const tiles = createTileFiles(root, fail)
    expect(await tiles.getCheckpoint()).toBeNull()
    for (const note of ['one\n', 'two\n']) await tiles.putCheckpoint(note)
    expect(await tiles.getCheckpoint()).toBe('two\n')
    expect(await names()).toEqual(['checkpoint'])
  })

  it('do not hide a file that cannot be read', async () => {
    await writeFile(join(root, 'tile'), 'a file where a directory should be')
    expect(await createTileFiles(root, fail).get('tile/0/000')).toBeNull()
    await expect(readIfThere(root)).rejects.toThrow('EISDIR')
  })
})

describe('a durable file', () => {
  it('is there whole or not at all when its directory refuses it', async () => {
    const path = join(root, 'no', 'where')
    await expect(writeDurably({ ...file(path, 'x'), mode: 0o600, die: fail })).rejects.toThrow(
      'ENOENT',
    )
    expect(await names()).toEqual([])
  })

  it('ends the process when a sync fails, and passes the failure on', async () => {
    const deaths: unknown[] = []
    const failure = new Error('EIO')
    const failing = synced(
      () => Promise.reject(failure),
      (error) => deaths.push(error),
    )
    await expect(failing).rejects.toBe(failure)
    expect(deaths).toEqual([failure])
  })

  it('replaces another, even one that cannot be written to', async () => {
    const path = join(root, 'file')
    for (const text of ['x', 'y'])
      await writeDurably({ ...file(path, text), mode: 0o400, die: fail })
    expect(await readIfThere(path)).toEqual(Buffer.from('y'))
    expect(await names()).toEqual(['file'])
  })

  it('makes directories once, parents included', async () => {
    const path = join(root, 'a', 'b', 'c')
    for (let i = 0; i < 2; i++) await makeDirectory(path, { mode: 0o700, die: fail })
    expect((await stat(path)).isDirectory()).toBe(true)
  })
})
