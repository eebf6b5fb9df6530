/**
 * A gate with a candidate in the shadow, from outside: the answers are those of the policy, the figures the candidate's.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ADMIN_KEY, startServer } from '../support/server.ts'

it('a candidate answers in the shadow: counted in metrics, sampled by id, reloaded, never effective', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-shadow-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const candidate = join(dir, 'candidate.yaml')
  writeFileSync(candidate, 'livegate: policy/v1\nname: shut\nrules: [{ id: x }]\n')
  const policy = join(dir, 'open.yaml')
  writeFileSync(
    policy,
    "livegate: policy/v1\nname: open\nrules: [{ id: never, when: 'false', outcome: deny }]\n",
  )
  const args = ['--shadow-policy', candidate]
  const server = await startServer({ data: join(dir, 'data'), policy, args })
  onTestFinished(async () => void (await server.stop()))
  const ask = async (path: string, body?: object): Promise<{ status: number; text: string }> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${server.url}${path}`, { headers, ...sent })
    return { status: answer.status, text: await answer.text() }
  }

  const json = async <T>(path: string, body?: object): Promise<T> =>
    JSON.parse((await ask(path, body)).text) as T

  const ready = await json<{ shadow: { problems: string[] } }>('/readyz')
  expect(ready.shadow.problems[0]).toContain('candidate.yaml:3:9')
  expect((await ask('/v1/policies/shadow')).status).toBe(404)

  writeFileSync(
    candidate,
    "livegate: policy/v1\nname: shut\nrules: [{ id: all, when: 'true', outcome: deny }]\n",
  )
  await vi.waitUntil(async () => (await ask('/v1/policies/shadow')).status === 200, 15_000)
  const decided = await json<{ id: string; outcome: string }>('/v1/decisions', { subject: 'u_1' })
  expect(decided.outcome).toBe('allow')
  const report = await vi.waitUntil(async () => {
    const found = await json<{ decisions: number; examples: unknown }>('/v1/policies/shadow')
    return found.decisions === 1 ? found : null
  }, 15_000)
  expect(report).toMatchObject({ name: 'shut', changes: { allow_to_deny: 1 }, failed: 0 })
  expect(report?.examples).toMatchObject([{ id: decided.id, after: { outcome: 'deny' } }])
  expect((await ask('/metrics')).text).toContain(
    'livegate_shadow_rules_total{rule="all",change="allow_to_deny"} 1',
  )
  expect(await json(`/v1/decisions/${decided.id}`)).toMatchObject({ outcome: 'allow' })
})
