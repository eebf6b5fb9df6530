/**
 * The media servers file: which servers may ask, how each proves itself, and whose account a stream name means.
 *
 * Strict like a policy file (same YAML reader, positions, every fault at once), with one difference: nothing the
 * author wrote that could be a secret is ever repeated in a message. Secrets from the environment or a file are
 * resolved here through a port, so that a server without its secret is a fault of the file, found at start.
 * Spec: docs/media/README.md. Next: hooks.ts.
 */
import type { Diagnostic, Reporter } from '../../core/policy/diagnostic.ts'
import { readDocument } from '../../core/policy/document.ts'
import { EVERYBODY, shareText } from '../../core/policy/rollout.ts'
import type { At } from '../../core/policy/shape.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { scrub } from '../../scrub.ts'
import { ControlAuth } from './control-auth.ts'
import { dialectFor, MEDIA_KINDS, type MediaKind } from './dialects.ts'
import { ServerSecret, secretFault } from './server-secret.ts'
import { checkKind, controlAuthOf, playbackOf } from './servers-kinds.ts'
import { readSecret, type SecretSources } from './servers-secrets.ts'
import { SERVERS_FILE, type ServerSource } from './servers-syntax.ts'
import { MAX_REGISTERED, type ServerTemplate, templateRules } from './servers-templates.ts'

export type { SecretSources } from './servers-secrets.ts'

/** One media server, ready to use. */
export interface MediaServer {
  readonly id: string
  readonly kind: MediaKind
  /** Null where only publishers call. */
  readonly secret: ServerSecret | null
  /** `stream_key`: the name is a secret, looked up. `name`: the name is the subject, checked by an upstream. */
  readonly subject_from: 'stream_key' | 'name'
  /** Control interface of the server; null when there is none. */
  readonly control: string | null
  /** What the control interface asks for; null = nothing. */
  readonly control_auth: ControlAuth | null
  /** Milliseconds between two questions what is live; 0 = never. */
  readonly reconcile_ms: number
  /** What the server's own configuration does when the gate cannot be reached; the gate itself never admits. */
  readonly when_down: 'deny' | 'allow'
  /** An answer is held back at most this long for a hold that is about to end. 0 = never. */
  readonly hold_max_ms: number
  /**
   * `rename`: viewers get another name than the secret key, by the answer. `pair`: the publisher sends that name, and the
   * key beside it. `keep`: the name stays, be it a key or no secret at all.
   */
  readonly playback: 'rename' | 'keep' | 'pair'
  /** The server ends the stream by itself when the lease of its start ends, renewed or not. */
  readonly lifetime: boolean
  /** ISO 3166-1 alpha-2; `request.territory` of every decision; null = unknown. */
  readonly territory: string | null
  /** Only this application may start broadcasts; null = any. */
  readonly app: string | null
  /** Where broadcasts go that viewers shall see later, and how much later at most; null = nowhere. Only with `app`. */
  readonly delayed: { readonly app: string; readonly up_to_s: number } | null
  /** For whom the policy is enforced here: `off` or `canary N%`; absent = everybody. */
  readonly enforce?: string
  /** Of one that has registered itself: under which, and what metrics know it by. */
  readonly template?: string
}

/** What a servers file says. */
export interface ServersFile {
  readonly servers: readonly MediaServer[]
  /** Servers that may register themselves. */
  readonly templates: readonly ServerTemplate[]
}

const NO_SECRET = { text: null, at: null }

/** Five seconds: with the 2 s of a decision still below the 8 s the documented proxy waits. */
const DEFAULT_HOLD_MAX_MS = 5_000
const DEFAULT_RECONCILE_MS = 5_000

const FILE = { noun: 'a servers file', words: MEDIA_KINDS }
const scrubbed = (problem: Diagnostic): Diagnostic => scrub(problem, FILE)

/** Reads the file. `file` is only its name in messages. */
export function parseServersFile(
  bytes: Uint8Array,
  file: string,
  sources: SecretSources,
): Result<ServersFile, readonly Diagnostic[]> {
  const document = readDocument(bytes, file, FILE)
  if (!document.ok) return err(document.error.map(scrubbed))
  const { root, reporter } = document.value
  const read = SERVERS_FILE.read(root, { start: 0, end: 0 }, reporter)
  const entries = (read?.value.servers.value ?? []).map((source) =>
    checkServer(source, sources, reporter),
  )
  checkTogether(entries, reporter)
  if (reporter.failed()) return err(reporter.sorted().map(scrubbed))
  const checked = entries.flatMap((entry) => entry ?? [])
  return ok({
    servers: checked.flatMap(({ server, rules }) => (rules === null ? [server] : [])),
    templates: checked.flatMap(({ server, rules }) => (rules === null ? [] : { server, ...rules })),
  })
}

interface Checked {
  readonly server: MediaServer
  readonly id: At<string>
  readonly secret: At<unknown> | null
  /** Null for one server. */
  readonly rules: Omit<ServerTemplate, 'server'> | null
}

function checkServer(
  { value, ...span }: At<ServerSource>,
  sources: SecretSources,
  reporter: Reporter,
): Checked | null {
  checkKind(value, reporter)
  const rules = templateRules(value, reporter)
  const { capabilities, signingKey } = dialectFor(value.kind.value)
  const control_auth = controlAuthOf(value, sources, reporter)
  const found =
    capabilities.proof === 'publisher'
      ? NO_SECRET
      : readSecret(value, span, {
          sources,
          reporter,
          owner: 'a server',
          fault: (text) =>
            secretFault(text) ??
            (signingKey?.(text) === null ? 'is no key of this kind of server' : null),
        })
  if (found === null) return null
  const hold = value.hold_max?.value ?? DEFAULT_HOLD_MAX_MS
  const control = value.control?.value ?? null
  const api_key = value.api_key?.value
  const server: MediaServer = {
    id: value.id.value,
    kind: value.kind.value,
    secret:
      found.text === null
        ? null
        : new ServerSecret(found.text, signingKey?.(found.text) ?? undefined),
    subject_from: value.subject.value.from.value,
    control,
    control_auth:
      api_key === undefined || found.text === null
        ? control_auth
        : new ControlAuth('livekit', api_key, found.text),
    reconcile_ms: value.reconcile?.value ?? DEFAULT_RECONCILE_MS,
    when_down: value.when_down?.value ?? capabilities.when_down,
    hold_max_ms: Math.min(hold, capabilities.hold_max_ms),
    playback: playbackOf(value),
    lifetime:
      capabilities.lifetime &&
      (value.lifetime?.value ?? (control === null ? 'lease' : 'none')) === 'lease',
    territory: value.territory?.value ?? null,
    app: value.app?.value ?? null,
    delayed: delayedOf(value),
    ...enforceOf(value),
  }
  return { server, id: value.id, secret: found.at, rules }
}

function delayedOf({ delayed }: ServerSource): MediaServer['delayed'] {
  if (delayed === undefined) return null
  const { app, up_to } = delayed.value
  return { app: app.value, up_to_s: up_to.value / 1000 }
}

function enforceOf({ enforce }: ServerSource): Pick<MediaServer, 'enforce'> {
  const everybody = enforce === undefined || enforce.value >= EVERYBODY
  return everybody ? {} : { enforce: shareText(enforce.value) }
}

/** Ids and secrets are the servers' identities: none may be used twice. */
function checkTogether(servers: readonly (Checked | null)[], reporter: Reporter): void {
  const seen: Checked[] = []
  for (const one of servers) {
    if (one === null) continue
    if (seen.some(({ server }) => server.id === one.server.id))
      reporter.report('duplicate-id', one.id, 'two servers have this id')
    const { secret } = one.server
    if (secret !== null && seen.some(({ server }) => server.secret?.equals(secret) === true))
      reporter.report('conflicting-keys', one.secret ?? one.id, 'two servers share this secret')
    seen.push(one)
  }
  const registered = seen.reduce((sum, { rules }) => sum + (rules?.max ?? 0), 0)
  const [last] = seen.filter(({ rules }) => rules !== null).slice(-1)
  if (last !== undefined && registered > MAX_REGISTERED)
    reporter.report(
      'bad-value',
      last.id,
      `${registered} servers may register in all, limit ${MAX_REGISTERED}`,
      'lower `max` of the templates',
    )
}
