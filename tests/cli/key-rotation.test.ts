/**
 * Keys of a running gate through the command line, and what auditors with old and new verifier keys make of it.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { epochMs } from '../../src/core/time.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'
import { type Ran, run } from './a-world.ts'

const FACTS = { created_at: '2020-01-01T00:00:00Z' }

describe('a log that exchanges its keys', () => {
  let root: string
  let gate: ServerProcess
  let vkeys: readonly string[]
  /** The decision made under the new keys alone. */
  let last: string
  /** Copies of the published log: before, during and after the overlap of checkpoint keys. */
  const at: Record<'before' | 'overlap' | 'after', string> = { before: '', overlap: '', after: '' }

  const cli = (...argv: readonly string[]): Promise<Ran> =>
    run(root, argv, {
      fetch: (...given) => fetch(...given),
      env: { LIVEGATE_URL: gate.url, LIVEGATE_KEY: ADMIN_KEY },
    })
  const decide = async (subject: string): Promise<string> => {
    const { body } = await call(gate, 'POST', '/v1/decisions', { subject, facts: FACTS })
    return (body as { readonly id: string }).id
  }
  const published = async (name: keyof typeof at): Promise<string> => {
    const id = await decide(name)
    expect((await call(gate, 'GET', `/v1/decisions/${id}/proof?wait=5s`)).status).toBe(200)
    at[name] = join(root, name)
    cpSync(join(root, 'data/log'), at[name], { recursive: true })
    return id
  }
  const audit = (name: keyof typeof at, keys: readonly (string | undefined)[], ...more: string[]) =>
    run(root, ['log', 'audit', at[name], ...keys.flatMap((key) => ['--vkey', key ?? '']), ...more])

  beforeAll(async () => {
    root = aLastingDirectory()
    gate = await startServer({ data: join(root, 'data') })
    await published('before')
    const first = String((await call(gate, 'GET', '/log/vkey')).body).trim()
    expect((await cli('key', 'rotate', '--use', 'record')).exit).toBe(0)
    const begun = await cli('key', 'rotate', '--use', 'checkpoint')
    expect(begun.out).toContain('livegate key rotate --use checkpoint --finish')
    await published('overlap')
    vkeys = String((await call(gate, 'GET', '/log/vkey')).body)
      .trim()
      .split('\n')
    expect(vkeys[0]).toBe(first)
    expect((await cli('key', 'rotate', '--use', 'checkpoint', '--finish')).exit).toBe(0)
    last = await published('after')
  })
  afterAll(() => gate.stop())

  test('has both keys at its address while they overlap, then the new one', async () => {
    expect(vkeys).toHaveLength(2)
    expect(String((await call(gate, 'GET', '/log/vkey')).body)).toBe(`${vkeys[1]}\n`)
    expect(readFileSync(join(at.overlap, 'checkpoint'), 'utf8').match(/^— /gm)).toHaveLength(2)
    expect(readFileSync(join(at.after, 'checkpoint'), 'utf8').match(/^— /gm)).toHaveLength(1)
  })

  test('keeps old record keys in its set', async () => {
    const { body } = await call(gate, 'GET', '/.well-known/jwks.json')
    expect((body as { readonly keys: readonly object[] }).keys).toHaveLength(2)
  })

  test('is audited with the old key, the new one, or both, while they overlap', async () => {
    for (const keys of [[vkeys[0]], [vkeys[1]], vkeys, [vkeys.join('\n')]])
      expect(await audit('overlap', keys)).toMatchObject({ exit: 0 })
  })

  test('teaches who knows the old key the new one', async () => {
    const { out } = await audit('overlap', [vkeys[0]], '--json')
    const { notices } = JSON.parse(out) as { readonly notices: readonly { message: string }[] }
    expect(notices.map(({ message }) => message).join()).toContain(vkeys[1])
  })

  test('is followed across the end of the old key by who audited it meanwhile', async () => {
    const state = ['--state', join(root, 'state.json')]
    expect(await audit('before', [vkeys[0]], ...state)).toMatchObject({ exit: 0 })
    expect(await audit('overlap', [vkeys[0]], ...state)).toMatchObject({ exit: 0 })
    expect(await audit('after', [vkeys[0]], ...state)).toMatchObject({ exit: 0 })
    expect(await audit('after', [vkeys[1]], ...state)).toMatchObject({ exit: 0 })
  })

  test('is not believed under the old key alone once that has ended', async () => {
    const { exit, err } = await audit('after', [vkeys[0]])
    expect(exit).toBe(4)
    expect(err).toMatch(/not signed by this key\n.*who audited it before/s)
    expect(await audit('after', [vkeys[1]])).toMatchObject({ exit: 0 })
  })

  describe('under a monitor that was given the old key', () => {
    const PUBLIC = (): boolean => true
    /** Looks at one copy of the log after the other, each served in place of the one before. */
    async function watched(
      copies: readonly (keyof typeof at)[],
      open: (path: string) => boolean,
      ...more: readonly string[]
    ): Promise<readonly { readonly exit: number; readonly out: string }[]> {
      const state = join(root, `watch-${copies.join('-')}-${open.name}.json`)
      const looked: Ran[] = []
      for (const copy of copies) {
        const argv = ['log', 'monitor', 'https://gate.example/log', '--once', '--state', state]
        const ran = await run(root, [...argv, '--vkey', vkeys[0] ?? '', ...more], {
          now: () => epochMs(Date.now()),
          async fetch(url) {
            const path = new URL(url).pathname.replace('/log/', '')
            if (!open(path)) return new Response(null, { status: 401 })
            const bytes = await readFile(join(at[copy], path)).catch(() => null)
            return new Response(bytes, { status: bytes === null ? 404 : 200 })
          },
        })
        looked.push(ran)
      }
      return looked
    }
    const tilesOnly = (path: string): boolean => !path.startsWith('tile/entries/')

    test('goes on under the new one, learned from entries it may read', async () => {
      const [before, overlap, after] = await watched(['before', 'overlap', 'after'], PUBLIC)
      expect(before).toMatchObject({ exit: 0, out: expect.not.stringContaining('key') })
      expect(overlap).toMatchObject({ exit: 0, out: expect.stringContaining(vkeys[1] ?? '?') })
      expect(after).toMatchObject({ exit: 0, out: expect.stringContaining('fine') })
    })

    test('says that it needs both where it may not read entries, and knows them when given', async () => {
      const [overlap, after] = await watched(['overlap', 'after'], tilesOnly)
      expect(overlap).toMatchObject({
        exit: 0,
        out: expect.stringContaining('its entries cannot be read: give both keys with --vkey'),
      })
      expect(after).toMatchObject({
        exit: 1,
        out: expect.stringContaining('not signed with a key of the log known here'),
      })
      const both = ['--vkey', vkeys[1] ?? '']
      const given = await watched(['before', 'overlap', 'after'], tilesOnly, ...both)
      expect(given.map(({ exit }) => exit)).toEqual([0, 0, 0])
    })

    test('learns nothing from a log that was not seen during the overlap', async () => {
      const [, after] = await watched(['before', 'after'], PUBLIC)
      expect(after).toMatchObject({
        exit: 1,
        out: expect.stringContaining('give both with --vkey'),
      })
    })
  })

  describe('whose evidence is read by who knows the old key', () => {
    const evidence = async (since: keyof typeof at | null): Promise<Ran> => {
      const file = join(root, `evidence-${since}.json`)
      const argv = ['log', 'evidence', '--decision', last, '--log', at.after, '--open', 'none']
      const older = since === null ? [] : ['--since', join(at[since], 'checkpoint')]
      const keys = vkeys.flatMap((vkey) => ['--vkey', vkey])
      expect(await run(root, [...argv, ...keys, ...older, '--out', file])).toMatchObject({
        exit: 0,
      })
      return run(root, ['log', 'verify', file, '--vkey', vkeys[0] ?? ''], {
        now: () => epochMs(Date.now()),
      })
    }

    test('holds when it is joined to a checkpoint from the overlap: that names the new key', async () => {
      const { exit, out } = await evidence('overlap')
      expect([exit, out]).toEqual([
        0,
        expect.stringContaining('signed by a key you did not give; the log named it earlier'),
      ])
    })

    test.each(['before', null] as const)('is of another key when joined to %s', async (since) => {
      const { exit, out } = await evidence(since)
      expect([exit, out]).toEqual([4, expect.stringContaining('checkpoint_unsigned')])
    })
  })

  test('is mirrored with either key', async () => {
    for (const [i, vkey] of vkeys.entries()) {
      const ran = await run(root, ['log', 'mirror', at.overlap, `mirror-${i}`, '--vkey', vkey])
      expect(ran).toMatchObject({ exit: 0 })
    }
  })

  test('says what a command would change, and changes nothing twice', async () => {
    const again = await cli('key', 'rotate', '--use', 'checkpoint', '--finish')
    expect([again.exit, again.out]).toEqual([0, expect.stringContaining('nothing changes')])
  })

  test('is audited with a notice after a key was declared compromised', async () => {
    const { body } = await call(gate, 'GET', '/v1/keys')
    const { keys } = body as {
      readonly keys: readonly { use: string; signs: boolean; kid: string }[]
    }
    const kid = keys.find(({ use, signs }) => use === 'record' && signs)?.kid ?? ''
    const size = Number(String((await call(gate, 'GET', '/log/checkpoint')).body).split('\n')[1])
    const revoked = await cli('key', 'revoke-record', kid, '--from', String(size - 1), '--json')
    expect(revoked).toMatchObject({ exit: 0 })
    expect(JSON.parse(revoked.out)).toMatchObject({ changed: true })
    await published('after')
    const { exit, out } = await audit('after', [vkeys[1]])
    expect([exit, out]).toEqual([0, expect.stringContaining(`Key ${kid} is withdrawn`)])
  })

  test.each([
    { name: 'a key nobody knows', argv: ['key', 'revoke-record', 'A'.repeat(43)], exit: 1 },
    { name: 'no thumbprint', argv: ['key', 'revoke-record', 'x'], exit: 1 },
    { name: 'no use', argv: ['key', 'rotate'], exit: 2 },
    { name: 'another use', argv: ['key', 'rotate', '--use', 'pepper'], exit: 2 },
    { name: 'no index', argv: ['key', 'revoke-record', 'x', '--from', 'now'], exit: 2 },
  ])('refuses $name', async ({ argv, exit }) => {
    expect(await cli(...argv)).toMatchObject({ exit, out: '' })
  })
})

/** One for all tests of a file. */
function aLastingDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-keys-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
