import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { PROBLEM, type Shape } from '../../../src/adapters/http/answers.ts'
import { OPERATIONS } from '../../../src/adapters/http/operations.ts'
import { problemKind } from '../../../src/adapters/http/problem.ts'
import {
  methodAndPath,
  ROUTE_IDS,
  type RouteId,
  SCOPES,
} from '../../../src/adapters/http/scopes.ts'
import { PROBLEM_CODES } from '../../../src/core/errors.ts'
import { aDeny, aFixture } from '../../support/http.ts'

const page = readFileSync(new URL('../../../docs/spec/api.md', import.meta.url), 'utf8')

interface Block {
  readonly start: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Start line, headers, blank line, body: the blocks of the page fenced as `http`. */
function blocks(): readonly Block[] {
  return [...page.matchAll(/```http\n([\s\S]*?)```/g)].map((match) => {
    const [head = '', ...rest] = (match[1] ?? '').split('\n\n')
    const [start = '', ...lines] = head.trimEnd().split('\n')
    const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)))
    return { start, headers, body: rest.join('\n\n').trim() }
  })
}

/** `…` in an expected text stands for any text. */
function matches(expected: unknown, actual: unknown): boolean {
  if (typeof expected === 'string' && typeof actual === 'string') {
    const parts = expected.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('[\\s\\S]+')}$`).test(actual)
  }
  if (Array.isArray(expected) && Array.isArray(actual))
    return (
      expected.length === actual.length && expected.every((item, i) => matches(item, actual[i]))
    )
  if (isObject(expected) && isObject(actual)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(actual)])
    return [...names].every((name) => name in expected && matches(expected[name], actual[name]))
  }
  return expected === actual
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function routeOf(method: string, path: string): RouteId {
  const found = ROUTE_IDS.find((route) => {
    const { method: m, path: pattern } = methodAndPath(route)
    return m === method && new RegExp(`^${pattern.replaceAll(/:[a-z]+/g, '[^/]+')}$`).test(path)
  })
  if (found === undefined) throw new Error(`no route for ${method} ${path}`)
  return found
}

function shapeOf(route: RouteId, status: number): Shape {
  const shape = status >= 400 ? PROBLEM : OPERATIONS[route].answers[status]
  if (shape === undefined || shape === null || typeof shape === 'string')
    throw new Error(`no schema for ${route} ${status}`)
  return shape
}

describe('docs/spec/api.md', () => {
  it('has examples that do what they say, one after the other', async () => {
    const { world, token, app } = aFixture()
    world.decisions.set('u_81f', aDeny())
    const all = blocks()
    expect(all.length).toBeGreaterThanOrEqual(20)
    expect(all.length % 2).toBe(0)
    for (let i = 0; i < all.length; i += 2) {
      const [request, answer] = [all[i], all[i + 1]]
      if (request === undefined || answer === undefined) throw new Error('examples come in pairs')
      const [method = '', target = ''] = request.start.split(' ')
      const headers = { ...request.headers }
      if ('Authorization' in headers) {
        expect(headers.Authorization).toBe('Bearer lg_…')
        headers.Authorization = `Bearer ${token('admin')}`
      }
      const response = await app.request(target, {
        method,
        headers,
        ...(request.body === '' ? {} : { body: request.body }),
      })
      const body: unknown = await response.json()
      const example = `${request.start} → ${JSON.stringify(body, null, 1)}`
      expect(String(response.status), example).toBe(answer.start)
      const route = routeOf(method, target.split('?')[0] ?? '')
      v.assert(shapeOf(route, response.status), body)
      expect(matches(JSON.parse(answer.body), body), example).toBe(true)
      for (const [name, value] of Object.entries(answer.headers))
        expect(response.headers.get(name), example).toBe(value)
    }
  })

  it('lists every route', () => {
    const table = page.slice(page.indexOf('## Routes'), page.indexOf('## Callers'))
    for (const route of ROUTE_IDS) {
      const { path } = methodAndPath(route)
      const written = path
        .replaceAll(/:([a-z]+)/g, '{$1}')
        .replace('/log/tile/entries/*', '/log/tile/entries/{N}')
        .replace('/log/tile/*', '/log/tile/{L}/{N}')
      expect(table).toContain(written)
    }
  })

  it('lists every scope', () => {
    const callers = page.slice(page.indexOf('## Callers'), page.indexOf('## Decisions'))
    for (const scope of SCOPES) expect(callers).toContain(`\`${scope}\``)
  })

  it('lists every code with its status and whether Retry-After comes with it', () => {
    for (const code of PROBLEM_CODES) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\` |`)) ?? ''
      const { status, retry_after_s } = problemKind(code)
      expect(row).toContain(String(status))
      expect(row.endsWith('| yes |')).toBe(retry_after_s !== null)
    }
  })
})

describe('the matcher of the examples', () => {
  const cases: readonly { expected: unknown; actual: unknown; result: boolean }[] = [
    { expected: 'a…c', actual: 'abc', result: true },
    { expected: '…', actual: '', result: false },
    { expected: 'a', actual: 'ab', result: false },
    { expected: 'a.c', actual: 'abc', result: false },
    { expected: { a: 1 }, actual: { a: 1, b: 2 }, result: false },
    { expected: { a: 1, b: 2 }, actual: { a: 1 }, result: false },
    { expected: [1], actual: [1, 2], result: false },
    { expected: [{ a: '…' }], actual: [{ a: 'x' }], result: true },
    { expected: null, actual: null, result: true },
    { expected: {}, actual: [], result: false },
  ]
  for (const { expected, actual, result } of cases)
    it(`${result ? 'takes' : 'refuses'} ${JSON.stringify(actual)} for ${JSON.stringify(expected)}`, () => {
      expect(matches(expected, actual)).toBe(result)
    })
})
