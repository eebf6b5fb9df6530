import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { COMPILE_CODES } from '../../../src/core/policy/diagnostic.ts'
import { FACTS } from '../../../src/core/policy/environment.ts'
import { policySchema } from '../../../src/core/policy/schema.ts'

const spec = readFileSync(new URL('../../../docs/spec/policy-syntax.md', import.meta.url), 'utf8')

/** Codes of what is said about `text`; empty when it is accepted without a warning. */
function codesOf(text: string): readonly string[] {
  const result = compilePolicy(new TextEncoder().encode(text), { file: 'p.yaml' })
  return (result.ok ? result.value.warnings : result.error).map(({ code }) => code)
}

describe('docs/spec/policy-syntax.md', () => {
  it('has an example that compiles, the one the tests use', () => {
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(spec) ?? []
    expect(example).toBe(readFileSync(new URL('example.yaml', import.meta.url), 'utf8'))
    expect(codesOf(example)).toEqual([])
  })

  it('lists exactly the facts there are', () => {
    const rows = [
      ...spec.matchAll(/^\| `([a-z_.]+)` \| (timestamp|int|string|bool|list<string>) \|/gm),
    ]
    expect(rows.map(([, path, type]) => [path, type])).toEqual(
      [...FACTS.values()].map(({ path, type }) => [path, type]),
    )
  })

  it('links exactly the compile codes there are', () => {
    const linked = [...spec.matchAll(/\]\(\.\.\/checks\/([a-z-]+)\.md\)/g)].map(([, code]) => code)
    expect(linked).toEqual([...COMPILE_CODES])
  })

  it('names every member of the syntax', () => {
    const names = new Set<string>()
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return
      for (const [key, value] of Object.entries(schema)) {
        if (key === 'properties') for (const name of Object.keys(value as object)) names.add(name)
        walk(value)
      }
    }
    walk(policySchema())
    expect(names.size).toBeGreaterThan(40)
    expect(
      [...names].filter((name) => !new RegExp(`\`[^\`\n]*\\b${name}\\b[^\`\n]*\``).test(spec)),
    ).toEqual([])
  })
})

const TOP = Object.keys((policySchema() as { properties: object }).properties)

/** A whole policy around a fragment: top-level members, rules, or members of one rule. */
function embed(fragment: string): string {
  const indented = (by: string): string => fragment.replace(/^(?=.)/gm, by)
  const keys = [...fragment.matchAll(/^([a-z_]+):/gm)].map(([, key = '']) => key)
  const has = (key: string): boolean => keys.includes(key)
  const head = ['livegate: policy/v1', 'name: t'].filter((line) => !has(line.split(':')[0] ?? ''))
  const rules = 'rules: [{ id: probation, when: incident.active, outcome: deny }]'
  if (fragment.startsWith('- ')) return [...head, 'rules:', indented('  ')].join('\n')
  if (keys.every((key) => TOP.includes(key)))
    return [...head, ...(has('rules') ? [] : [rules]), fragment].join('\n')
  const law = has('ground') ? ['reference: Art. 1', 'jurisdiction: EU'] : []
  const counted = has('ladder') || has('within') || has('since')
  const inCount = keys.filter((key) => ['within', 'since'].includes(key))
  if (inCount.length > 0) {
    const [first = ''] = fragment.split('\n')
    return embed(`count: { category: "*", ${first.replace(/\s*#.*/, '')} }`)
  }
  const rest = [
    ...law,
    ...(has('outcome') ? [] : ['outcome: deny']),
    ...(has('count') || (has('when') && !counted)
      ? []
      : [counted ? 'count: { category: "*" }' : 'when: true']),
  ]
  return [
    ...head,
    'rules:',
    '  - id: a',
    indented('    '),
    ...rest.map((line) => `    ${line}`),
  ].join('\n')
}

describe('a page of docs/checks', () => {
  /** Their input cannot be written down in a page. */
  const inWords = ['too-large', 'encoding', 'too-many']
  const codes = COMPILE_CODES.filter((code) => !inWords.includes(code))

  it.each(codes)('%s: what to avoid is reported, what to prefer is not', (code) => {
    const page = readFileSync(new URL(`../../../docs/checks/${code}.md`, import.meta.url), 'utf8')
    const [avoid = '', prefer = ''] = [...page.matchAll(/```yaml\n([\s\S]*?)\n```/g)].map(
      ([, text = '']) => text,
    )
    expect(codesOf(embed(avoid))).toContain(code)
    expect(codesOf(embed(prefer))).toEqual([])
  })
})
