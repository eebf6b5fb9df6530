import { describe, expect, it } from 'vitest'
import { read } from '../../../src/adapters/http/atoms.ts'
import { readBytes } from '../../../src/adapters/http/body.ts'
import { DECISION, FACTS, STRIKE } from '../../../src/adapters/http/schemas.ts'
import { type Unreadable, unreadableResponse } from '../../../src/adapters/http/unread.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { aFixture } from '../../support/http.ts'
import { aStrikeBody } from '../../support/http-routes.ts'

const DECIDE = { method: 'POST', path: '/v1/decisions', as: 'decide' } as const

describe('ids no path can name', () => {
  for (const id of ['.', '..'])
    it(`${id} is refused as a subject, a co-host, a linked account and a strike`, async () => {
      const { send } = aFixture()
      const hosts = [{ subject: id }]
      const bodies = [{ subject: id }, { subject: 'u', stream: { hosts } }]
      for (const body of bodies) expect((await send({ ...DECIDE, body })).status).toBe(400)
      expect(() => read(FACTS, { facts: { linked: [id] } }, 'test')).toThrow(LivegateError)
      expect(() => read(STRIKE, { ...aStrikeBody(), id }, 'test')).toThrow(LivegateError)
    })
})

describe('work before a refusal', () => {
  const long = (unit: string): string => unit.repeat(Math.floor(120_000 / unit.length))

  it('does not grow with the square of a text that might be an instant', { timeout: 1_000 }, () => {
    for (const text of [long('T'), long('2026-01-01T')])
      read(DECISION, { subject: 'u', facts: { created_at: text } }, 'test')
  })

  it('does not look into a list that is too long', () => {
    const hosts = Array.from({ length: 40_000 }, () => ({}))
    let fault: unknown
    try {
      read(DECISION, { subject: 'u', stream: { hosts } }, 'test')
    } catch (error) {
      fault = error
    }
    expect((fault as LivegateError).faults).toEqual([
      { pointer: '/stream/hosts', detail: 'expected a list of at most 16 items' },
    ])
  })
})

describe('a body that ends early', () => {
  const broken = (): ReadableStream<Uint8Array> =>
    new ReadableStream({ start: (controller) => controller.error(new Error('aborted')) })
  for (const headers of [{}, { 'content-length': '9' }])
    it(`is the caller's fault, with headers ${JSON.stringify(headers)}`, async () => {
      const init = { method: 'POST', body: broken(), headers, duplex: 'half' }
      const request = new Request('http://gate.example/', init as RequestInit)
      await expect(readBytes(request, 100)).rejects.toMatchObject({
        code: 'invalid_request',
        message: 'Cannot read body: it ended early',
      })
    })
})

describe('a query', () => {
  for (const query of ['rule=%', 'rule=%zz', 'rule=%ff', '%ff=1'])
    it(`that does not decode is refused: ${query}`, async () => {
      const { send } = aFixture()
      const response = await send({ path: `/v1/decisions?${query}`, as: 'audit' })
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        400,
        'invalid_request',
      ])
    })
})

describe('what never became a request', () => {
  const table: readonly [Unreadable, number, string][] = [
    ['not_http', 400, 'invalid_request'],
    ['too_slow', 408, 'invalid_request'],
    ['headers_too_large', 431, 'invalid_request'],
    ['expectation', 417, 'invalid_request'],
    ['target', 404, 'not_found'],
  ]
  for (const [fault, status, code] of table)
    it(`${fault} is ${status} ${code} in a problem document`, async () => {
      const response = unreadableResponse(fault)
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toMatchObject({ status, code })
    })
})
