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
import type { At } from '../../core/policy/shape.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { nginxRtmp } from './nginx-rtmp.ts'
import { scrub } from './scrub.ts'
import { ServerSecret, secretFault } from './server-secret.ts'
import { SERVERS_FILE, type ServerSource } from './servers-syntax.ts'

/** One media server, ready to use. */
export interface MediaServer {
  readonly id: string
  readonly kind: 'nginx-rtmp'
  readonly secret: ServerSecret
  /** `stream_key`: the name is a secret, looked up. `name`: the name is the subject, checked by an upstream. */
  readonly subject_from: 'stream_key' | 'name'
  /** Control interface of the server; null when there is none. */
  readonly control: string | null
  /** What the server's own configuration does when the gate cannot be reached; the gate itself never admits. */
  readonly when_down: 'deny' | 'allow'
  /** An answer is held back at most this long for a hold that is about to end. 0 = never. */
  readonly hold_max_ms: number
  /** `rename`: viewers get another name than the secret key. */
  readonly playback: 'rename' | 'keep'
  /** ISO 3166-1 alpha-2; `request.territory` of every decision; null = unknown. */
  readonly territory: string | null
  /** Only this application may start broadcasts; null = any. */
  readonly app: string | null
}

/** Where secrets come from that are not in the file itself. */
export interface SecretSources {
  /** Undefined when the variable is not set. */
  env(name: string): string | undefined
  /** Null when the file cannot be read; relative paths are the composition root's business. */
  file(path: string): string | null
}

/** Five seconds: with the 2 s of a decision still below the 8 s the documented proxy waits. */
const DEFAULT_HOLD_MAX_MS = 5_000

/** Reads the file. `file` is only its name in messages. */
export function parseServersFile(
  bytes: Uint8Array,
  file: string,
  sources: SecretSources,
): Result<readonly MediaServer[], readonly Diagnostic[]> {
  const document = readDocument(bytes, file, { noun: 'a servers file' })
  if (!document.ok) return err(document.error.map(scrub))
  const { root, reporter } = document.value
  const read = SERVERS_FILE.read(root, { start: 0, end: 0 }, reporter)
  const servers = (read?.value.servers.value ?? []).map((source) =>
    checkServer(source, sources, reporter),
  )
  checkTogether(servers, reporter)
  if (reporter.failed()) return err(reporter.sorted().map(scrub))
  return ok(servers.flatMap((server) => (server === null ? [] : [server.server])))
}

interface Checked {
  readonly server: MediaServer
  readonly id: At<string>
  readonly secret: At<unknown>
}

function checkServer(
  { value, ...span }: At<ServerSource>,
  sources: SecretSources,
  reporter: Reporter,
): Checked | null {
  const from = value.subject.value.from.value
  const hold = value.hold_max?.value ?? DEFAULT_HOLD_MAX_MS
  const limit = nginxRtmp.capabilities.hold_max_ms
  if (hold > limit && value.hold_max !== undefined)
    reporter.report('bad-value', value.hold_max, `hold_max is above ${limit / 1000}s`)
  if (from === 'name' && value.playback?.value === 'rename')
    reporter.report(
      'conflicting-keys',
      value.playback,
      'playback rename needs subject.from stream_key',
      'a name that is no secret keeps its name',
    )
  const found = secretOf(value, span, sources, reporter)
  if (found === null) return null
  const server: MediaServer = {
    id: value.id.value,
    kind: value.kind.value,
    secret: new ServerSecret(found.text),
    subject_from: from,
    control: value.control?.value ?? null,
    when_down: value.when_down?.value ?? 'deny',
    hold_max_ms: hold,
    playback: from === 'name' ? 'keep' : (value.playback?.value ?? 'rename'),
    territory: value.territory?.value ?? null,
    app: value.app?.value ?? null,
  }
  return { server, id: value.id, secret: found.at }
}

/** The one secret of a server, wherever it is kept. */
function secretOf(
  value: ServerSource,
  server: { readonly start: number; readonly end: number },
  sources: SecretSources,
  reporter: Reporter,
): { readonly text: string; readonly at: At<unknown> } | null {
  const given = [value.secret, value.secret_env, value.secret_file].filter((at) => at !== undefined)
  const [at] = given
  if (at === undefined || given.length > 1) {
    const place = given[1] ?? { start: server.start, end: server.start }
    const message = `a server has ${given.length} of secret, secret_env and secret_file, expected one`
    reporter.report(at === undefined ? 'missing-key' : 'conflicting-keys', place, message)
    return null
  }
  const text = secretText(value, sources)
  const fault = text === null ? null : secretFault(text)
  if (text !== null && fault === null) return { text, at }
  const what = at === value.secret ? 'secret' : 'secret from there'
  const missing = at === value.secret ? 'is not text, expected text' : 'cannot be read'
  const hint = at === value.secret && text === null ? 'put it in quotes' : 'openssl rand -base64 32'
  reporter.report('bad-value', at, `${what} ${fault ?? missing}`, hint)
  return null
}

function secretText(value: ServerSource, sources: SecretSources): string | null {
  if (value.secret !== undefined) return value.secret.value
  if (value.secret_env !== undefined) return sources.env(value.secret_env.value) ?? null
  const text = value.secret_file === undefined ? null : sources.file(value.secret_file.value)
  return text === null ? null : text.replace(/\r?\n$/, '')
}

/** Ids and secrets are the servers' identities: none may be used twice. */
function checkTogether(servers: readonly (Checked | null)[], reporter: Reporter): void {
  const seen: Checked[] = []
  for (const one of servers) {
    if (one === null) continue
    if (seen.some(({ server }) => server.id === one.server.id))
      reporter.report('duplicate-id', one.id, 'two servers have this id')
    if (seen.some(({ server }) => server.secret.equals(one.server.secret)))
      reporter.report('conflicting-keys', one.secret, 'two servers share this secret')
    seen.push(one)
  }
}
