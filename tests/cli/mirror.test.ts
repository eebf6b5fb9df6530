/**
 * Mirrors: incremental, interrupted at every file, fed changed bytes and forked histories.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { type LogFiles, makeEntries, publish, VKEY } from './a-log.ts'
import { aDirectory, noNetwork, type Ran, run } from './a-world.ts'

/** A web server over files that can be exchanged; counts what it is asked for. */
function serve(files: () => LogFiles): { fetch: World['fetch']; readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    async fetch(url) {
      const path = new URL(url).pathname.replace('/log/', '')
      asked.push(path)
      const bytes = files().get(path)
      return new Response(bytes === undefined ? null : Buffer.from(bytes), {
        status: bytes === undefined ? 404 : 200,
      })
    },
  }
}

function mirror(dir: string, fetch: World['fetch'], ...more: string[]): Promise<Ran> {
  const words = ['log', 'mirror', 'https://gate.example/log', '.', '--vkey', VKEY, ...more]
  return run(dir, words, { fetch })
}

const copied = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort()

describe('a mirror', () => {
  let small: LogFiles
  let large: LogFiles
  let other: LogFiles

  beforeAll(async () => {
    const entries = await makeEntries({ decisions: 700, silent: true })
    small = await publish(entries.slice(0, 300))
    large = await publish(entries)
    other = await publish([...entries.slice(0, 100), ...entries.slice(101)])
  })

  test('is the log, byte for byte, and an audit of it is clean', async () => {
    const dir = aDirectory()
    const ran = await mirror(dir, serve(() => large).fetch)
    expect(ran.exit).toBe(0)
    expect(copied(dir)).toEqual([...large.keys()].sort())
    for (const [path, bytes] of large)
      expect(readFileSync(join(dir, path)).equals(Buffer.from(bytes)), path).toBe(true)
    expect((await run(dir, ['log', 'audit', '.', '--vkey', VKEY, '--no-signatures'])).exit).toBe(0)
  })

  test('asks for every file once', async () => {
    const server = serve(() => large)
    await mirror(aDirectory(), server.fetch)
    expect([...server.asked].sort()).toEqual([...large.keys(), 'checkpoint.witnessed'].sort())
  })

  test('holds the witnessed checkpoint of the same tree, and keeps that of another as proof', async () => {
    const witnessed = (of: LogFiles): LogFiles =>
      new Map([...large, ['checkpoint.witnessed', of.get('checkpoint') ?? new Uint8Array()]])
    for (const same of [small, large]) {
      const dir = aDirectory()
      expect((await mirror(dir, serve(() => witnessed(same)).fetch)).exit).toBe(0)
      expect(readFileSync(join(dir, 'checkpoint.witnessed'))).toEqual(
        Buffer.from(same.get('checkpoint') ?? []),
      )
    }
    const ahead = aDirectory()
    const early = new Map([...witnessed(large), ...small])
    expect((await mirror(ahead, serve(() => early).fetch)).exit).toBe(0)
    expect(existsSync(join(ahead, 'checkpoint.witnessed'))).toBe(false)
    const { exit, err } = await mirror(aDirectory(), serve(() => witnessed(other)).fetch)
    expect(exit).toBe(4)
    for (const files of [large, other])
      expect(err).toContain(Buffer.from(files.get('checkpoint') ?? []).toString())
  })

  test('fetches only what is new, and drops partial files that became full', async () => {
    const dir = aDirectory()
    let files = small
    const server = serve(() => files)
    await mirror(dir, server.fetch)
    expect(existsSync(join(dir, 'tile/entries/001.p/44'))).toBe(true)
    server.asked.length = 0
    files = large
    const ran = await mirror(dir, server.fetch)
    expect(ran.out).toContain('402 new entries')
    expect(server.asked).not.toContain('tile/entries/000')
    expect(existsSync(join(dir, 'tile/entries/001.p/44'))).toBe(false)
    expect(copied(dir)).toEqual([...large.keys()].sort())
  })

  test('that is up to date writes nothing', async () => {
    const dir = aDirectory()
    const server = serve(() => large)
    await mirror(dir, server.fetch)
    expect((await mirror(dir, server.fetch)).out).toContain('0 new entries, 0 files written')
  })

  test('without entries holds hash tiles, and gets the entries later', async () => {
    const dir = aDirectory()
    const server = serve(() => large)
    expect((await mirror(dir, server.fetch, '--no-entries')).exit).toBe(0)
    expect(copied(dir).filter((path) => path.includes('entries'))).toEqual([])
    expect((await mirror(dir, server.fetch)).exit).toBe(0)
    expect(copied(dir)).toEqual([...large.keys()].sort())
  })

  test('cut off at any request goes on where it stopped, and is never without its checkpoint', async () => {
    const dir = aDirectory()
    const all = serve(() => large)
    let attempts = 0
    for (let allowed = 1; ; allowed++) {
      let left = allowed
      const ran = await mirror(dir, (url, init) =>
        left-- > 0 ? all.fetch(url, init) : noNetwork(url, init),
      )
      attempts++
      if (ran.exit === 0) break
      expect(ran.exit).toBe(1)
      expect(existsSync(join(dir, 'checkpoint'))).toBe(false)
    }
    expect(attempts).toBeGreaterThan(3)
    expect(copied(dir)).toEqual([...large.keys()].sort())
  })

  test('refuses any file with any byte changed on the way', async () => {
    for (const [path, bytes] of large)
      for (const place of [0, bytes.length >> 1, bytes.length - 1]) {
        const dir = aDirectory()
        const changed = bytes.slice()
        changed[place] = (changed[place] ?? 0) ^ 1
        const files = new Map(large).set(path, changed)
        const ran = await mirror(dir, serve(() => files).fetch)
        const formless = /it is not (a signed note|[0-9]+ entries)/.test(ran.err)
        expect({ path, place, exit: ran.exit }).toEqual({ path, place, exit: formless ? 1 : 4 })
        expect(existsSync(join(dir, 'checkpoint'))).toBe(false)
      }
  })

  test('refuses a history that contradicts its own and shows both notes', async () => {
    const dir = aDirectory()
    await mirror(dir, serve(() => small).fetch)
    const before = readFileSync(join(dir, 'checkpoint'), 'utf8')
    const ran = await mirror(dir, serve(() => other).fetch)
    expect(ran.exit).toBe(4)
    expect(ran.err).toContain('two histories that contradict each other')
    expect(ran.err).toContain(before.trim().split('\n').at(-1))
    expect(readFileSync(join(dir, 'checkpoint'), 'utf8')).toBe(before)
  })

  test('refuses a log that went back', async () => {
    const dir = aDirectory()
    await mirror(dir, serve(() => large).fetch)
    const ran = await mirror(dir, serve(() => small).fetch)
    expect(ran.exit).toBe(4)
    expect(ran.err).toContain('an older checkpoint than it served before')
  })

  test('does not repair in silence what somebody changed in it', async () => {
    for (const path of ['tile/entries/000', 'tile/0/000']) {
      const dir = aDirectory()
      await mirror(dir, serve(() => large).fetch)
      rmSync(join(dir, 'checkpoint'))
      const bytes = readFileSync(join(dir, path))
      bytes[100] = (bytes[100] ?? 0) ^ 1
      writeFileSync(join(dir, path), bytes)
      const ran = await mirror(dir, serve(() => large).fetch)
      expect(ran.exit).toBe(4)
      expect(ran.err).toContain(`Cannot continue mirror: its file \`${path}\``)
      expect(existsSync(join(dir, 'checkpoint'))).toBe(false)
    }
  })

  test('under another key than the log’s is refused', async () => {
    const key = VKEY.replace('gate.example', 'gate.sample')
    const words = ['log', 'mirror', 'https://gate.example/log', '.', '--vkey', key]
    const ran = await run(
      aDirectory(),
      words,
      serve(() => large),
    )
    expect(ran.exit).toBe(2)
    expect(ran.err).toContain('key id mismatch')
  })
})
