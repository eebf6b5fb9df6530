/**
 * Policies put in force, rolled back, called off and listed from the command line, against the real HTTP app and a real desk.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { aFixture, type Fixture } from '../support/http.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const A_POLICY = (name: string): string =>
  `livegate: policy/v1\nname: ${name}\nrules: [{ id: all, when: incident.active, outcome: deny }]\n`

let dir: string
let gate: Fixture
let go: (...words: readonly string[]) => Promise<Ran>

beforeEach(() => {
  dir = aDirectory()
  gate = aFixture()
  mkdirSync(join(dir, 'policies'), { recursive: true })
  for (const name of ['one', 'two'])
    writeFileSync(join(dir, 'policies', `${name}.yaml`), A_POLICY(name))
  const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
  const key = gate.token('policy', 'read')
  const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: key }
  go = (...words) => run(dir, words, { fetch, env })
})

describe('policy activate', () => {
  test('puts a file in force, once', async () => {
    expect(await go('policy', 'activate', 'policies/one.yaml')).toMatchObject({
      exit: 0,
      err: '',
      out: 'revision 1 (one), decides from 2026-11-20T12:00:00.000Z on\n',
    })
    expect((await go('policy', 'activate', 'policies/one.yaml')).out).toBe(
      'revision 1 (one) is in force already or to come; nothing changes\n',
    )
  })

  test('reports without changing anything', async () => {
    await go('policy', 'activate', 'policies/one.yaml')
    const ran = await go('policy', 'activate', 'policies/two.yaml', '--dry-run')
    expect(ran.out).toBe(
      [
        'would be revision 2 (two), decides from 2026-11-20T12:00:00.001Z on',
        'of the last 0 decisions, 0 unchanged',
        'of 0 subjects with strikes, 0 affected',
        '',
      ].join('\n'),
    )
    expect((await go('policy', 'list')).out).toMatch(/^1 active [^\n]+\n$/)
    writeFileSync(join(dir, 'renamed.yaml'), A_POLICY('two').replace('id: all', 'id: renamed'))
    expect((await go('policy', 'activate', 'renamed.yaml', '--dry-run')).out).toContain(
      '\n  warning: rule all is gone, which frees nobody\n',
    )
  })

  test('says every mistake of a file with its place, and asks nobody', async () => {
    const broken = A_POLICY('broken').replace('outcome', 'outcme')
    writeFileSync(join(dir, 'broken.yaml'), broken)
    const ran = await go('policy', 'activate', 'broken.yaml')
    expect(ran.exit).toBe(3)
    expect(ran.out).toContain('broken.yaml:3:9 missing-key: a rule needs `outcome`')
    expect(ran.out).toContain('  hint: did you mean `outcome`?')
    expect(ran.out).toMatch(/\n2 problems; nothing was activated\n$/)
    expect((await go('policy', 'list')).out).toBe('no revisions\n')
  })

  test('is told when another author was faster', async () => {
    await go('policy', 'activate', 'policies/one.yaml')
    const ran = await go('policy', 'activate', 'policies/two.yaml', '--expect-revision', '0')
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('the newest revision is 1, expected 0')
  })

  test('schedules, and rollback --pending calls it off', async () => {
    await go('policy', 'activate', 'policies/one.yaml')
    const at = '2026-11-21T00:00:00Z'
    const later = await go('policy', 'activate', 'policies/two.yaml', '--at', at, '--note', 'T 1')
    expect(later.out).toContain('revision 2 (two), decides from 2026-11-21T00:00:00.000Z on')
    expect((await go('policy', 'list')).out).toMatch(
      /^2 pending from 2026-11-21\S+ two .* T 1\n1 active /,
    )
    const off = await go('policy', 'rollback', '--pending')
    expect(off.out).toMatch(/^revision 3 \(one\).*\nrevision 2 will never decide\n$/)
  })

  for (const [option, written] of [
    ['--at', 'tomorrow'],
    ['--expect-revision', 'one'],
    ['--decisions', '-1'],
  ] as const)
    test(`refuses ${option} ${written}`, async () => {
      const ran = await go('policy', 'activate', 'policies/one.yaml', `${option}=${written}`)
      expect(ran.exit).toBe(2)
    })

  test('needs a key that may', async () => {
    const key = gate.token('read')
    const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
    const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: key }
    const ran = await run(dir, ['policy', 'activate', 'policies/one.yaml'], { fetch, env })
    expect([ran.exit, ran.err.includes('403 forbidden')]).toEqual([1, true])
  })
})

describe('policy rollback', () => {
  test('puts the text before in force again, as JSON too', async () => {
    await go('policy', 'activate', 'policies/one.yaml')
    gate.world.clock.set(gate.world.clock.now() + 1000)
    await go('policy', 'activate', 'policies/two.yaml')
    gate.world.clock.set(gate.world.clock.now() + 1000)
    const ran = await go('policy', 'rollback', '--json')
    expect(JSON.parse(ran.out)).toMatchObject({ revision: 3, name: 'one', cause: 'rollback' })
    expect((await go('policy', 'list')).out).toMatch(
      /^3 active .* one \(rollback by \S+\)\n2 past .*\n1 past /,
    )
  })

  test('without a text before could not be completed', async () => {
    await go('policy', 'activate', 'policies/one.yaml')
    const ran = await go('policy', 'rollback')
    expect([ran.exit, ran.err]).toEqual([
      1,
      expect.stringContaining('no other revision decided before'),
    ])
  })
})
