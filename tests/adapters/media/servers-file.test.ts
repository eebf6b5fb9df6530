import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseServersFile } from '../../../src/adapters/media/servers-file.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { describeProblem } from '../../../src/scrub.ts'

const SECRET = 'c2VjcmV0LW9mLWVkZ2UtMQ=='
const NONE = { env: () => undefined, file: () => null }

function read(text: string, sources: Parameters<typeof parseServersFile>[2] = NONE) {
  return parseServersFile(utf8(text), 'servers.yaml', sources)
}

function problems(text: string, sources = NONE): string[] {
  const result = read(text, sources)
  return result.ok ? [] : result.error.map(describeProblem)
}

describe('a servers file', () => {
  it('is read whole, with defaults where it is silent', () => {
    const result = read(`servers:
  - { id: edge-1, kind: nginx-rtmp, secret: ${SECRET}, subject: { from: stream_key } }
  - id: edge-2
    kind: nginx-rtmp
    secret: A${SECRET}
    subject: { from: name }
    control: http://127.0.0.1:8082/control
    when_down: allow
    hold_max: 0s
    territory: NO
    app: live
`)
    expect(result).toEqual({
      ok: true,
      value: {
        templates: [],
        servers: [
          {
            id: 'edge-1',
            kind: 'nginx-rtmp',
            secret: expect.anything(),
            subject_from: 'stream_key',
            control: null,
            control_auth: null,
            reconcile_ms: 5_000,
            when_down: 'deny',
            hold_max_ms: 5_000,
            playback: 'rename',
            lifetime: false,
            territory: null,
            app: null,
            delayed: null,
          },
          {
            id: 'edge-2',
            kind: 'nginx-rtmp',
            secret: expect.anything(),
            subject_from: 'name',
            control: 'http://127.0.0.1:8082/control',
            control_auth: null,
            reconcile_ms: 5_000,
            when_down: 'allow',
            hold_max_ms: 0,
            playback: 'keep',
            lifetime: false,
            territory: 'NO',
            app: 'live',
            delayed: null,
          },
        ],
      },
    })
  })

  it.each([
    ['off', 'off'],
    ['canary 5%', 'canary 5%'],
    ['on', undefined],
  ])('says for whom a server enforces: %s', (enforce, read_) => {
    const result = read(
      `servers: [{ id: a, kind: nginx-rtmp, subject: { from: stream_key }, secret: ${SECRET}, enforce: ${enforce} }]`,
    )
    if (!result.ok) throw new Error(result.error.map(describeProblem).join('\n'))
    expect(result.value.servers[0]?.enforce).toBe(read_)
  })

  it('may be empty of servers', () => {
    expect(read('servers: []')).toEqual({ ok: true, value: { servers: [], templates: [] } })
  })

  const base = 'id: a, kind: nginx-rtmp, subject: { from: stream_key }'
  const sources = {
    env: (name: string) => (name === 'EDGE_SECRET' ? SECRET : undefined),
    file: (path: string) => (path === '/run/secrets/edge' ? `${SECRET}\n` : null),
  }
  for (const place of ['secret_env: EDGE_SECRET', 'secret_file: /run/secrets/edge'])
    it(`takes a secret from ${place.split(':')[0]}`, () => {
      const result = read(`servers: [{ ${base}, ${place} }]`, sources)
      if (!result.ok) throw new Error(result.error.map(describeProblem).join('\n'))
      expect(result.value.servers[0]?.secret?.matches(SECRET)).toBe(true)
      expect(result.value.servers[0]?.secret?.matches(`${SECRET}x`)).toBe(false)
    })
})

describe('a wrong servers file says what and where', () => {
  const S = `secret: ${SECRET}`
  const from = 'subject: { from: stream_key }'
  const cases = [
    {
      name: 'an empty file',
      text: '',
      expect: [
        'servers.yaml:1:1 wrong-type: found nothing, expected a servers file\n  hint: a mapping of `servers`',
      ],
    },
    {
      name: 'every fault at once, a near miss with a hint',
      text: `servers:\n  - { id: Edge, kind: nginx, ${S}, ${from}, when_dwon: allow }\n`,
      expect: [
        'servers.yaml:2:11 bad-value: found `Edge`, expected an id of lower-case letters, digits, `-` and `_`',
        'servers.yaml:2:23 bad-value: found `nginx`, expected `nginx-rtmp`, `srs`, `mediamtx`, `mediamtx-jwt`, `ovenmediaengine`, `node-media-server`, `generic`, `livekit` or `whip`',
        'servers.yaml:2:95 unknown-key: a server has no member `when_dwon`\n  hint: did you mean `when_down`?',
      ],
    },
    {
      name: 'a rollout in another spelling',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${S}, ${from}, enforce: 5% }\n`,
      expect: [
        'servers.yaml:2:106 bad-value: found `5%`, expected `on`, `off` or a canary such as `canary 10%`\n  hint: did you mean `canary 5%`?',
      ],
    },
    {
      name: 'no secret at all',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from} }\n`,
      expect: [
        'servers.yaml:2:5 missing-key: a server has 0 of secret, secret_env and secret_file, expected one',
      ],
    },
    {
      name: 'two places for the secret',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from}, ${S}, secret_env: X }\n`,
      expect: [
        'servers.yaml:2:109 conflicting-keys: a server has 2 of secret, secret_env and secret_file, expected one',
      ],
    },
    {
      name: 'a short secret',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from}, secret: hunter2 }\n`,
      expect: [
        'servers.yaml:2:71 bad-value: secret has 7 characters, expected 16 to 256\n  hint: openssl rand -base64 32',
      ],
    },
    {
      name: 'a secret that is a number',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from}, secret: 12345678901234567890 }\n`,
      expect: [
        'servers.yaml:2:71 bad-value: secret is not text, expected text\n  hint: put it in quotes',
      ],
    },
    {
      name: 'a variable that is not set',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from}, secret_env: EDGE }\n`,
      expect: [
        'servers.yaml:2:75 bad-value: secret from there cannot be read\n  hint: openssl rand -base64 32',
      ],
    },
    {
      name: 'one id and one secret for two servers',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from}, ${S} }\n  - { id: a, kind: nginx-rtmp, ${from}, ${S} }\n`,
      expect: [
        'servers.yaml:3:11 duplicate-id: two servers have this id',
        'servers.yaml:3:71 conflicting-keys: two servers share this secret',
      ],
    },
    {
      name: 'more patience than publishers have',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from}, ${S}, hold_max: 26s }\n`,
      expect: ['servers.yaml:2:107 bad-value: hold_max is above 25s'],
    },
    {
      name: 'a rename of a name that is no key',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, subject: { from: name }, ${S}, playback: rename }\n`,
      expect: [
        'servers.yaml:2:101 conflicting-keys: playback rename needs subject.from stream_key\n  hint: a name that is no secret keeps its name',
      ],
    },
    {
      name: 'a control address with a password',
      text: `servers:\n  - { id: a, kind: nginx-rtmp, ${from}, ${S}, control: "http://u:p@h/" }\n`,
      expect: [
        'servers.yaml:2:106 bad-value: found `…`, expected an http address without user, query and fragment',
      ],
    },
    {
      name: 'an alias',
      text: 'servers: [*x]\n',
      expect: [
        'servers.yaml:1:11 yaml-feature: a servers file cannot use an alias\n  hint: write the value out; text that begins with `*` needs quotes',
      ],
    },
  ]
  for (const { name, text, expect: messages } of cases)
    it(name, () => {
      expect(problems(text)).toEqual(messages)
    })
})

describe('a secret', () => {
  const secret = fc
    .stringMatching(/^[A-Za-z0-9._~+/-]{16,60}$/)
    .filter((s) => !/^\d|^[-.~+/]/.test(s))
  const spoilt = [
    (s: string) => `servers: [{ secret: ${s} }]`,
    (s: string) => `servers: [{ secret: "${s} ü" }]`,
    (s: string) => `servers: [{ secret: [${s}] }]`,
    (s: string) => `servers: [{ ${s}: 1 }]`,
    (s: string) => `servers: [{ secret ${s} }]`,
    (s: string) => `servers:\n  - secret: ${s}\n    id: ${s}\n    kind: ${s}\n    control: ${s}\n`,
    (s: string) => `servers:\n  - secret: ${s}\n   id: b`,
    (s: string) => `servers:\n  - secret: |${s}\n`,
    (s: string) => `servers:\n  - secret: &${s} x\n`,
    (s: string) => `servers: ${s}`,
    (s: string) => `${s}`,
    (s: string) =>
      `servers:\n  - hold_max: ${s}\n    territory: ${s}\n    app: ${s}/\n    secret_env: ${s}-\n`,
  ]
  it('is repeated by no message, wherever it was put by mistake', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...spoilt), (text, spoil) => {
        const found = problems(spoil(text))
        expect(found.length).toBeGreaterThan(0)
        expect(found.join('\n')).not.toContain(text)
      }),
      { numRuns: 300 },
    )
  })

  it('is not printed with its server', () => {
    const result = read(
      `servers: [{ id: a, kind: nginx-rtmp, secret: ${SECRET}, subject: { from: name } }]`,
    )
    if (!result.ok) throw new Error('expected a server')
    expect(JSON.stringify(result.value)).toContain('"secret":"[secret]"')
    expect(`${String(result.value.servers[0]?.secret)}`).toBe('[secret]')
  })
})

describe('an entry that servers register under', () => {
  const entry = (members: string): string =>
    `servers:\n  - { id: origins, kind: nginx-rtmp, secret: ${SECRET}, subject: { from: stream_key }, ${members} }\n`
  const CONTROL = 'control: "http://{host}:8080/control"'
  const HOSTS = 'hosts: [10.0.3.0/24]'

  it('is a template and no server, with what may register', () => {
    const result = read(entry(`${CONTROL}, register: { ${HOSTS}, max: 7, ttl: 10s }`))
    if (!result.ok) throw new Error(result.error.map(describeProblem).join('\n'))
    const { servers, templates } = result.value
    expect(servers).toEqual([])
    expect(templates).toMatchObject([
      { server: { id: 'origins', control: 'http://{host}:8080/control' }, max: 7, ttl_ms: 10_000 },
    ])
  })

  it('lets a hundred register for a minute unless it says otherwise, with or without control', () => {
    const result = read(entry(`register: { ${HOSTS} }`))
    expect(result.ok && result.value.templates).toMatchObject([{ max: 100, ttl_ms: 60_000 }])
  })

  const bad: readonly (readonly [what: string, members: string, says: string])[] = [
    ['without hosts', 'register: { max: 3 }', 'a register needs `hosts`'],
    ['with an empty list of hosts', 'register: { hosts: [] }', 'expected at least 1'],
    ['with a bare address', 'register: { hosts: [10.0.3.7] }', 'a range such as 10.0.3.0/24'],
    ['with a range inside a range', 'register: { hosts: [10.0.3.7/24] }', '10.0.3.0/24'],
    ['with a name', 'register: { hosts: [a.example.org] }', 'a domain such as *.example.org'],
    ['with 65 hosts', `register: { hosts: [${'10.0.3.0/24, '.repeat(65)}] }`, 'limit 64'],
    ['with none at once', `register: { ${HOSTS}, max: 0 }`, 'expected'],
    ['with 1001 at once', `register: { ${HOSTS}, max: 1001 }`, 'expected'],
    ['with a ttl of 9 s', `register: { ${HOSTS}, ttl: 9s }`, 'ttl is not within 10s and 1h'],
    ['with a ttl above an hour', `register: { ${HOSTS}, ttl: 3601s }`, 'ttl is not within'],
    ['with a foreign member', `register: { ${HOSTS}, host: x }`, 'no member `host`'],
    ['with a fixed control', `control: "http://10.0.3.7", register: { ${HOSTS} }`, 'no `{host}`'],
    [
      'with the host in a path',
      `control: "http://a/{host}", register: { ${HOSTS} }`,
      'no `{host}`',
    ],
    ['with a part of a host', `control: "http://x{host}", register: { ${HOSTS} }`, 'no `{host}`'],
    ['with a longer host', `control: "http://{host}.a", register: { ${HOSTS} }`, 'no `{host}`'],
    [
      'with the host twice',
      `control: "http://{host}/{host}", register: { ${HOSTS} }`,
      'no `{host}`',
    ],
    ['with another blank', `control: "http://{host}/{id}", register: { ${HOSTS} }`, 'no `{host}`'],
    ['with no such port', `control: "http://{host}:99999", register: { ${HOSTS} }`, 'no `{host}`'],
    ['of a server that stands there', CONTROL, '`{host}` needs `register`'],
  ]
  for (const [what, members, says] of bad)
    it(`${what} is refused`, () => expect(problems(entry(members)).join('\n')).toContain(says))

  it('counts with the others: a thousand may register in all', () => {
    const both = (max: number): string =>
      `servers:\n${[1, 2]
        .map(
          (n) =>
            `  - { id: o-${n}, kind: srs, secret: ${n}${SECRET}, subject: { from: stream_key }, register: { ${HOSTS}, max: ${max} } }`,
        )
        .join('\n')}\n`
    expect(problems(both(500))).toEqual([])
    expect(problems(both(501)).join()).toContain('1002 servers may register in all, limit 1000')
  })

  it('shares its id and its secret with nobody', () => {
    const two = `${entry(`register: { ${HOSTS} }`)}  - { id: origins, kind: srs, secret: ${SECRET}, subject: { from: stream_key } }\n`
    const said = problems(two).join('\n')
    expect(said).toContain('two servers have this id')
    expect(said).toContain('two servers share this secret')
  })
})
