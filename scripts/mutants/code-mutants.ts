/**
 * Every small change of a TypeScript source that a test ought to notice: one operator, condition, literal, call or
 * statement at a time.
 *
 * Works on the syntax tree of the parser that vitest brings, and only ever splices the text, so that a mutant differs
 * from the source in nothing else. Types are not looked at. A mutation framework would bring 177 packages for this file.
 * Next: code-run.ts.
 */
import { parseAst } from 'vitest/node'

export interface CodeMutant {
  /** The source line, what changed on it and, where a line has several alike, which; no line number, so it lasts. */
  readonly id: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly from: string
  readonly to: string
  /** The whole source with the change. */
  readonly text: string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [member: string]: unknown
}

interface Change {
  readonly start: number
  readonly end: number
  readonly to: string
}

/** The mutants of a source, in its order. */
export function codeMutants(file: string, source: string): CodeMutant[] {
  const changes: Change[] = []
  visit(parseAst(source, { lang: 'ts' }) as unknown as Node, (node, within) => {
    for (const change of changesOf(node, within, source)) changes.push(change)
  })
  changes.sort((a, b) => a.start - b.start || a.end - b.end)
  const seen = new Map<string, number>()
  return changes.map((change) => {
    const { line, column, text: whole } = placeOf(source, change.start)
    const from = brief(source.slice(change.start, change.end))
    const to = brief(change.to)
    const name = `${file}: ${whole.trim()} | ${from} -> ${to}`
    const nth = (seen.get(name) ?? 0) + 1
    seen.set(name, nth)
    const text = source.slice(0, change.start) + change.to + source.slice(change.end)
    return { id: nth === 1 ? name : `${name} (${nth})`, file, line, column, from, to, text }
  })
}

/** All expressions and statements with the node around them; nothing of types, imports and names of members. */
function visit(node: Node, see: (node: Node, around: Node | null) => void): void {
  const inner = (value: unknown, around: Node): void => {
    if (Array.isArray(value)) for (const one of value) inner(one, around)
    else if (isNode(value) && !isSkipped(value)) {
      see(value, around)
      for (const [key, member] of Object.entries(value))
        if (!SKIPPED_MEMBERS.has(key)) inner(member, value)
    }
  }
  inner(node.body, node)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

const TYPED = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']
const SKIPPED_MEMBERS = new Set(['typeAnnotation', 'returnType', 'typeParameters', 'typeArguments'])

function isSkipped({ type }: Node): boolean {
  return (type.startsWith('TS') && !TYPED.includes(type)) || type === 'ImportDeclaration'
}

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '==': ['!='],
  '!=': ['=='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '&': ['|'],
  '|': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '++': ['--'],
  '--': ['++'],
}

/** A method for its opposite; null: the call is left out and what it was called on stays. */
const METHODS: Readonly<Record<string, string | null>> = {
  min: 'max',
  max: 'min',
  some: 'every',
  every: 'some',
  push: 'unshift',
  findLastIndex: 'findIndex',
  sort: null,
  toSorted: null,
  toReversed: null,
  filter: null,
  slice: null,
}

function changesOf(node: Node, around: Node | null, source: string): readonly Change[] {
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression':
      return operatorChanges(node, source)
    case 'UpdateExpression': {
      const { operator, prefix, start, end } = node
      const at = prefix === true ? start : end - 2
      return (OPERATORS[String(operator)] ?? []).map((to) => ({ start: at, end: at + 2, to }))
    }
    case 'UnaryExpression':
      if (node.operator !== '!' && node.operator !== '-') return []
      return [{ start: node.start, end: node.start + 1, to: '' }]
    case 'ConditionalExpression':
    case 'IfStatement':
      return ['true', 'false'].map((to) => ({ ...rangeOf(node.test), to }))
    case 'WhileStatement':
      return [{ ...rangeOf(node.test), to: 'false' }]
    case 'ForStatement':
      return isNode(node.test) ? [{ ...rangeOf(node.test), to: 'false' }] : []
    case 'CallExpression':
      return methodChanges(node, source)
    case 'ExpressionStatement':
    case 'ContinueStatement':
    case 'BreakStatement':
      return [{ start: node.start, end: node.end, to: '{}' }]
    case 'ArrayExpression':
      return (node.elements as unknown[]).length === 0
        ? []
        : [{ start: node.start, end: node.end, to: '[]' }]
    case 'Literal':
      return literalChanges(node, around)
    default:
      return []
  }
}

/** The operator stands somewhere between its operands; beside it there may only be brackets. */
function operatorChanges(node: Node, source: string): readonly Change[] {
  const operator = String(node.operator)
  const start = source.indexOf(operator, rangeOf(node.left).end)
  const ends = start + operator.length
  if (start < 0 || ends > rangeOf(node.right).start) return []
  return (OPERATORS[operator] ?? []).map((to) => ({ start, end: ends, to }))
}

function methodChanges(node: Node, source: string): readonly Change[] {
  const callee = node.callee as Node
  if (callee.type !== 'MemberExpression' || callee.computed === true) return []
  const { start, end } = rangeOf(callee.property)
  const name = source.slice(start, end)
  // `toString` is not one of them.
  const to = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined
  if (to === undefined) return []
  if (to !== null) return [{ start, end, to }]
  return [{ start: rangeOf(callee.object).end, end: node.end, to: '' }]
}

function literalChanges(node: Node, around: Node | null): readonly Change[] {
  const { start, end, value } = node
  if (around?.type === 'Property' && around.key === node) return []
  if (typeof value === 'boolean') return [{ start, end, to: String(!value) }]
  if (typeof value === 'number') return [{ start, end, to: String(value + 1) }]
  if (typeof value === 'string') return [{ start, end, to: value === '' ? "'mutant'" : "''" }]
  return []
}

function rangeOf(node: unknown): { readonly start: number; readonly end: number } {
  if (!isNode(node)) throw new TypeError('expected a node')
  return { start: node.start, end: node.end }
}

function placeOf(source: string, at: number): { line: number; column: number; text: string } {
  const begin = source.lastIndexOf('\n', at - 1) + 1
  const end = source.indexOf('\n', at)
  const line = source.slice(0, begin).split('\n').length
  return { line, column: at - begin + 1, text: source.slice(begin, end < 0 ? source.length : end) }
}

function brief(text: string): string {
  return text.replace(/\s+/g, ' ')
}
