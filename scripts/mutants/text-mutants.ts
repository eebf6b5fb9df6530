/**
 * Mistakes made in the text of a policy: inside an expression one operator for its neighbour or one number one up or
 * down; and a sentence or a way to appeal left out, which the author's own lint may notice.
 *
 * Each is compiled as an author's would be; what does not compile is no mutant, for the compiler has noticed.
 */
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { utf8 } from '../../src/core/encoding.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { mutantsOf, type PlanMutant } from '../../tests/core/policy/cases/mutants.ts'

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '&&': ['||'],
  '||': ['&&'],
  '==': ['!='],
  '!=': ['=='],
  '<=': ['<', '>'],
  '>=': ['>', '<'],
  '<': ['<=', '>='],
  '>': ['>=', '<='],
  '!': [''],
}

/** A mutant that an author could have written. */
export interface TextMutant extends PlanMutant {
  readonly text: string
}

export function textMutants(text: string): TextMutant[] {
  return [...expressionMutants(text), ...leftOut(text)]
}

/** Of all expressions but those of invariants, which belong to the proofs. */
function expressionMutants(text: string): TextMutant[] {
  const numbers = mutantsOf(text)
    .filter(([first]) => first !== undefined && /\.(when|unless): /.test(first.name))
    .flatMap((ways) => firstThatCompiles(ways))
  const operators = expressionsOf(text).flatMap(({ path, start, end }) => {
    const source = text.slice(start, end)
    return [...source.matchAll(/&&|\|\||[=!<>]=|[<>!]/g)].flatMap(({ 0: operator, index }) =>
      (OPERATORS[operator] ?? []).flatMap((other) => {
        const changed = source.slice(0, index) + other + source.slice(index + operator.length)
        const name = `${path}: ${source} -> ${changed}`
        return firstThatCompiles([{ name, text: text.slice(0, start) + changed + text.slice(end) }])
      }),
    )
  })
  return [...numbers, ...operators]
}

function firstThatCompiles(
  ways: readonly { readonly name: string; readonly text: string }[],
): TextMutant[] {
  for (const { name, text } of ways) {
    const plan = planOf(text)
    if (plan !== null) return [{ name, plan, text }]
  }
  return []
}

/** Without one sentence, or without a way to appeal. */
function leftOut(text: string): TextMutant[] {
  const rules = parseDocument(text).get('rules')
  if (!isSeq(rules)) return []
  return rules.items.flatMap((rule, i) => {
    if (!isMap(rule)) return []
    const because = rule.get('because')
    const languages = isMap(because) ? because.items.map(({ key }) => String(key)) : []
    const members = [
      ...(languages.length === 1 ? [['because']] : languages.map((one) => ['because', one])),
      ...(rule.has('appeal') ? [['appeal']] : []),
    ]
    return members.flatMap((path) => {
      const changed = parseDocument(text)
      changed.deleteIn(['rules', i, ...path])
      const name = `rules.${String(rule.get('id'))}.${path.join('.')}: dropped`
      return firstThatCompiles([{ name, text: String(changed) }])
    })
  })
}

function planOf(text: string): Plan | null {
  const compiled = compilePolicy(utf8(text), { file: 'mutant.yaml' })
  return compiled.ok ? compiled.value.plan : null
}

interface Expression {
  readonly path: string
  readonly start: number
  readonly end: number
}

function expressionsOf(text: string): Expression[] {
  const found: Expression[] = []
  const visit = (node: unknown, path: string): void => {
    if (isMap(node))
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : ''
        const inner = path === '' ? name : `${path}.${name}`
        if (isScalar(value) && (name === 'when' || name === 'unless')) {
          const [start = 0, end = 0] = value.range ?? []
          found.push({ path: inner, start, end })
        } else if (inner !== 'invariants') visit(value, inner)
      }
    else if (isSeq(node))
      node.items.forEach((item, i) => {
        const id = isMap(item) ? item.get('id') : undefined
        visit(item, `${path}.${typeof id === 'string' ? id : i}`)
      })
  }
  visit(parseDocument(text).contents, '')
  return found
}
