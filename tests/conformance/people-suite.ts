/**
 * What people decide, on every host: incident mode that the next decision sees, and reviews whose word it sees.
 *
 * A policy that asks for both is in force meanwhile; the deployment's own is again at the end. Where a change takes a while to be
 * heard of, its answer waits, so nothing here does.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DECISION_ANSWER } from '../../src/adapters/http/answers.ts'
import {
  INCIDENT_ANSWER,
  INCIDENT_REPORT_ANSWER,
  INCIDENTS_ANSWER,
} from '../../src/adapters/http/incident-schemas.ts'
import { ACTIVATION_ANSWER } from '../../src/adapters/http/policy-schemas.ts'
import { REVIEW_ANSWER, REVIEWS_ANSWER } from '../../src/adapters/http/review-schemas.ts'
import { answer, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'

const policy = (name: string): string => `livegate: policy/v1
name: ${name}
rules:
  - { id: incident, when: incident.active && incident.scope == "all", outcome: deny }
  - { id: look, when: subject.followers < 10, outcome: delay, review: { queue: live, within: 30m, at_deadline: deny } }
on_unknown: { retry_after: 30s }
default: allow
lease: 4h
`

interface Decided {
  readonly id: string
  readonly outcome: string
  readonly mode?: string
  readonly reasons: readonly { readonly rule: string; readonly code: string }[]
}
interface Item {
  readonly id: string
  readonly subject: string
  readonly state: string
}

export function peopleSuite(create: () => Promise<Host>): void {
  let host: Host
  let revision = 0

  const decided = (subject: string, followers = 100): Promise<Decided> => {
    const body = { subject, facts: { ...OLD_ACCOUNT, followers } }
    const sent = { method: 'POST', path: '/v1/decisions', body }
    return answer(host, sent, { status: 200, shape: DECISION_ANSWER })
  }
  const activated = async (method: string, path: string, body: object): Promise<void> => {
    const shape = ACTIVATION_ANSWER
    const made = await answer<{ readonly revision: number; readonly active_from: string }>(
      host,
      { method, path, body },
      { status: 201, shape },
    )
    revision = made.revision
    const wait = Date.parse(made.active_from) - Date.now()
    if (wait >= 0) await new Promise((go) => setTimeout(go, wait + 50))
  }

  describe('people', () => {
    beforeAll(async () => {
      host = await create()
      await decided(fresh('first'))
      await activated('PUT', '/v1/policies', { policy: policy(fresh('people')) })
    })
    afterAll(() => activated('POST', '/v1/policies/rollback', { expect_revision: revision }))

    it('start and end incident mode, and every decision after the answer sees it', async () => {
      const subject = fresh('person')
      expect((await decided(subject)).outcome).toBe('allow')
      const expires_at = new Date(Date.now() + 3_600_000).toISOString()
      const body = { scope: 'all', reason: 'a drill', expires_at }
      const begin = { method: 'PUT', path: '/v1/incident', body }
      const shape = INCIDENT_ANSWER
      const one = await answer<{ readonly id: string }>(host, begin, { status: 201, shape })
      const [mine, other] = [await decided(subject), await decided(fresh('person'))]
      for (const { outcome, reasons } of [mine, other])
        expect([outcome, reasons[0]?.rule]).toEqual(['deny', 'incident'])
      const confirm = { method: 'POST', path: '/v1/incident/confirmation', body: { id: one.id } }
      await problem(host, confirm, { status: 403, code: 'forbidden' })
      await problem(
        host,
        { ...begin, body: { ...body, scope: 'other' } },
        { status: 409, code: 'conflict' },
      )
      const ended = await answer(
        host,
        { method: 'DELETE', path: '/v1/incident' },
        { status: 200, shape },
      )
      expect(ended).toMatchObject({ id: one.id, active: false })
      expect((await decided(fresh('person'))).outcome).toBe('allow')
      const shown = { status: 200, shape: INCIDENTS_ANSWER }
      expect(await answer(host, { path: '/v1/incident' }, shown)).toMatchObject({
        active: false,
        incidents: [{ id: one.id, reason: 'a drill' }],
      })
      expect((await reported(one.id)).toSorted()).toEqual([mine.id, other.id].toSorted())
    }, 60_000)

    async function reported(id: string): Promise<readonly string[]> {
      const found: string[] = []
      let query = ''
      for (;;) {
        const page = await answer<{
          readonly decisions: readonly { readonly id: string }[]
          readonly next: string | null
        }>(
          host,
          { path: `/v1/incident/${id}/report${query}` },
          { status: 200, shape: INCIDENT_REPORT_ANSWER },
        )
        found.push(...page.decisions.map((one) => one.id))
        if (page.next === null) return found
        query = `?cursor=${encodeURIComponent(page.next)}`
      }
    }

    it('release and refuse what they are asked about', async () => {
      const subject = fresh('person')
      const first = await decided(subject, 3)
      expect([first.outcome, first.mode]).toEqual(['delay', 'review'])
      const listed = async (state: string): Promise<Item | undefined> => {
        const shape = REVIEWS_ANSWER
        const path = `/v1/reviews?queue=live&state=${state}&limit=200`
        const { reviews } = await answer<{ readonly reviews: readonly Item[] }>(
          host,
          { path },
          { status: 200, shape },
        )
        return reviews.find((item) => item.subject === subject)
      }
      const item = await listed('open')
      expect(item?.id).toBe(`${first.id}.0.0`)
      const say = (action: string): Promise<Record<string, unknown>> =>
        answer(
          host,
          { method: 'POST', path: `/v1/reviews/${item?.id}`, body: { action } },
          { status: 200, shape: REVIEW_ANSWER },
        )
      expect(await say('claim')).toMatchObject({ state: 'open', changed: true })
      expect(await say('release')).toMatchObject({ state: 'released', changed: true })
      expect(await say('release')).toMatchObject({ changed: false })
      const second = await decided(subject, 3)
      expect(second.outcome).toBe('allow')
      expect(await say('refuse')).toMatchObject({ state: 'refused', revoked: [second.id] })
      const third = await decided(subject, 3)
      expect([third.outcome, third.reasons[0]?.code]).toEqual(['deny', 'review_refused'])
      expect(await listed('open')).toBeUndefined()
      expect((await listed('refused'))?.id).toBe(item?.id)
      const erased = await send(host, {
        ...{ method: 'DELETE', path: `/v1/subjects/${subject}` },
        body: { basis: 'Art. 17 GDPR' },
      })
      expect(erased.status).toBe(200)
      await expect.poll(() => listed('refused'), { timeout: 30_000 }).toBeUndefined()
      await problem(
        host,
        { method: 'POST', path: '/v1/reviews/none', body: { action: 'release' } },
        { status: 404, code: 'not_found' },
      )
    }, 60_000)
  })
}
