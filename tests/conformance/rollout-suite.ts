/**
 * What is not enforced, on every host: a door that spares, a rule that spares, both in records and in the report; and a broadcast
 * that goes on under the door of its start.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DECISION_ANSWER, STRIKE_ANSWER } from '../../src/adapters/http/answers.ts'
import { RENEWAL_ANSWER } from '../../src/adapters/http/broadcast-schemas.ts'
import { ACTIVATION_ANSWER } from '../../src/adapters/http/policy-schemas.ts'
import { ROLLOUT_ANSWER } from '../../src/adapters/http/rollout-schemas.ts'
import { answer, fresh, type Host, OLD_ACCOUNT, problem } from './host.ts'

const policy = (name: string): string => `livegate: policy/v1
name: ${name}
rules:
  - { id: struck, count: { category: "*" }, ladder: { 1: 30d }, outcome: deny }
  - { id: quiet, when: subject.followers < 10, outcome: deny, enforce: off }
  - { id: half, when: subject.followers == 77, outcome: deny, enforce: canary 50% }
on_unknown: { retry_after: 30s }
default: allow
lease: 4h
`

interface Decided {
  readonly id: string
  readonly outcome: string
  readonly enforced?: false
  readonly would?: { readonly outcome: string; readonly rules: readonly { rule: string }[] }
}
interface Page {
  readonly decisions: readonly { readonly id: string; readonly subject?: string }[]
  readonly renewals: readonly { readonly broadcast: string }[]
  readonly next: string | null
}

export function rolloutSuite(create: () => Promise<Host>): void {
  let host: Host
  let revision = 0
  let begun = ''

  const decided = (subject: string, given: object = {}, followers = 100): Promise<Decided> => {
    const body = { subject, facts: { ...OLD_ACCOUNT, followers }, ...given }
    const sent = { method: 'POST', path: '/v1/decisions', body }
    return answer(host, sent, { status: 200, shape: DECISION_ANSWER })
  }
  const activated = async (method: string, path: string, body: object): Promise<void> => {
    const made = await answer<{ readonly revision: number; readonly active_from: string }>(
      host,
      { method, path, body },
      { status: 201, shape: ACTIVATION_ANSWER },
    )
    revision = made.revision
    const wait = Date.parse(made.active_from) - Date.now()
    if (wait >= 0) await new Promise((go) => setTimeout(go, wait + 50))
  }
  const strike = async (subject: string): Promise<{ readonly revoked: readonly string[] }> => {
    const issued_at = new Date().toISOString()
    const body = { id: fresh('s'), category: 'terrorism.link', severity: 'high', issued_at }
    const sent = { method: 'POST', path: `/v1/subjects/${subject}/strikes`, body }
    return answer(host, sent, { status: 201, shape: STRIKE_ANSWER })
  }

  describe('a rollout', () => {
    beforeAll(async () => {
      host = await create()
      begun = new Date(Date.now() - 1000).toISOString()
      await decided(fresh('first'))
      await activated('PUT', '/v1/policies', { policy: policy(fresh('rollout')) })
    })
    afterAll(() => activated('POST', '/v1/policies/rollback', { expect_revision: revision }))

    it('spares at a door, and what was let start there goes on through a strike and a renewal', async () => {
      const subject = fresh('spared')
      const { id } = await decided(subject, { enforce: 'off' })
      expect((await strike(subject)).revoked).toEqual([])
      const renewal = await answer<Decided>(
        host,
        {
          ...{ method: 'POST', path: `/v1/broadcasts/${id}/renewal` },
          body: { facts: { followers: 500 } },
        },
        { status: 200, shape: RENEWAL_ANSWER },
      )
      expect(renewal).toMatchObject({ event: 'renewed', enforced: false })
      expect(await decided(subject, { enforce: 'off' })).toMatchObject({
        ...{ outcome: 'allow', enforced: false },
        would: { outcome: 'deny', rules: [{ rule: 'struck' }] },
      })
      expect(await decided(subject)).toMatchObject({ outcome: 'deny' })
    }, 30_000)

    it('spares by a rule, the same people every time, and reports whom', async () => {
      const off = await decided(fresh('quiet'), {}, 3)
      expect(off).toMatchObject({ outcome: 'allow', would: { outcome: 'deny' } })
      const met = new Map<string, string>()
      for (let i = 0; i < 8; i++) {
        const subject = fresh('half')
        const [first, again] = [await decided(subject, {}, 77), await decided(subject, {}, 77)]
        expect(again.outcome).toBe(first.outcome)
        if (first.outcome === 'allow') met.set(first.id, subject)
      }
      const found = new Map<string, string | undefined>()
      let cursor = ''
      for (;;) {
        const path = `/v1/rollout?from=${begun}&subjects=true${cursor}`
        const page = await answer<Page>(host, { path }, { status: 200, shape: ROLLOUT_ANSWER })
        for (const { id, subject } of page.decisions) found.set(id, subject)
        if (page.next === null) break
        cursor = `&cursor=${encodeURIComponent(page.next)}`
      }
      expect(found.has(off.id)).toBe(true)
      for (const [id, subject] of met) expect(found.get(id)).toBe(subject)
    }, 60_000)

    it('is told by nobody who has no business with it, and takes no half words', async () => {
      const path = `/v1/rollout?from=${begun}`
      await problem(host, { path, as: 'read' }, { status: 403, code: 'forbidden' })
      const named = { path: `${path}&subjects=true`, as: 'audit' } as const
      await problem(host, named, { status: 403, code: 'forbidden' })
      const body = { subject: fresh('x'), enforce: 'a bit' }
      const sent = { method: 'POST', path: '/v1/decisions', body }
      await problem(host, sent, { status: 400, code: 'invalid_request' })
    })
  })
}
