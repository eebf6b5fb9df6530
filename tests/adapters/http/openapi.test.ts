import { describe, expect, it } from 'vitest'
import { openApi } from '../../../src/adapters/http/openapi.ts'
import { OPERATIONS } from '../../../src/adapters/http/operations.ts'
import { accessOf, methodAndPath, ROUTE_IDS } from '../../../src/adapters/http/scopes.ts'
import { aFixture } from '../../support/http.ts'

type Json = Record<string, unknown>

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly { name: string; in: string; schema: Json }[]
  readonly requestBody?: { readonly content: Record<string, { schema: Json }> }
  readonly responses: Record<string, { description: string; content?: Json }>
  readonly security: readonly Record<string, readonly string[]>[]
}

interface Document {
  readonly openapi: string
  readonly info: { title: string; version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { schemas: Record<string, Json>; securitySchemes: Json }
}

const document = openApi() as unknown as Document

function operations(): readonly { path: string; method: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  )
}

function* valuesOf(value: unknown): Generator<Json> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Json
  for (const member of Object.values(value)) yield* valuesOf(member)
}

describe('/openapi.json', () => {
  it('is served to everybody, the same each time', async () => {
    const { send } = aFixture()
    const response = await send({ path: '/openapi.json' })
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)))
    expect(await (await send({ path: '/openapi.json' })).json()).toEqual(
      JSON.parse(JSON.stringify(document)),
    )
  })

  it('is OpenAPI 3.1 with unique operation ids, summaries and described responses', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/)
    expect(document.info).toMatchObject({ title: 'livegate', version: '1' })
    const ids = operations().map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { operation } of operations()) {
      expect(operation.summary).not.toBe('')
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^[2345]\d\d$/)
        expect(response.description).not.toBe('')
      }
    }
  })

  it('has exactly the routes of the table of scopes, with their scope', () => {
    const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`)
    const table = ROUTE_IDS.map((route) =>
      route.replaceAll(/:([a-z]+)/g, '{$1}').replace(/\*$/, '{file}'),
    )
    expect(described.toSorted()).toEqual(table.toSorted())
    for (const route of ROUTE_IDS) {
      const { method, path } = methodAndPath(route)
      const template = path.replaceAll(/:([a-z]+)/g, '{$1}').replace(/\*$/, '{file}')
      const operation = document.paths[template]?.[method.toLowerCase()]
      const { scope, delegated, opened_by } = accessOf(route)
      const expected =
        scope === null || delegated ? [] : [{ bearer: [scope] }, ...(opened_by ? [{}] : [])]
      expect(operation?.security).toEqual(expected)
    }
  })

  it('names every path parameter of every template', () => {
    for (const { path, operation } of operations()) {
      const inTemplate = [...path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1])
      const declared = (operation.parameters ?? [])
        .filter((p) => p.in === 'path')
        .map((p) => p.name)
      expect(declared).toEqual(inTemplate)
    }
  })

  it('resolves every reference, and uses every schema', () => {
    const used = new Set<string>()
    for (const { $ref } of valuesOf(document)) {
      if ($ref === undefined) continue
      const name = String($ref).replace('#/components/schemas/', '')
      expect(Object.keys(document.components.schemas)).toContain(name)
      used.add(name)
    }
    expect([...used].toSorted()).toEqual(Object.keys(document.components.schemas).toSorted())
  })

  it('has a body for every operation that reads one', () => {
    for (const route of ROUTE_IDS) {
      const { method, path } = methodAndPath(route)
      const reads = ['POST', 'PUT', 'PATCH'].includes(method) && !path.startsWith('/hooks/')
      const { body, raw_body } = OPERATIONS[route]
      expect((body ?? raw_body) !== undefined, route).toBe(reads)
    }
  })

  it('says what is closed and what is open', () => {
    const { DecisionRequest, StrikeRequest, Decision } = document.components.schemas
    expect(StrikeRequest).toHaveProperty('additionalProperties', false)
    expect(DecisionRequest).not.toHaveProperty('additionalProperties')
    expect(
      [...valuesOf(Decision)].filter((schema) => schema.additionalProperties === false),
    ).toEqual([])
  })

  it('describes the limit of a search as the integer it is', () => {
    const limit = document.paths['/v1/decisions']?.get?.parameters?.find((p) => p.name === 'limit')
    expect(limit?.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 200 })
  })

  it('has well-formed JSON Schema: known types, properties where something is required', () => {
    const types = ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null']
    for (const schema of valuesOf(document.components.schemas)) {
      if (typeof schema.type === 'string') expect(types).toContain(schema.type)
      if (Array.isArray(schema.required) && typeof schema.properties === 'object')
        for (const name of schema.required)
          expect(Object.keys(schema.properties ?? {})).toContain(name)
      if (typeof schema.pattern === 'string')
        expect(() => new RegExp(String(schema.pattern), 'u')).not.toThrow()
    }
  })
})
