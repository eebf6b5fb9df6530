import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../src/adapters/http/body.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { MAX_BODY_BYTES } from '../../../src/core/limits.ts'
import { aFixture } from '../../support/http.ts'
import { aStrikeBody } from '../../support/http-routes.ts'

const BIG = 1024 * 1024
const PIECE = 32 * 1024

function streamOf(chunk: Uint8Array, times: number): { stream: ReadableStream; pulled(): number } {
  let pulled = 0
  const stream = new ReadableStream({
    pull(controller) {
      pulled++
      if (pulled > times) controller.close()
      else controller.enqueue(chunk)
    },
  })
  return { stream, pulled: () => pulled }
}

describe('a body that cannot be read', () => {
  const cases: readonly {
    name: string
    body: string | Uint8Array
    headers?: Record<string, string>
    status: number
    code: string
    detail?: RegExp
  }[] = [
    { name: 'empty', body: '', status: 400, code: 'invalid_request', detail: /it is empty/ },
    {
      name: 'malformed JSON',
      body: '{"subject":',
      status: 400,
      code: 'invalid_request',
      detail: /it is not JSON/,
    },
    {
      name: 'two JSON values',
      body: '{} {}',
      status: 400,
      code: 'invalid_request',
      detail: /it is not JSON/,
    },
    {
      name: 'NaN',
      body: '{"subject":NaN}',
      status: 400,
      code: 'invalid_request',
      detail: /it is not JSON/,
    },
    { name: 'a comment', body: '{"subject":"u"} // hi', status: 400, code: 'invalid_request' },
    {
      name: 'a string that never ends',
      body: '{"subject":"u\\"',
      status: 400,
      code: 'invalid_request',
    },
    {
      name: 'a byte order mark',
      body: '\ufeff{"subject":"u"}',
      status: 400,
      code: 'invalid_request',
      detail: /byte order mark/,
    },
    {
      name: 'bad UTF-8',
      body: new Uint8Array([0x22, 0xc3, 0x28, 0x22]),
      status: 400,
      code: 'invalid_request',
      detail: /UTF-8/,
    },
    {
      name: 'UTF-16',
      body: new Uint8Array([0x7b, 0, 0x7d, 0]),
      status: 400,
      code: 'invalid_request',
    },
    {
      name: '17 levels',
      body: `{"subject":"u","x":${'['.repeat(16)}${']'.repeat(16)}}`,
      status: 400,
      code: 'invalid_request',
      detail: /deeper than 16/,
    },
    {
      name: '100,000 open brackets',
      body: '['.repeat(100_000),
      status: 400,
      code: 'invalid_request',
      detail: /deeper than 16/,
    },
    {
      name: 'a member named twice',
      body: '{"subject":"u","subject":"v"}',
      status: 400,
      code: 'invalid_request',
      detail: /twice/,
    },
    {
      name: 'a member named twice with an escape',
      body: '{"subject":"u","s\\u0075bject":"v"}',
      status: 400,
      code: 'invalid_request',
      detail: /twice/,
    },
    {
      name: 'a member named twice far inside',
      body: '{"subject":"u","facts":{"a":[{"b":1,"b":1}]}}',
      status: 400,
      code: 'invalid_request',
      detail: /twice/,
    },
    { name: 'a list', body: '[]', status: 400, code: 'invalid_request' },
    { name: 'null', body: 'null', status: 400, code: 'invalid_request' },
    { name: 'a number', body: '1e999', status: 400, code: 'invalid_request' },
    {
      name: '1 MiB',
      body: `{"subject":"${'u'.repeat(BIG)}"}`,
      status: 413,
      code: 'body_too_large',
    },
    {
      name: 'a declared length that is too large',
      body: '{}',
      headers: { 'content-length': '99999999' },
      status: 413,
      code: 'body_too_large',
    },
    {
      name: 'a declared length that is no number',
      body: '{}',
      headers: { 'content-length': '1e2' },
      status: 413,
      code: 'body_too_large',
    },
    {
      name: 'no content type',
      body: '{"subject":"u"}',
      headers: { 'content-type': '' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'text/plain',
      body: '{"subject":"u"}',
      headers: { 'content-type': 'text/plain' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'a form',
      body: 'subject=u',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'JSON in another charset',
      body: '{"subject":"u"}',
      headers: { 'content-type': 'application/json; charset=utf-16' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'a type that starts like JSON',
      body: '{"subject":"u"}',
      headers: { 'content-type': 'application/jsonp' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'a compressed body',
      body: '{"subject":"u"}',
      headers: { 'content-encoding': 'gzip' },
      status: 415,
      code: 'unsupported_media_type',
    },
  ]
  for (const { name, body, headers, status, code, detail } of cases)
    it(`${name} is ${status} ${code}`, async () => {
      const { send, world } = aFixture()
      const sent = { method: 'POST', path: '/v1/decisions', as: 'decide', body } as const
      const response = await send({ ...sent, ...(headers === undefined ? {} : { headers }) })
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      const problem = (await response.json()) as { code: string; detail: string }
      expect(problem.code).toBe(code)
      if (detail !== undefined) expect(problem.detail).toMatch(detail)
      expect(world.asked).toEqual([])
    })

  it('is 413 when it is longer than the limit and its declared length lies', async () => {
    const { send } = aFixture()
    const body = `{"subject":"u","pad":"${' '.repeat(MAX_BODY_BYTES)}"}`
    const headers = { 'content-length': '2' }
    const response = await send({
      method: 'POST',
      path: '/v1/decisions',
      as: 'decide',
      body,
      headers,
    })
    expect(response.status).toBe(413)
  })

  it('is not read further than the limit when it arrives without a length', async () => {
    const { send } = aFixture()
    const { stream, pulled } = streamOf(new Uint8Array(64 * 1024).fill(0x20), 10_000)
    const response = await send({
      method: 'POST',
      path: '/v1/decisions',
      as: 'decide',
      body: stream,
    })
    expect(response.status).toBe(413)
    expect(pulled()).toBeLessThan(6)
  })
})

describe('a body that can be read', () => {
  const types = [
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
  ]
  for (const type of types)
    it(`is taken as ${type}`, async () => {
      const { send } = aFixture()
      const body = '{"subject":"u"}'
      const headers = { 'content-type': type }
      const response = await send({
        method: 'POST',
        path: '/v1/decisions',
        as: 'decide',
        body,
        headers,
      })
      expect(response.status).toBe(200)
    })

  it('may arrive in pieces without a length, up to exactly the limit', async () => {
    const { send } = aFixture()
    const text = utf8(`{"subject":"u","pad":"${' '.repeat(MAX_BODY_BYTES)}`).slice(
      0,
      MAX_BODY_BYTES - 2,
    )
    const bytes = new Uint8Array(MAX_BODY_BYTES)
    bytes.set(text)
    bytes.set(utf8('"}'), MAX_BODY_BYTES - 2)
    let sent = 0
    const stream = new ReadableStream({
      pull(controller) {
        if (sent === bytes.length) controller.close()
        else controller.enqueue(bytes.slice(sent, sent + PIECE))
        sent = Math.min(bytes.length, sent + PIECE)
      },
    })
    const response = await send({
      method: 'POST',
      path: '/v1/decisions',
      as: 'decide',
      body: stream,
    })
    expect(response.status).toBe(200)
  })

  it('may have colons, braces and quotes in strings without being mistaken for members', () => {
    const text = '{"a":"x:{[\\":]}\\\\","b\\"":[{"c":":"},{"c":"{"}],"":{}}'
    expect(parseJson(utf8(text))).toEqual(JSON.parse(text))
  })

  it('may have the same member name in different objects', () => {
    expect(parseJson(utf8('[{"a":1},{"a":{"a":2}}]'))).toEqual([{ a: 1 }, { a: { a: 2 } }])
  })
})

describe('__proto__', () => {
  it('changes nothing when it is sent with a decision', async () => {
    const { send, world } = aFixture()
    const body =
      '{"subject":"u","facts":{"__proto__":{"followers":9}},"__proto__":{"supports":["x"]}}'
    const response = await send({ method: 'POST', path: '/v1/decisions', as: 'decide', body })
    expect(response.status).toBe(200)
    expect(world.asked[0]).toMatchObject({ facts: {}, supports: [] })
    expect(world.asked[0]?.facts.followers).toBeUndefined()
  })

  it('is refused as an unknown member with a strike', async () => {
    const { send } = aFixture()
    const body = JSON.stringify(aStrikeBody()).replace('{', '{"__proto__":{"weight":1000},')
    const response = await send({
      method: 'POST',
      path: '/v1/subjects/u/strikes',
      as: 'strikes',
      body,
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      errors: [{ pointer: '/__proto__', detail: 'expected no such member' }],
    })
  })
})
