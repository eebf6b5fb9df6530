/** Settings: where each can come from, what wins, what is wrong with all of them at once, and what is never said. */
import { describe, expect, it } from 'vitest'
import {
  type ConfigSources,
  readConfig,
  SETTINGS,
  type ServerConfig,
} from '../../../src/adapters/node/config.ts'

interface Sample {
  readonly text: string
  readonly value: unknown
}

/** Two good values of each setting and one that is not. */
const SAMPLES: Readonly<
  Record<keyof ServerConfig, { readonly good: readonly [Sample, Sample]; readonly bad: string }>
> = {
  host: { good: [same('0.0.0.0'), same('::1')], bad: '' },
  port: {
    good: [
      { text: '0', value: 0 },
      { text: '65535', value: 65_535 },
    ],
    bad: '65536',
  },
  data: { good: [same('/var/a'), same('b')], bad: '' },
  policy: { good: [same('a.yaml'), same('b.yaml')], bad: '' },
  shadow_policy: { good: [same('a.yaml'), same('b.yaml')], bad: '' },
  origin: {
    good: [same('a.example/log'), same('b.example:8443/log/main')],
    bad: 'https://a.example',
  },
  issuer: { good: [same('https://a.example'), same('https://b.example/x')], bad: 'a.example' },
  admin_key: {
    good: [same(`lg_aaaa_${'A'.repeat(32)}`), same(`lg_bbbb_${'B'.repeat(128)}`)],
    bad: 'lg_aaaa_short-secret',
  },
  log_public: {
    good: [
      { text: 'true', value: true },
      { text: '0', value: false },
    ],
    bad: 'yes',
  },
  metrics_public: {
    good: [
      { text: 'false', value: false },
      { text: '1', value: true },
    ],
    bad: 'no',
  },
  servers: { good: [same('a.yaml'), same('b.yaml')], bad: '' },
  witnesses: { good: [same('a.txt'), same('b.txt')], bad: '' },
  webhooks: { good: [same('a.yaml'), same('b.yaml')], bad: '' },
  init: {
    good: [
      { text: 'true', value: true },
      { text: 'false', value: false },
    ],
    bad: 'TRUE',
  },
  facts_max_age_ms: {
    good: [
      { text: '1d', value: 86_400_000 },
      { text: '30m', value: 1_800_000 },
    ],
    bad: '30',
  },
  retention: {
    good: [
      {
        text: 'decisions=180d, strikes=2y,strikes.child=forever',
        value: {
          kinds: { decisions: 180 * 86_400_000 },
          strikes: new Map([
            ['', 730 * 86_400_000],
            ['child', Number.POSITIVE_INFINITY],
          ]),
        },
      },
      {
        text: 'reviews=4w',
        value: { kinds: { reviews: 28 * 86_400_000 }, strikes: new Map() },
      },
    ],
    bad: 'decisions=180',
  },
  moderation_available: {
    good: [
      { text: 'true', value: true },
      { text: 'false', value: false },
    ],
    bad: 'maybe',
  },
  jwt_issuer: { good: [same('https://i.example'), same('https://j.example')], bad: 'i.example' },
  jwt_jwks: { good: [same('https://i.example/k'), same('https://j.example/k')], bad: '/k' },
  jwt_audience: { good: [same('a'), same('b')], bad: '' },
  rate_per_s: {
    good: [
      { text: '1', value: 1 },
      { text: '9999999', value: 9_999_999 },
    ],
    bad: '0',
  },
  log_level: { good: [same('silent'), same('warn')], bad: 'debug' },
}

function same(text: string): Sample {
  return { text, value: text }
}

const JWT = {
  'jwt-issuer': 'https://i.example',
  'jwt-jwks': 'https://i.example/k',
  'jwt-audience': 'a',
}

/** The three settings of access tokens are needed together, so a sample of one comes with the others. */
function sources(given: Partial<ConfigSources>, name: keyof ServerConfig): ConfigSources {
  const { env = {}, file = null } = given
  const others = name.startsWith('jwt_')
    ? Object.entries(JWT).filter(([flag]) => flag.replaceAll('-', '_') !== name)
    : []
  return { env, file, flags: { ...Object.fromEntries(others), ...given.flags } }
}

function read(given: Partial<ConfigSources>): ReturnType<typeof readConfig> {
  return readConfig({ flags: {}, env: {}, file: null, ...given })
}

function yaml(text: string): ConfigSources['file'] {
  return { name: 'gate.yaml', text }
}

describe('every setting', () => {
  for (const { name, flag, env } of SETTINGS) {
    const { good, bad } = SAMPLES[name]
    const inFile = flag.replaceAll('-', '_')
    const line = (text: string): ConfigSources['file'] =>
      yaml(`${inFile}: ${JSON.stringify(text)}\n`)
    const value = (given: Partial<ConfigSources>): unknown => {
      const config = readConfig(sources(given, name))
      return config.ok ? config.value[name] : config.error
    }
    const [one, two] = good

    it(`--${flag} is read from its flag, its variable and the file`, () => {
      for (const { text, value: expected } of good) {
        expect(value({ flags: { [flag]: text } })).toEqual(expected)
        expect(value({ env: { [env]: text } })).toEqual(expected)
        expect(value({ file: line(text) })).toEqual(expected)
      }
    })

    it(`--${flag} as a flag wins over the variable, and that over the file`, () => {
      const file = line(two.text)
      expect(value({ flags: { [flag]: one.text }, env: { [env]: two.text }, file })).toEqual(
        one.value,
      )
      expect(value({ env: { [env]: one.text }, file })).toEqual(one.value)
      expect(value({ env: { [env]: '' }, file })).toEqual(two.value)
    })

    it(`--${flag} of a wrong form is refused, naming where it came from`, () => {
      const from = [
        [{ flags: { [flag]: bad } }, `--${flag}`],
        [{ file: line(bad) }, `${flag} in gate.yaml`],
        // An empty variable counts as unset.
        ...(bad === '' ? [] : ([[{ env: { [env]: bad } }, env]] as const)),
      ] as const
      for (const [given, where] of from)
        expect(value(given)).toEqual([
          expect.stringMatching(new RegExp(`^Cannot read ${where}: .*, expected`)),
        ])
    })
  }

  it('has a sample here', () => {
    expect(Object.keys(SAMPLES).sort()).toEqual(SETTINGS.map(({ name }) => name).sort())
  })
})

describe('a configuration', () => {
  it('without anything is the defaults of the table', () => {
    const config = read({})
    expect(config).toMatchObject({
      ok: true,
      value: { host: '127.0.0.1', port: 8787, init: false, admin_key: null, rate_per_s: 1000 },
    })
  })

  it('takes a flag without value as true', () => {
    expect(read({ flags: { init: true } })).toMatchObject({ ok: true, value: { init: true } })
  })

  it('is told every error at once', () => {
    const config = read({
      flags: { port: 'x', 'log-level': 'loud' },
      env: { LIVEGATE_ORIGIN: 'a b', LIVEGATE_JWT_ISSUER: 'https://i.example' },
      file: yaml('rate: none\nno_such: 1\nhost: [a]\n'),
    })
    expect(config).toEqual({
      ok: false,
      error: [
        'Cannot read gate.yaml: unknown setting `no_such`',
        'Cannot read host in gate.yaml: expected a single value',
        'Cannot read --port: `x`, expected a port from 0 to 65535',
        'Cannot read LIVEGATE_ORIGIN: `a b`, expected a log name such as gate.example/log/main (host and path, no scheme)',
        'Cannot read rate in gate.yaml: `none`, expected requests per second, 1 to 9999999',
        'Cannot read --log-level: `loud`, expected silent, error, warn or info',
        'Cannot accept JWT access tokens: jwt-issuer, jwt-jwks and jwt-audience are needed together',
      ],
    })
  })

  const SECRET = 'not-a-key-but-a-secret-1234567890'
  const leaks: readonly { readonly name: string; readonly given: Partial<ConfigSources> }[] = [
    { name: 'a flag', given: { flags: { 'admin-key': SECRET } } },
    { name: 'a variable', given: { env: { LIVEGATE_ADMIN_KEY: SECRET } } },
    { name: 'the file', given: { file: yaml(`admin_key: ${SECRET}\n`) } },
    { name: 'a list in the file', given: { file: yaml(`admin_key: [${SECRET}]\n`) } },
    { name: 'a file that is not a mapping', given: { file: yaml(`${SECRET}\n`) } },
    { name: 'a file that is not YAML', given: { file: yaml(`admin_key: "${SECRET}\n`) } },
    { name: 'a key named twice', given: { file: yaml(`admin_key: ${SECRET}\nadmin_key: x\n`) } },
  ]
  for (const { name, given } of leaks)
    it(`never repeats a secret of the wrong form out of ${name}`, () => {
      const config = read(given)
      expect(config.ok).toBe(false)
      expect(JSON.stringify(config)).not.toContain(SECRET)
    })

  const files = [
    { name: 'an empty file', text: '', expect: { ok: true } },
    { name: 'a file of comments', text: '# nothing\n', expect: { ok: true } },
    {
      name: 'a list',
      text: '- port: 1\n',
      expect: {
        error: ['Cannot read gate.yaml: not a mapping, expected one `name: value` per line'],
      },
    },
    {
      name: 'an alias',
      text: 'host: &a x\ndata: *a\n',
      expect: { error: ['Cannot read gate.yaml: not YAML, expected one `name: value` per line'] },
    },
    {
      name: 'a flag’s spelling instead of the file’s',
      text: 'log-public: true\n',
      expect: { error: ['Cannot read gate.yaml: unknown setting `log-public`'] },
    },
  ]
  for (const { name, text, expect: expected } of files)
    it(`with ${name} as its file is ${'ok' in expected ? 'read' : 'refused'}`, () => {
      expect(read({ file: yaml(text) })).toMatchObject(expected)
    })

  it('accepts access tokens with all three settings or none', () => {
    const names = Object.keys(JWT)
    for (let some = 0; some < 8; some++) {
      const given = Object.entries(JWT).filter((_entry, i) => (some & (1 << i)) !== 0)
      const config = read({ flags: Object.fromEntries(given) })
      expect(config.ok).toBe(given.length === 0 || given.length === names.length)
    }
  })
})
