/**
 * What no caller can do to a host with what it sends: every row is refused, with the code that says why, and changes
 * nothing.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { SUBJECT_ANSWER } from '../../src/adapters/http/answers.ts'
import { utf8 } from '../../src/core/encoding.ts'
import { answer, aViolation, fresh, type Host, OLD_ACCOUNT, problem, type Sent } from './host.ts'

interface Row {
  readonly what: string
  readonly sent: Sent
  readonly status: number
  readonly code: string
  readonly pointer?: string
}

const DECIDE = { method: 'POST', path: '/v1/decisions' } as const
const STRIKE = { method: 'POST', path: '/v1/subjects/u_input/strikes' } as const
const FACTS = { method: 'PUT', path: '/v1/subjects/u_input/facts' } as const
const KEYS = { method: 'POST', path: '/v1/stream-keys' } as const
const nested = (depth: number): string =>
  `{"subject":"u","x":${'['.repeat(depth)}${']'.repeat(depth)}}`
const later = (ms: number): string => new Date(Date.now() + ms).toISOString()
const invalid = { status: 400, code: 'invalid_request' } as const

const BODIES: readonly (readonly [what: string, body: unknown])[] = [
  ['nothing', ''],
  ['no JSON', '{"subject":'],
  ['JSON with something after it', '{"subject":"u"} x'],
  ['a comment', '{"subject":"u" /* x */}'],
  ['a number', '1'],
  ['a list', '[]'],
  ['null', 'null'],
  ['a member named twice', '{"subject":"u","subject":"v"}'],
  ['seventeen levels', nested(16)],
  ['a hundred thousand levels', nested(50_000)],
  ['bytes that are not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ['an overlong slash', new Uint8Array([...utf8('{"subject":"'), 0xc0, 0xaf, ...utf8('"}')])],
  ['a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, ...utf8('{"subject":"u"}')])],
  ['a lone surrogate', '{"subject":"\\ud800"}'],
  ['a control character in an id', '{"subject":"u\\u0000"}'],
  ['no subject', {}],
  ['a subject of another type', { subject: 1 }],
  ['an empty subject', { subject: '' }],
  ['a subject no path can name', { subject: '..' }],
  ['a subject that is too long', { subject: 'u'.repeat(257) }],
  ['a container of another type', { subject: 'u', stream: [] }],
  ['co-hosts that are no list', { subject: 'u', stream: { hosts: {} } }],
  ['a co-host without subject', { subject: 'u', stream: { hosts: [{}] } }],
  ['too many co-hosts', { subject: 'u', stream: { hosts: Array(17).fill({ subject: 'v' }) } }],
  ['facts that are a text', { subject: 'u', facts: 'x' }],
]

const STRIKES: readonly (readonly [what: string, change: object, pointer: string])[] = [
  ['a day ahead', { issued_at: later(86_400_000) }, '/issued_at'],
  ['no instant', { issued_at: 'yesterday' }, '/issued_at'],
  ['a number for an instant', { issued_at: 1_700_000_000 }, '/issued_at'],
  ['the thirtieth of February', { issued_at: '2026-02-30T00:00:00Z' }, '/issued_at'],
  ['an end before its beginning', { expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
  ['a category in capitals', { category: 'Terrorism' }, '/category'],
  ['an unknown severity', { severity: 'enormous' }, '/severity'],
  ['a weight of nothing', { weight: 0 }, '/weight'],
  ['half a weight', { weight: 1.5 }, '/weight'],
  ['a weight beyond all', { weight: 1001 }, '/weight'],
  ['a member nobody knows', { wieght: 2 }, '/wieght'],
  ['an id no path can name', { id: '.' }, '/id'],
  ['a source of another kind', { source: { system: 'x', kind: 'rumour' } }, '/source/kind'],
]

const OTHERS: readonly Row[] = [
  {
    what: 'a body of one mebibyte',
    sent: { ...DECIDE, body: `{"subject":"u","x":"${'x'.repeat(1024 * 1024)}"}` },
    ...{ status: 413, code: 'body_too_large' },
  },
  {
    what: 'a body one byte too long',
    sent: { ...DECIDE, body: `{"subject":"u"}${' '.repeat(128 * 1024 - 14)}` },
    ...{ status: 413, code: 'body_too_large' },
  },
  {
    what: 'a body of another type',
    sent: { ...DECIDE, body: '{"subject":"u"}', headers: { 'content-type': 'text/plain' } },
    ...{ status: 415, code: 'unsupported_media_type' },
  },
  {
    what: 'a body in another character set',
    sent: {
      ...DECIDE,
      body: '{"subject":"u"}',
      headers: { 'content-type': 'application/json; charset=utf-16' },
    },
    ...{ status: 415, code: 'unsupported_media_type' },
  },
  {
    what: 'an Idempotency-Key that is too long',
    sent: { ...DECIDE, body: { subject: 'u' }, headers: { 'idempotency-key': 'k'.repeat(65) } },
    ...invalid,
  },
  {
    what: 'facts nobody knows',
    sent: { ...FACTS, body: { facts: { height: 3 } } },
    ...invalid,
    pointer: '/facts/height',
  },
  {
    what: 'facts from the future',
    sent: { ...FACTS, body: { facts: {}, as_of: later(3_600_000) } },
    ...invalid,
    pointer: '/as_of',
  },
  {
    what: 'a stream key with a space',
    sent: { ...KEYS, body: { subject: 'u', key: 'a b' } },
    ...invalid,
    pointer: '/key',
  },
  {
    what: 'a stream key that is too long',
    sent: { ...KEYS, body: { subject: 'u', key: 'k'.repeat(201) } },
    ...invalid,
    pointer: '/key',
  },
  {
    what: 'a search for nothing there is',
    sent: { path: '/v1/decisions?outcome=perhaps' },
    ...invalid,
    pointer: '/outcome',
  },
  {
    what: 'a search that ends before it begins',
    sent: { path: '/v1/decisions?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z' },
    ...invalid,
    pointer: '/to',
  },
  {
    what: 'a parameter nobody knows',
    sent: { path: '/v1/records?index=1' },
    ...invalid,
    pointer: '/index',
  },
  {
    what: 'a page of nothing',
    sent: { path: '/v1/records?limit=0' },
    ...invalid,
    pointer: '/limit',
  },
]

export function inputSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
  })

  const refused = async ({ sent, status, code, pointer }: Omit<Row, 'what'>): Promise<void> => {
    const given = await problem(host, sent, { status, code })
    if (pointer !== undefined) expect(given.errors).toMatchObject([{ pointer }])
  }

  describe('a decision over', () => {
    for (const [what, body] of BODIES)
      it(`${what} is refused`, () => refused({ sent: { ...DECIDE, body }, ...invalid }))
  })

  describe('a strike with', () => {
    for (const [what, change, pointer] of STRIKES)
      it(`${what} is refused`, () => {
        const body = { ...aViolation(), ...change }
        return refused({ sent: { ...STRIKE, body }, ...invalid, pointer })
      })

    it('any of that leaves nothing behind', async () => {
      const sent = { path: '/v1/subjects/u_input' }
      const seen = await answer(host, sent, { status: 200, shape: SUBJECT_ANSWER })
      expect(seen).toMatchObject({ facts: {}, strikes: [], broadcasts: [] })
    })
  })

  describe('refused with its reason:', () => {
    for (const { what, ...row } of OTHERS) it(what, () => refused(row))
  })

  it('answers the next question after all of that', async () => {
    const body = { subject: fresh('u'), facts: OLD_ACCOUNT }
    const given = await host.ask(
      new Request('https://gate.example/v1/decisions', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${host.adminKey}`,
          'content-type': 'application/json; charset=UTF-8',
        },
        body: JSON.stringify(body),
      }),
    )
    expect(await given.json()).toMatchObject({ outcome: 'allow' })
  })
}
