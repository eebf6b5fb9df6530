/**
 * A part of a condition back to CEL text, so that the library can parse and evaluate it by itself.
 *
 * The library's own serializer (8.0.0) drops parentheses that matter: `a - (1 - 2)` becomes `a - 1 - 2`. Here every
 * needed pair is written and no other, so the text never nests deeper than the author's. Covers the profile only.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { childrenOf } from './cel-nodes.ts'

/** How tightly operators bind; what is missing here is a primary expression. */
const BINDING: Readonly<Record<string, number>> = {
  '?:': 1,
  '||': 2,
  '&&': 3,
  '==': 4,
  '!=': 4,
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  in: 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
  '%': 7,
  '!_': 8,
  '-_': 8,
}
const PRIMARY = 9

/** Text that parses to the same tree. Literals are copied from the source as written. */
export function celText(node: ASTNode): string {
  switch (node.op) {
    case 'value':
      return node.input.slice(node.start, node.end)
    case 'id':
      return node.args
    case '.':
      return `${inside(node.args[0], PRIMARY)}.${node.args[1]}`
    case 'call':
      return `${node.args[0]}(${node.args[1].map(celText).join(', ')})`
    case 'rcall':
      return `${inside(node.args[1], PRIMARY)}.${node.args[0]}(${node.args[2].map(celText).join(', ')})`
    case 'list':
      return `[${node.args.map(celText).join(', ')}]`
    default:
      return operatorText(node)
  }
}

function operatorText(node: ASTNode): string {
  const binding = BINDING[node.op] ?? PRIMARY
  const [first, second, third] = childrenOf(node)
  if (first === undefined) return ''
  if (second === undefined) return `${node.op.charAt(0)}${inside(first, binding)}`
  if (third === undefined)
    return `${inside(first, binding)} ${node.op} ${inside(second, binding + 1)}`
  return `${inside(first, binding + 1)} ? ${celText(second)} : ${celText(third)}`
}

/** In parentheses when it binds less tightly than `least`. */
function inside(node: ASTNode, least: number): string {
  return (BINDING[node.op] ?? PRIMARY) < least ? `(${celText(node)})` : celText(node)
}
