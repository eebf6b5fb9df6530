/**
 * Broadcasts on a running gate, over its API: renewed, ended by a strike, by another policy and by an incident, through kill -9.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { call, type ServerProcess, startServer } from '../support/server.ts'

const policyOf = (rule: string): string =>
  `livegate: policy/v1\nname: e2e\nrules:\n  - ${rule}\ndefault: allow\nlease: 4h\n`
const STRUCK =
  '{ id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d }, outcome: deny }'
const INCIDENT = '{ id: calm, ground: terms, when: incident.active, outcome: deny }'
const LATER = '{ id: shut, ground: terms, when: "stream.id == \'shut\'", outcome: deny }'

interface Shown {
  readonly id: string
  readonly cutting?: { readonly cause: string; readonly order: string }
}

async function goLive(server: ServerProcess, subject: string, id = 'main'): Promise<string> {
  const made = await call(server, 'POST', '/v1/decisions', { subject, stream: { id } })
  expect(made.body).toMatchObject({ outcome: 'allow' })
  return (made.body as Shown).id
}
const shown = async (server: ServerProcess, id: string): Promise<Shown> =>
  (await call(server, 'GET', `/v1/broadcasts/${id}`)).body as Shown
const isCut = (server: ServerProcess, id: string): Promise<Shown> =>
  vi.waitUntil(async () => {
    const one = await shown(server, id)
    return one.cutting === undefined ? null : one
  }, 20_000) as Promise<Shown>

it('what may not go on has to stop, whatever says so, and a new process knows it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-broadcasts-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const policy = join(dir, 'policy.yaml')
  writeFileSync(policy, policyOf(STRUCK))
  const options = { data: join(dir, 'data'), policy }
  let server = await startServer(options)
  onTestFinished(async () => void (await server.stop()))

  const [struck, calm, shut, other] = [
    await goLive(server, 'struck'),
    await goLive(server, 'calm'),
    await goLive(server, 'shut', 'shut'),
    await goLive(server, 'other'),
  ]
  const strike = { id: 's_1', category: 'terrorism.link', severity: 'high' }
  const issued_at = new Date().toISOString()
  const struckAnswer = await call(server, 'POST', '/v1/subjects/struck/strikes', {
    ...{ ...strike, issued_at },
  })
  expect(struckAnswer).toMatchObject({ status: 201, body: { revoked: [struck] } })
  const conflict = await call(server, 'POST', `/v1/broadcasts/${struck}/renewal`, {})
  expect(conflict).toMatchObject({ status: 409, body: { code: 'conflict' } })

  // The file changes, and nobody asks about anybody.
  writeFileSync(policy, policyOf(LATER))
  expect(await isCut(server, shut)).toMatchObject({ cutting: { cause: 'policy' } })

  await server.kill()
  writeFileSync(policy, policyOf(`${LATER}\n  - ${INCIDENT}`))
  server = await startServer(options)
  expect((await shown(server, struck)).cutting?.cause).toBe('strike')
  const expires_at = new Date(Date.now() + 3_600_000).toISOString()
  const started = await call(server, 'PUT', '/v1/incident', {
    ...{ scope: 'all', reason: 'drill', expires_at },
  })
  expect(started.status).toBe(201)
  const metrics = String((await call(server, 'GET', '/metrics')).body)
  expect(metrics).toContain('\nlivegate_incident_active 1\n')
  expect(metrics).toContain('\nlivegate_reviews_open 0\n')
  expect(await isCut(server, calm)).toMatchObject({ cutting: { cause: 'incident' } })
  await isCut(server, other)

  const listed = await call(server, 'GET', '/v1/broadcasts?cutting=true')
  const ids = (listed.body as { broadcasts: Shown[] }).broadcasts.map(({ id }) => id)
  expect(ids.sort()).toEqual([struck, calm, shut, other].sort())
  const ended = await call(server, 'POST', `/v1/broadcasts/${struck}/end`, {})
  expect(ended).toMatchObject({ status: 200, body: { ended: true } })
  expect((await call(server, 'GET', `/v1/broadcasts/${struck}`)).status).toBe(404)
  const again = await call(server, 'POST', `/v1/broadcasts/${struck}/end`, {})
  expect(again).toMatchObject({ status: 200, body: { ended: false } })
}, 60_000)

it('what a policy that grows too old lets start no more has to stop when it does', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-stale-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const policy = join(dir, 'policy.yaml')
  writeFileSync(policy, `${policyOf(STRUCK)}max_age: 10s\non_stale: deny\n`)
  const server = await startServer({ data: join(dir, 'data'), policy })
  onTestFinished(async () => void (await server.stop()))
  const id = await goLive(server, 'somebody')
  expect(await isCut(server, id)).toMatchObject({ cutting: { cause: 'policy' } })
  const asked = await call(server, 'POST', '/v1/decisions', { subject: 'another' })
  expect(asked.body).toMatchObject({ outcome: 'deny' })
}, 60_000)
