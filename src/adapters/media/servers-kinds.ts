/**
 * Which members of the servers file go together with which kind of server: held against the kind's capabilities.
 *
 * What the server cannot do is a fault of the file, found at start, not a surprise at the first broadcast.
 */
import type { Reporter } from '../../core/policy/diagnostic.ts'
import { ControlAuth, controlSecretFault } from './control-auth.ts'
import { dialectFor, MEDIA_KINDS } from './dialects.ts'
import type { MediaServer } from './servers-file.ts'
import { readSecret, type SecretSources } from './servers-secrets.ts'
import type { ServerSource } from './servers-syntax.ts'

/** Reports what this kind cannot do. */
export function checkKind(value: ServerSource, reporter: Reporter): void {
  const { capabilities } = dialectFor(value.kind.value)
  const { hold_max, playback, lifetime, control, control_auth } = value
  const limit = capabilities.hold_max_ms
  if (hold_max !== undefined && hold_max.value > limit)
    reporter.report('bad-value', hold_max, `hold_max is above ${limit / 1000}s`)
  if (
    value.subject.value.from.value === 'name' &&
    playback !== undefined &&
    playback.value !== 'keep'
  )
    reporter.report(
      'conflicting-keys',
      playback,
      `playback ${playback.value} needs subject.from stream_key`,
      'a name that is no secret keeps its name',
    )
  else if (playback?.value === 'rename' && !capabilities.rename)
    reporter.report(
      'conflicting-keys',
      playback,
      'this kind of server cannot rename a stream',
      'pair: the publisher sends the public name, and the key beside it',
    )
  if (lifetime !== undefined && !capabilities.lifetime)
    reporter.report(
      'conflicting-keys',
      lifetime,
      'this kind of server cannot end a stream by itself',
    )
  checkDelayed(value, reporter)
  if (capabilities.proof === 'publisher') checkDoor(value, reporter)
  checkLiveKit(value, reporter)
  if (control_auth !== undefined && control === undefined)
    reporter.report('conflicting-keys', control_auth, 'control_auth needs control')
}

const MAX_DELAY_MS = 3_600_000

/** A delayed application is one of two, and who is sent there must lose the name of his key. */
function checkDelayed(value: ServerSource, reporter: Reporter): void {
  const { kind, delayed, app } = value
  if (delayed === undefined) return
  if (dialectFor(kind.value).capabilities.late === 'no') {
    const able = MEDIA_KINDS.filter((other) => dialectFor(other).capabilities.late !== 'no')
    reporter.report(
      'conflicting-keys',
      delayed,
      'this kind of server cannot be told to show a broadcast later',
      `only ${able.join(' and ')} can; without it the policy's \`unsupported\` answers a tape delay`,
    )
    return
  }
  const { up_to } = delayed.value
  if (up_to.value > MAX_DELAY_MS) reporter.report('bad-value', up_to, 'up_to is above an hour')
  if (app === undefined)
    reporter.report('missing-key', delayed, 'delayed needs `app`: the application publishers use')
  else if (app.value === delayed.value.app.value)
    reporter.report(
      'conflicting-keys',
      delayed.value.app,
      'the delayed application is the one publishers use',
    )
  if (playbackOf(value) !== 'rename')
    reporter.report(
      'conflicting-keys',
      delayed,
      'delayed needs playback rename and subject.from stream_key',
      'a broadcast that keeps its name could be watched at once by whoever knows it',
    )
}

/** Its tokens name an API key and an account, and its API takes tokens only. */
function checkLiveKit(value: ServerSource, reporter: Reporter): void {
  const { kind, api_key, control_auth, subject } = value
  if (kind.value !== 'livekit') {
    if (api_key !== undefined)
      reporter.report('conflicting-keys', api_key, 'only livekit has an api_key')
    return
  }
  if (api_key === undefined)
    reporter.report('missing-key', kind, 'livekit needs `api_key`, the name of its secret')
  if (control_auth !== undefined)
    reporter.report('conflicting-keys', control_auth, 'livekit takes tokens made with its secret')
  if (subject.value.from.value !== 'name')
    reporter.report(
      'bad-value',
      subject.value.from,
      'livekit knows accounts by their identity, expected `name`',
    )
}

/** A front door has no secret of its own, needs the server behind it, and a key that it can look up. */
function checkDoor(value: ServerSource, reporter: Reporter): void {
  const secret = value.secret ?? value.secret_env ?? value.secret_file
  if (secret !== undefined)
    reporter.report(
      'conflicting-keys',
      secret,
      'a front door has no secret: publishers show their keys',
      'what the server behind it asks for is `control_auth`',
    )
  if (value.control === undefined)
    reporter.report(
      'missing-key',
      value.kind,
      'a front door needs `control`: the address publishers would use without it',
    )
  if (value.subject.value.from.value === 'name')
    reporter.report(
      'bad-value',
      value.subject.value.from,
      'a front door knows people by their keys',
    )
}

/** How viewers get a name that is no key: by the answer where the server can, else by the publisher. */
export function playbackOf(value: ServerSource): MediaServer['playback'] {
  if (value.subject.value.from.value === 'name') return 'keep'
  const usual = dialectFor(value.kind.value).capabilities.rename ? 'rename' : 'pair'
  return value.playback?.value ?? usual
}

/** What the control interface asks for; null where nothing is given or what is given is reported. */
export function controlAuthOf(
  { control_auth: given }: ServerSource,
  sources: SecretSources,
  reporter: Reporter,
): ControlAuth | null {
  if (given === undefined) return null
  const { scheme, user } = given.value
  if (scheme.value === 'login' && user === undefined)
    reporter.report('missing-key', scheme, 'a login needs `user`')
  if (scheme.value === 'bearer' && user !== undefined)
    reporter.report('conflicting-keys', user, 'a bearer has no `user`')
  const found = readSecret(given.value, given, {
    sources,
    reporter,
    owner: 'a control_auth',
    fault: controlSecretFault,
  })
  return found === null ? null : new ControlAuth(scheme.value, user?.value ?? null, found.text)
}
