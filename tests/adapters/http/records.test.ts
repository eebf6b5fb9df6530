import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { RECORDS_ANSWER } from '../../../src/adapters/http/answers.ts'
import type { ChainKind } from '../../../src/ports.ts'
import { aFixture, type Fixture, idOf } from '../../support/http.ts'

interface Page {
  readonly records: readonly {
    readonly index: number
    readonly kind: string
    readonly record: string
  }[]
  readonly next: number | null
}

/** A world with one record of each of `kinds`, from index 1 on. */
async function logged(kinds: readonly ChainKind[]): Promise<Fixture> {
  const fixture = aFixture()
  for (const [i, kind] of kinds.entries()) {
    const body = { subject: 'u_1' }
    await fixture.send({ method: 'POST', path: '/v1/decisions', as: 'decide', body })
    const stored = fixture.world.records.get(idOf(i + 1))
    if (stored !== undefined) fixture.world.records.set(stored.id, { ...stored, kind })
  }
  return fixture
}

async function pageOf(
  { send }: Fixture,
  query: string,
  as: Parameters<Fixture['send']>[0]['as'] = 'audit',
): Promise<Page> {
  const response = await send({ path: `/v1/records${query}`, ...(as === undefined ? {} : { as }) })
  expect(response.status).toBe(200)
  const page: unknown = await response.json()
  v.assert(RECORDS_ANSWER, page)
  return page as Page
}

function groupsIn(record: string): readonly string[] {
  const texts = record.split('~').slice(1, -1)
  return texts.map((text) => JSON.parse(Buffer.from(text, 'base64url').toString())[1])
}

const KINDS = ['decision', 'strike', 'reversal', 'broadcast', 'review'] as const

describe('GET /v1/records', () => {
  it('gives records of every kind with the groups of an auditor, none of which names a subject', async () => {
    const page = await pageOf(await logged(KINDS), '')
    expect(page.records.map(({ index, kind }) => [index, kind])).toEqual(
      KINDS.map((kind, i) => [i + 1, kind]),
    )
    for (const { record } of page.records)
      expect(groupsIn(record)).toEqual(['chain', 'result', 'request', 'facts'])
    expect(page.next).toBeNull()
  })

  it('gives the subject too with scope identity', async () => {
    const page = await pageOf(await logged(['strike']), '', ['audit', 'identity'])
    expect(page.records.map(({ record }) => groupsIn(record))).toEqual([
      ['chain', 'result', 'subject', 'request', 'facts'],
    ])
  })

  it('gives a page from an index on, and where the next begins', async () => {
    const fixture = await logged(KINDS)
    const page = await pageOf(fixture, '?from=2&limit=3')
    expect(page.records.map(({ index }) => index)).toEqual([2, 3, 4])
    expect(page.next).toBe(5)
    expect((await pageOf(fixture, '?from=5&limit=3')).next).toBeNull()
    expect(await pageOf(fixture, '?from=6')).toEqual({ records: [], next: null })
  })

  it('gives the signed part of what was erased', async () => {
    const fixture = await logged(['decision'])
    const stored = fixture.world.records.get(idOf(1))
    if (stored !== undefined) fixture.world.records.set(stored.id, { ...stored, openings: {} })
    const page = await pageOf(fixture, '')
    expect(page.records.map(({ record }) => record)).toEqual([`${stored?.jws}~`])
  })

  it('gives one hundred records unless asked for more', async () => {
    const page = await pageOf(await logged(Array.from({ length: 101 }, () => 'decision')), '')
    expect([page.records.length, page.next]).toEqual([100, 101])
  })

  it('is 404 for a log there is none of', async () => {
    const { send } = await logged(['decision'])
    expect((await send({ path: '/v1/records?shard=0', as: 'audit' })).status).toBe(200)
    expect((await send({ path: '/v1/records?shard=1', as: 'audit' })).status).toBe(404)
  })

  const refused = [
    { query: 'limit=0', pointer: '/limit' },
    { query: 'limit=501', pointer: '/limit' },
    { query: 'limit=', pointer: '/limit' },
    { query: 'shard=-1', pointer: '/shard' },
    { query: 'shard=64', pointer: '/shard' },
    { query: 'from=-1', pointer: '/from' },
    { query: 'from=01', pointer: '/from' },
    { query: 'from=1.5', pointer: '/from' },
    { query: 'from=9007199254740992', pointer: '/from' },
    { query: 'from=2026-11-20T00:00:00Z', pointer: '/from' },
    { query: 'kind=strike', pointer: '/kind' },
    { query: 'from=1&from=2', pointer: '' },
  ]
  for (const { query, pointer } of refused)
    it(`is 400 for ${query}`, async () => {
      const { send } = await logged([])
      const response = await send({ path: `/v1/records?${query}`, as: 'audit' })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
    })
})
