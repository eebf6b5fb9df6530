/**
 * Configuration of the edge host: bindings, secrets and variables of the Worker, validated as a whole.
 *
 * One table says for every variable whether it is a secret, its default, what it means and what to do about it; the
 * docs test and the parser read it. Names and meanings are those of the Node host (adapters/node/config.ts) where both
 * have them. Every error is reported at once; values of secrets are never repeated. Next: edge-keys.ts, worker.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { DEFAULT_FACTS_MAX_AGE_MS } from '../../core/limits.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { RetentionRules } from '../../core/retention.ts'
import type { WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import type { ApiKey } from '../../ports.ts'
import {
  adminKey,
  anyText,
  duration,
  flag,
  logLevel,
  logName,
  type ReadSetting,
  rate,
  retention,
  url,
} from '../../settings.ts'
import { readApiKeys } from './edge-api-keys.ts'
import { recordKey, SEED, secretBytes, shards, share, witnessPolicy } from './edge-settings.ts'

export interface EdgeConfig {
  readonly origin: string
  readonly issuer: string
  readonly shards: number
  readonly create_log: boolean
  readonly log_public: boolean
  readonly witnesses: WitnessPolicy | null
  readonly metrics_public: boolean
  /** Text of a candidate in the shadow, in place of the bundled one (edge-candidate.ts). */
  readonly shadow_policy: string | null
  /** Of decisions a candidate is asked about. */
  readonly shadow_share: number
  /** Text of a webhooks file, in place of the bundled one. */
  readonly webhooks: string | null
  readonly facts_max_age_ms: number
  readonly retention: RetentionRules | null
  readonly moderation_available: boolean | null
  readonly jwt_issuer: string | null
  readonly jwt_jwks: string | null
  readonly jwt_audience: string | null
  readonly rate_per_s: number
  readonly log_level: 'silent' | 'error' | 'warn' | 'info'
  readonly admin_key: string
  readonly api_keys: readonly ApiKey[]
  /** At least 32 bytes: keys every keyed hash (names of objects, stream keys, idempotency keys). */
  readonly pepper: Uint8Array
  /** Text of the key records are signed with (edge-keys.ts). */
  readonly record_key: string
  /** Text of the 32 bytes the key of each log is derived from (edge-keys.ts). */
  readonly checkpoint_seed: string
  /** Likewise, of the keys that are to take over; null unless keys are being exchanged. */
  readonly record_key_next: string | null
  readonly checkpoint_seed_next: string | null
}

/** One variable of the Worker. */
export interface EdgeSetting {
  readonly name: keyof EdgeConfig
  readonly env: `LIVEGATE_${string}`
  /** Null: absent is null, unless it is required. */
  readonly fallback: string | null
  readonly required?: true
  /** Set with `wrangler secret put`, never in wrangler.toml. */
  readonly secret?: true
  readonly about: string
  readonly read: ReadSetting
}

/** Every variable there is, in the order of the docs. */
export const EDGE_SETTINGS: readonly EdgeSetting[] = [
  {
    name: 'pepper',
    env: 'LIVEGATE_PEPPER',
    fallback: null,
    required: true,
    secret: true,
    about: 'keys every keyed hash: names of objects, stream keys; never changes',
    read: secretBytes(32, 256),
  },
  {
    name: 'record_key',
    env: 'LIVEGATE_RECORD_KEY',
    fallback: null,
    required: true,
    secret: true,
    about: 'Ed25519 key records are signed with: private JWK, or its seed in base64url',
    read: recordKey,
  },
  {
    name: 'checkpoint_seed',
    env: 'LIVEGATE_CHECKPOINT_SEED',
    fallback: null,
    required: true,
    secret: true,
    about: 'the key of every log’s checkpoints is derived from it',
    read: SEED,
  },
  {
    name: 'record_key_next',
    env: 'LIVEGATE_RECORD_KEY_NEXT',
    fallback: null,
    secret: true,
    about: 'the record key that takes over; only while keys are exchanged',
    read: recordKey,
  },
  {
    name: 'checkpoint_seed_next',
    env: 'LIVEGATE_CHECKPOINT_SEED_NEXT',
    fallback: null,
    secret: true,
    about: 'the seed of the checkpoint keys that take over; only while keys are exchanged',
    read: SEED,
  },
  {
    name: 'admin_key',
    env: 'LIVEGATE_ADMIN_KEY',
    fallback: null,
    required: true,
    secret: true,
    about: 'API key with every scope: lg_<id>_<secret>',
    read: adminKey,
  },
  {
    name: 'api_keys',
    env: 'LIVEGATE_API_KEYS',
    fallback: '[]',
    secret: true,
    about: 'further API keys as stored (hashes, scopes, owners): a JSON list',
    read: readApiKeys,
  },
  {
    name: 'origin',
    env: 'LIVEGATE_ORIGIN',
    fallback: null,
    required: true,
    about: 'name of the log; with several shards each adds its number; never changes',
    read: logName,
  },
  {
    name: 'issuer',
    env: 'LIVEGATE_ISSUER',
    fallback: null,
    required: true,
    about: '`iss` of records',
    read: url,
  },
  {
    name: 'shards',
    env: 'LIVEGATE_SHARDS',
    fallback: '1',
    about: 'number of logs subjects are spread over; never changes',
    read: shards,
  },
  {
    name: 'create_log',
    env: 'LIVEGATE_CREATE_LOG',
    fallback: 'false',
    about: 'let an empty deployment begin its logs; take it back after the first start',
    read: flag,
  },
  {
    name: 'log_public',
    env: 'LIVEGATE_LOG_PUBLIC',
    fallback: 'false',
    about: 'serve log entries to anybody (checkpoints and hash tiles always are)',
    read: flag,
  },
  {
    name: 'witnesses',
    env: 'LIVEGATE_WITNESSES',
    fallback: null,
    about: 'text of a witness policy: who is asked to cosign checkpoints',
    read: witnessPolicy,
  },
  {
    name: 'metrics_public',
    env: 'LIVEGATE_METRICS_PUBLIC',
    fallback: 'true',
    about: 'serve /metrics without a key',
    read: flag,
  },
  {
    name: 'shadow_policy',
    env: 'LIVEGATE_SHADOW_POLICY',
    fallback: null,
    about:
      'text of a candidate that answers in the shadow and decides nothing, in place of deploy/shadow.yaml',
    read: anyText,
  },
  {
    name: 'shadow_share',
    env: 'LIVEGATE_SHADOW_SHARE',
    fallback: '0.1',
    about: 'share of decisions a candidate in the shadow is asked about: above 0, at most 1',
    read: share,
  },
  {
    name: 'webhooks',
    env: 'LIVEGATE_WEBHOOKS',
    fallback: null,
    about: 'text of a webhooks file: who is told what happens, in place of deploy/webhooks.yaml',
    read: anyText,
  },
  {
    name: 'facts_max_age_ms',
    env: 'LIVEGATE_FACTS_MAX_AGE',
    fallback: `${DEFAULT_FACTS_MAX_AGE_MS / 86_400_000}d`,
    about: 'stored facts older than this count as absent',
    read: duration,
  },
  {
    name: 'retention',
    env: 'LIVEGATE_RETENTION',
    fallback: null,
    about: 'how long contents are kept, as `decisions=180d,strikes=730d`; for ever unless named',
    read: retention,
  },
  {
    name: 'moderation_available',
    env: 'LIVEGATE_MODERATION_AVAILABLE',
    fallback: null,
    about: 'fact platform.moderation_available; absent (unknown) unless set',
    read: flag,
  },
  {
    name: 'jwt_issuer',
    env: 'LIVEGATE_JWT_ISSUER',
    fallback: null,
    about: 'accept JWT access tokens of this issuer',
    read: url,
  },
  {
    name: 'jwt_jwks',
    env: 'LIVEGATE_JWT_JWKS',
    fallback: null,
    about: 'URL of that issuer’s JWKS',
    read: url,
  },
  {
    name: 'jwt_audience',
    env: 'LIVEGATE_JWT_AUDIENCE',
    fallback: null,
    about: 'audience those tokens must name',
    read: anyText,
  },
  {
    name: 'rate_per_s',
    env: 'LIVEGATE_RATE',
    fallback: '1000',
    about: 'requests a second one caller may make of one isolate, in bursts of two seconds',
    read: rate,
  },
  {
    name: 'log_level',
    env: 'LIVEGATE_LOG_LEVEL',
    fallback: 'info',
    about: 'silent, error, warn or info',
    read: logLevel,
  },
]

/** Bindings, and a method each must have to be what it is meant to be. */
const BINDINGS: readonly (readonly [name: string, method: string, what: string])[] = [
  ['SUBJECTS', 'idFromName', 'a Durable Object namespace of class SubjectObject'],
  ['SEQUENCERS', 'idFromName', 'a Durable Object namespace of class SequencerObject'],
  ['DIRECTORIES', 'idFromName', 'a Durable Object namespace of class DirectoryObject'],
  ['WEBHOOKS', 'idFromName', 'a Durable Object namespace of class WebhooksObject'],
  ['KEEPERS', 'idFromName', 'a Durable Object namespace of class KeeperObject'],
  ['LOG', 'put', 'an R2 bucket'],
]

/** The configuration, or everything that is missing or malformed, one line each: what, where, what to do. */
export function readEdgeConfig(env: object): Result<EdgeConfig, readonly string[]> {
  const bound = env as Readonly<Record<string, unknown>>
  const errors = bindingErrors(bound)
  const config: Record<string, unknown> = {}
  for (const setting of EDGE_SETTINGS) {
    const value = givenIn(bound, setting)
    if (value === null) {
      config[setting.name] = null
      if (setting.required === true) errors.push(missing(setting))
      continue
    }
    const read = setting.read(value)
    if (read.ok) config[setting.name] = read.value
    else errors.push(malformed(setting, value, read.error))
  }
  errors.push(...crossErrors(config))
  return errors.length === 0 ? ok(config as unknown as EdgeConfig) : err(errors)
}

const read = new WeakMap<object, Result<EdgeConfig, readonly string[]>>()

/** As `readEdgeConfig`, once per isolate. */
export function edgeConfigOf(env: object): Result<EdgeConfig, readonly string[]> {
  const known = read.get(env)
  if (known !== undefined) return known
  const result = readEdgeConfig(env)
  read.set(env, result)
  return result
}

/** For objects, which have nobody to answer but the Worker. Throws `internal` with every error, one a line. */
export function requireEdgeConfig(env: object): EdgeConfig {
  const config = edgeConfigOf(env)
  if (config.ok) return config.value
  throw new LivegateError('internal', `Cannot start: not configured\n${config.error.join('\n')}`)
}

function bindingErrors(env: Readonly<Record<string, unknown>>): string[] {
  return BINDINGS.flatMap(([name, method, what]) => {
    const value = env[name]
    const has = typeof value === 'object' && value !== null
    if (has && typeof (value as Readonly<Record<string, unknown>>)[method] === 'function') return []
    const state = value === undefined ? 'missing' : 'of another kind'
    return [
      `Cannot use binding ${name}: it is ${state}, expected ${what}; bind it in wrangler.toml`,
    ]
  })
}

function givenIn(env: Readonly<Record<string, unknown>>, setting: EdgeSetting): string | null {
  const value = env[setting.env]
  // Plain workerd binds null for a variable its environment lacks.
  if (value === undefined || value === null || value === '') return setting.fallback
  // `[vars]` may hold JSON: numbers and booleans mean what they say, a list is its text.
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function missing(setting: EdgeSetting): string {
  const { env, about } = setting
  return `Cannot read ${env}: it is missing, expected it set (${about}); ${remedy(setting)}`
}

function malformed(setting: EdgeSetting, value: string, expected: string): string {
  const shown = setting.secret === true ? 'a value of the wrong form' : `\`${value.slice(0, 80)}\``
  return `Cannot read ${setting.env}: ${shown}, ${expected}; ${remedy(setting)}`
}

function remedy({ env, secret }: EdgeSetting): string {
  return secret === true
    ? `run \`wrangler secret put ${env}\``
    : 'set it under [vars] in wrangler.toml'
}

function crossErrors(config: Readonly<Record<string, unknown>>): readonly string[] {
  const names = ['jwt_issuer', 'jwt_jwks', 'jwt_audience']
  const given = names.filter((name) => config[name] !== null)
  const whole = given.length === 0 || given.length === names.length
  const { admin_key, api_keys } = config as Partial<EdgeConfig>
  const admin = admin_key?.split('_')[1]
  return [
    ...(whole
      ? []
      : [
          'Cannot accept JWT access tokens: LIVEGATE_JWT_ISSUER, LIVEGATE_JWT_JWKS and LIVEGATE_JWT_AUDIENCE are needed together',
        ]),
    ...(api_keys?.some(({ id }) => id === admin) === true
      ? [
          'Cannot tell API keys apart: LIVEGATE_API_KEYS lists the id of LIVEGATE_ADMIN_KEY, expected another id; choose another in either',
        ]
      : []),
  ]
}
