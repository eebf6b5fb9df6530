/** Exchanges with real servers (tests/vectors/media): each is read as noted, and each answer has the noted bytes. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type {
  MediaDialect,
  MediaEvent,
  SignedCall,
  Verdict,
} from '../../../src/adapters/media/dialect.ts'
import { dialectOf } from '../../../src/adapters/media/dialects.ts'
import { ServerSecret } from '../../../src/adapters/media/server-secret.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { type EpochMs, parseInstant } from '../../../src/core/time.ts'
import { controlDriver } from './control-drivers.ts'
import { HOOK_KINDS } from './knock.ts'
import { type Scripted, scriptedAccess } from './scripted-access.ts'

interface Vector {
  readonly kind: string
  readonly source: string
  readonly secret?: string
  readonly now?: string
  readonly exchanges: readonly Exchange[]
  readonly answers: readonly AnswerVector[]
  readonly control: readonly ControlVector[]
}

interface Exchange {
  readonly name: string
  readonly content_type: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  readonly event: Readonly<Record<string, unknown>>
}

interface AnswerVector {
  readonly verdict: keyof typeof VERDICTS
  /** Which exchange it answers, where that matters. */
  readonly to?: number
  readonly status: number
  readonly body: string
}

interface ControlVector extends Scripted {
  readonly name: string
  readonly before?: readonly Scripted[]
  readonly handle?: string
  readonly session?: string
  readonly sessions?: readonly unknown[]
  readonly dropped?: number
}

const VERDICTS = {
  admit: { type: 'admit', playback_name: 'live_AbC', decision: 'd1', lifetime_ms: 14_400_000 },
  noted: { type: 'noted' },
  deny: { type: 'deny', outcome: 'deny', decision: 'd1', retry_after_s: null },
  unavailable: { type: 'refused', why: 'unavailable', retry_after_s: 1 },
  no_key: { type: 'refused', why: 'no_key', retry_after_s: null },
} as const satisfies Readonly<Record<string, Verdict>>

const FOLDER = new URL('../../vectors/media/', import.meta.url)
const vectors = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Vector)

function callOf(exchange: Exchange): SignedCall {
  return {
    method: 'POST',
    query: '',
    content_type: exchange.content_type,
    body: utf8(exchange.body),
    header: (name) => exchange.headers?.[name] ?? null,
  }
}

function eventOf(dialect: MediaDialect, exchange: Exchange | undefined): MediaEvent | undefined {
  const event = exchange === undefined ? null : dialect.parse(callOf(exchange))
  return event?.ok ? event.value : undefined
}

function instant(text: string | undefined): EpochMs {
  const at = parseInstant(text ?? '')
  if (!at.ok) throw new Error(at.error)
  return at.value
}

it('there is a vector for every kind of server that is somebody else’s program', () => {
  const kinds = vectors.map(({ kind }) => kind).toSorted()
  const programs = HOOK_KINDS.filter((kind) => kind !== 'generic' && kind !== 'nginx-rtmp')
  expect(kinds).toEqual(programs.toSorted())
})

for (const vector of vectors)
  describe(`${vector.kind}: ${vector.source.split(' (')[0]}`, () => {
    const dialect = dialectOf(vector.kind)
    if (dialect === null) throw new Error('unknown kind')

    for (const exchange of vector.exchanges)
      it(`reads ${exchange.name}`, () => {
        const event = dialect.parse(callOf(exchange))
        const connection = exchange.event.kind === 'start' ? { connection: expect.any(String) } : {}
        expect(event).toEqual({ ok: true, value: { ...exchange.event, ...connection } })
      })

    for (const exchange of vector.secret === undefined ? [] : vector.exchanges)
      it(`knows the signature of ${exchange.name}`, () => {
        const key = dialect.signingKey?.(vector.secret ?? '')
        const secret = new ServerSecret(vector.secret ?? '', key ?? undefined)
        const now = instant(vector.now)
        expect(dialect.authenticate?.(callOf(exchange), secret, now).ok).toBe(true)
        const changed = { ...callOf(exchange), body: utf8(`${exchange.body} `) }
        expect(dialect.authenticate?.(changed, secret, now).ok).toBe(false)
      })

    for (const answer of vector.answers)
      it(`answers ${answer.verdict} with ${answer.status} ${answer.body.trim()}`, () => {
        const to = answer.to === undefined ? undefined : vector.exchanges[answer.to]
        const reply = dialect.render(VERDICTS[answer.verdict], eventOf(dialect, to))
        expect([reply.status, reply.body]).toEqual([answer.status, answer.body])
        expect(reply.headers['content-length']).toBe(String(utf8(answer.body).length))
      })

    for (const control of vector.control)
      it(`control: ${control.name}`, async () => {
        const access = scriptedAccess([...(control.before ?? []), control])
        const driver = controlDriver(vector.kind)
        const session = control.session ?? (vector.exchanges[0]?.event.session as string)
        const result =
          control.sessions === undefined
            ? await driver.cut(access, { session, handle: control.handle ?? '' })
            : await driver.list(access)
        expect(result).toEqual({
          ok: true,
          value: control.sessions ?? { dropped: control.dropped },
        })
        expect(access.left()).toEqual([])
      })
  })
