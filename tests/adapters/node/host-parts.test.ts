/** The small parts of the Node host: readiness, greeting, servers file, what the configuration says to the API. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseServersFile as parse } from '../../../src/adapters/media/servers-file.ts'
import { readConfig, type ServerConfig } from '../../../src/adapters/node/config.ts'
import { greetingOf } from '../../../src/adapters/node/greeting.ts'
import {
  accessTokensOf,
  httpSettingsOf,
  surroundingsOf,
} from '../../../src/adapters/node/http-settings.ts'
import { readMediaServers } from '../../../src/adapters/node/media-servers.ts'
import { createObservers } from '../../../src/adapters/node/observers.ts'
import { readinessOf } from '../../../src/adapters/node/readiness.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import type { Diagnostic } from '../../../src/core/policy/diagnostic.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { durationMs, epochMs } from '../../../src/core/time.ts'
import { describeProblem as describeOne } from '../../../src/scrub.ts'
import { START } from '../../support/node-gate.ts'
import { aPlan } from '../../support/plans.ts'

function configOf(flags: Readonly<Record<string, string>> = {}): ServerConfig {
  const config = readConfig({ flags, env: {}, file: null })
  if (!config.ok) throw new Error(config.error.join('\n'))
  return config.value
}

describe('readiness', () => {
  const problem: Diagnostic = {
    ...{ code: 'bad-value', severity: 'error', message: 'default has `perhaps`' },
    ...{ file: 'p.yaml', line: 3, column: 10 },
  }
  const policies = (last_error: readonly Diagnostic[] | null, more: Partial<Plan> = {}) => ({
    file: { status: () => ({ file: 'p.yaml', last_error }) },
    policies: { active: () => ({ plan: aPlan({ digest: 'sha256-x', ...more }), bytes: utf8('') }) },
    clock: { now: () => START },
  })
  const store = (halted: string | null) => ({ status: () => ({ halted }) })

  it('is given with the active revision, and with what is wrong with the file', () => {
    expect(readinessOf(store(null), policies(null))).toEqual({
      ready: true,
      policy: { digest: 'sha256-x', file: 'p.yaml', problems: [] },
    })
    expect(readinessOf(store(null), policies([problem]))).toMatchObject({
      ready: true,
      policy: { problems: ['p.yaml:3:10 bad-value: default has `perhaps`'] },
    })
  })

  it('goes on with a revision that is too old, and says so', () => {
    const stale = { max_age: durationMs(1), effect: 'deny', from: START } as const
    expect(readinessOf(store(null), policies(null, { revision: 3, stale }))).toEqual({
      ready: true,
      policy: { digest: 'sha256-x', revision: 3, stale: true, file: 'p.yaml', problems: [] },
    })
  })

  it('ends when the log is halted, with why', () => {
    const why = 'the disk is full'
    expect(readinessOf(store(why), policies(null))).toEqual({ ready: false, code: 'halted', why })
  })
})

describe('the greeting', () => {
  it('says where it listens, and nothing of a key that was not generated now', () => {
    const started = { url: 'http://127.0.0.1:8787', adminKey: null, dir: '/data' }
    expect(greetingOf(started)).toBe('livegate listening on http://127.0.0.1:8787\n')
  })

  it('shows a generated key once, where it is kept, and a command that uses it', () => {
    const text = greetingOf({ url: 'http://127.0.0.1:1', adminKey: 'lg_a_b', dir: '/data' })
    expect(text).toContain('admin key, shown once, kept in /data/admin.key: lg_a_b\n')
    expect(text).toContain(
      "curl -s http://127.0.0.1:1/v1/decisions -H 'Authorization: Bearer lg_a_b'",
    )
    expect(text.endsWith("}}'\n")).toBe(true)
  })
})

describe('the servers file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-servers-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  const reader = { parse, describe: describeOne }
  const SECRET = 'c2VjcmV0LW9mLWEtbWVkaWEtc2VydmVy'
  const server = (secret: string): string =>
    `servers:\n  - { id: edge-1, kind: nginx-rtmp, ${secret}, subject: { from: stream_key }, app: live, when_down: deny, control: "http://127.0.0.1:9/c" }\n`
  const written = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }

  it('is not needed', async () => {
    expect(await readMediaServers(null, {}, reader)).toBeNull()
  })

  it('gets its secrets from a variable or a file beside it', async () => {
    written('edge.secret', `${SECRET}\n`)
    const byEnv = written('env.yaml', server('secret_env: EDGE'))
    const byFile = written('file.yaml', server('secret_file: edge.secret'))
    for (const [path, env] of [
      [byEnv, { EDGE: SECRET }],
      [byFile, {}],
    ] as const) {
      const file = await readMediaServers(path, env, reader)
      const only = file?.servers[0]
      expect(only?.id).toBe('edge-1')
      expect(only?.secret?.matches(SECRET)).toBe(true)
    }
  })

  const broken = [
    { name: 'missing.yaml', text: null, says: 'it cannot be opened' },
    { name: 'no-variable.yaml', text: server('secret_env: EDGE'), says: 'no-variable.yaml:2:' },
    { name: 'no-file.yaml', text: server('secret_file: none'), says: 'no-file.yaml:2:' },
    { name: 'misplaced.yaml', text: server(`secret_env: ${SECRET}`), says: 'misplaced.yaml:2:' },
  ]
  for (const { name, text, says } of broken)
    it(`${name} is refused with the place and without a secret`, async () => {
      const path = text === null ? join(dir, name) : written(name, text)
      const message = await readMediaServers(path, {}, reader).then(
        () => 'it was read',
        (error: Error) => error.message,
      )
      expect(message).toMatch(/^Cannot read the media servers file/)
      expect(message).toContain(says)
      expect(message).not.toContain(SECRET)
    })
})

describe('the configuration', () => {
  it('sets the API’s audience, what is public, and two seconds of requests at once', () => {
    const flags = { origin: 'gate.example/log', 'log-public': 'true', rate: '7' }
    expect(httpSettingsOf(configOf(flags))).toEqual({
      ...{ audience: 'gate.example/log', log_public: true, metrics_public: true },
      rate: { per_s: 7, burst: 14 },
    })
  })

  it('accepts access tokens only when an issuer is named', () => {
    expect(accessTokensOf(configOf())).toEqual({})
    const { accessTokens } = accessTokensOf(
      configOf({
        ...{ 'jwt-issuer': 'https://i.example', 'jwt-jwks': 'https://i.example/keys' },
        'jwt-audience': 'live',
      }),
    )
    expect(accessTokens).toMatchObject({ issuer: 'https://i.example', audience: 'live' })
    expect(accessTokens?.keys).toBeTypeOf('function')
  })

  it('leaves the platform unknown unless told', () => {
    const incidents = { facts: (at: number) => ({ active: at === 7 }) }
    const clock = { now: () => epochMs(7) }
    expect(surroundingsOf(configOf(), incidents, clock).platform()).toEqual({})
    const config = configOf({ 'moderation-available': 'false' })
    const told = surroundingsOf(config, incidents, clock)
    expect(told.platform()).toEqual({ moderation_available: false })
    expect(told.incident()).toEqual({ active: true })
    expect(told.incident(epochMs(8))).toEqual({ active: false })
  })
})

describe('observers', () => {
  it('all see every event from when they joined', () => {
    const seen: string[] = []
    const observers = createObservers(({ type }) => seen.push(`first ${type}`))
    observers.observe({ type: 'strike_reversed' })
    observers.add(({ type }) => void seen.push(`second ${type}`))
    observers.observe({ type: 'halted', why: 'x' })
    expect(seen).toEqual(['first strike_reversed', 'first halted', 'second halted'])
  })
})
