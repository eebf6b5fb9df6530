/** docs/library.md shows exactly the programs in tests/library, and each of them does what the page says. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createOperator } from '../src/adapters/client/operator.ts'
import { createMemoryGate } from '../src/adapters/memory/gate.ts'
import { utf8 } from '../src/core/encoding.ts'
import { compilePolicy } from '../src/core/policy/compile.ts'
import { emptyEdge } from '../src/core/tlog/edge.ts'
import { grow } from '../src/core/tlog/grow.ts'
import { leafHash } from '../src/core/tlog/hash.ts'
import { mayStart } from './library/ask.ts'
import { whatHolds } from './library/audit.ts'
import { createSite as createLocalSite } from './library/guard-local.ts'
import { createSite as createRemoteSite } from './library/guard-remote.ts'
import { exchangeKey, mayGoOn } from './library/operate.ts'
import { whatChanges } from './library/revise.ts'
import { whatWasDecided } from './library/verify.ts'
import { aStrike, ask, policyOf, STRIKE_RULE } from './support/gate.ts'
import { aGateApp, GATE_URL } from './support/gate-app.ts'
import { ago, NOW, aStrike as planStrike, someFacts } from './support/plans.ts'

const FOLDER = join(import.meta.dirname, 'library')
const PAGE = readFileSync(join(import.meta.dirname, '../docs/library.md'), 'utf8')
const CAPPED =
  '  - { id: cap, ground: terms, when: "subject.followers < 1000", outcome: delay, broadcast_delay: 30s, obligations: [{ type: audience_cap, viewers: 500 }] }'

it('the page shows every program as it is', () => {
  const shown = [...PAGE.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => text)
  const programs = readdirSync(FOLDER).map((name) =>
    readFileSync(join(FOLDER, name), 'utf8').replace("'../../src/index.ts'", "'livegate'"),
  )
  expect(shown.toSorted()).toEqual(programs.toSorted())
})

it('try.ts holds', async () => {
  await import('./library/try.ts')
})

it('guard-remote.ts guards', async () => {
  const { world, key, fetch } = await aGateApp({ policy: policyOf(`${STRIKE_RULE}\n${CAPPED}`) })
  const site = createRemoteSite({ url: GATE_URL, key: key('decide'), fetch })
  await world.gate.putFacts('u1', { followers: 5 }, world.clock.now())
  world.clock.set(Date.now()) // the client checks leases by the system's clock
  const start = async (): Promise<Response> =>
    site.request('/live/b1', { method: 'POST', headers: { 'x-user': 'u1' } })
  await world.gate.putFacts('u1', { followers: 5 }, world.clock.now())
  expect(await (await start()).json()).toEqual({ live: true, viewers_at_most: 500 })
  await world.gate.strike(aStrike('s1', 'u1', { issued_at: world.clock.now() }))
  const refused = await start()
  expect(refused.status).toBe(403)
  expect(await refused.json()).toMatchObject({ code: 'live_denied' })
})

it('guard-local.ts guards', async () => {
  const { gate } = await createMemoryGate({ policy: policyOf(STRIKE_RULE) })
  const site = createLocalSite(gate)
  const start = async (): Promise<Response> =>
    site.request('/live', { method: 'POST', headers: { 'x-user': 'u1' } })
  expect(await (await start()).json()).toEqual({ until: expect.stringMatching(/^20.*Z$/) })
  await gate.strike({
    ...aStrike('s1', 'u1'),
    issued_at: (await gate.subject('u1')).broadcasts[0]?.opened_at ?? aStrike('', '').issued_at,
  })
  expect((await start()).status).toBe(403)
})

it('ask.ts tells the answers apart', async () => {
  const { world, key, fetch } = await aGateApp({ policy: policyOf(STRIKE_RULE) })
  const gate = { url: GATE_URL, key: key('decide'), fetch }
  world.clock.set(Date.now())
  expect(await mayStart(gate, { subject: 'u1' })).toMatch(/^start, and ask again before 20/)
  await world.gate.strike(aStrike('s1', 'u1', { issued_at: world.clock.now() }))
  expect(await mayStart(gate, { subject: 'u1' })).toMatch(/^not until 20/)
  const down = async (): Promise<Response> => Promise.reject(new TypeError('down'))
  expect(await mayStart({ ...gate, fetch: down }, { subject: 'u1' })).toMatch(/^nobody knows: /)
})

it('operate.ts renews what runs, and exchanges a key', async () => {
  const { world, key, fetch } = await aGateApp({ policy: policyOf(STRIKE_RULE) })
  const gate = { url: GATE_URL, key: key('admin'), fetch }
  const { id } = await world.gate.decide(ask('u1'))
  expect(await mayGoOn(gate, id)).toMatch(/^go on, and ask again before 20/)
  const bound = await createOperator(gate).bindStreamKey({ subject: 'u1' })
  const fresh = await exchangeKey(gate, bound.id)
  expect([fresh.length, await exchangeKey(gate, bound.id)]).toEqual([32, fresh])
})

it('revise.ts says what a text would change, and what a promise keeps from changing', () => {
  const text = (length: string): string =>
    policyOf(`  - { id: one, count: { category: "*" }, ladder: { 1: ${length} }, outcome: deny }`)
  const compiled = compilePolicy(new TextEncoder().encode(text('10d')), { file: 'p.yaml' })
  if (!compiled.ok) throw new Error('the policy does not compile')
  const now = { plan: compiled.value.plan, revision: 1, from: ago('90d') }
  const struck = planStrike({ id: 's1', effective_at: ago('1d') })
  const facts = someFacts({ strikes: [struck] }, { at: NOW })
  expect(whatChanges(now, text('5d'), facts)).toEqual([
    'one: shortened, until 2026-02-04T00:00:00.000Z',
  ])
  expect(whatChanges(now, text('30d'), facts)).toEqual([])
  expect(whatChanges(now, policyOf(''), facts)).toEqual(['one: closed, until now'])
  expect(whatChanges(now, 'livegate: policy/v1', facts)).not.toEqual([])
})

it('audit.ts audits, and names the lie', async () => {
  const { gate, store } = await createMemoryGate({ policy: policyOf(STRIKE_RULE) })
  await gate.decide(ask('u1'))
  const entries = store.entries().map(({ jws, openings }) => ({
    bytes: utf8(jws),
    disclosures: Object.values(openings),
  }))
  const leaves = entries.map(({ bytes }) => leafHash(bytes))
  const { root } = grow({ edge: emptyEdge(), leaves })
  const head = { size: entries.length, root, note: '' }
  const { origin } = store.log
  expect((await whatHolds(origin, head, entries)).join(' ')).toContain('1 of 1 decision replayed')
  expect(await whatHolds(origin, { ...head, size: 1 }, entries)).toEqual([
    expect.stringContaining('null size'),
  ])
})

it('verify.ts verifies, and says what is wrong', async () => {
  const { world, app, key } = await aGateApp({ policy: policyOf('') })
  const asked = await app.request('/v1/decisions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key('decide')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ subject: 'u1' }),
  })
  const { record } = (await asked.json()) as { record: string }
  const jwks = await (await app.request('/.well-known/jwks.json')).json()
  expect(await whatWasDecided(record, jwks)).toBe('allow for u1')
  expect(await whatWasDecided(record, { keys: [] })).toBe('key_unknown')
  const other = await createMemoryGate({ policy: policyOf('') })
  expect(await whatWasDecided(record, other.jwks)).toBe('key_unknown')
  await world.verify()
})
