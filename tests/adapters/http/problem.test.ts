import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { PROBLEM } from '../../../src/adapters/http/answers.ts'
import { problemKind, problemOf } from '../../../src/adapters/http/problem.ts'
import { LivegateError, PROBLEM_CODES, type ProblemCode } from '../../../src/core/errors.ts'
import { aFixture, type Sent } from '../../support/http.ts'

const STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  in_progress: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  idempotency_mismatch: 422,
  rate_limited: 429,
  log_unavailable: 503,
  overloaded: 503,
  halted: 503,
  internal: 500,
}

const DECIDE: Sent = { method: 'POST', path: '/v1/decisions', as: 'decide', body: { subject: 'u' } }

describe('problem documents', () => {
  for (const code of PROBLEM_CODES)
    it(`${code} from the gate is ${STATUS[code]}, with everything RFC 9457 asks for`, async () => {
      const { send, world } = aFixture()
      world.failure = new LivegateError(code, 'Cannot decide: it is a test')
      const response = await send(DECIDE)
      expect(response.status).toBe(STATUS[code])
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(response.headers.get('cache-control')).toBe('no-store')
      const problem = await response.json()
      v.assert(PROBLEM, problem)
      expect(problem).toMatchObject({
        type: `urn:problem-type:livegate:${code}`,
        status: STATUS[code],
        code,
        title: problemKind(code).title,
      })
    })

  it('have a Retry-After where waiting helps, the error’s own when it has one', async () => {
    const waits = PROBLEM_CODES.filter((code) => problemKind(code).retry_after_s !== null)
    expect(waits).toEqual(['in_progress', 'rate_limited', 'log_unavailable', 'overloaded'])
    const { send, world } = aFixture()
    world.failure = new LivegateError('log_unavailable', 'Cannot log', { retry_after_s: 7 })
    const response = await send(DECIDE)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await response.json()).toMatchObject({ retry_after: 7 })
  })

  it('carry the hint and the faults of the error', () => {
    const faults = [{ pointer: '/a', detail: 'expected b' }]
    const error = new LivegateError('conflict', 'Cannot', { hint: 'do this', faults })
    expect(problemOf(error)).toMatchObject({ hint: 'do this', errors: faults })
  })
})

describe('an unforeseen failure', () => {
  const failures: readonly { name: string; error: unknown }[] = [
    { name: 'an Error', error: new Error('SELECT secret FROM keys') },
    {
      name: 'an internal LivegateError',
      error: new LivegateError('internal', 'Cannot read /data/key'),
    },
    { name: 'a string', error: 'secret' },
    { name: 'undefined', error: undefined },
    {
      name: 'an object with a response in it',
      error: { getResponse: () => new Response('secret') },
    },
  ]
  for (const { name, error } of failures)
    it(`is 500 without a word of ${name}, and is reported to the operator`, async () => {
      const fixture = aFixture({ deps: { readiness: () => Promise.reject(error) } })
      const response = await fixture.send({ path: '/readyz' })
      expect(response.status).toBe(500)
      expect(await response.json()).toEqual({
        type: 'urn:problem-type:livegate:internal',
        title: 'The server failed',
        status: 500,
        code: 'internal',
        detail: 'Cannot answer: an unexpected failure was noted',
      })
      expect(fixture.world.reports).toEqual([{ route: 'GET /readyz', error }])
    })
})

describe('paths and methods that do not exist', () => {
  const cases: readonly { method: string; path: string; status: number; allow?: string }[] = [
    { method: 'GET', path: '/', status: 404 },
    { method: 'GET', path: '/v1', status: 404 },
    { method: 'GET', path: '/v1/decisions/', status: 404 },
    { method: 'POST', path: '/v1/decisions/', status: 404 },
    { method: 'POST', path: '/V1/decisions', status: 404 },
    { method: 'POST', path: '/v1/%64ecisions', status: 404 },
    { method: 'DELETE', path: '/v1/unknown', status: 404 },
    { method: 'PUT', path: '/v1/decisions', status: 405, allow: 'GET, HEAD, POST' },
    { method: 'GET', path: '/v1/explanations', status: 405, allow: 'POST' },
    { method: 'POST', path: '/v1/subjects/u/facts', status: 405, allow: 'GET, HEAD, PUT, PATCH' },
    { method: 'OPTIONS', path: '/v1/decisions', status: 405, allow: 'GET, HEAD, POST' },
    { method: 'POST', path: '/log/checkpoint', status: 405, allow: 'GET, HEAD' },
    { method: 'DELETE', path: '/healthz', status: 405, allow: 'GET, HEAD' },
    { method: 'GET', path: '/hooks/nginx-rtmp/edge-1', status: 405, allow: 'POST' },
    { method: 'POST', path: '/hooks/nginx-rtmp/edge-1/', status: 404 },
  ]
  for (const { method, path, status, allow } of cases)
    it(`${method} ${path} is ${status}, even with an admin key, and never a redirect`, async () => {
      const response = await aFixture().send({ method, path, as: 'admin' })
      expect(response.status).toBe(status)
      expect(response.headers.get('allow')).toBe(allow ?? null)
      expect(response.headers.get('location')).toBeNull()
      const problem = await response.json()
      v.assert(PROBLEM, problem)
      expect(problem).toMatchObject({
        status,
        code: status === 404 ? 'not_found' : 'invalid_request',
      })
    })
})
