/** What holds for every kind of media server alike. */
import { describe, expect, it } from 'vitest'
import { REFUSALS, type Verdict } from '../../../src/adapters/media/dialect.ts'
import { dialectFor, dialectOf } from '../../../src/adapters/media/dialects.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { epochMs } from '../../../src/core/time.ts'
import { ALLOW, aDesk, anAnswer, aStreamKey, DENY, NOW, settle } from './desk.ts'
import {
  HOOK_KINDS,
  isJsonKind,
  isYes,
  type JsonKind,
  knock,
  PUBLIC_NAME,
  STARTS,
  serverOf,
  startBody,
} from './knock.ts'

const SIGNED = HOOK_KINDS.filter((kind) => dialectFor(kind).authenticate !== undefined)

for (const kind of HOOK_KINDS)
  describe(kind, () => {
    const dialect = dialectFor(kind)
    const setup = { servers: [serverOf(kind)] }

    it('is known by its own name', () => {
      expect([dialect.kind, dialectOf(kind)]).toEqual([kind, dialect])
      expect(dialect.signingKey === undefined).toBe(dialect.authenticate === undefined)
      expect(dialect.capabilities.proof === 'signature').toBe(dialect.authenticate !== undefined)
    })

    it('an allowed start gets this server’s yes, and the gate was asked about the owner of the key', async () => {
      const desk = aDesk(setup)
      const reply = await knock(desk, kind, startBody(kind))
      expect(isYes(kind, reply)).toBe(true)
      expect(desk.asked).toMatchObject([
        { subject: 'u_81f', stream: { id: 'sk_AAAAAAAAAAAAAAAAAAAAAA' } },
      ])
      const told = JSON.stringify([reply.body, [...reply.headers], desk.asked, desk.events])
      expect(told).not.toContain('k7f3q9')
    })

    const refusals = [
      { name: 'a deny', setup: { decide: () => DENY } },
      {
        name: 'a delay for unknown facts',
        setup: {
          decide: () => anAnswer({ outcome: 'delay', mode: 'retry', retry_after_s: 30 }),
        },
      },
      {
        name: 'a hold of an hour',
        setup: {
          decide: () =>
            anAnswer({
              outcome: 'delay',
              mode: 'hold',
              not_before: epochMs(NOW + 3_600_000),
            }),
        },
      },
      { name: 'an unknown key', setup: { keys: [] } },
      { name: 'a revoked key', setup: { keys: [aStreamKey('k7f3q9', { revoked_at: NOW })] } },
      { name: 'another application', setup: { servers: [serverOf(kind, { app: 'side' })] } },
      {
        name: 'a log that cannot take it',
        setup: { decide: () => Promise.reject(new LivegateError('log_unavailable', 'Cannot')) },
      },
      { name: 'a fault of the program', setup: { decide: () => Promise.reject(new TypeError()) } },
    ] as const
    for (const { name, setup: changes } of refusals)
      it(`${name} is this server’s no`, async () => {
        const desk = aDesk({ ...setup, ...changes })
        const reply = await knock(desk, kind, startBody(kind))
        expect(isYes(kind, reply)).toBe(false)
        expect(reply.body).not.toContain('k7f3q9')
        expect(reply.headers.get('location')).toBeNull()
        // SRS waits for a body where there is none.
        expect(reply.body.length).toBeGreaterThan(0)
      })

    for (const why of REFUSALS)
      it(`refused as ${why} is this server’s no`, () => {
        expect(isYes(kind, dialect.render({ type: 'refused', why, retry_after_s: null }))).toBe(
          false,
        )
      })

    it('does not tell a revoked key, or a key with another name, from an unknown one', () => {
      const of = (why: 'revoked_key' | 'unknown_key' | 'wrong_name') =>
        dialect.render({ type: 'refused', why, retry_after_s: null })
      expect([of('revoked_key'), of('wrong_name')]).toEqual([of('unknown_key'), of('unknown_key')])
    })

    it('what asks for nothing goes on', () => {
      expect(isYes(kind, dialect.render({ type: 'noted' }))).toBe(true)
    })

    it('holds an answer only where the server can wait', async () => {
      const soon = anAnswer({ outcome: 'delay', mode: 'hold', not_before: epochMs(NOW + 1_000) })
      const answers = [soon, ALLOW]
      const desk = aDesk({ ...setup, decide: () => answers.shift() ?? DENY })
      const reply = knock(desk, kind, startBody(kind))
      await settle()
      const waits = dialect.capabilities.hold_max_ms > 0
      expect(desk.timers()).toEqual(waits ? [1_000] : [])
      await desk.advance(1_000)
      expect(isYes(kind, await reply)).toBe(waits)
    })

    it('a stranger is refused before anything is parsed, like for any other kind and id', async () => {
      const desk = aDesk(setup)
      const wrong = [
        await knock(desk, kind, '%%%', { headers: {} }),
        await knock(desk, kind, startBody(kind), { headers: { authorization: 'Bearer x' } }),
        await knock(desk, kind, startBody(kind), { server: 'edge-9' }),
        await knock(desk, kind, startBody(kind), {
          headers: {},
          query: '?secret=guess-guess-guess',
        }),
      ]
      for (const reply of wrong) {
        expect([reply.status, reply.body]).toEqual([401, 'refused unauthenticated\n'])
        expect(isYes(kind, reply)).toBe(false)
      }
      expect(desk.asked).toEqual([])
      expect(desk.events.map((event) => 'why' in event && event.why)).toEqual(
        Array(wrong.length).fill('unauthenticated'),
      )
    })

    it('never answers with a redirect other than a rename of nginx-rtmp', () => {
      const verdicts: readonly Verdict[] = [
        { type: 'admit', playback_name: null, decision: 'd1' },
        { type: 'noted' },
        { type: 'deny', outcome: 'deny', decision: 'd1', retry_after_s: 3 },
      ]
      for (const verdict of verdicts) {
        const { status, headers } = dialect.render(verdict)
        expect([Math.floor(status / 100) === 3, headers.location]).toEqual([false, undefined])
      }
    })

    it('puts no name into an answer that could be more than a name', () => {
      if (!dialect.capabilities.rename) return
      const event = dialect.parse({
        method: 'POST',
        query: '',
        content_type: 'application/x-www-form-urlencoded',
        body: new TextEncoder().encode(startBody(kind)),
      })
      if (!event.ok) throw new Error(event.error)
      for (const playback_name of ['a/b', 'rtmp://x/y', 'a?b', '"', '', 'a\r\nb'])
        expect(() =>
          dialect.render({ type: 'admit', playback_name, decision: 'd1' }, event.value),
        ).toThrow('Cannot rename a stream: the playback name is not a plain word')
    })

    it('has a handle without the key, short enough to be kept', () => {
      const event = dialect.parse({
        method: 'POST',
        query: '',
        content_type: 'application/x-www-form-urlencoded',
        body: new TextEncoder().encode(startBody(kind)),
      })
      if (!event.ok || event.value.kind !== 'start') throw new Error('no start')
      const handle = dialect.handleOf?.(event.value, PUBLIC_NAME) ?? ''
      expect(handle).not.toContain('k7f3q9')
      expect(handle.length).toBeLessThanOrEqual(512)
    })
  })

describe('bodies that are no call of the server', () => {
  const twin = (body: string, name: string) => body.replace('{', `{"${name}":"x",`)
  const bodies = (kind: JsonKind): readonly (readonly [string, string])[] => [
    ['nothing', ''],
    ['no JSON', 'action=on_publish'],
    ['half of it', startBody(kind).slice(0, -3)],
    ['a list', `[${startBody(kind)}]`],
    ['null', 'null'],
    ['a member given twice', twin(startBody(kind), Object.keys(STARTS[kind])[1] ?? '')],
    [
      'a member given twice, once in escapes',
      twin(startBody(kind), escaped(Object.keys(STARTS[kind])[1] ?? '')),
    ],
    ['text that is not clean', startBody(kind).replaceAll('live', 'li\\u0000ve')],
    ['half a character', startBody(kind).replaceAll('live', 'li\\ud800ve')],
    ['a very long text', startBody(kind).replaceAll('live', 'l'.repeat(3_000))],
    ['more than 16 KiB', `${startBody(kind)}${' '.repeat(17_000)}`],
    ['another kind’s call', JSON.stringify({ hello: 'world' })],
    ...Object.keys(STARTS[kind])
      .filter((name) => NEEDED[kind].includes(name))
      .flatMap((name) => [
        [`no ${name}`, startBody(kind, { [name]: undefined })] as const,
        [`a number for ${name}`, startBody(kind, { [name]: 7 })] as const,
        [`a list for ${name}`, startBody(kind, { [name]: ['x'] })] as const,
      ]),
  ]
  for (const kind of HOOK_KINDS.filter(isJsonKind))
    for (const [name, body] of bodies(kind))
      it(`${kind}: ${name} is refused, and nothing is decided`, async () => {
        const desk = aDesk({ servers: [serverOf(kind)] })
        const reply = await knock(desk, kind, body)
        expect(isYes(kind, reply)).toBe(false)
        expect([desk.asked, desk.ended]).toEqual([[], []])
      })

  it('other methods are refused', async () => {
    for (const kind of HOOK_KINDS.filter(isJsonKind)) {
      const desk = aDesk({ servers: [serverOf(kind)] })
      for (const method of ['GET', 'PUT', 'DELETE', 'HEAD'])
        expect(isYes(kind, await knock(desk, kind, startBody(kind), { method }))).toBe(false)
      expect(desk.asked).toEqual([])
    }
  })
})

/** What a start of each kind cannot do without. */
const NEEDED: Readonly<Record<JsonKind, readonly string[]>> = {
  srs: ['action', 'client_id', 'app', 'stream', 'param'],
  mediamtx: ['action', 'path', 'protocol', 'id', 'query'],
  ovenmediaengine: ['client', 'request'],
  'node-media-server': ['id', 'app', 'name', 'protocol', 'action'],
  generic: ['event', 'session', 'name'],
}

function escaped(name: string): string {
  return `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`
}

describe('signatures', () => {
  for (const kind of SIGNED) {
    it(`${kind}: the same bytes count once`, async () => {
      const desk = aDesk({ servers: [serverOf(kind)] })
      expect(isYes(kind, await knock(desk, kind, startBody(kind)))).toBe(true)
      expect((await knock(desk, kind, startBody(kind))).status).toBe(401)
      expect(desk.asked).toHaveLength(1)
    })

    it(`${kind}: an old call and one from the future are refused`, async () => {
      for (const off of [-3_600_000, 3_600_000]) {
        const desk = aDesk({ servers: [serverOf(kind)] })
        await desk.advance(off)
        expect((await knock(desk, kind, startBody(kind))).status).toBe(401)
        expect(desk.asked).toEqual([])
      }
    })

    it(`${kind}: neither a bearer nor the argument \`secret\` stands in for one`, async () => {
      const desk = aDesk({ servers: [serverOf(kind)] })
      const secret = 'whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc='
      for (const options of [
        { headers: { authorization: `Bearer ${secret}` } },
        { headers: {}, query: `?secret=${secret}` },
      ])
        expect((await knock(desk, kind, startBody(kind), options)).status).toBe(401)
    })
  }
})
