/**
 * A person's rights on every host: export, legal hold, erasure; what goes on after it, and what nobody finds any more.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { DECISION_ANSWER, SUBJECT_ANSWER } from '../../src/adapters/http/answers.ts'
import {
  ERASURE_ANSWER,
  EXPORT_ANSWER,
  LEGAL_HOLD_ANSWER,
} from '../../src/adapters/http/erasure-schemas.ts'
import { answer, aViolation, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'

interface Decision {
  readonly id: string
  readonly outcome: string
  readonly reasons: readonly { readonly rule: string; readonly code: string }[]
  readonly receipt: { readonly origin: string; readonly index: number }
}

interface Erased {
  readonly state: string
  readonly record?: string
  readonly receipt?: Decision['receipt']
  readonly counts?: Readonly<Record<string, number>>
  readonly restrictions_kept?: number
}

interface Exported {
  readonly now?: {
    readonly strikes: readonly { readonly id: string }[]
    readonly restrictions: readonly { readonly rule: string; readonly kept: boolean }[]
    readonly legal_hold?: unknown
  }
  readonly records: readonly { readonly id: string; readonly kind: string; readonly seq: number }[]
  readonly next: number | null
}

const BASIS = 'Art. 17(1)(a) GDPR, case 7'

export function erasureSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
  })

  const decide = (subject: string, more: object = {}): Promise<Decision> => {
    const body = { subject, stream: { id: 'b' }, facts: OLD_ACCOUNT, ...more }
    const sent = { method: 'POST', path: '/v1/decisions', as: 'decide', body } as const
    return answer<Decision>(host, sent, { status: 200, shape: DECISION_ANSWER })
  }
  const strike = async (subject: string): Promise<string> => {
    const body = aViolation()
    const path = `/v1/subjects/${subject}/strikes`
    expect((await send(host, { method: 'POST', path, as: 'strikes', body })).status).toBe(201)
    return String(body.id)
  }
  const erase = (subject: string, scope = 'subject'): Promise<Erased> => {
    const sent = {
      method: 'DELETE',
      path: `/v1/subjects/${subject}`,
      body: { basis: BASIS, scope },
    }
    return answer<Erased>(host, sent, { status: 200, shape: ERASURE_ANSWER })
  }
  /** Asks again until nothing is left of it anywhere. */
  const erased = async (subject: string, scope = 'subject'): Promise<Erased> => {
    for (;;) {
      const given = await erase(subject, scope)
      if (given.state !== 'pending') return given
    }
  }
  const exported = (subject: string): Promise<Exported> =>
    answer<Exported>(
      host,
      { path: `/v1/subjects/${subject}/export` },
      { status: 200, shape: EXPORT_ANSWER },
    )
  const hold = (subject: string, body: object) =>
    ({ method: 'PUT', path: `/v1/subjects/${subject}/legal-hold`, body }) as const

  describe('an erasure', () => {
    it('leaves nothing to be found, and says in the log that the chain ended', async () => {
      const subject = fresh('erased')
      const { id } = await decide(subject)
      const struck = await strike(subject)
      const done = await erased(subject, 'full')
      expect(done).toMatchObject({ state: 'done', restrictions_kept: 0 })
      // The decision, the strike, and the end it put to what the decision had let start.
      expect(done.counts).toMatchObject({ records: 3, strikes: 1, broadcasts: 1 })
      expect(done.receipt?.origin).toContain(host.origin)
      await problem(host, { path: `/v1/decisions/${id}` }, { status: 404, code: 'not_found' })
      const reversal = { method: 'POST', path: `/v1/strikes/${struck}/reversal` }
      const reverse = { ...reversal, body: { reason: 'wrong person' } }
      await problem(host, reverse, { status: 404, code: 'not_found' })
      expect(await exported(subject)).toMatchObject({ records: [], next: null })
      const view = { path: `/v1/subjects/${subject}` }
      expect(await answer(host, view, { status: 200, shape: SUBJECT_ANSWER })).toMatchObject({
        ...{ facts: {}, strikes: [], restrictions: [], broadcasts: [] },
      })
    })

    it('is answered alike when it is asked for again, at once or later', async () => {
      const subject = fresh('twice')
      await decide(subject)
      const [one, two] = await Promise.all([erased(subject), erased(subject)])
      expect(one.record).toBeDefined()
      expect(two).toEqual(one)
      expect(await erase(subject)).toEqual(one)
    })

    it('of somebody who never was says that nothing is left', async () => {
      expect(await erase(fresh('never'))).toEqual({ state: 'nothing_left' })
    })

    it('is no way around a ban, and a new chain begins for whoever comes back', async () => {
      const subject = fresh('banned')
      await strike(subject)
      expect((await decide(subject)).outcome).toBe('deny')
      expect((await erased(subject)).restrictions_kept).toBeGreaterThan(0)
      const again = await decide(subject)
      expect(again.outcome).toBe('deny')
      expect(again.reasons.map(({ code }) => code)).toContain('restriction_kept')
      const { now, records } = await exported(subject)
      expect(now?.restrictions.some(({ kept }) => kept)).toBe(true)
      expect(now?.strikes).toEqual([])
      expect(records.map(({ seq }) => seq)).toEqual([1])
      expect((await erased(subject, 'full')).restrictions_kept).toBe(0)
      expect((await decide(subject)).outcome).toBe('allow')
    })

    it('while decisions go on leaves each of them answered, before it or after it', async () => {
      const subject = fresh('busy')
      await decide(subject)
      const answers = await Promise.all([
        decide(subject, { stream: { id: 'b1' } }),
        erase(subject),
        decide(subject, { stream: { id: 'b2' } }),
        decide(subject, { stream: { id: 'b3' } }),
      ])
      const known = (await exported(subject)).records.map(({ id }) => id)
      const ids = answers.flatMap((one) => ('id' in one ? [one.id] : []))
      const found = await Promise.all(
        ids.map(async (id) => (await send(host, { path: `/v1/decisions/${id}` })).status),
      )
      expect(found).toEqual(ids.map((id) => (known.includes(id) ? 200 : 404)))
    })

    it('wants a basis that names nobody', async () => {
      const subject = fresh('named')
      const path = `/v1/subjects/${subject}`
      for (const body of [{}, { basis: '' }, { basis: `asked by ${subject}` }])
        await problem(
          host,
          { method: 'DELETE', path, body },
          { status: 400, code: 'invalid_request' },
        )
    })
  })

  describe('a legal hold', () => {
    it('keeps everything until it is lifted', async () => {
      const subject = fresh('held')
      await decide(subject)
      const until = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z')
      const sent = hold(subject, { until, basis: 'court order 1' })
      await answer(host, sent, { status: 200, shape: LEGAL_HOLD_ANSWER })
      const refused = { method: 'DELETE', path: `/v1/subjects/${subject}`, body: { basis: BASIS } }
      const told = await problem(host, refused, { status: 409, code: 'conflict' })
      expect(JSON.stringify(told)).toContain(until.slice(0, 19))
      expect((await exported(subject)).now?.legal_hold).toMatchObject({ basis: 'court order 1' })
      const lift = { method: 'DELETE', path: `/v1/subjects/${subject}/legal-hold` }
      expect((await send(host, lift)).status).toBe(204)
      await problem(host, lift, { status: 404, code: 'not_found' })
      expect((await erased(subject)).state).toBe('done')
    })

    it('ends in the future, and not beyond ten years', async () => {
      for (const until of ['2020-01-01T00:00:00Z', '2099-01-01T00:00:00Z'])
        await problem(host, hold(fresh('held'), { until, basis: 'x' }), {
          ...{ status: 400, code: 'invalid_request' },
        })
    })
  })

  describe('an export', () => {
    it('tells a banned person everything, from the newest', async () => {
      const subject = fresh('asks')
      const first = await decide(subject)
      const struck = await strike(subject)
      const second = await decide(subject, { stream: { id: 'b2' } })
      const { now, records } = await exported(subject)
      expect(now?.strikes.map(({ id }) => id)).toEqual([struck])
      expect(now?.restrictions.length).toBeGreaterThan(0)
      const decisions = records.filter(({ kind }) => kind === 'decision').map(({ id }) => id)
      expect(decisions).toEqual([second.id, first.id])
      expect(records[0]?.seq).toBe(records.length)
    })
  })
}
