/** The Worker itself: unfit to answer, left by its caller, rung by its cron trigger; and what it says of logs. */
import {
  createExecutionContext,
  createScheduledController,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterEach, describe, expect, it } from 'vitest'
import { BUNDLED_POLICY } from '../../src/adapters/cloudflare/bundle.ts'
import { requireBundledPolicy } from '../../src/adapters/cloudflare/edge-policy.ts'
import type { Env } from '../../src/adapters/cloudflare/env.ts'
import { keeperOfLog, subjectObjectName } from '../../src/adapters/cloudflare/names.ts'
import { carried, opened } from '../../src/adapters/cloudflare/rpc.ts'
import type { SequencerStatus } from '../../src/adapters/cloudflare/rpc-status.ts'
import { edgeReadiness } from '../../src/adapters/cloudflare/worker-health.ts'
import { edgeMetrics } from '../../src/adapters/cloudflare/worker-metrics.ts'
import worker from '../../src/worker.ts'
import { pepper, stubs } from './deployment.ts'

const lines: string[] = []
const { error: say } = console
afterEach(() => {
  console.error = say
  lines.length = 0
})

function listen(): void {
  console.error = (text: string) => lines.push(text)
}

const without = (...names: readonly string[]): Env =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => !names.includes(name)),
  ) as unknown as Env

const request = (path: string, method = 'GET'): Request<unknown, IncomingRequestCfProperties> =>
  new Request(`https://gate.example${path}`, { method })

describe('a Worker that lacks something', () => {
  it('answers every request 503, without a word of what', async () => {
    listen()
    const unfit = without('LIVEGATE_PEPPER', 'LIVEGATE_ORIGIN')
    for (const [path, method] of [
      ['/healthz', 'GET'],
      ['/readyz', 'GET'],
      ['/v1/decisions', 'POST'],
      ['/hooks/nginx-rtmp/edge-1', 'POST'],
      ['/nowhere', 'GET'],
    ] as const) {
      const response = await worker.fetch?.(request(path, method), unfit, createExecutionContext())
      expect([path, response?.status]).toEqual([path, 503])
      expect(response?.headers.get('content-type')).toBe('application/problem+json')
      const text = await response?.text()
      expect(text).toContain('"code":"halted"')
      expect(text).not.toMatch(/LIVEGATE|PEPPER/)
    }
  })

  it('says everything it lacks to its operator, once', async () => {
    listen()
    const unfit = without('LIVEGATE_PEPPER', 'LIVEGATE_ORIGIN', 'LOG')
    for (let i = 0; i < 3; i++)
      await worker.fetch?.(request('/healthz'), unfit, createExecutionContext())
    const said = lines.map((line) => JSON.parse(line) as { problem: string; level: string })
    expect(said).toMatchObject([
      { level: 'error', msg: 'unfit', problem: expect.stringContaining('binding LOG') },
      { problem: expect.stringContaining('LIVEGATE_PEPPER: it is missing') },
      { problem: expect.stringContaining('LIVEGATE_ORIGIN: it is missing') },
    ])
  })

  it('answers 503 as well when its record key is two halves of different keys', async () => {
    listen()
    const key = { kty: 'OKP', crv: 'Ed25519', d: 'A'.repeat(43), x: 'A'.repeat(43) }
    const unfit = { ...env, LIVEGATE_RECORD_KEY: JSON.stringify(key) }
    const response = await worker.fetch?.(request('/healthz'), unfit, createExecutionContext())
    expect(response?.status).toBe(503)
    expect(lines).toEqual([expect.stringContaining('Cannot read LIVEGATE_RECORD_KEY')])
    expect(lines.join()).not.toContain('A'.repeat(20))
  })

  it('beats no heart', async () => {
    listen()
    const unfit = without('LIVEGATE_ADMIN_KEY')
    await worker.scheduled?.(createScheduledController(), unfit, createExecutionContext())
    expect(lines).toEqual([expect.stringContaining('LIVEGATE_ADMIN_KEY')])
  })
})

describe('a caller who hangs up', () => {
  it('has begun what goes on without them', async () => {
    const context = createExecutionContext()
    const asked = new Request<unknown, IncomingRequestCfProperties>(
      'https://gate.example/v1/decisions',
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${env.LIVEGATE_ADMIN_KEY}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ subject: 'u_gone', facts: { created_at: '2020-01-01T00:00:00Z' } }),
      },
    )
    void worker.fetch?.(asked, env, context)
    await waitOnExecutionContext(context)
    const seen = await opened(stubs.subject(subjectObjectName(pepper, 'u_gone')).view('u_gone'))
    expect(seen.broadcasts).toHaveLength(1)
  })
})

describe('the metrics of a deployment', () => {
  const api = (method: string, path: string, body?: unknown): Promise<Response> =>
    exports.default.fetch(
      new Request(`https://gate.example${path}`, {
        method,
        headers: {
          authorization: `Bearer ${env.LIVEGATE_ADMIN_KEY}`,
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )

  it('have what is not enforced, an incident, and reviews', async () => {
    const subject = 'u_counted'
    const issued_at = new Date(Date.now() - 1_000).toISOString()
    const strike = { id: 's_counted', category: 'terrorism.link', severity: 'high', issued_at }
    expect((await api('POST', `/v1/subjects/${subject}/strikes`, strike)).status).toBe(201)
    const asked = { subject, enforce: 'off', facts: { created_at: '2020-01-01T00:00:00Z' } }
    expect(await (await api('POST', '/v1/decisions', asked)).json()).toMatchObject({
      ...{ outcome: 'allow', enforced: false },
    })
    const text = await (await exports.default.fetch(request('/metrics'))).text()
    expect(text).toMatch(
      /^livegate_not_enforced_total\{log="[^"]+",rule="[\w-]+",would="deny"\} \d+$/m,
    )
    expect(text).toMatch(
      /^livegate_decisions_total\{log="[^"]+",outcome="allow",mode="none",repeated="false"\} \d+$/m,
    )
    for (const line of ['incident_active 0', 'reviews_open 0', 'policy_pending 0'])
      expect(text).toContain(`\nlivegate_${line}\n`)
  })
})

describe('the cron trigger', () => {
  it('asks every log for its heartbeat', async () => {
    const before = await sizes()
    await worker.scheduled?.(createScheduledController(), env, createExecutionContext())
    for (const [shard, size] of (await sizes()).entries())
      expect(size).toBeGreaterThanOrEqual(before[shard] ?? 0)
    expect((await exports.default.fetch(request('/readyz'))).status).toBe(200)
  })

  it('has what runs looked after, in every log', async () => {
    await worker.scheduled?.(createScheduledController(), env, createExecutionContext())
    for (let shard = 0; shard < Number(env.LIVEGATE_SHARDS); shard++) {
      const keeper = env.KEEPERS.getByName(keeperOfLog(shard)) as never
      const due = await runInDurableObject(keeper, (_object, { storage }) => storage.getAlarm())
      expect(due).not.toBeNull()
    }
  })

  it('asks the others when one does not answer', async () => {
    listen()
    const broken = { ...env, SEQUENCERS: { idFromName: () => null, getByName: brokenOrReal } }
    await worker.scheduled?.(createScheduledController(), broken as never, createExecutionContext())
    expect(lines).toEqual([
      expect.stringContaining('heartbeat of log 0'),
      expect.stringContaining('policies'),
      expect.stringContaining('incidents'),
    ])
  })

  const asked: string[] = []
  function brokenOrReal(name: string): object {
    asked.push(name)
    if (name === 'log-0') return { heartbeat: () => Promise.reject(new Error('gone')) }
    return env.SEQUENCERS.getByName(name)
  }
})

describe('what is said of logs', () => {
  const well: SequencerStatus = {
    ...{ origin: 'x', halted: null },
    ...{ entries: 7, published: 5, inserts: 2, inserted: 3 },
  }
  const parts = (
    ...logs: readonly (SequencerStatus | null)[]
  ): Parameters<typeof edgeReadiness>[0] => ({
    policy: async () => requireBundledPolicy(BUNDLED_POLICY),
    file: 'policies/default.yaml',
    logs: logs.map((status, shard) => ({
      origin: `a.example/${shard}`,
      sequencer: {
        status: () =>
          carried(
            () => status ?? Promise.reject(new Error('gone')),
            () => {},
          ),
      },
    })),
  })

  it('is ready only while every log takes records', async () => {
    expect(await edgeReadiness(parts(well, well))).toMatchObject({ ready: true })
    expect(await edgeReadiness(parts(well, { ...well, halted: 'rolled back' }))).toEqual({
      ready: false,
      code: 'halted',
      why: 'the log a.example/1 is halted: rolled back',
    })
    expect(await edgeReadiness(parts(null, well))).toMatchObject({ code: 'log_unavailable' })
  })

  it('counts each log by its name, and leaves out what is not known', async () => {
    const text = await edgeMetrics(parts(well, null, { ...well, halted: 'x' }))
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'livegate_log_size{log="a.example/0"} 7',
        'livegate_log_published_size{log="a.example/0"} 5',
        'livegate_log_lag_entries{log="a.example/0"} 2',
        'livegate_halted{log="a.example/0"} 0',
        'livegate_halted{log="a.example/2"} 1',
        'livegate_log_inserts_total{log="a.example/0"} 2',
        'livegate_log_inserted_total{log="a.example/0"} 3',
        'livegate_log_up{log="a.example/0"} 1',
        'livegate_log_up{log="a.example/1"} 0',
      ]),
    )
    expect(text).not.toContain('livegate_log_size{log="a.example/1"}')
    expect(text).toMatch(/^livegate_policy_info\{name="default",digest="sha256-[\w-]+"\} 1$/m)
  })
})

function sizes(): Promise<readonly number[]> {
  return Promise.all(
    [0, 1].map(async (shard) => (await opened(stubs.sequencer(shard).status())).entries),
  )
}
