/**
 * The closed profile `livegate-cel/1`: an allow list over CEL's syntax tree.
 *
 * Whatever is not named here is refused: the profile has no unbounded cost (no regular expressions, no nested
 * macros), no way to turn a missing fact into false (`has`, optionals, `dyn`), and no dependence on time that the
 * tools cannot see. Types are checked afterwards by the library. Spec: docs/spec/policy-syntax.md, "Conditions".
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { MAX_CEL_LIST, MAX_CEL_STRING } from '../limits.ts'
import { type FaultSink, faultAt, outside } from './cel-fault.ts'
import {
  callOf,
  childrenOf,
  factOf,
  intOf,
  isComparison,
  MACROS,
  nodesOf,
  textOf,
} from './cel-nodes.ts'
import { edgeOf, isTemporal, timeDifference, timeLiteral } from './cel-time.ts'
import { quote } from './diagnostic.ts'
import { FACT_ROOTS, FACTS } from './environment.ts'
import { didYouMean } from './suggest.ts'

export interface ProfileContext {
  readonly sink: FaultSink
  /** True in `unless`, the only place that reads `strike.*`. */
  readonly strike: boolean
}

/** The variable of the enclosing macro; null outside. */
type Variable = string | null

/** Reports everything under `node` that the profile leaves out. */
export function checkProfile(node: ASTNode, context: ProfileContext): void {
  walk(node, null, context)
}

function walk(node: ASTNode, variable: Variable, context: ProfileContext): void {
  if (isComparison(node.op) && childrenOf(node).some(isTemporal)) {
    checkTime(node, variable, context)
    return
  }
  if (isTemporal(node)) {
    context.sink(
      outside(
        node,
        'time outside a comparison',
        'compare it: now - subject.created_at < duration("24h")',
      ),
    )
    return
  }
  checkNode(node, variable, context)
}

function checkTime(node: ASTNode, variable: Variable, { sink, strike }: ProfileContext): void {
  let reported = false
  for (const part of nodesOf(node)) {
    const literal = timeLiteral(part)
    if (part.op === '.' && factOf(part) === undefined) {
      checkField(part, { sink, strike })
      reported = true
    }
    reported = checkStrikeFact(part, sink, strike) || reported
    if (literal === undefined || literal.ok) continue
    reported = true
    const argument = callOf(part)?.[1][0] ?? part
    const code = callOf(part)?.[0] === 'duration' ? 'bad-duration' : 'bad-instant'
    sink(
      faultAt(
        argument,
        code,
        `found ${quote(textOf(argument) ?? 'another value')}, ${literal.error}`,
      ),
    )
  }
  if (reported) return
  const difference = timeDifference(node)
  if (difference === undefined) {
    sink(outside(node, 'this use of time', TIME_HINT))
    return
  }
  const edge = edgeOf(difference)
  if (!edge.ok) sink(faultAt(node, 'cel-profile', edge.error, TIME_HINT))
  else if (variable !== null) sink(outside(node, 'time inside a macro', 'move it out of the macro'))
}

const TIME_HINT = 'add and subtract `now`, one fact and literals only'

const PLAIN_OPERATORS: ReadonlySet<string> = new Set(
  '== != < <= > >= in + - * / % && || ?: !_ -_'.split(' '),
)

function checkNode(node: ASTNode, variable: Variable, context: ProfileContext): void {
  switch (node.op) {
    case 'value':
      checkLiteral(node, context.sink)
      break
    case 'id':
      checkName(node, node.args, variable, context.sink)
      break
    case '.':
      checkField(node, context)
      break
    case 'call':
      checkCall(node, variable, context)
      break
    case 'rcall':
      checkMethod(node, variable, context)
      break
    default:
      checkOperator(node, variable, context)
      break
  }
}

function checkOperator(node: ASTNode, variable: Variable, context: ProfileContext): void {
  const { sink } = context
  if (node.op !== 'list' && !PLAIN_OPERATORS.has(node.op)) {
    sink(outside(node, node.op === 'map' ? 'a map' : 'access by `[]`'))
    return
  }
  if (node.op === 'list' && node.args.length > MAX_CEL_LIST)
    sink(outside(node, `a list of ${node.args.length} items`, `${MAX_CEL_LIST} are allowed`))
  for (const child of childrenOf(node)) walk(child, variable, context)
}

function checkLiteral(node: ASTNode, sink: FaultSink): void {
  const value = node.args as unknown
  if (typeof value === 'string') {
    if (value.length > MAX_CEL_STRING)
      sink(outside(node, `text of ${value.length} characters`, `${MAX_CEL_STRING} are allowed`))
  } else if (typeof value === 'bigint') {
    if (intOf(node) === undefined) sink(outside(node, 'a number beyond 2^53'))
  } else if (typeof value !== 'boolean')
    sink(outside(node, value === null ? '`null`' : 'a value of this kind', LITERAL_HINT))
}

const LITERAL_HINT = 'text, whole numbers, true and false are'

function checkName(node: ASTNode, name: string, variable: Variable, sink: FaultSink): void {
  if (name === variable) return
  if (FACT_ROOTS.has(name)) {
    sink(outside(node, `\`${name}\` as a whole`, 'name one of its facts'))
    return
  }
  const hint = didYouMean(name, ['now', ...FACTS.keys()])
  sink(faultAt(node, 'cel-type', `unknown name ${quote(name)}`, hint))
}

function checkField(node: ASTNode, { sink, strike }: ProfileContext): void {
  if (checkStrikeFact(node, sink, strike) || factOf(node) !== undefined) return
  const path =
    node.op === '.' && node.args[0].op === 'id' ? `${node.args[0].args}.${node.args[1]}` : null
  if (path === null) {
    sink(outside(node, 'a field of this value'))
    return
  }
  sink(faultAt(node, 'cel-type', `unknown fact ${quote(path)}`, didYouMean(path, FACTS.keys())))
}

/** Reports `strike.*` where there is no strike at hand. */
function checkStrikeFact(node: ASTNode, sink: FaultSink, strike: boolean): boolean {
  const path = factOf(node)?.path
  if (strike || path === undefined || !path.startsWith('strike.')) return false
  sink(faultAt(node, 'cel-profile', `\`${path}\` can be read in \`unless\` only`))
  return true
}

function checkCall(node: ASTNode, variable: Variable, context: ProfileContext): void {
  const [name, args] = callOf(node) ?? ['', []]
  // Its arguments and its place are checked with the polarity.
  if (name === 'strikes') return
  if (name !== 'size') {
    refuseFunction(node, name, context.sink)
    return
  }
  for (const argument of args) walk(argument, variable, context)
}

const METHODS: ReadonlySet<string> = new Set(['startsWith', 'endsWith', 'contains', 'size'])

function checkMethod(node: ASTNode, variable: Variable, context: ProfileContext): void {
  if (node.op !== 'rcall') return
  const [name, receiver, args] = node.args
  if (!MACROS.has(name) && !METHODS.has(name)) {
    refuseFunction(node, name, context.sink)
    return
  }
  walk(receiver, variable, context)
  if (!MACROS.has(name)) {
    for (const argument of args) walk(argument, variable, context)
    return
  }
  const [declared, body] = args
  if (variable !== null) {
    context.sink(outside(node, 'a macro inside a macro'))
    return
  }
  if (declared?.op !== 'id' || body === undefined) return
  if (declared.args === 'now' || FACT_ROOTS.has(declared.args))
    context.sink(outside(declared, `a macro variable named \`${declared.args}\``, 'rename it'))
  walk(body, declared.args, context)
}

const INSTEAD: Readonly<Record<string, string>> = {
  has: 'a missing fact makes the condition unknown by itself, leave `has` out',
  matches: 'use `==`, `in`, `startsWith`, `endsWith` or `contains`',
  dyn: 'facts have fixed types, leave `dyn` out',
  filter: 'use `exists`, `all` or `exists_one`',
  map: 'use `exists`, `all` or `exists_one`',
}

function refuseFunction(node: ASTNode, name: string, sink: FaultSink): void {
  const calendar = /^get[A-Z]/.test(name)
    ? 'calendar fields need a time zone, compare instants'
    : ''
  const known = ['strikes', 'size', 'duration', 'timestamp', ...METHODS, ...MACROS]
  const hint = Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : calendar || didYouMean(name, known)
  sink(outside(node, `function ${quote(name)}`, hint))
}
