/**
 * Where to point when a finding is about a part of a rule.
 */
import { placeInFile } from '../cel-position.ts'
import type { Span } from '../diagnostic.ts'
import type { At, CelText } from '../shape.ts'
import type { LintedRule } from './check.ts'

/** The place of a fact path inside a condition, else of the whole condition. */
export function spanInCel(cel: At<CelText>, path: string, text: string): Span {
  const { source, node } = cel.value
  const found = new RegExp(`(?<![\\w."'])${path.replace('.', '\\s*\\.\\s*')}(?!\\w)`).exec(source)
  if (found === null) return { start: cel.start, end: cel.end }
  const range = { start: found.index, end: found.index + found[0].length }
  return placeInFile(node, source, text, range)
}

/** The categories a rule counts, else its id. */
export function spanOfCategories({ source }: LintedRule): Span {
  return source.count?.value.category ?? source.id
}
