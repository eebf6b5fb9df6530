/** `GET /v1/rollout` and `livegate policy rollout` against a whole gate behind its real HTTP app. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { describe, expect, it, test } from 'vitest'
import { newApiKey } from '../../src/adapters/http/api-key.ts'
import { ROLLOUT_ANSWER } from '../../src/adapters/http/rollout-schemas.ts'
import type { Scope } from '../../src/adapters/http/scopes.ts'
import type { World } from '../../src/cli/world.ts'
import { countedRandom } from '../core/record/samples.ts'
import { aStrike, ask, HOUR, policyOf, STRIKE_RULE } from '../support/gate.ts'
import { aGateApp, type GateApp } from '../support/gate-app.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const OFF = STRIKE_RULE.replace(/ \}$/, ', enforce: off }')

interface Answered {
  readonly decisions: readonly { readonly id: string; readonly subject?: string }[]
  readonly renewals: readonly { readonly broadcast: string }[]
  readonly counts: readonly object[]
  readonly next: string | null
}

/** Three who were spared, one of them twice and at a media server; one who goes on; one whom it does not concern. */
async function spared(): Promise<GateApp> {
  const gate = await aGateApp({ policy: policyOf(OFF) })
  const { world } = gate
  await world.gate.decide(ask('clean'))
  for (const subject of ['a', 'b', 'c']) {
    await world.gate.strike(aStrike(`s_${subject}`, subject))
    await world.gate.decide(ask(subject, { stream: { id: 'x', hosts: [] } }))
  }
  const { id } = await world.gate.decide(
    ask('c', { session: { server: 'edge-1', session: 'p' }, caller: 'hook:edge-1' }),
  )
  world.pass(2 * HOUR)
  await world.gate.renew({ broadcast: id, caller: 'key_1' })
  return gate
}

async function keyWith(gate: GateApp, ...scopes: readonly Scope[]): Promise<string> {
  const random = countedRandom(scopes.join())
  const { token, key } = newApiKey(
    { scopes: [...scopes], owner: 'test' },
    { random: { bytes: (length) => random(length) }, clock: gate.world.clock },
  )
  await gate.world.store.apiKeys.create(key)
  return token
}

async function get(gate: GateApp, query: string, token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` }
  return gate.app.request(`/v1/rollout?${query}`, { headers })
}

describe('GET /v1/rollout', () => {
  it('answers who was spared, page by page, naming nobody to who may not know', async () => {
    const gate = await spared()
    const token = gate.key('audit')
    const found: string[] = []
    const broadcasts: string[] = []
    let cursor = ''
    for (;;) {
      const response = await get(gate, `from=2026-11-20T00:00:00Z&limit=1${cursor}`, token)
      expect(response.status).toBe(200)
      const page = (await response.json()) as Answered
      v.assert(ROLLOUT_ANSWER, page)
      expect(JSON.stringify(page)).not.toContain('"subject"')
      found.push(...page.decisions.map(({ id }) => id))
      broadcasts.push(...page.renewals.map(({ broadcast }) => broadcast))
      if (page.next === null) break
      cursor = `&cursor=${encodeURIComponent(page.next)}`
    }
    expect([found.length, new Set(found).size]).toEqual([4, 4])
    expect(broadcasts).toEqual([found[0]])
    expect(gate.world.kinds()).not.toContain('access')
  })

  it('names them to who may, once that is in the log', async () => {
    const gate = await spared()
    const token = await keyWith(gate, 'audit', 'identity')
    const query = 'from=2026-11-20T00:00:00Z&subjects=true'
    const page = (await (await get(gate, query, token)).json()) as Answered
    v.assert(ROLLOUT_ANSWER, page)
    expect(page.decisions.map(({ subject }) => subject)).toEqual(['c', 'c', 'b', 'a'])
    expect(gate.world.kinds().filter((kind) => kind === 'access')).toHaveLength(1)
    await gate.world.verify()
  })

  it.each([
    ['', 400, 'from'],
    ['from=yesterday', 400, 'from'],
    ['from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z', 400, 'before `from`'],
    ['from=2026-11-20T00:00:00Z&limit=0', 400, 'limit'],
    ['from=2026-11-20T00:00:00Z&subjects=yes', 400, 'subjects'],
    ['from=2026-11-20T00:00:00Z&cursor=nonsense', 400, 'not one of ours'],
    ['from=2026-11-20T00:00:00Z&server=x', 400, 'server'],
    ['from=2026-11-20T00:00:00Z&subjects=true', 403, 'identity'],
  ])('refuses %j with %i and says why', async (query, status, says) => {
    const gate = await aGateApp({ policy: policyOf(OFF) })
    const response = await get(gate, query, gate.key('audit'))
    expect(response.status).toBe(status)
    expect(await response.text()).toContain(says)
  })
})

describe('POST /v1/decisions with enforce', () => {
  const decide = async (gate: GateApp, more: object): Promise<Response> =>
    gate.app.request('/v1/decisions', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${gate.key('decide')}`,
      },
      body: JSON.stringify({ subject: 'u1', ...more }),
    })

  it('lets start whom the policy refuses, and says so', async () => {
    const gate = await aGateApp({ policy: policyOf(STRIKE_RULE) })
    await gate.world.gate.strike(aStrike('s1', 'u1'))
    expect(await (await decide(gate, {})).json()).toMatchObject({ outcome: 'deny' })
    expect(await (await decide(gate, { enforce: 'off' })).json()).toMatchObject({
      ...{ outcome: 'allow', enforced: false, lease_until: '2026-11-20T16:00:00.000Z' },
      would: {
        ...{ outcome: 'deny', until: '2026-12-20T12:00:00.000Z', rules: [{ rule: 'struck' }] },
      },
    })
    expect(await (await decide(gate, { enforce: 'on' })).json()).not.toHaveProperty('enforced')
  })

  it.each(['Off', 'canary', 'canary 100%', 'canary 0%', '10%', '', 7, null, false, ['off']])(
    'takes no enforce like %j for an answer, in either direction',
    async (enforce) => {
      const gate = await aGateApp({ policy: policyOf(STRIKE_RULE) })
      const response = await decide(gate, { enforce })
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('canary 10%')
    },
  )
})

async function cli(gate: GateApp, words: readonly string[], token: string): Promise<Ran> {
  const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
  const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: token }
  const { now } = gate.world.clock
  return run('/', ['policy', 'rollout', ...words], { fetch, env, now, sleep: async () => {} })
}

describe('policy rollout', () => {
  test('adds up every page, by rule and server', async () => {
    const gate = await spared()
    const { exit, out, err } = await cli(gate, ['--from', '2026-11-20'], gate.key('audit'))
    expect([exit, err]).toEqual([0, ''])
    expect(out).toBe(`4 decisions not enforced: 4 would have been stopped
1 renewal not enforced: 1 would have been cut
  deny struck: 3, stopped 3
  deny struck at edge-1: 1, stopped 1
`)
    const listed = await cli(gate, ['--from', '2026-11-20', '--ids'], gate.key('audit'))
    expect(listed.out.split('\n').filter((line) => line.includes('"id"'))).toHaveLength(5)
  })

  test('names people only on request, to who may, most often first', async () => {
    const gate = await spared()
    const words = ['--from', '2026-11-20', '--subjects']
    const refused = await cli(gate, words, gate.key('audit'))
    expect([refused.exit, refused.err]).toEqual([1, expect.stringContaining('`identity`')])
    const named = await cli(gate, words, await keyWith(gate, 'audit', 'identity'))
    expect(named.out).toContain('\n  c: 3 times\n  a: 1 time\n  b: 1 time\n')
  })

  test('takes no word for an instant, and needs one', async () => {
    const gate = await aGateApp({ policy: policyOf(OFF) })
    const wrong = await cli(gate, ['--from', 'monday'], gate.key('audit'))
    expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('Cannot use --from')])
    const none = await cli(gate, [], gate.key('audit'))
    expect([none.exit, none.err]).toEqual([2, expect.stringContaining('--from')])
  })
})

test('policy explain says what is not enforced, and what it would have been', async () => {
  const dir = aDirectory()
  writeFileSync(
    join(dir, 'p.yaml'),
    `livegate: policy/v1
name: p
rules:
  - { id: spam, outcome: deny, count: { category: spam.* }, ladder: { 1: 7d }, enforce: canary 10% }
`,
  )
  const strikes =
    '[{ id: s1, category: spam.bulk, severity: low, issued_at: 2026-01-10T00:00:00Z }]'
  const AT = ['--at', '2026-01-12T00:00:00Z']
  const explained = async (bucket: number): Promise<string> => {
    writeFileSync(join(dir, 'h.yaml'), `bucket: ${bucket}\nstrikes: ${strikes}\n`)
    return (
      await run(dir, ['policy', 'explain', '--policy', 'p.yaml', '--history', 'h.yaml', ...AT])
    ).out
  }
  const spared = await explained(10)
  expect(spared).toContain('allow\n  not enforced: deny until 2026-01-17T00:00:00.000Z, by spam\n')
  expect(spared).toContain('spam: not enforced')
  expect(spared).toMatch(/spam .*━.*, not enforced\n/)
  expect(await explained(9)).toMatch(/^deny until 2026-01-17T00:00:00.000Z\n/)
})
