/**
 * Shapes of the media servers file, in the words people read in messages and in an editor's schema.
 *
 * Form only; what belongs together is checked in servers-file.ts. The shape of a secret reports
 * nothing, because a report would quote it. Which member goes with which kind is servers-kinds.ts.
 */
import { isScalar } from 'yaml'
import type { Share } from '../../core/policy/rollout.ts'
import { type At, duration, list, type Shape, spanOf, text, word } from '../../core/policy/shape.ts'
import { object, optional, required } from '../../core/policy/shape-object.ts'
import { share } from '../../core/policy/shape-share.ts'
import type { DurationMs } from '../../core/time.ts'
import type { ControlScheme } from './control-auth.ts'
import { MEDIA_KINDS, type MediaKind } from './dialects.ts'
import { REGISTER, type RegisterSource } from './servers-templates.ts'

export interface ServerSource {
  readonly id: At<string>
  readonly kind: At<MediaKind>
  readonly secret?: At<string | null>
  readonly secret_env?: At<string>
  readonly secret_file?: At<string>
  readonly subject: At<SubjectSource>
  readonly control?: At<string>
  readonly control_auth?: At<ControlAuthSource>
  readonly api_key?: At<string>
  readonly reconcile?: At<DurationMs>
  readonly when_down?: At<'deny' | 'allow'>
  readonly hold_max?: At<DurationMs>
  readonly playback?: At<'rename' | 'keep' | 'pair'>
  readonly lifetime?: At<'lease' | 'none'>
  readonly territory?: At<string>
  readonly app?: At<string>
  readonly delayed?: At<DelayedSource>
  readonly enforce?: At<Share>
  readonly register?: At<RegisterSource>
}

export interface DelayedSource {
  readonly app: At<string>
  readonly up_to: At<DurationMs>
}

export interface ControlAuthSource {
  readonly scheme: At<ControlScheme>
  readonly user?: At<string>
  readonly secret?: At<string | null>
  readonly secret_env?: At<string>
  readonly secret_file?: At<string>
}

export interface SubjectSource {
  readonly from: At<'stream_key' | 'name'>
}

export interface ServersSource {
  readonly servers: At<readonly At<ServerSource>[]>
}

/** A thousand servers at 300 bytes fill the largest file the YAML reader takes. */
const MAX_SERVERS = 1000

/** Of servers and templates, in the file and registered. */
export const SERVER_ID: RegExp = /^[a-z0-9][a-z0-9_-]*$/
export const MAX_SERVER_ID_CHARS = 64

const ID = text({
  max: MAX_SERVER_ID_CHARS,
  pattern: SERVER_ID,
  expected: 'an id of lower-case letters, digits, `-` and `_`',
})

/** Null when it is not text; servers-file.ts reports that without repeating it. */
const SECRET: Shape<string | null> = {
  expected: 'text',
  schema: { type: 'string' },
  read: (node, outer) => {
    const value = isScalar(node) && typeof node.value === 'string' ? node.value : null
    return { value, ...spanOf(node, outer) }
  },
}

const VARIABLE = text({
  max: 128,
  pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
  expected: 'the name of a variable',
})

const APPLICATION = text({
  max: 128,
  pattern: /^[A-Za-z0-9_.-]+$/,
  expected: 'the name of an application',
})

const DELAYED = object<DelayedSource>({
  name: 'a delayed',
  members: {
    app: required(APPLICATION, 'The delayed application.'),
    up_to: required(
      duration({ wholeSeconds: true }),
      'Longest delay it can make, an hour at most.',
    ),
  },
})

const CONTROL_AUTH = object<ControlAuthSource>({
  name: 'a control_auth',
  members: {
    scheme: required(
      word('bearer', 'basic', 'login'),
      'How it is shown. login: exchanged for a token first, as node-media-server wants it.',
    ),
    user: optional(
      text({ max: 256, pattern: /^[\x20-\x39\x3b-\x7e]+$/, expected: 'ASCII without a colon' }),
      'Name that goes with it.',
    ),
    secret: optional(SECRET, 'Token or password.'),
    secret_env: optional(VARIABLE, 'Environment variable that holds it.'),
    secret_file: optional(text({ max: 1000 }), 'File that holds it.'),
  },
})

const SERVER = object<ServerSource>({
  name: 'a server',
  members: {
    id: required(ID, 'Name of the server; last segment of its hook address.'),
    kind: required(word(...MEDIA_KINDS), 'Which program it is.'),
    secret: optional(SECRET, 'Secret it shows or signs with, 16 characters or more.'),
    secret_env: optional(VARIABLE, 'Environment variable that holds the secret.'),
    secret_file: optional(text({ max: 1000 }), 'File that holds the secret.'),
    subject: required(
      object<SubjectSource>({
        name: 'a subject',
        members: {
          from: required(
            word('stream_key', 'name'),
            'stream_key: the stream name is a secret, looked up. name: it is the account, checked before.',
          ),
        },
      }),
      'Whose broadcast it is.',
    ),
    control: optional(
      text({
        max: 1000,
        pattern: /^https?:\/\/[^\s<>"@?#]+$/,
        expected: 'an http address without user, query and fragment',
      }),
      'Control interface of the server.',
    ),
    control_auth: optional(
      CONTROL_AUTH,
      'What the control interface asks for. Nothing unless given.',
    ),
    api_key: optional(
      text({ max: 128, pattern: /^[A-Za-z0-9_-]+$/, expected: 'an API key' }),
      'Name of the secret at the server, for livekit.',
    ),
    reconcile: optional(
      duration({ zero: true }),
      'How often the control interface is asked what is live; 0s = never. 5s unless given.',
    ),
    when_down: optional(
      word('deny', 'allow'),
      'What its configuration does when the gate cannot be reached. deny unless given.',
    ),
    hold_max: optional(
      duration({ zero: true }),
      'Longest time an answer is held back for a hold about to end. 5s unless given.',
    ),
    playback: optional(
      word('rename', 'keep', 'pair'),
      'rename: viewers get a public name instead of the key. pair: the publisher sends the public name and the key beside it.',
    ),
    lifetime: optional(
      word('lease', 'none'),
      'lease: the server ends the stream with its first lease. lease without control, else none.',
    ),
    territory: optional(
      text({ max: 2, pattern: /^[A-Z]{2}$/, expected: 'two capital letters such as FR' }),
      'Where its broadcasts come from, ISO 3166-1.',
    ),
    app: optional(APPLICATION, 'The only application that may start broadcasts.'),
    delayed: optional(
      DELAYED,
      'Where broadcasts go that viewers shall see later, for nginx-rtmp and ovenmediaengine. Without it a tape delay is refused.',
    ),
    enforce: optional(
      share(),
      'For whom its broadcasts are decided in earnest: on, off, or canary 10%. on unless given.',
    ),
    register: optional(
      REGISTER,
      'Makes the entry a template: servers like it register themselves, and its id is its name.',
    ),
  },
})

/** A media servers file. */
export const SERVERS_FILE: Shape<ServersSource> = object<ServersSource>({
  name: 'a servers file',
  members: {
    servers: required(
      list(SERVER, { max: MAX_SERVERS, min: 0 }),
      'Media servers that may ask the gate.',
    ),
  },
})
