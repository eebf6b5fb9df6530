/**
 * What is wrong with a CEL text, by offsets into that text. cel-position.ts finds the place in the file.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { CompileCode } from './diagnostic.ts'

export interface CelFault {
  readonly code: CompileCode
  readonly start: number
  readonly end: number
  readonly message: string
  readonly hint?: string
}

/** Receives faults in any order. */
export type FaultSink = (fault: CelFault) => void

/** A fault at a node. */
export function faultAt(
  node: ASTNode,
  code: CompileCode,
  message: string,
  hint?: string,
): CelFault {
  return {
    code,
    start: node.start,
    end: node.end,
    message,
    ...(hint === undefined ? {} : { hint }),
  }
}

/** Something CEL has and the profile leaves out. */
export function outside(node: ASTNode, what: string, hint?: string): CelFault {
  return faultAt(node, 'cel-profile', `${what} is not in the profile livegate-cel/1`, hint)
}
