/**
 * Reading CEL's syntax tree: fact paths, literals, boolean structure. Knows the profile's words, checks nothing.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { FACTS, type Fact } from './environment.ts'

/** Macros of the profile: `list.exists(x, condition)`. */
export const MACROS: ReadonlySet<string> = new Set(['exists', 'all', 'exists_one'])

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])

/** True for the six comparison operators. */
export function isComparison(op: string): op is Comparison {
  return COMPARISONS.has(op)
}

/** The same comparison with its sides exchanged. */
export function mirrored(op: Comparison): Comparison {
  const mirror = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '==': '==', '!=': '!=' } as const
  return mirror[op]
}

/** `now`, or `subject.followers` and the like; undefined for anything else and for unknown fields. */
export function factOf(node: ASTNode): Fact | undefined {
  if (node.op === 'id') return node.args === 'now' ? FACTS.get('now') : undefined
  if (node.op !== '.' || node.args[0].op !== 'id') return undefined
  return FACTS.get(`${node.args[0].args}.${node.args[1]}`)
}

/** The value of a string literal. */
export function textOf(node: ASTNode | undefined): string | undefined {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : undefined
}

/** The value of an int literal, with sign, when it is a safe integer. */
export function intOf(node: ASTNode): number | undefined {
  if (node.op === '-_') {
    const value = intOf(node.args)
    return value === undefined ? undefined : 0 - value
  }
  if (node.op !== 'value' || typeof node.args !== 'bigint') return undefined
  const value = Number(node.args)
  return Number.isSafeInteger(value) ? value : undefined
}

/** Name and arguments of a call of a function (`size(x)`), not of a method. */
export function callOf(
  node: ASTNode,
): readonly [name: string, args: readonly ASTNode[]] | undefined {
  return node.op === 'call' ? node.args : undefined
}

/** Direct parts of a node, in source order; the variable of a macro is left out. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall': {
      const [name, receiver, args] = node.args
      return MACROS.has(name) ? [receiver, ...args.slice(1)] : [receiver, ...args]
    }
    case 'list':
    case '?:':
      return node.args
    case 'map':
      return node.args.flat()
    case '!_':
    case '-_':
      return [node.args]
    default:
      return node.args
  }
}

/** Every node of the tree, parents first. */
export function* nodesOf(node: ASTNode): Generator<ASTNode> {
  yield node
  for (const child of childrenOf(node)) yield* nodesOf(child)
}

/** Facts read anywhere below, each once, sorted by path; `now` included. */
export function factsIn(node: ASTNode): readonly Fact[] {
  const found = new Map<string, Fact>()
  for (const part of nodesOf(node)) {
    const fact = factOf(part)
    if (fact !== undefined) found.set(fact.path, fact)
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
}
