/** Erasure, export and legal hold over HTTP: what is taken, what is answered, and what is in the log before it. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { ERASURE_ANSWER, EXPORT_ANSWER } from '../../../src/adapters/http/erasure-schemas.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { parseRetention } from '../../../src/core/retention.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { ExportedRecord, StandingNow } from '../../../src/gate/subject-export.ts'
import type { Erasure } from '../../../src/ports.ts'
import { anErasureDesk, type ErasureWorld } from '../../support/erasure-desk.ts'
import { aFixture } from '../../support/http.ts'

const AT = epochMs(Date.UTC(2026, 10, 20, 12))
const DONE: Erasure = {
  ...{ scope: 'subject', at: AT, state: 'done', record: 'r', counts: { records: 3 } },
  ...{ receipt: { origin: 'o', index: 7, leaf: 'l' }, suppressed: 1 },
}
const PATH = '/v1/subjects/u_1'

function fixture(world: ErasureWorld = {}, retention = 'decisions=180d,strikes.child=forever') {
  const desk = anErasureDesk(world)
  const parsed = parseRetention(retention)
  if (!parsed.ok) throw new Error(parsed.error)
  return { desk, ...aFixture({ deps: { erasure: desk, retention: parsed.value } }) }
}

describe('DELETE /v1/subjects/{subject}', () => {
  it('takes basis and scope from a body or a query, and never both', async () => {
    const { desk, send } = fixture()
    const as = 'admin' as const
    const body = { basis: 'Art. 17 GDPR', scope: 'full' }
    await send({ method: 'DELETE', path: PATH, as, body })
    await send({ method: 'DELETE', path: `${PATH}?basis=Art.%2017%20GDPR`, as })
    expect(desk.erased).toEqual([
      { subject: 'u_1', basis: 'Art. 17 GDPR', scope: 'full' },
      { subject: 'u_1', basis: 'Art. 17 GDPR', scope: 'subject' },
    ])
    const both = await send({ method: 'DELETE', path: `${PATH}?scope=full`, as, body })
    expect(both.status).toBe(400)
  })

  it('answers with what was erased, or that nothing is left', async () => {
    for (const [erasure, expected] of [
      [DONE, { state: 'done', record: 'r', counts: { records: 3 }, restrictions_kept: 1 }],
      [{ ...DONE, state: 'pending', record: null, receipt: null }, { state: 'pending' }],
      [undefined, { state: 'nothing_left' }],
    ] as const) {
      const { send } = fixture(erasure === undefined ? {} : { erasure })
      const answer = await send({ method: 'DELETE', path: `${PATH}?basis=x`, as: 'admin' })
      expect(answer.status).toBe(200)
      const body = await answer.json()
      expect(body).toMatchObject(expected)
      expect(v.safeParse(ERASURE_ANSWER, body).success).toBe(true)
    }
  })

  for (const { name, path, body } of [
    { name: 'no basis', path: PATH, body: { scope: 'full' } },
    { name: 'no basis in a query', path: `${PATH}?scope=full`, body: undefined },
    { name: 'a scope there is not', path: PATH, body: { basis: 'x', scope: 'some' } },
    { name: 'a basis that is too long', path: PATH, body: { basis: 'x'.repeat(257) } },
    { name: 'a member nobody knows', path: PATH, body: { basis: 'x', why: 'y' } },
  ])
    it(`refuses ${name}`, async () => {
      const { desk, send } = fixture()
      const answer = await send({
        ...{ method: 'DELETE', path, as: 'admin' },
        ...(body === undefined ? {} : { body }),
      })
      expect(answer.status).toBe(400)
      expect(desk.erased).toEqual([])
    })

  it('says until when a legal hold stands before it', async () => {
    const refusal = new LivegateError('conflict', 'Cannot erase: a legal hold keeps the subject')
    const { send } = fixture({ refusal })
    const answer = await send({ method: 'DELETE', path: `${PATH}?basis=x`, as: 'admin' })
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ code: 'conflict', detail: refusal.message })
  })

  it('is not there where the host cannot forget', async () => {
    const { send } = aFixture({ deps: { erasure: undefined as never } })
    const answer = await send({ method: 'DELETE', path: `${PATH}?basis=x`, as: 'admin' })
    expect(answer.status).toBe(404)
  })
})

describe('a legal hold', () => {
  it('is set by whoever asks, and lifted', async () => {
    const { desk, send } = fixture()
    const path = `${PATH}/legal-hold`
    const body = { until: '2027-01-01T00:00:00Z', basis: 'court order 7' }
    const set = await send({ method: 'PUT', path, as: 'admin', body })
    expect(await set.json()).toEqual({
      ...body,
      until: '2027-01-01T00:00:00.000Z',
      set_at: '2026-11-20T12:00:00.000Z',
    })
    expect(desk.holds).toMatchObject([{ subject: 'u_1', until: Date.UTC(2027, 0) }])
    expect(desk.holds[0]?.by).not.toBe('')
    expect((await send({ method: 'DELETE', path, as: 'admin' })).status).toBe(204)
  })

  it('that there is none of is 404', async () => {
    const { send } = fixture({ free: true })
    const path = `${PATH}/legal-hold`
    expect((await send({ method: 'DELETE', path, as: 'admin' })).status).toBe(404)
  })
})

describe('GET /v1/subjects/{subject}/export', () => {
  const record: ExportedRecord = {
    ...{ id: 'd_1', kind: 'decision', seq: 2, at: AT, index: 9, origin: 'o', contents: true },
    ...{ caller: 'key_1', stream: 'b_1', said: null },
    decision: {
      ...{ outcome: 'deny', policy: 'sha256-x', mode: null, until: 'forever', rules: ['struck'] },
      reasons: [
        { rule: 'struck', code: 'restriction_active', strikes: ['s_1'], text: { en: 'No.' } },
      ],
    },
  }
  const now: StandingNow = {
    ...{ pseudonym: 'p', facts: { followers: { value: 3, as_of: AT } }, strikes: [], holds: [] },
    restrictions: [
      {
        ...{ id: 'r_1', rule: 'struck', from: AT, until: 'forever', strikes: [], kept: true },
        ...{ text: { en: 'No.' }, clause: 'C 1', appeal: { url: 'https://a.example', until: AT } },
      },
    ],
    ...{ broadcasts: [], reviews: [], legal_hold: { until: AT, basis: 'order' } },
  }
  const spared: ExportedRecord = {
    ...{ ...record, id: 'd_2', seq: 3 },
    decision: {
      ...{ outcome: 'allow', policy: 'sha256-x', mode: null, until: null, rules: [], reasons: [] },
      would: { outcome: 'deny', mode: null, until: AT, rules: [{ host: 0, rule: 'struck' }] },
    },
  }
  const removed = { ...record, id: 'd_0', seq: 1, contents: false, caller: null, decision: null }

  it('says of a decision what was not enforced', async () => {
    const { send } = fixture({ page: { now, records: [spared], next: null } })
    const body = await (await send({ path: `${PATH}/export`, as: 'identity' })).json()
    expect(v.safeParse(EXPORT_ANSWER, body).issues).toBeUndefined()
    expect(body).toMatchObject({
      records: [{ outcome: 'allow', enforced: false, would: { outcome: 'deny' } }],
    })
  })

  it('gives everything in a form the document describes', async () => {
    const page = { now, records: [record, removed], next: 1 }
    const { send } = fixture({ page })
    const answer = await send({ path: `${PATH}/export?before=9`, as: 'identity' })
    const body = await answer.json()
    expect(v.safeParse(EXPORT_ANSWER, body).issues).toBeUndefined()
    expect(body).toMatchObject({
      subject: 'u_1',
      now: {
        restrictions: [{ kept: true, appeal: { url: 'https://a.example' } }],
        retention: [
          { what: 'decisions', days: 180 },
          { what: 'broadcasts', days: null },
          { what: 'reviews', days: null },
          { what: 'strikes', days: null },
          { what: 'strikes.child', days: null },
        ],
      },
      records: [{ contents: 'stored', outcome: 'deny', until: 'forever' }, { contents: 'removed' }],
      recipients: ['key_1'],
      next: 1,
    })
    expect(body.now.rights.length).toBeGreaterThan(2)
  })

  it('is in the log before it leaves, with the records it opens; an empty one opens nothing', async () => {
    const { send, world } = fixture({ page: { records: [record, removed] } })
    await send({ path: `${PATH}/export`, as: 'identity' })
    expect(world.accesses).toMatchObject([{ via: 'subject_export', ids: ['d_1'] }])
    world.access_failure = new LivegateError('log_unavailable', 'Cannot write')
    const refused = await send({ path: `${PATH}/export`, as: 'identity' })
    expect(refused.status).toBe(503)
    expect(await refused.text()).not.toContain('struck')
    const empty = fixture()
    expect((await empty.send({ path: `${PATH}/export`, as: 'identity' })).status).toBe(200)
    expect(empty.world.accesses).toEqual([])
  })
})
