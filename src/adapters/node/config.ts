/**
 * Configuration of the Node host: flags, environment and one optional YAML file, validated as a whole.
 *
 * One table says for every setting its flag, its variable, its default and what it means; `--help`, the docs test and
 * the parser read it. Precedence: flag, environment, file, default. Every error is reported at once. Nothing is read
 * from disk here but the optional file's text, handed in by the caller. Next: server.ts.
 */
import { parse as parseYaml } from 'yaml'
import { DEFAULT_FACTS_MAX_AGE_MS } from '../../core/limits.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { RetentionRules } from '../../core/retention.ts'
import {
  adminKey,
  anyText,
  duration,
  flag,
  logLevel,
  logName,
  port,
  type ReadSetting,
  rate,
  retention,
  url,
} from '../../settings.ts'

export interface ServerConfig {
  readonly host: string
  readonly port: number
  readonly data: string
  readonly policy: string
  readonly shadow_policy: string | null
  readonly origin: string
  readonly issuer: string
  readonly admin_key: string | null
  readonly log_public: boolean
  readonly metrics_public: boolean
  readonly servers: string | null
  readonly witnesses: string | null
  readonly webhooks: string | null
  readonly init: boolean
  readonly facts_max_age_ms: number
  /** How long what is stored about people is kept; null is for ever. */
  readonly retention: RetentionRules | null
  readonly moderation_available: boolean | null
  readonly jwt_issuer: string | null
  readonly jwt_jwks: string | null
  readonly jwt_audience: string | null
  /** Requests a second one caller may make; bursts of two seconds. */
  readonly rate_per_s: number
  readonly log_level: 'silent' | 'error' | 'warn' | 'info'
}

/** One setting. */
export interface Setting {
  readonly name: keyof ServerConfig
  readonly flag: string
  readonly env: string
  readonly fallback: string | null
  readonly about: string
  readonly read: ReadSetting
}

/** Every setting there is, in the order of the docs. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'host',
    flag: 'host',
    env: 'LIVEGATE_HOST',
    fallback: '127.0.0.1',
    about: 'address to listen on',
    read: anyText,
  },
  {
    name: 'port',
    flag: 'port',
    env: 'LIVEGATE_PORT',
    fallback: '8787',
    about: 'port to listen on; 0 picks a free one',
    read: port,
  },
  {
    name: 'data',
    flag: 'data',
    env: 'LIVEGATE_DATA',
    fallback: './data',
    about: 'data directory: database, log, keys',
    read: anyText,
  },
  {
    name: 'policy',
    flag: 'policy',
    env: 'LIVEGATE_POLICY',
    fallback: 'policies/default.yaml',
    about: 'policy file, watched; the last good revision stays active',
    read: anyText,
  },
  {
    name: 'shadow_policy',
    flag: 'shadow-policy',
    env: 'LIVEGATE_SHADOW_POLICY',
    fallback: null,
    about: 'candidate that answers in the shadow and decides nothing; watched',
    read: anyText,
  },
  {
    name: 'origin',
    flag: 'origin',
    env: 'LIVEGATE_ORIGIN',
    fallback: 'livegate.local/log',
    about: 'name of the log; fixed when the data directory is created',
    read: logName,
  },
  {
    name: 'issuer',
    flag: 'issuer',
    env: 'LIVEGATE_ISSUER',
    fallback: 'https://livegate.local',
    about: '`iss` of records',
    read: url,
  },
  {
    name: 'admin_key',
    flag: 'admin-key',
    env: 'LIVEGATE_ADMIN_KEY',
    fallback: null,
    about: 'admin key to install instead of a generated one',
    read: adminKey,
  },
  {
    name: 'log_public',
    flag: 'log-public',
    env: 'LIVEGATE_LOG_PUBLIC',
    fallback: 'false',
    about: 'serve log entries to anybody (checkpoints and hash tiles always are)',
    read: flag,
  },
  {
    name: 'metrics_public',
    flag: 'metrics-public',
    env: 'LIVEGATE_METRICS_PUBLIC',
    fallback: 'true',
    about: 'serve /metrics without a key',
    read: flag,
  },
  {
    name: 'servers',
    flag: 'servers',
    env: 'LIVEGATE_SERVERS',
    fallback: null,
    about: 'media servers file',
    read: anyText,
  },
  {
    name: 'witnesses',
    flag: 'witnesses',
    env: 'LIVEGATE_WITNESSES',
    fallback: null,
    about: 'witness policy file: who is asked to cosign checkpoints',
    read: anyText,
  },
  {
    name: 'webhooks',
    flag: 'webhooks',
    env: 'LIVEGATE_WEBHOOKS',
    fallback: null,
    about: 'webhooks file: which endpoints are told what happens',
    read: anyText,
  },
  {
    name: 'init',
    flag: 'init',
    env: 'LIVEGATE_INIT',
    fallback: 'false',
    about: 'create the data directory, its keys and its log when it does not exist',
    read: flag,
  },
  {
    name: 'facts_max_age_ms',
    flag: 'facts-max-age',
    env: 'LIVEGATE_FACTS_MAX_AGE',
    fallback: `${DEFAULT_FACTS_MAX_AGE_MS / 86_400_000}d`,
    about: 'stored facts older than this count as absent',
    read: duration,
  },
  {
    name: 'retention',
    flag: 'retention',
    env: 'LIVEGATE_RETENTION',
    fallback: null,
    about: 'how long contents are kept, as `decisions=180d,strikes=730d`; for ever unless named',
    read: retention,
  },
  {
    name: 'moderation_available',
    flag: 'moderation-available',
    env: 'LIVEGATE_MODERATION_AVAILABLE',
    fallback: null,
    about: 'fact platform.moderation_available; absent (unknown) unless set',
    read: flag,
  },
  {
    name: 'jwt_issuer',
    flag: 'jwt-issuer',
    env: 'LIVEGATE_JWT_ISSUER',
    fallback: null,
    about: 'accept JWT access tokens of this issuer',
    read: url,
  },
  {
    name: 'jwt_jwks',
    flag: 'jwt-jwks',
    env: 'LIVEGATE_JWT_JWKS',
    fallback: null,
    about: 'URL of that issuer’s JWKS',
    read: url,
  },
  {
    name: 'jwt_audience',
    flag: 'jwt-audience',
    env: 'LIVEGATE_JWT_AUDIENCE',
    fallback: null,
    about: 'audience those tokens must name',
    read: anyText,
  },
  {
    name: 'rate_per_s',
    flag: 'rate',
    env: 'LIVEGATE_RATE',
    fallback: '1000',
    about: 'requests a second one caller may make, in bursts of two seconds',
    read: rate,
  },
  {
    name: 'log_level',
    flag: 'log-level',
    env: 'LIVEGATE_LOG_LEVEL',
    fallback: 'info',
    about: 'silent, error, warn or info',
    read: logLevel,
  },
]

export interface ConfigSources {
  /** By flag name without dashes in front; booleans as `true`. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text of the optional file and its name. */
  readonly file: { readonly name: string; readonly text: string } | null
}

/** The configuration, or every error as one line each. */
export function readConfig(sources: ConfigSources): Result<ServerConfig, readonly string[]> {
  const errors: string[] = []
  const file = fileValues(sources.file, errors)
  const config: Record<string, unknown> = {}
  for (const setting of SETTINGS) {
    const [value, from] = pick(setting, sources, file)
    if (value === null) {
      config[setting.name] = null
      continue
    }
    const read = setting.read(value)
    if (read.ok) config[setting.name] = read.value
    else errors.push(`Cannot read ${from}: ${shown(setting, value)}, ${read.error}`)
  }
  crossChecks(config, errors)
  return errors.length === 0 ? ok(config as unknown as ServerConfig) : err(errors)
}

function pick(
  setting: Setting,
  sources: ConfigSources,
  file: Readonly<Record<string, string>>,
): readonly [value: string | null, from: string] {
  const given = sources.flags[setting.flag]
  if (given !== undefined) return [String(given), `--${setting.flag}`]
  const variable = sources.env[setting.env]
  if (variable !== undefined && variable !== '') return [variable, setting.env]
  const inFile = file[setting.flag.replaceAll('-', '_')]
  if (inFile !== undefined)
    return [inFile, `${setting.flag} in ${sources.file?.name ?? 'the file'}`]
  return [setting.fallback, setting.flag]
}

/** Secrets are never echoed. */
function shown(setting: Setting, value: string): string {
  return setting.name === 'admin_key' ? 'a value of the wrong form' : `\`${value.slice(0, 80)}\``
}

function fileValues(
  file: ConfigSources['file'],
  errors: string[],
): Readonly<Record<string, string>> {
  if (file === null) return {}
  let parsed: unknown
  try {
    parsed = parseYaml(file.text, { maxAliasCount: 0, uniqueKeys: true })
  } catch {
    errors.push(`Cannot read ${file.name}: not YAML, expected one \`name: value\` per line`)
    return {}
  }
  if (parsed === null || parsed === undefined) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    errors.push(`Cannot read ${file.name}: not a mapping, expected one \`name: value\` per line`)
    return {}
  }
  const names = new Set(SETTINGS.map((setting) => setting.flag.replaceAll('-', '_')))
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(parsed)) {
    if (!names.has(name))
      errors.push(`Cannot read ${file.name}: unknown setting \`${name.slice(0, 80)}\``)
    else if (['string', 'number', 'boolean'].includes(typeof value)) values[name] = String(value)
    else errors.push(`Cannot read ${name} in ${file.name}: expected a single value`)
  }
  return values
}

function crossChecks(config: Readonly<Record<string, unknown>>, errors: string[]): void {
  const jwt = ['jwt_issuer', 'jwt_jwks', 'jwt_audience'].filter((name) => config[name] !== null)
  if (jwt.length > 0 && jwt.length < 3)
    errors.push(
      'Cannot accept JWT access tokens: jwt-issuer, jwt-jwks and jwt-audience are needed together',
    )
}
