/**
 * YAML that people hand to a command: one document, no aliases, and a word of ours for what the parser gives up on.
 *
 * Policies and test files have a reader of their own with positions for everything (core/policy/document.ts).
 */
import { type Document, isAlias, type ParseOptions, parseDocument, visit } from 'yaml'

export interface YamlFault {
  /** Offset into the text. */
  readonly offset: number
  readonly message: string
}

/** The document of `text`, and the first thing wrong with it; null when nothing is. */
export function readYaml(
  text: string,
  options: ParseOptions & { readonly stringKeys?: boolean } = {},
): { readonly document: Document.Parsed; readonly fault: YamlFault | null } {
  const document = parseDocument(text, options)
  return { document, fault: faultOf(document) }
}

function faultOf(document: Document.Parsed): YamlFault | null {
  const error = document.errors[0]
  if (error === undefined) return aliasIn(document)
  const message =
    error.code === 'RESOURCE_EXHAUSTION'
      ? 'it is nested too deep'
      : (error.message.split('\n')[0] ?? 'not YAML')
  return { offset: error.pos[0], message }
}

/** An alias can name a text a thousand times over, or itself. */
function aliasIn(document: Document.Parsed): YamlFault | null {
  let fault: YamlFault | null = null
  visit(document, (_, node) => {
    if (!isAlias(node)) return undefined
    fault = { offset: node.range?.[0] ?? 0, message: 'aliases are not accepted' }
    return visit.BREAK
  })
  return fault
}
