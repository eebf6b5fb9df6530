/**
 * What a caller is promised about decisions: outcomes, strikes that count at once, retries that never reopen the gate.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  DECISION_ANSWER,
  EXPLANATION_ANSWER,
  FACTS_ANSWER,
  REVERSAL_ANSWER,
  STORED_DECISION,
  STRIKE_ANSWER,
  SUBJECT_ANSWER,
} from '../../src/adapters/http/answers.ts'
import { answer, aViolation, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'

interface Decision {
  readonly id: string
  readonly outcome: string
  readonly mode?: string
  readonly record: string
  readonly receipt: { readonly origin: string; readonly index: number; readonly leaf: string }
  readonly reasons: readonly { readonly rule: string; readonly host?: number }[]
  readonly unknown: readonly unknown[]
  readonly lease_until?: string
  readonly not_before?: string
  readonly supersedes?: string
}

/** Every suite takes the host when tests run, so that a host may be started by a hook. */
export function decisionsSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
  })

  const decide = (
    subject: string,
    more: object = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Decision> => {
    const body = { subject, stream: { id: `b_${subject}` }, facts: OLD_ACCOUNT, ...more }
    const sent = { method: 'POST', path: '/v1/decisions', as: 'decide', body, headers } as const
    return answer<Decision>(host, sent, { status: 200, shape: DECISION_ANSWER })
  }
  const strike = (subject: string, body: object = aViolation()): Promise<Record<string, unknown>> =>
    answer(
      host,
      { method: 'POST', path: `/v1/subjects/${subject}/strikes`, as: 'strikes', body },
      { status: 201, shape: STRIKE_ANSWER },
    )
  const reverse = (id: string, status = 201): Promise<Record<string, unknown>> =>
    answer(
      host,
      {
        method: 'POST',
        path: `/v1/strikes/${id}/reversal`,
        as: 'strikes',
        body: { reason: 'wrong person' },
      },
      { status, shape: REVERSAL_ANSWER },
    )

  describe('outcomes', () => {
    it('allows who has done nothing, under a lease', async () => {
      const allowed = await decide(fresh('u'))
      expect(allowed).toMatchObject({ outcome: 'allow', reasons: [], unknown: [] })
      expect(Date.parse(allowed.lease_until ?? '')).toBeGreaterThan(Date.now())
    })

    it('denies after a grave strike, naming the rule', async () => {
      const subject = fresh('u')
      await strike(subject)
      const denied = await decide(subject)
      expect(denied).toMatchObject({
        outcome: 'deny',
        reasons: [{ rule: 'gravest-violations', code: 'restriction_active' }],
      })
    })

    it('holds a new account', async () => {
      const facts = { created_at: new Date(Date.now() - 60_000).toISOString() }
      const held = await decide(fresh('u'), { facts })
      expect(held).toMatchObject({ outcome: 'delay', mode: 'hold' })
      expect(Date.parse(held.not_before ?? '')).toBeGreaterThan(Date.now())
    })

    it('does not open for a fact that is missing or malformed', async () => {
      for (const facts of [{}, { created_at: 'yesterday' }, { created_at: null }])
        expect(await decide(fresh('u'), { facts })).toMatchObject({
          outcome: 'delay',
          mode: 'retry',
          unknown: [{ rule: 'new-account' }],
        })
    })

    it('explains without effect', async () => {
      const subject = fresh('u')
      await strike(subject)
      const body = { subject, facts: OLD_ACCOUNT }
      const sent = { method: 'POST', path: '/v1/explanations', as: 'decide', body } as const
      const told = await answer(host, sent, { status: 200, shape: EXPLANATION_ANSWER })
      expect(told).toMatchObject({ outcome: 'deny', trace: expect.any(Array) })
      expect(told.eligible_at).not.toBeNull()
      expect(told).not.toHaveProperty('record')
    })
  })

  describe('strikes', () => {
    it('counts for every decision that starts after its answer, whoever asks', async () => {
      const subjects = Array.from({ length: 8 }, () => fresh('u'))
      await Promise.all(
        subjects.map(async (subject) => {
          expect((await decide(subject)).outcome).toBe('allow')
          await strike(subject)
          expect((await decide(subject)).outcome).toBe('deny')
        }),
      )
    })

    it('is taken again, and refused with other content or for another subject', async () => {
      const [subject, body] = [fresh('u'), aViolation()]
      await strike(subject, body)
      const sent = { method: 'POST', path: `/v1/subjects/${subject}/strikes`, body } as const
      const again = await answer(host, sent, { status: 200, shape: STRIKE_ANSWER })
      expect(again).not.toHaveProperty('receipt')
      const conflict = { status: 409, code: 'conflict' }
      await problem(host, { ...sent, body: { ...body, severity: 'low' } }, conflict)
      await problem(host, { ...sent, path: `/v1/subjects/${fresh('u')}/strikes` }, conflict)
    })

    it('stops counting at once when it is reversed, and says who was denied for it', async () => {
      const [subject, body] = [fresh('u'), aViolation()]
      await strike(subject, body)
      const denied = await decide(subject)
      const reversal = await reverse(String(body.id))
      expect(reversal).toMatchObject({
        strike: { status: 'reversed' },
        restrictions: [],
        decisions: [{ id: denied.id, outcome: 'deny' }],
      })
      expect((await decide(subject)).outcome).toBe('allow')
      expect(await reverse(String(body.id), 200)).not.toHaveProperty('receipt')
    })

    it('cannot be reversed when there is none', async () => {
      const body = { reason: 'x' }
      const path = `/v1/strikes/${fresh('s')}/reversal`
      await problem(host, { method: 'POST', path, body }, { status: 404, code: 'not_found' })
    })

    it('of a co-host denies the whole broadcast, and its reversal names it', async () => {
      const [host_, guest, body] = [fresh('u'), fresh('u'), aViolation()]
      await strike(guest, body)
      const stream = { id: fresh('b'), hosts: [{ subject: guest, facts: OLD_ACCOUNT }] }
      const denied = await decide(host_, { stream })
      expect(denied).toMatchObject({ outcome: 'deny', reasons: [{ host: 1 }] })
      const { decisions } = await reverse(String(body.id))
      expect(decisions).toMatchObject([{ id: denied.id }])
      const allowed = await decide(host_, { stream })
      expect(allowed.outcome).toBe('allow')
      const shown = await answer<{ readonly broadcasts: readonly object[] }>(
        host,
        { path: `/v1/subjects/${guest}`, as: 'read' },
        { status: 200, shape: SUBJECT_ANSWER },
      )
      expect(shown.broadcasts).toMatchObject([{ id: allowed.id, role: 'cohost' }])
    })
  })

  describe('retries', () => {
    it('gives the same answer to the same Idempotency-Key, and refuses another body', async () => {
      const [subject, key] = [fresh('u'), { 'idempotency-key': `"${fresh('k')}"` }]
      const first = await decide(subject, {}, key)
      expect(await decide(subject, {}, key)).toEqual(first)
      const body = { subject, stream: { id: 'other' } }
      const sent = { method: 'POST', path: '/v1/decisions', as: 'decide', body } as const
      const expected = { status: 422, code: 'idempotency_mismatch' }
      await problem(host, { ...sent, headers: key }, expected)
    })

    it('decides anew, and says what it replaces, when the history changed', async () => {
      const [subject, key] = [fresh('u'), { 'idempotency-key': fresh('k') }]
      const first = await decide(subject, {}, key)
      await strike(subject)
      const second = await decide(subject, {}, key)
      expect(second).toMatchObject({ outcome: 'deny', supersedes: first.id })
    })

    it('answers a repeated refusal with the record there is', async () => {
      const subject = fresh('u')
      await strike(subject)
      const first = await decide(subject)
      const again = await decide(subject)
      expect([again.id, again.receipt]).toEqual([first.id, first.receipt])
      expect((await decide(subject, { stream: { id: 'b_other' } })).id).not.toBe(first.id)
    })

    it('gives one place in the log to each of many at once', async () => {
      const subject = fresh('u')
      const all = await Promise.all(
        Array.from({ length: 12 }, (_, i) => decide(subject, { stream: { id: `b_${i}` } })),
      )
      const places = all.map(({ receipt }) => `${receipt.origin} ${receipt.index}`)
      expect(new Set(places).size).toBe(12)
      expect(new Set(all.map(({ receipt }) => receipt.origin)).size).toBe(1)
    })
  })

  describe('facts', () => {
    const facts = (
      subject: string,
      method: string,
      body?: object,
    ): Promise<Record<string, unknown>> =>
      answer(
        host,
        {
          method,
          path: `/v1/subjects/${encodeURIComponent(subject)}/facts`,
          as: 'facts',
          ...(body === undefined ? {} : { body }),
        },
        { status: 200, shape: FACTS_ANSWER },
      )

    it('are stored, changed, forgotten, and decided by', async () => {
      const subject = fresh('u é/ü?')
      await facts(subject, 'PUT', { facts: { ...OLD_ACCOUNT, followers: 3, age_band: '18+' } })
      await facts(subject, 'PATCH', { facts: { followers: 4, age_band: null } })
      const stored = await facts(subject, 'GET')
      expect(stored).toMatchObject({
        facts: { created_at: { value: '2020-01-01T00:00:00.000Z' }, followers: { value: 4 } },
      })
      expect(stored.facts).not.toHaveProperty('age_band')
      expect((await decide(subject, { facts: {} })).outcome).toBe('allow')
      await facts(subject, 'PUT', { facts: {} })
      expect(await facts(subject, 'GET')).toEqual({ facts: {} })
      expect((await decide(subject, { facts: {} })).outcome).toBe('delay')
    })

    it('show in the view of the subject, with everything else', async () => {
      const [subject, body] = [fresh('u'), aViolation()]
      await facts(subject, 'PUT', { facts: OLD_ACCOUNT })
      const allowed = await decide(subject)
      const asked = { path: `/v1/subjects/${subject}`, as: 'read' } as const
      const before = await answer(host, asked, { status: 200, shape: SUBJECT_ANSWER })
      expect(before).toMatchObject({ broadcasts: [{ id: allowed.id, role: 'host' }] })
      expect(await strike(subject, body)).toMatchObject({ revoked: [allowed.id] })
      const seen = await answer(host, asked, { status: 200, shape: SUBJECT_ANSWER })
      expect(seen).toMatchObject({
        subject,
        facts: { created_at: {} },
        strikes: [{ id: body.id, status: 'active' }],
        restrictions: [{ rule: 'gravest-violations', strikes: [body.id] }],
        broadcasts: [],
      })
    })
  })

  describe('a decision afterwards', () => {
    it('is read by its id, without naming anybody to an auditor', async () => {
      const subject = fresh('u')
      const made = await decide(subject)
      const sent = { path: `/v1/decisions/${made.id}` }
      const seen = { status: 200, shape: STORED_DECISION }
      const stored = await answer(host, { ...sent, as: 'audit' }, seen)
      expect(stored).toMatchObject({ id: made.id, receipt: made.receipt })
      expect(JSON.stringify(stored)).not.toContain(`"${subject}"`)
      const whole = await answer(host, sent, seen)
      expect(whole).toMatchObject({ disclosed: { subject: { subject } } })
    })

    it('is not there under an id that never was', async () => {
      for (const id of ['AAAAAAAAAAAAAAAAAAAAAA', 'x', '%00', 'a'.repeat(100)]) {
        const { status } = await send(host, { path: `/v1/decisions/${id}` })
        expect(status).toBe(404)
      }
    })
  })
}
