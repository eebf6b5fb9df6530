/** What the servers file says of one kind and not of another; its form alone is servers-file.test.ts. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { dialectFor, MEDIA_KINDS } from '../../../src/adapters/media/dialects.ts'
import { type MediaServer, parseServersFile } from '../../../src/adapters/media/servers-file.ts'
import { toBase64, utf8 } from '../../../src/core/encoding.ts'
import { describeProblem } from '../../../src/scrub.ts'
import { HOOK_KINDS } from './knock.ts'

const SECRET = `whsec_${toBase64(new Uint8Array(32).fill(9))}`
const CONTROL = 'http://127.0.0.1:9997'

function parse(members: string, env: Readonly<Record<string, string>> = {}) {
  const text = `servers: [{ id: a, secret: "${SECRET}", subject: { from: stream_key }, ${members} }]`
  return parseServersFile(utf8(text), 'servers.yaml', {
    env: (name) => env[name],
    file: (name) => (name === 'token' ? 'from-a-file\n' : null),
  })
}

function serverOf(members: string, env?: Readonly<Record<string, string>>): MediaServer {
  const result = parse(members, env)
  if (!result.ok) throw new Error(result.error.map(describeProblem).join('\n'))
  const [server] = result.value.servers
  if (server === undefined) throw new Error('no server')
  return server
}

/** Without the place. */
function problems(members: string): readonly string[] {
  const result = parse(members)
  return result.ok ? [] : result.error.map((one) => describeProblem(one).replace(/^\S+ /, ''))
}

for (const kind of HOOK_KINDS)
  describe(`a server of kind ${kind}`, () => {
    const { capabilities } = dialectFor(kind)

    it('needs no more than id, kind, secret and subject, and never waits longer than it can', () => {
      expect(serverOf(`kind: ${kind}`)).toMatchObject({
        kind,
        hold_max_ms: Math.min(5_000, capabilities.hold_max_ms),
        playback: capabilities.rename ? 'rename' : 'pair',
        when_down: capabilities.when_down,
        lifetime: capabilities.lifetime,
        reconcile_ms: 5_000,
      })
    })

    it('cannot be told to wait longer than it can', () => {
      const above = capabilities.hold_max_ms / 1000 + 1
      expect(problems(`kind: ${kind}, hold_max: ${above}s`)).toEqual([
        `bad-value: hold_max is above ${capabilities.hold_max_ms / 1000}s`,
      ])
    })

    it('is renamed only where it can be', () => {
      expect(problems(`kind: ${kind}, playback: rename`)).toEqual(
        capabilities.rename
          ? []
          : [
              'conflicting-keys: this kind of server cannot rename a stream\n  hint: pair: the publisher sends the public name, and the key beside it',
            ],
      )
      expect(serverOf(`kind: ${kind}, playback: pair`).playback).toBe('pair')
    })

    it('ends streams by itself only where it can', () => {
      expect(problems(`kind: ${kind}, lifetime: lease`)).toEqual(
        capabilities.lifetime
          ? []
          : ['conflicting-keys: this kind of server cannot end a stream by itself'],
      )
    })
  })

describe('a delayed application', () => {
  const able = ['nginx-rtmp', 'ovenmediaengine']
  const delayed = 'delayed: { app: live_delayed, up_to: 30s }'
  for (const kind of HOOK_KINDS)
    it(`is ${able.includes(kind) ? 'taken' : 'refused'} for ${kind}`, () => {
      if (able.includes(kind))
        expect(serverOf(`kind: ${kind}, app: live, ${delayed}`).delayed).toEqual({
          app: 'live_delayed',
          up_to_s: 30,
        })
      else
        expect(problems(`kind: ${kind}, app: live, ${delayed}`)).toEqual([
          "conflicting-keys: this kind of server cannot be told to show a broadcast later\n  hint: only nginx-rtmp and ovenmediaengine can; without it the policy's `unsupported` answers a tape delay",
        ])
    })

  it('is none unless given', () => {
    expect(serverOf('kind: nginx-rtmp').delayed).toBeNull()
  })

  const faults = [
    [
      'needs the application publishers use',
      delayed,
      ['missing-key: delayed needs `app`: the application publishers use'],
    ],
    [
      'is not the one publishers use',
      'app: live_delayed, delayed: { app: live_delayed, up_to: 30s }',
      ['conflicting-keys: the delayed application is the one publishers use'],
    ],
    [
      'needs a name to take away',
      `app: live, playback: keep, ${delayed}`,
      [
        'conflicting-keys: delayed needs playback rename and subject.from stream_key\n  hint: a broadcast that keeps its name could be watched at once by whoever knows it',
      ],
    ],
    [
      'has an end',
      'app: live, delayed: { app: late, up_to: 3601s }',
      ['bad-value: up_to is above an hour'],
    ],
    [
      'delays by whole seconds',
      'app: live, delayed: { app: late, up_to: 1500ms }',
      ['bad-duration: found `1500ms`, expected whole seconds'],
    ],
    [
      'says how long',
      'app: live, delayed: { app: late }',
      ['missing-key: a delayed needs `up_to`'],
    ],
    [
      'has a plain name',
      'app: live, delayed: { app: "a/b", up_to: 30s }',
      ['bad-value: found `a/b`, expected the name of an application'],
    ],
  ] as const
  for (const [name, members, expected] of faults)
    it(name, () => {
      expect(problems(`kind: nginx-rtmp, ${members}`)).toEqual(expected)
    })
})

describe('a lifetime', () => {
  const cases = [
    ['', true],
    [`control: "${CONTROL}"`, false],
    [`control: "${CONTROL}", lifetime: lease`, true],
    ['lifetime: none', false],
  ] as const
  for (const [members, lifetime] of cases)
    it(`with \`${members}\` is ${lifetime ? 'the lease' : 'none'}: who can be cut need not end early`, () => {
      const server = serverOf(`kind: ovenmediaengine${members === '' ? '' : `, ${members}`}`)
      expect(server.lifetime).toBe(lifetime)
    })
})

describe('a secret that signs', () => {
  const withSecret = (kind: string, secret: string) => {
    const text = `servers: [{ id: a, kind: ${kind}, secret: "${secret}", subject: { from: stream_key } }]`
    const result = parseServersFile(utf8(text), 'f', { env: () => undefined, file: () => null })
    return result.ok ? [] : result.error.map(({ message }) => message)
  }
  it('of a generic hook is 24 to 64 bytes in Base64, with or without its prefix', () => {
    const of = (bytes: number) => toBase64(new Uint8Array(bytes).fill(3))
    for (const secret of [of(24), of(64), `whsec_${of(32)}`])
      expect(withSecret('generic', secret)).toEqual([])
    for (const secret of [of(23), of(65), `whsec_${of(16)}`, `${of(33)}x`])
      expect(withSecret('generic', secret)).toEqual(['secret is no key of this kind of server'])
  })
  it('of OvenMediaEngine is any secret', () => {
    expect(withSecret('ovenmediaengine', 'a-secret-of-16-ch')).toEqual([])
  })
})

describe('what the control interface asks for', () => {
  const auth = (members: string) =>
    `kind: mediamtx, control: "${CONTROL}", control_auth: { ${members} }`
  const headers = [
    ['scheme: bearer, secret: t-1', 'Bearer t-1'],
    ['scheme: basic, user: gate, secret: "p:w"', `Basic ${btoa('gate:p:w')}`],
    ['scheme: basic, secret: access-token', `Basic ${btoa('access-token')}`],
    ['scheme: login, user: admin, secret: x', null],
    ['scheme: bearer, secret_env: TOKEN', 'Bearer from-env'],
    ['scheme: bearer, secret_file: token', 'Bearer from-a-file'],
  ] as const
  for (const [members, header] of headers)
    it(`${members} becomes ${header ?? 'no header'}`, () => {
      const { control_auth } = serverOf(auth(members), { TOKEN: 'from-env' })
      expect(control_auth?.header()).toBe(header)
    })

  it('is never printed', () => {
    const server = serverOf(auth('scheme: login, user: admin, secret: hunter2hunter2'))
    const printed = [
      JSON.stringify(server),
      String(server.control_auth),
      inspect(server, { depth: 9 }),
    ]
    expect(printed.join('\n')).not.toContain('hunter2')
    expect(server.control_auth?.reveal()).toBe('hunter2hunter2')
  })

  const wrong = [
    [
      'scheme: bearer',
      'missing-key: a control_auth has 0 of secret, secret_env and secret_file, expected one',
    ],
    ['scheme: login, secret: x', 'missing-key: a login needs `user`'],
    ['scheme: bearer, user: u, secret: x', 'conflicting-keys: a bearer has no `user`'],
    [
      'scheme: digest, secret: x',
      'bad-value: found `digest`, expected `bearer`, `basic` or `login`',
    ],
    [
      'scheme: basic, user: "a:b", secret: x',
      'bad-value: found `a:b`, expected ASCII without a colon',
    ],
    [
      'scheme: bearer, secret: "a\\nb"',
      'bad-value: secret has a character that is not printable ASCII\n  hint: openssl rand -base64 32',
    ],
    [
      'scheme: bearer, secret: ""',
      'bad-value: secret has 0 characters, expected 1 to 1000\n  hint: openssl rand -base64 32',
    ],
    [
      'scheme: bearer, secret_env: NOT_SET',
      'bad-value: secret from there cannot be read\n  hint: openssl rand -base64 32',
    ],
  ] as const
  for (const [members, message] of wrong)
    it(`${members} is refused`, () => {
      expect(problems(auth(members))).toEqual([message])
    })

  it('without a control interface is a mistake', () => {
    expect(problems('kind: srs, control_auth: { scheme: bearer, secret: x }')).toEqual([
      'conflicting-keys: control_auth needs control',
    ])
  })
})

it('every kind can be written into a file', () => {
  expect(MEDIA_KINDS.length).toBeGreaterThanOrEqual(6)
  for (const kind of HOOK_KINDS) expect(serverOf(`kind: ${kind}`).kind).toBe(kind)
})
