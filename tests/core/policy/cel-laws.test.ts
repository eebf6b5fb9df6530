import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileCondition } from '../../../src/core/policy/cel.ts'
import { childrenOf } from '../../../src/core/policy/cel-nodes.ts'
import { celText } from '../../../src/core/policy/cel-text.ts'
import { FACTS, type FactType } from '../../../src/core/policy/environment.ts'
import type { Condition, ConditionScope } from '../../../src/core/policy/plan.ts'
import type { Trivalent } from '../../../src/core/policy/trivalent.ts'
import { DAY_MS, HOUR_MS } from '../../../src/core/time.ts'

const NOW = Date.UTC(2026, 0, 31)
const LABELS = ['a', 'b', 'newsroom', '', '"', 'é\\']

const literal = fc.constantFrom(...LABELS).map((label) => JSON.stringify(label))
const number = fc.integer({ min: -3, max: 12 }).map(String)
const comparison = fc.constantFrom('<', '<=', '>', '>=', '==', '!=')
const equality = fc.constantFrom('==', '!=')
const int = fc.constantFrom('subject.followers', 'stream.hosts', 'subject.open_broadcasts')
const text = fc.constantFrom(
  'subject.age_band',
  'stream.audience',
  'request.territory',
  'incident.id',
)
const bool = fc.constantFrom('subject.verified', 'incident.active', 'platform.moderation_available')
const list = fc.constantFrom('subject.labels', 'subject.linked')
const hours = fc.integer({ min: 0, max: 50 }).map((n) => `duration("${n}h")`)
const instant = fc.oneof(
  fc.constantFrom('now', 'subject.created_at'),
  fc
    .integer({ min: -50, max: 50 })
    .map((h) => `timestamp("${new Date(NOW + h * HOUR_MS).toISOString()}")`),
)
const strikes = fc.tuple(
  fc.constantFrom('strikes("*", "24h")', 'strikes("spam.*")'),
  fc.constantFrom('>=', '>'),
  fc.nat(4),
)

/** Arithmetic with parentheses where they fall, needed or not. */
const sum: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(int, number),
    fc
      .tuple(tie('node'), fc.constantFrom('+', '-', '*', '/', '%'), tie('node'), fc.boolean())
      .map(([a, op, b, both]) => (both ? `(${a} ${op} ${b})` : `${a} ${op} (${b})`)),
    tie('node').map((a) => `-(${a})`),
    fc.tuple(bool, tie('node'), tie('node')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
  ),
})).node

const atom: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('true', 'false'),
  bool,
  fc.tuple(bool, equality, fc.constantFrom('true', 'false')).map((p) => p.join(' ')),
  fc.tuple(int, comparison, number).map((p) => p.join(' ')),
  fc.tuple(number, comparison, int).map((p) => p.join(' ')),
  fc
    .tuple(int, fc.constantFrom('+', '-', '*', '/', '%'), int, comparison, number)
    .map((p) => p.join(' ')),
  fc.tuple(sum, comparison, sum).map((p) => p.join(' ')),
  fc.tuple(text, comparison, literal).map((p) => p.join(' ')),
  fc.tuple(literal, equality, text).map((p) => p.join(' ')),
  fc.tuple(text, comparison, text).map((p) => p.join(' ')),
  fc
    .tuple(text, fc.array(literal, { maxLength: 3, minLength: 1 }))
    .map(([t, l]) => `${t} in [${l}]`),
  fc.tuple(int, fc.array(number, { maxLength: 3, minLength: 1 })).map(([t, l]) => `${t} in [${l}]`),
  fc.tuple(fc.oneof(text, literal), list).map((p) => p.join(' in ')),
  fc
    .tuple(list, fc.constantFrom('exists', 'all', 'exists_one'), equality, literal)
    .map(([l, m, op, v]) => `${l}.${m}(x, x ${op} ${v})`),
  fc.tuple(list, literal).map(([l, v]) => `${l}.exists(x, ${v} == x && size(x) < 3)`),
  fc
    .tuple(text, fc.constantFrom('startsWith', 'endsWith', 'contains'), literal)
    .map(([t, m, v]) => `${t}.${m}(${v})`),
  fc.tuple(list, comparison, number).map(([l, op, n]) => `size(${l}) ${op} ${n}`),
  fc.tuple(instant, fc.constantFrom('+', '-'), hours, comparison, instant).map((p) => p.join(' ')),
  fc.tuple(instant, instant, comparison, hours).map(([a, b, op, h]) => `${a} - ${b} ${op} ${h}`),
)

/** Conditions of the profile without counts. */
const plain: fc.Arbitrary<string> = expressions(atom)
/** Conditions with counts where a `when` may have them. */
const counting: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    strikes.map((p) => p.join(' ')),
    plain,
    fc
      .tuple(tie('node'), fc.constantFrom('&&', '||'), tie('node'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(plain, tie('node'), tie('node')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
    tie('node').map((a) => `!!(${a})`),
  ),
})).node

function expressions(leaf: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc
        .tuple(tie('node'), fc.constantFrom('&&', '||'), tie('node'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie('node').map((a) => `!(${a})`),
      fc.tuple(tie('node'), tie('node'), tie('node')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
    ),
  })).node
}

const VALUES: Readonly<Record<FactType, fc.Arbitrary<unknown>>> = {
  timestamp: fc.integer({ min: -50, max: 50 }).map((h) => NOW - h * HOUR_MS),
  int: fc.integer({ min: -3, max: 12 }),
  string: fc.constantFrom(...LABELS),
  bool: fc.boolean(),
  'list<string>': fc.array(fc.constantFrom(...LABELS), { maxLength: 4 }),
}

const PATHS = [...FACTS.values()].filter(
  ({ path }) => path.includes('.') && !path.startsWith('strike.'),
)
type Values = Readonly<Record<string, unknown>>
/** A value for every fact but those of strikes. */
const complete: fc.Arbitrary<Values> = fc.record(
  Object.fromEntries(PATHS.map(({ path, type }) => [path, VALUES[type]])),
)

function scopeOf(values: Values, count = 2): ConditionScope {
  const groups: Record<string, Record<string, unknown>> = {
    subject: {},
    stream: {},
    request: {},
    incident: {},
    platform: {},
  }
  for (const [path, value] of Object.entries(values)) {
    const [root = '', field = ''] = path.split('.')
    const group = groups[root]
    if (group !== undefined) group[field] = value
  }
  const open_broadcasts = values['subject.open_broadcasts']
  return {
    ...groups,
    now: NOW,
    open_broadcasts,
    countStrikes: () => count,
  } as unknown as ConditionScope
}

function compiled(source: string): Condition {
  const result = compileCondition(source, 'when')
  if (!result.ok) throw new Error(`${source}: ${JSON.stringify(result.error)}`)
  return result.value
}

const library = new Environment().registerVariable('now', 'google.protobuf.Timestamp')
const CEL_TYPE: Readonly<Record<string, string>> = { timestamp: 'google.protobuf.Timestamp' }
for (const root of new Set(PATHS.map(({ path }) => path.split('.')[0] ?? ''))) {
  const fields = PATHS.filter(({ path }) => path.startsWith(`${root}.`))
  const schema = Object.fromEntries(
    fields.map(({ path, type }) => [path.split('.')[1] ?? '', CEL_TYPE[type] ?? type]),
  )
  library.registerVariable({ name: root, schema })
}

function celValue(type: FactType, value: unknown): unknown {
  if (type === 'timestamp') return new Date(value as number)
  return type === 'int' ? BigInt(value as number) : value
}

/** What the CEL library says about the whole expression; its exceptions are unknown. */
function libraryTruth(source: string, values: Values): Trivalent {
  const context: Record<string, unknown> = { now: new Date(NOW) }
  for (const root of new Set(PATHS.map(({ path }) => path.split('.')[0] ?? ''))) {
    const facts = PATHS.filter(({ path }) => path.startsWith(`${root}.`))
    context[root] = Object.fromEntries(
      facts.map(({ path, type }) => [path.slice(root.length + 1), celValue(type, values[path])]),
    )
  }
  try {
    return library.parse(source)(context)
  } catch {
    return 'unknown'
  }
}

const RUNS = { numRuns: 1500 }

describe('with all facts present', () => {
  it('a condition is what the CEL library says of the whole text', () => {
    fc.assert(
      fc.property(plain, complete, (source, values) => {
        const ours = compiled(source).evaluate(scopeOf(values))
        const theirs = libraryTruth(source, values)
        // Kleene's logic knows at least what CEL's does, which gives up on an error in a ternary's condition.
        if (theirs !== 'unknown') expect(ours).toBe(theirs)
        else if (ours !== 'unknown') expect(source).toMatch(/[/%?]/)
      }),
      RUNS,
    )
  })
})

/** A tree without positions. */
function structure(node: ASTNode): unknown {
  const words = [node.args].flat().filter((part) => typeof part !== 'object')
  return [node.op, ...words, ...childrenOf(node).map(structure)]
}

describe('a part written back as text', () => {
  it('parses to the same tree', () => {
    fc.assert(
      fc.property(plain, (source) => {
        const { ast } = library.parse(source)
        expect(structure(library.parse(celText(ast)).ast)).toEqual(structure(ast))
      }),
      RUNS,
    )
  })
})

describe('three values', () => {
  it('a missing fact can only turn a known answer into unknown, never into another answer', () => {
    fc.assert(
      fc.property(
        counting,
        complete,
        fc.subarray(PATHS.map(({ path }) => path)),
        (source, values, gone) => {
          const kept = Object.fromEntries(
            Object.entries(values).filter(([path]) => !gone.includes(path)),
          )
          const { evaluate, missing } = compiled(source)
          const partial = evaluate(scopeOf(kept))
          if (partial !== 'unknown') expect(evaluate(scopeOf(values))).toBe(partial)
          else expect(missing(scopeOf(kept)).length).toBeGreaterThan(0)
        },
      ),
      RUNS,
    )
  })

  it('evaluation is total: whatever stands where facts belong, the answer is one of three', () => {
    const junk = fc.oneof(
      fc.anything(),
      fc.constantFrom(null, undefined, Number.NaN, 2 ** 60, new Date(0), 1n),
    )
    const shapes = fc.record(
      Object.fromEntries(PATHS.map(({ path, type }) => [path, fc.oneof(junk, VALUES[type])])),
    )
    const broken = fc.subarray([
      'subject',
      'stream',
      'request',
      'incident',
      'platform',
      'countStrikes',
      'now',
    ])
    fc.assert(
      fc.property(counting, shapes, broken, junk, (source, values, roots, value) => {
        const scope = {
          ...scopeOf(values),
          ...Object.fromEntries(roots.map((root) => [root, value])),
        }
        const { evaluate, missing } = compiled(source)
        expect([true, false, 'unknown']).toContain(evaluate(scope))
        expect(Array.isArray(missing(scope))).toBe(true)
      }),
      RUNS,
    )
  })

  it('evaluation changes nothing and gives the same answer again', () => {
    fc.assert(
      fc.property(counting, complete, (source, values) => {
        const scope = scopeOf(values)
        const before = structuredClone(values)
        const { evaluate } = compiled(source)
        expect(evaluate(scope)).toBe(evaluate(scope))
        expect(values).toEqual(before)
      }),
      { numRuns: 300 },
    )
  })
})

describe('polarity (G10)', () => {
  const order: readonly Trivalent[] = [false, 'unknown', true]

  it('one more strike never makes a when less true', () => {
    fc.assert(
      fc.property(counting, complete, fc.nat(4), (source, values, n) => {
        const { evaluate } = compiled(source)
        const [fewer, more] = [evaluate(scopeOf(values, n)), evaluate(scopeOf(values, n + 1))]
        expect(order.indexOf(more)).toBeGreaterThanOrEqual(order.indexOf(fewer))
      }),
      RUNS,
    )
  })

  it('a condition accepted by place never lets one more strike help, and its negation belongs to the other place', () => {
    fc.assert(
      fc.property(counting, complete, fc.nat(4), (source, values, n) => {
        const negated = compileCondition(`!(${source})`, 'exempt')
        if (!negated.ok) throw new Error(JSON.stringify(negated.error))
        const [fewer, more] = [n, n + 1].map((k) => negated.value.evaluate(scopeOf(values, k)))
        expect(order.indexOf(more ?? false)).toBeLessThanOrEqual(order.indexOf(fewer ?? false))
        if (source.includes('strikes('))
          expect(compileCondition(`!(${source})`, 'when').ok).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})

describe('edges', () => {
  it('time alone changes a condition nowhere but at its edges', () => {
    const far = 60 * DAY_MS
    fc.assert(
      fc.property(plain, complete, fc.integer({ min: -far, max: far }), (source, values, shift) => {
        const { edges, evaluate } = compiled(source)
        const scope = scopeOf(values)
        const at = (now: number): Trivalent =>
          evaluate({ ...scope, now } as unknown as ConditionScope)
        const instants = edges.map(
          ({ path, offset_ms }) => (path === null ? 0 : Number(values[path])) + offset_ms,
        )
        const [from, to] = shift < 0 ? [NOW + shift, NOW] : [NOW, NOW + shift]
        // The first instant of a new truth is an edge, or with `<=` and the like the millisecond after it.
        if (!instants.some((e) => e + 1 > from && e <= to)) expect(at(from)).toBe(at(to))
      }),
      RUNS,
    )
  })
})
