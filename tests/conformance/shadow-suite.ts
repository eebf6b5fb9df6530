/** A candidate in the shadow is asked about what was decided, told to whoever may read, and never effective. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { DECISION_ANSWER } from '../../src/adapters/http/answers.ts'
import { SHADOW_ANSWER } from '../../src/adapters/http/policy-schemas.ts'
import { answer, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'

interface Shadow {
  readonly name: string
  readonly decisions: number
  readonly passed_over: number
  readonly failed: number
  readonly changes: Readonly<Record<string, number>>
  readonly directions: { readonly stricter: number; readonly milder: number }
  readonly by_rule: Readonly<Record<string, { readonly examples: readonly string[] }>>
  readonly examples: readonly { readonly after: { readonly outcome: string } }[]
}

/** Told by every host, but as soon as it can. */
const SOON_MS = 10_000

export function shadowSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
  })

  const shadow = (): Promise<Shadow> =>
    answer(host, { path: '/v1/policies/shadow', as: 'read' }, { status: 200, shape: SHADOW_ANSWER })
  const decided = async (): Promise<string> => {
    const body = { subject: fresh('shadowed'), facts: OLD_ACCOUNT }
    const given = await answer<{ readonly id: string; readonly outcome: string }>(
      host,
      { method: 'POST', path: '/v1/decisions', body },
      { status: 200, shape: DECISION_ANSWER },
    )
    expect(given.outcome).toBe('allow')
    return given.id
  }
  const seen = ({ decisions, passed_over, failed }: Shadow): number =>
    decisions + passed_over + failed

  describe('a candidate in the shadow', () => {
    it('is asked, counted, shown by examples, and lets everybody start who may', async () => {
      const before = await shadow()
      for (let i = 0; i < 4; i++) await decided()
      const after = await vi.waitUntil(
        async () => {
          const found = await shadow()
          return seen(found) >= seen(before) + 4 ? found : null
        },
        { timeout: SOON_MS, interval: 50 },
      )
      expect(after).toMatchObject({ name: 'shut', failed: 0, directions: { milder: 0 } })
      expect(after.changes.allow_to_deny).toBeGreaterThan(0)
      expect(after.directions.stricter).toBeGreaterThanOrEqual(after.changes.allow_to_deny ?? 0)
      const [id = ''] = after.by_rule.shut?.examples ?? []
      expect(after.examples.length).toBeLessThanOrEqual(20)
      expect(after.examples.every((one) => one.after.outcome === 'deny')).toBe(true)
      const read = await send(host, { path: `/v1/decisions/${id}`, as: 'audit' })
      expect(read.status).toBe(200)
    }, 30_000)

    it('counts an answer that is given again once', async () => {
      const body = { subject: fresh('shadowed'), facts: OLD_ACCOUNT }
      const headers = { 'idempotency-key': fresh('key') }
      const before = seen(await shadow())
      for (let i = 0; i < 3; i++)
        await answer(
          host,
          { method: 'POST', path: '/v1/decisions', body, headers },
          { status: 200, shape: DECISION_ANSWER },
        )
      await decided()
      await vi.waitUntil(async () => seen(await shadow()) >= before + 2, { timeout: SOON_MS })
      expect(seen(await shadow())).toBe(before + 2)
    }, 30_000)

    it('is shown to nobody who may not read', async () => {
      const refused = { status: 403, code: 'forbidden' }
      await problem(host, { path: '/v1/policies/shadow', as: 'decide' }, refused)
    })
  })
}
