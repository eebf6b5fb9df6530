/**
 * The one place that talks to the CEL library: parse, type check, and evaluation of what cel-atoms.ts has no closure
 * for. Values enter as the library wants them (ints as BigInt); instants never do, see cel-time.ts.
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { MAX_CEL_LIST } from '../limits.ts'
import { err, ok, type Result } from '../result.ts'
import type { CelFault } from './cel-fault.ts'
import { celText } from './cel-text.ts'
import { FACT_ROOTS, FACTS, type FactType } from './environment.ts'

const CEL_TYPE: Readonly<Record<FactType, string>> = {
  timestamp: 'google.protobuf.Timestamp',
  int: 'int',
  string: 'string',
  bool: 'bool',
  'list<string>': 'list<string>',
}

const environment: Environment = createEnvironment()

function createEnvironment(): Environment {
  const created = new Environment({
    limits: {
      maxAstNodes: 1000,
      maxDepth: 32,
      maxListElements: MAX_CEL_LIST + 1,
      maxMapEntries: MAX_CEL_LIST,
      maxCallArguments: 8,
    },
  })
  created.registerVariable('now', CEL_TYPE.timestamp)
  for (const root of FACT_ROOTS) {
    const facts = [...FACTS.values()].filter(({ path }) => path.startsWith(`${root}.`))
    const schema = Object.fromEntries(
      facts.map(({ path, type }) => [path.slice(root.length + 1), CEL_TYPE[type]]),
    )
    created.registerVariable({ name: root, schema })
  }
  // Only declared: cel-atoms.ts evaluates comparisons of counts itself.
  created.registerFunction('strikes(string): int', () => 0n)
  created.registerFunction('strikes(string, string): int', () => 0n)
  return created
}

interface CelError {
  readonly summary?: string
  readonly message?: string
  readonly range?: { readonly start: number; readonly end: number }
}

function faultOf(error: CelError, code: 'cel-syntax' | 'cel-type', length: number): CelFault {
  const { start, end } = error.range ?? { start: 0, end: length }
  const message = (error.summary ?? 'the condition cannot be read')
    .replace('Unexpected token: EOF', 'the condition ends too early')
    .replace(/google\.protobuf\.([TD])/g, (_, initial: string) => initial.toLowerCase())
  const hint = overloads(message)
  return {
    ...{ code, start, end, message: message.charAt(0).toLowerCase() + message.slice(1, 300) },
    ...(hint === undefined ? {} : { hint }),
  }
}

/** What an operator takes, in the types facts have; the library says only what it does not take. */
const TAKES: readonly (readonly [operators: readonly string[], takes: string])[] = [
  [['==', '!='], '`==` and `!=` take two values of one type'],
  [
    ['<', '<=', '>', '>='],
    'order takes two of int, two of string, two of timestamp or two of duration',
  ],
  [['+'], '`+` takes timestamp and duration, two durations, two of int or two of string'],
  [['-'], '`-` takes one or two of int, two timestamps, timestamp and duration or two durations'],
  [['*', '/', '%'], '`*`, `/` and `%` take two of int'],
  [['in'], '`in` takes a value and a list of its type'],
  [['&&', '||', '!'], '`&&`, `||` and `!` take bool'],
]

/** How a function is called. */
const SIGNATURES: Readonly<Record<string, string>> = {
  strikes: '`strikes("spam.*")` or `strikes("spam.*", "90d")`',
  duration: '`duration("24h")`',
  timestamp: '`timestamp("2026-01-31T00:00:00Z")`',
  size: '`size(…)` of a string or a list',
  startsWith: '`….startsWith("…")` of a string',
  endsWith: '`….endsWith("…")` of a string',
  contains: '`….contains("…")` of a string',
}

function overloads(message: string): string | undefined {
  const [, called] = /no matching overload for '(?:.*\.)?(\w+)\(/i.exec(message) ?? []
  if (called !== undefined) return SIGNATURES[called] && `expected ${SIGNATURES[called]}`
  const [, written] = /no such overload: (.+)$/i.exec(message) ?? []
  if (written === undefined) return undefined
  const fits = (one: string): boolean => written.includes(` ${one} `) || written.startsWith(one)
  return TAKES.find(([operators]) => operators.some(fits))?.[1]
}

/** The syntax tree of a CEL text. */
export function parseCel(source: string): Result<ASTNode, CelFault> {
  try {
    return ok(environment.parse(source).ast)
  } catch (error) {
    return err(faultOf(error as CelError, 'cel-syntax', source.length))
  }
}

/** Null when the text has type bool in the environment of facts. */
export function checkCelType(source: string): CelFault | null {
  const checked = environment.check(source)
  if (!checked.valid) return faultOf(checked.error as CelError, 'cel-type', source.length)
  if (checked.type === 'bool') return null
  return {
    code: 'cel-type',
    start: 0,
    end: source.length,
    message: `condition has type ${checked.type}, expected bool`,
  }
}

/** Evaluates one part of a checked condition over plain values; throws what the library throws. */
export function compileCel(node: ASTNode): (values: Record<string, unknown>) => unknown {
  return environment.parse(celText(node))
}
