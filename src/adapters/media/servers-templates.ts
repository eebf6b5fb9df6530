/**
 * Entries of the servers file that stand for servers to come: what they may register as, and one of them made real.
 *
 * A template is read like any other entry; `{host}` in its `control` is the host that registers. From: servers-file.ts.
 */
import type { Reporter } from '../../core/policy/diagnostic.ts'
import { type At, duration, integer, list, type Shape, text } from '../../core/policy/shape.ts'
import { object, optional, required } from '../../core/policy/shape-object.ts'
import type { DurationMs } from '../../core/time.ts'
import { type HostRule, hostInUrl, readHostRule } from './hosts.ts'
import type { MediaServer } from './servers-file.ts'

export interface RegisterSource {
  readonly hosts: At<readonly At<string>[]>
  readonly max?: At<number>
  readonly ttl?: At<DurationMs>
}

/** Servers that may register themselves. */
export interface ServerTemplate {
  /** What each of them is, but for its id and host; its own id is the template's name. */
  readonly server: MediaServer
  readonly hosts: readonly HostRule[]
  /** How many at once. */
  readonly max: number
  /** A registration that is not repeated within it ends. */
  readonly ttl_ms: number
}

/** All templates together: a keeper looks after each of them every few seconds. */
export const MAX_REGISTERED = 1_000
const DEFAULT_MAX = 100
const DEFAULT_TTL_MS = 60_000
const [MIN_TTL_MS, MAX_TTL_MS] = [10_000, 3_600_000]
const MAX_HOSTS = 64

export const REGISTER: Shape<RegisterSource> = object<RegisterSource>({
  name: 'a register',
  members: {
    hosts: required(
      list(text({ max: 300 }), { max: MAX_HOSTS }),
      'Ranges such as 10.0.3.0/24 and domains such as *.example.org that servers may register from.',
    ),
    max: optional(integer(1, MAX_REGISTERED), 'How many at once; 100 unless given.'),
    ttl: optional(
      duration({ wholeSeconds: true }),
      'A registration that is not repeated for so long ends; 60s unless given.',
    ),
  },
})

/** `http://{host}:8080/control`: the host is the whole host, and nothing else is filled in. */
const WITH_HOST = /^https?:\/\/\{host\}(?::\d{1,5})?(?:\/[^{}]*(?:\{name\}[^{}]*)?)?$/

function isForAnyHost(control: string): boolean {
  return WITH_HOST.test(control) && URL.canParse(control.replace('{host}', 'a.example'))
}

/** The rules of an entry's `register`; null where it has none, or where what is wrong is reported. */
export function templateRules(
  value: { readonly register?: At<RegisterSource>; readonly control?: At<string> },
  reporter: Reporter,
): Omit<ServerTemplate, 'server'> | null {
  const { register, control } = value
  if (register === undefined) {
    if (control?.value.includes('{host}') === true)
      reporter.report('missing-key', control, '`{host}` needs `register`: who may stand there')
    return null
  }
  if (control !== undefined && !isForAnyHost(control.value))
    reporter.report(
      'bad-value',
      control,
      'control of servers that register has no `{host}` as its host',
      'http://{host}:8080/control',
    )
  const { hosts, max, ttl } = register.value
  const ttl_ms = ttl?.value ?? DEFAULT_TTL_MS
  if (ttl !== undefined && (ttl_ms < MIN_TTL_MS || ttl_ms > MAX_TTL_MS))
    reporter.report('bad-value', ttl, 'ttl is not within 10s and 1h')
  return {
    hosts: hosts.value.flatMap((at) => ruleOf(at, reporter)),
    ...{ max: max?.value ?? DEFAULT_MAX, ttl_ms },
  }
}

function ruleOf(at: At<string>, reporter: Reporter): readonly HostRule[] {
  const rule = readHostRule(at.value)
  if (rule.ok) return [rule.value]
  reporter.report('bad-value', at, `is no host that may register, expected ${rule.error}`)
  return []
}

/** What is registered as `id` at `host`. */
export function serverFrom({ server }: ServerTemplate, id: string, host: string): MediaServer {
  const { control } = server
  return {
    ...server,
    ...{ id, template: server.id },
    control: control?.replace('{host}', hostInUrl(host)) ?? null,
  }
}
