/**
 * Commands that speak to a running gate, against the real HTTP app; and API keys in a real data directory.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { initNodeStore, openNodeStore } from '../../src/adapters/node/store.ts'
import type { World } from '../../src/cli/world.ts'
import { bootstrap } from '../contract/node-store.ts'
import { aDeny, aFixture, type Fixture } from '../support/http.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

function talkTo(
  gate: Fixture,
): (words: readonly string[], changes?: Partial<World>) => Promise<Ran> {
  const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
  const key = gate.token('strikes', 'decide', 'audit')
  const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: key }
  return (words, changes = {}) => run('/', words, { fetch, env, ...changes })
}

describe('strike add and reverse', () => {
  const ADD = [
    'strike',
    'add',
    'u_1',
    '--id',
    's_1',
    '--category',
    'spam.bulk',
    '--severity',
    'low',
  ]

  test('record once, say so the second time, refuse other content, and reverse', async () => {
    const gate = aFixture()
    const go = talkTo(gate)
    const first = await go(ADD)
    expect(first).toMatchObject({ exit: 0, err: '' })
    expect(first.out).toMatch(/^strike `s_1` recorded at index \d+\n0 restrictions running\n$/)
    expect(gate.world.strikes.get('s_1')).toMatchObject({ subject: 'u_1', category: 'spam.bulk' })
    expect((await go(ADD)).out).toMatch(/^strike `s_1` was there already\n/)
    const other = await go([...ADD.slice(0, -1), 'high'])
    expect(other.exit).toBe(1)
    expect(other.err).toContain('409 conflict')
    const reversed = await go(['strike', 'reverse', 's_1', '--reason', 'wrong account'])
    expect(reversed.exit).toBe(0)
    expect(reversed.out).toMatch(/^strike `s_1` reversed; 1 decision relied on it\n {2}\S+ deny /)
    expect(gate.world.strikes.get('s_1')?.status).toBe('reversed')
  })

  test('say what the gate found wrong, by member', async () => {
    const go = talkTo(aFixture())
    const ran = await go([...ADD, '--scope', 'x'.repeat(100)])
    expect(ran.exit).toBe(1)
    expect(ran.err).toMatch(/400 invalid_request: .*\(\/scope: expected a text of 1 to 64/)
  })

  test('reverse of an unknown strike could not be completed', async () => {
    const ran = await talkTo(aFixture())(['strike', 'reverse', 'nope', '--reason', 'x'])
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('404 not_found')
  })

  test('do not follow the gate elsewhere, and warn when a key would travel in the open', async () => {
    const seen: RequestInit[] = []
    const fetch: World['fetch'] = async (_url, init) => {
      seen.push(init)
      return Response.json({})
    }
    const ran = await talkTo(aFixture())([...ADD, '--url', 'http://gate.example'], { fetch })
    expect(seen[0]?.redirect).toBe('manual')
    expect(ran.err).toContain('warning: the API key travels unencrypted')
  })
})

describe('policy explain', () => {
  test('asks a running gate about a subject', async () => {
    const gate = aFixture()
    gate.world.decisions.set('u_1', aDeny())
    const ran = await talkTo(gate)(['policy', 'explain', '--subject', 'u_1'])
    expect(ran).toMatchObject({ exit: 0, err: '' })
    expect(ran.out).toMatch(
      /^deny until 2026-12-20T00:00:00.000Z\n {2}because of dangerous-organisations: restriction_active\n/,
    )
  })
})

describe('what a hostile server says', () => {
  test('cannot steer the terminal', async () => {
    const evil = '\u001b]0;owned\u0007\u202e'
    const fetch: World['fetch'] = async () =>
      Response.json(
        { code: evil, detail: evil, errors: [{ pointer: evil, detail: evil }] },
        { status: 400 },
      )
    const ran = await talkTo(aFixture())(['strike', 'reverse', 's', '--reason', 'x'], { fetch })
    expect(ran.exit).toBe(1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may come through.
    expect(ran.out + ran.err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  })

  test('cannot steer it through JSON either, and reads back as it was', async () => {
    const evil = '\u009b31m\u202e\u007f'
    const fetch: World['fetch'] = async () => Response.json({ decisions: [], evil })
    const ran = await talkTo(aFixture())(['strike', 'reverse', 's', '--reason', 'x', '--json'], {
      fetch,
    })
    expect(JSON.parse(ran.out)).toMatchObject({ evil })
    expect(ran.out).not.toMatch(/[\u007f-\u009f\u202e]/)
  })

  test('without end is cut off', async () => {
    const fetch: World['fetch'] = async () =>
      new Response(
        new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(4_000_000)) }),
      )
    const ran = await talkTo(aFixture())(['strike', 'reverse', 's', '--reason', 'x'], { fetch })
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('it is longer than')
  })
})

describe('key', () => {
  async function aDataDir(): Promise<string> {
    const dir = join(aDirectory(), 'data')
    const origin = 'gate.example/log/keys'
    await initNodeStore({ dir, origin, bootstrap })
    return dir
  }

  test('is created, shown once, listed without its secret and revoked', async () => {
    const data = await aDataDir()
    const created = await run('/', [
      'key',
      'create',
      '--scopes',
      'decide,read',
      '--owner',
      'backend',
      '--data',
      data,
    ])
    expect(created.exit).toBe(0)
    expect(created.out).toMatch(/^lg_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/)
    const [, id = '', secret = ''] = /^lg_([^_]+)_(.+)\n$/.exec(created.out) ?? []
    expect(created.err).not.toContain(secret)
    const listed = await run('/', ['key', 'list', '--data', data])
    expect(listed.out).toMatch(new RegExp(`^${id} {2}backend {2}decide,read {2}2026-01-31T`))
    expect(listed.out).not.toContain(secret)
    expect((await run('/', ['key', 'list', '--data', data, '--json'])).out).not.toContain('hash')
    expect((await run('/', ['key', 'revoke', id, '--data', data])).out).toBe(
      `key ${id} is revoked\n`,
    )
    expect((await run('/', ['key', 'list', '--data', data])).out).toContain(' revoked 2026-01-31T')
  })

  test('that is not there cannot be revoked', async () => {
    const ran = await run('/', ['key', 'revoke', 'nope', '--data', await aDataDir()])
    expect(ran).toMatchObject({
      exit: 1,
      err: 'error: Cannot revoke key `nope`: there is no such key\n',
    })
  })

  test('may be made and revoked while a gate runs in the directory, and the gate sees it', async () => {
    const data = await aDataDir()
    const running = await openNodeStore({ dir: data })
    const ran = await run('/', [
      'key',
      'create',
      '--scopes',
      'decide',
      '--owner',
      'b',
      '--data',
      data,
      '--json',
    ])
    const { id } = JSON.parse(ran.out) as { id: string }
    expect(await running.apiKeys.byId(id)).toMatchObject({ owner: 'b', revoked_at: null })
    await run('/', ['key', 'revoke', id, '--data', data])
    expect((await running.apiKeys.byId(id))?.revoked_at).not.toBeNull()
    expect(await running.close()).toBe(true)
  })
})

describe('--key @FILE', () => {
  test('reads the key from a file, so that it is in no process list', async () => {
    const gate = aFixture()
    const dir = aDirectory()
    writeFileSync(join(dir, 'k.txt'), `${gate.token('strikes')}\n`)
    const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
    const words = [
      'strike',
      'add',
      'u',
      '--id',
      's',
      '--category',
      'spam.bulk',
      '--severity',
      'low',
    ]
    const ran = await run(dir, [...words, '--key', '@k.txt', '--url', 'http://localhost:1'], {
      fetch,
    })
    expect(ran.exit).toBe(0)
  })
})
