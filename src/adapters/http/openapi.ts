/**
 * The OpenAPI 3.1 document, put together from the table of scopes, the operations and the schemas that validate.
 *
 * Pure and the same for every request, so it is built once. Spec: OpenAPI 3.1, JSON Schema 2020-12.
 */
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema'
import type { ProblemCode } from '../../core/errors.ts'
import { PROBLEM, type Shape } from './answers.ts'
import { ANSWER_SCHEMAS, REQUEST_SCHEMAS } from './named-schemas.ts'
import { OPERATIONS, type Operation } from './operations.ts'
import { problemKind } from './problem.ts'
import { accessOf, methodAndPath, ROUTE_IDS, type RouteId, SCOPES } from './scopes.ts'

type Json = Readonly<Record<string, unknown>>

/** The whole document, of a deployment with so many logs. */
export function openApi(logs = 1): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of ROUTE_IDS) {
    const { method, path } = methodAndPath(route, logs)
    const item = templateOf(path)
    paths[item] = { ...paths[item], [method.toLowerCase()]: operationOf(route, path) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'livegate',
      version: '1',
      summary: 'May this broadcast start? Every answer is signed and logged.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: componentsOf(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: `API key \`lg_<id>_<secret>\` or at+jwt access token. Scopes: ${SCOPES.join(', ')}; admin implies all.`,
        },
      },
    },
  }
}

/** `/v1/decisions/:id` → `/v1/decisions/{id}`; what `*` stands for is the file's name. */
function templateOf(path: string): string {
  return path.replaceAll(/:([a-z_]+)/g, '{$1}').replace(/\*$/, '{file}')
}

function operationOf(route: RouteId, path: string): Json {
  const operation: Operation = OPERATIONS[route]
  const { scope, opened_by, delegated } = accessOf(route)
  const parameters = parametersOf(path, operation)
  const bearer = { bearer: scope === null ? [] : [scope] }
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBodyOf(operation),
    responses: responsesOf(route, operation),
    security:
      scope === null || delegated === true ? [] : opened_by === undefined ? [bearer] : [bearer, {}],
  }
}

function parametersOf(path: string, operation: Operation): readonly Json[] {
  const inPath = [...templateOf(path).matchAll(/\{([a-z_]+)\}/g)].map((match) => ({
    name: match[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const query = operation.query === undefined ? {} : schemaOf(operation.query)
  const inQuery = Object.entries((query.properties ?? {}) as Json).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema,
  }))
  const inHeader = (operation.headers ?? []).map((name) => ({
    name,
    in: 'header',
    required: false,
    schema: { type: 'string' },
  }))
  return [...inPath, ...inQuery, ...inHeader]
}

function contentOf(shape: Shape | string): Json {
  return typeof shape === 'string'
    ? { [shape]: {} }
    : { 'application/json': { schema: referenceTo(shape) } }
}

function requestBodyOf({ raw_body, body }: Operation): Json {
  if (body === undefined && raw_body === undefined) return {}
  const content = {
    ...(body === undefined ? {} : contentOf(body)),
    ...(raw_body === undefined ? {} : { [raw_body]: { schema: { type: 'string' } } }),
  }
  return { requestBody: { required: true, content } }
}

const NAMES: ReadonlyMap<Shape, string> = new Map(
  Object.entries({ ...REQUEST_SCHEMAS, ...ANSWER_SCHEMAS }).map(([name, shape]) => [shape, name]),
)

function referenceTo(shape: Shape): Json {
  return { $ref: `#/components/schemas/${NAMES.get(shape) ?? ''}` }
}

function componentsOf(): Json {
  const schemas: Record<string, unknown> = {}
  for (const [name, shape] of Object.entries(REQUEST_SCHEMAS)) schemas[name] = schemaOf(shape)
  for (const [name, shape] of Object.entries(ANSWER_SCHEMAS))
    schemas[name] = opened(schemaOf(shape))
  return schemas
}

/** Answers may gain members; a client that refuses them would break on the next version. */
function opened(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(opened)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema)
    .filter(([name, value]) => name !== 'additionalProperties' || value !== false)
    .map(([name, value]) => [name, opened(value)])
  return Object.fromEntries(entries)
}

function responsesOf(route: RouteId, operation: Operation): Json {
  const responses: Record<string, Json> = {}
  for (const [status, shape] of Object.entries(operation.answers))
    responses[status] = {
      description: operation.summary,
      ...(shape === null ? {} : { content: contentOf(shape) }),
    }
  for (const code of problemsOf(route, operation)) {
    const { status } = problemKind(code)
    const before = responses[status]?.description
    responses[status] = {
      description: before === undefined ? `\`${code}\`` : `${String(before)}, \`${code}\``,
      content: { 'application/problem+json': { schema: referenceTo(PROBLEM) } },
    }
  }
  return responses
}

const WITH_CALLER: readonly ProblemCode[] = ['unauthenticated', 'forbidden', 'rate_limited']
const WITH_BODY: readonly ProblemCode[] = ['body_too_large', 'unsupported_media_type']

function problemsOf(route: RouteId, operation: Operation): readonly ProblemCode[] {
  const { scope, delegated, unbounded } = accessOf(route)
  const codes: ProblemCode[] = ['invalid_request']
  if (scope !== null && delegated !== true) codes.push(...WITH_CALLER)
  if (operation.body !== undefined) codes.push(...WITH_BODY)
  codes.push(...(operation.problems ?? []))
  if (unbounded !== true) codes.push('overloaded')
  return [...new Set([...codes, 'internal' as const])]
}

/** What is a transformation or a check in code says nothing in JSON Schema. */
const CONVERSION: ConversionConfig = {
  target: 'draft-2020-12',
  typeMode: 'input',
  ignoreActions: ['check', 'raw_transform', 'transform'],
}

function schemaOf(shape: Shape): Json {
  const { $schema: _, ...schema } = toJsonSchema(shape, CONVERSION) as Json
  return schema
}
