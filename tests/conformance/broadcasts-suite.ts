/** What runs, on every host: begun, listed page by page, shown, being cut, gone. */
import { beforeAll, describe, expect, it } from 'vitest'
import { DECISION_ANSWER, STRIKE_ANSWER } from '../../src/adapters/http/answers.ts'
import { BROADCAST_ANSWER, BROADCASTS_ANSWER } from '../../src/adapters/http/broadcast-schemas.ts'
import { answer, aViolation, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'

interface Shown {
  readonly id: string
  readonly subject: string
  readonly cutting?: { readonly cause: string }
}
interface Page {
  readonly broadcasts: readonly Shown[]
  readonly next: string | null
}

/** Pages of a list that never ends. */
const MANY = 1_000

export function broadcastsSuite(create: () => Promise<Host>): void {
  let host: Host
  const running: { readonly id: string; readonly subject: string; readonly stream: string }[] = []

  async function begun(subject = fresh('runs'), stream = 'main'): Promise<string> {
    const body = { subject, stream: { id: stream }, facts: OLD_ACCOUNT }
    const { id, outcome } = await answer<{ readonly id: string; readonly outcome: string }>(
      host,
      { method: 'POST', path: '/v1/decisions', body },
      { status: 200, shape: DECISION_ANSWER },
    )
    expect(outcome).toBe('allow')
    running.push({ id, subject, stream })
    return id
  }

  /** Every broadcast of every page, as often as it is there. */
  async function listed(query = '', limit = 200): Promise<readonly Shown[]> {
    const found: Shown[] = []
    let cursor = ''
    for (let page = 0; page < MANY; page++) {
      const path = `/v1/broadcasts?limit=${limit}${query}${cursor}`
      const { broadcasts, next } = await answer<Page>(
        host,
        { path, as: 'read' },
        { status: 200, shape: BROADCASTS_ANSWER },
      )
      found.push(...broadcasts)
      if (next === null) return found
      cursor = `&cursor=${encodeURIComponent(next)}`
    }
    throw new Error('there is no end of pages')
  }
  const ids = (all: readonly Shown[]): readonly string[] => all.map(({ id }) => id)

  describe('what runs', () => {
    beforeAll(async () => {
      host = await create()
      for (let i = 0; i < 7; i++) await begun()
      await begun(running[0]?.subject, 'second')
    })

    it('is listed once each, with whose it is, however small the pages', async () => {
      for (const limit of [200, 3]) {
        const found = await listed('', limit)
        expect(new Set(ids(found)).size).toBe(found.length)
        for (const { id, subject, stream } of running)
          expect(found.find((one) => one.id === id)).toMatchObject({ subject, stream })
      }
    }, 60_000)

    it('is no more once it has ended, nor was it ever when it was not allowed', async () => {
      const ended = await begun()
      const sent = { method: 'POST', path: `/v1/broadcasts/${ended}/end`, body: {} }
      expect((await send(host, sent)).json).toEqual({ ended: true })
      const body = { subject: fresh('new'), facts: { created_at: new Date().toISOString() } }
      const refused = await send(host, { method: 'POST', path: '/v1/decisions', body })
      const { id, outcome } = refused.json as { readonly id: string; readonly outcome: string }
      expect(outcome).not.toBe('allow')
      const found = ids(await listed())
      expect(found).not.toContain(ended)
      expect(found).not.toContain(id)
    }, 30_000)

    it('is told apart from what is being cut', async () => {
      const subject = fresh('struck')
      const id = await begun(subject)
      const path = `/v1/subjects/${subject}/strikes`
      const { revoked } = await answer<{ readonly revoked: readonly string[] }>(
        host,
        { method: 'POST', path, body: aViolation() },
        { status: 201, shape: STRIKE_ANSWER },
      )
      expect(revoked).toEqual([id])
      expect(ids(await listed('&cutting=false'))).not.toContain(id)
      const cut = (await listed('&cutting=true')).find((one) => one.id === id)
      expect(cut).toMatchObject({ subject, cutting: { cause: 'strike' } })
      const one = await answer(
        host,
        { path: `/v1/broadcasts/${id}`, as: 'read' },
        { status: 200, shape: BROADCAST_ANSWER },
      )
      expect(one).toMatchObject({ ...cut })
      for (const each of await listed('&cutting=true')) expect(each.cutting).toBeDefined()
    }, 30_000)

    it('of a server nobody has is nothing', async () => {
      expect(await listed('&server=nobody')).toEqual([])
    })

    it.each([
      'cursor=x',
      'cursor=1.x',
      'cursor=-1',
      'cutting=maybe',
      'limit=0',
      'limit=201',
      'all=1',
    ])('is not listed for ?%s', async (query) => {
      const path = `/v1/broadcasts?${query}`
      await problem(host, { path, as: 'read' }, { status: 400, code: 'invalid_request' })
    })

    it('is told to those who may read', async () => {
      const path = '/v1/broadcasts'
      for (const as of ['decide', 'strikes', 'audit'] as const)
        await problem(host, { path, as }, { status: 403, code: 'forbidden' })
      await problem(host, { path, as: null }, { status: 401, code: 'unauthenticated' })
    })
  })
}
