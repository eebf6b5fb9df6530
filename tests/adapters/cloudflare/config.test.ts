/** Configuration of the edge host: what each variable takes, what is wrong with all of them at once, what is never said. */

import { describe, expect, it } from 'vitest'
import {
  EDGE_SETTINGS,
  type EdgeConfig,
  type EdgeSetting,
  readEdgeConfig,
  requireEdgeConfig,
} from '../../../src/adapters/cloudflare/config.ts'
import { SETTINGS } from '../../../src/adapters/node/config.ts'
import { toBase64Url } from '../../../src/core/encoding.ts'
import { parseAskedPolicy } from '../../../src/core/tlog/witness.ts'
import { must } from '../../core/tlog/support.ts'

const SEED = toBase64Url(new Uint8Array(32).fill(1))
const PEPPER = new Uint8Array(40).fill(2)
const JWK = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', d: SEED, x: SEED })
const KEY = { id: 'a-1', secret_hash: 'h'.repeat(43), scopes: ['decide'], owner: 'backend' }

interface Sample {
  readonly good: readonly (readonly [text: string, value: unknown])[]
  readonly bad: readonly string[]
}

const POLICY = `witness w witness.example/w+18284f18+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X https://witness.example/w
quorum w
`

const SAMPLES: Readonly<Record<keyof EdgeConfig, Sample>> = {
  webhooks: { good: [['endpoints: []', 'endpoints: []']], bad: [] },
  shadow_policy: { good: [['name: x', 'name: x']], bad: [] },
  shadow_share: {
    good: [
      ['1', 1],
      ['0.1', 0.1],
      ['.000001', 0.000_001],
    ],
    bad: ['0', '0.0', '1.1', '-1', '10 %', '1e-9'],
  },
  pepper: {
    good: [[toBase64Url(PEPPER), PEPPER]],
    bad: [toBase64Url(new Uint8Array(31)), 'not base64url!', `${SEED}=`],
  },
  record_key: {
    good: [
      [SEED, SEED],
      [JWK, JWK],
    ],
    bad: [
      toBase64Url(new Uint8Array(33)),
      '{}',
      '{"kty":"OKP","crv":"X25519","d":"x"}',
      `{"kty":"OKP","crv":"Ed25519","x":"${SEED}"}`,
      '{',
    ],
  },
  checkpoint_seed: { good: [[SEED, SEED]], bad: [toBase64Url(new Uint8Array(64)), 'swordfish'] },
  record_key_next: { good: [[SEED, SEED]], bad: ['swordfish', '{}'] },
  checkpoint_seed_next: { good: [[SEED, SEED]], bad: ['swordfish'] },
  admin_key: {
    good: [[`lg_aaaa_${'A'.repeat(32)}`, `lg_aaaa_${'A'.repeat(32)}`]],
    bad: ['lg_aaaa_short', 'hunter2'],
  },
  api_keys: {
    good: [
      [
        JSON.stringify([KEY, { ...KEY, id: 'b', audience: 'x', created_at: 5, revoked_at: 6 }]),
        [
          { ...KEY, audience: null, created_at: 0, revoked_at: null },
          { ...KEY, id: 'b', audience: 'x', created_at: 5, revoked_at: 6 },
        ],
      ],
    ],
    bad: [
      'swordfish',
      '{}',
      '[1]',
      JSON.stringify([KEY, KEY]),
      ...['id', 'secret_hash', 'scopes', 'owner', 'audience', 'created_at', 'revoked_at'].map(
        (name) => JSON.stringify([{ ...KEY, [name]: { x: 1 } }]),
      ),
    ],
  },
  origin: { good: [['a.example/log', 'a.example/log']], bad: ['https://a.example', 'A.example'] },
  issuer: { good: [['https://a.example', 'https://a.example']], bad: ['a.example'] },
  shards: {
    good: [
      ['1', 1],
      ['64', 64],
    ],
    bad: ['0', '65', '1.5', '01', 'two'],
  },
  witnesses: {
    good: [[POLICY, must(parseAskedPolicy(POLICY))]],
    bad: ['swordfish', POLICY.replace('https', 'ftp'), POLICY.replace('quorum w', 'quorum none')],
  },
  create_log: { good: [['true', true]], bad: ['yes'] },
  log_public: { good: [['1', true]], bad: ['TRUE'] },
  metrics_public: { good: [['false', false]], bad: ['no'] },
  facts_max_age_ms: { good: [['90d', 7_776_000_000]], bad: ['90 days'] },
  retention: {
    good: [['decisions=30d', { kinds: { decisions: 30 * 86_400_000 }, strikes: new Map() }]],
    bad: ['decisions', '30d'],
  },
  moderation_available: { good: [['0', false]], bad: ['maybe'] },
  jwt_issuer: { good: [['https://id.example', 'https://id.example']], bad: ['id.example'] },
  jwt_jwks: { good: [['https://id.example/keys', 'https://id.example/keys']], bad: ['keys'] },
  jwt_audience: { good: [['gate', 'gate']], bad: [] },
  rate_per_s: { good: [['5', 5]], bad: ['0', 'fast'] },
  log_level: { good: [['warn', 'warn']], bad: ['debug'] },
}

const BINDINGS = {
  SUBJECTS: { idFromName: () => null },
  SEQUENCERS: { idFromName: () => null },
  DIRECTORIES: { idFromName: () => null },
  WEBHOOKS: { idFromName: () => null },
  KEEPERS: { idFromName: () => null },
  LOG: { put: () => null },
}

/** A deployment that has everything it needs. */
const WHOLE: Readonly<Record<string, unknown>> = {
  ...BINDINGS,
  ...Object.fromEntries(
    EDGE_SETTINGS.filter(({ required }) => required).map(({ name, env }) => [
      env,
      SAMPLES[name].good[0]?.[0],
    ]),
  ),
}

/** What must be set with it. */
const WITH: Readonly<Record<string, string>> = {
  LIVEGATE_JWT_ISSUER: 'https://id.example',
  LIVEGATE_JWT_JWKS: 'https://id.example/keys',
  LIVEGATE_JWT_AUDIENCE: 'gate',
}
const around = ({ env }: EdgeSetting): object => (env.includes('_JWT_') ? WITH : {})

describe('each variable', () => {
  for (const setting of EDGE_SETTINGS) {
    const { name, env, secret } = setting
    for (const [text, value] of SAMPLES[name].good)
      it(`${env} takes ${secret ? 'a good value' : text}`, () => {
        const config = readEdgeConfig({ ...WHOLE, ...around(setting), [env]: text })
        expect(config).toMatchObject({ ok: true })
        expect(config.ok && config.value[name]).toEqual(value)
      })
    for (const text of SAMPLES[name].bad)
      it(`${env} refuses ${text.slice(0, 40)}, and says what to do`, () => {
        const config = readEdgeConfig({ ...WHOLE, ...around(setting), [env]: text })
        const [error, ...more] = config.ok ? [] : config.error
        expect(more).toEqual([])
        expect(error).toMatch(new RegExp(`^Cannot read ${env}: .*, expected .*; (run|set) `))
        if (secret) expect(error).not.toContain(text.slice(0, 6))
      })
  }

  it('means on both hosts what it means on one', () => {
    for (const { env, name, read, fallback, required } of EDGE_SETTINGS) {
      const onNode = SETTINGS.find((setting) => setting.env === env)
      // A file there, its text here: a Worker has no files.
      if (onNode === undefined || name === 'witnesses') continue
      expect([env, onNode.name, onNode.read]).toEqual([env, name, read])
      if (!required) expect([env, onNode.fallback]).toEqual([env, fallback])
    }
  })
})

describe('the whole', () => {
  it('needs no more than four secrets, a name and an issuer', () => {
    expect(readEdgeConfig(WHOLE)).toMatchObject({
      ok: true,
      value: { shards: 1, create_log: false, log_public: false, api_keys: [], jwt_issuer: null },
    })
  })

  it('names everything that is missing at once, bindings too', () => {
    const config = readEdgeConfig({})
    const errors = config.ok ? [] : config.error
    for (const name of [...Object.keys(BINDINGS), ...Object.keys(WHOLE)])
      expect(errors.filter((error) => error.includes(`${name}:`))).toHaveLength(1)
    expect(errors).toHaveLength(Object.keys(WHOLE).length)
  })

  it('tells a binding that is something else', () => {
    const config = readEdgeConfig({ ...WHOLE, LOG: { idFromName: () => null }, SUBJECTS: 'x' })
    const errors = config.ok ? [] : config.error
    expect(errors).toEqual([
      expect.stringMatching(/^Cannot use binding SUBJECTS: it is of another kind, expected /),
      expect.stringMatching(
        /^Cannot use binding LOG: it is of another kind, expected an R2 bucket/,
      ),
    ])
  })

  it('takes access tokens whole or not at all', () => {
    const config = readEdgeConfig({ ...WHOLE, LIVEGATE_JWT_ISSUER: 'https://id.example' })
    expect(config.ok ? [] : config.error).toEqual([expect.stringContaining('are needed together')])
  })

  it('knows every key by an id of its own', () => {
    const listed = JSON.stringify([{ ...KEY, id: 'aaaa' }])
    const config = readEdgeConfig({ ...WHOLE, LIVEGATE_API_KEYS: listed })
    expect(config.ok ? [] : config.error).toEqual([
      expect.stringContaining('LIVEGATE_API_KEYS lists the id of LIVEGATE_ADMIN_KEY'),
    ])
  })

  it('reads variables that wrangler made numbers, booleans or null', () => {
    const given = { LIVEGATE_SHARDS: 2, LIVEGATE_LOG_PUBLIC: true, LIVEGATE_RATE: null }
    const config = readEdgeConfig({ ...WHOLE, ...given })
    expect(config).toMatchObject({ ok: true, value: { shards: 2, log_public: true } })
  })

  it('is an error that names each, for objects', () => {
    expect(() => requireEdgeConfig({})).toThrow(/LIVEGATE_PEPPER[\s\S]*LIVEGATE_ISSUER/)
    expect(requireEdgeConfig(WHOLE)).toBe(requireEdgeConfig(WHOLE))
  })
})
