/**
 * The random policies of the other properties leave no form of the language out.
 *
 * What there is to be met comes from where the language is defined: members and words from the syntax table, facts from
 * the environment of conditions, operators and functions from the profile in docs/spec/policy-syntax.md, parameters of
 * obligations from docs/spec/policy.md. A new form without a random policy that uses it fails here.
 */
import { readFileSync } from 'node:fs'
import type { ASTNode } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCel } from '../../src/core/policy/cel-library.ts'
import { callOf, factOf, isComparison, nodesOf } from '../../src/core/policy/cel-nodes.ts'
import { FACTS } from '../../src/core/policy/environment.ts'
import { policySchema } from '../../src/core/policy/schema.ts'
import { aRandomPolicy, type Json } from '../support/policy-arbitraries.ts'

/** The seed is fixed: which policies are met must not change from run to run. */
const POLICIES = fc.sample(aRandomPolicy, { numRuns: 600, seed: 20_260_131 })

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
}

/** `rules.outcome=deny`: every member, and every word a member may be. */
function membersOf(schema: Schema, path = ''): string[] {
  const inner = [
    schema.items,
    ...(schema.anyOf ?? []),
    ...Object.values(schema.patternProperties ?? {}),
  ]
  return [
    ...(schema.enum ?? []).map((word) => `${path}=${word}`),
    ...inner.flatMap((part) => (part === undefined ? [] : membersOf(part, path))),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
      const place = path === '' ? name : `${path}.${name}`
      return [place, ...membersOf(part, place)]
    }),
  ]
}

/** The same of a policy; the keys of ladders, expiries, obligations and sentences are no members. */
function used(value: unknown, known: ReadonlySet<string>, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => used(item, known, path))
  if (typeof value !== 'object' || value === null) return [`${path}=${value}`]
  return Object.entries(value).flatMap(([name, part]) => {
    const place = path === '' ? name : `${path}.${name}`
    return known.has(place) ? [place, ...used(part, known, place)] : used(part, known, path)
  })
}

type Rule = Readonly<Record<string, unknown>>
const rules = POLICIES.flatMap((policy) => policy.rules as readonly Rule[])
const exempt = POLICIES.flatMap((policy) => policy.exempt as readonly { readonly when: string }[])

function nodes(texts: readonly unknown[]): ASTNode[] {
  return texts.flatMap((text) => {
    if (typeof text !== 'string') return []
    const parsed = parseCel(text)
    return parsed.ok ? [...nodesOf(parsed.value)] : []
  })
}
const whens = nodes(rules.map(({ when }) => when))
const unlesses = nodes(rules.map(({ unless }) => unless))
const exemptions = nodes(exempt.map(({ when }) => when))
const everywhere = [...whens, ...unlesses, ...exemptions]

describe('random policies use', () => {
  it('every member of the syntax table, and every word such a member may be', () => {
    const all = membersOf(policySchema() as Schema)
    const known = new Set(all)
    const met = new Set(
      POLICIES.flatMap((policy) => used({ livegate: 'policy/v1', name: 'x', ...policy }, known)),
    )
    expect(all.length).toBeGreaterThan(60)
    expect(all.filter((member) => !met.has(member))).toEqual([])
  })

  it('every operator and function of the CEL profile', () => {
    const syntax = readFileSync('docs/spec/policy-syntax.md', 'utf8')
    const [profile = ''] = /^In the profile: .*?\n\n/ms.exec(syntax) ?? []
    const words = [...profile.matchAll(/`([^`]+)`/g)]
      .map(([, text = '']) => text)
      .filter((text) => !/^\d/.test(text))
      .flatMap((text) =>
        /^\w+\(/.test(text) ? [text.slice(0, text.indexOf('('))] : text.split(' '),
      )
    const met = new Set(everywhere.flatMap(wordsOf))
    expect(words).toContain('exists_one')
    expect(words.filter((word) => !met.has(word))).toEqual([])
  })

  it('every fact a condition may read', () => {
    const met = new Set(everywhere.map((node) => factOf(node)?.path))
    expect([...FACTS.keys()].filter((path) => !met.has(path))).toEqual([])
  })

  it('every spelling of "at least k", with and without window, of each polarity', () => {
    for (const place of [whens, exemptions]) {
      const met = new Set(place.map(countForm))
      for (const form of ['S >= k', 'S > k', 'k <= S', 'k < S'])
        for (const window of ['ever', 'within']) expect(met).toContain(`${form} ${window}`)
    }
  })

  it('every parameter of obligations that has a direction', () => {
    const meaning = readFileSync('docs/spec/policy.md', 'utf8')
    const [table = ''] = /\| parameter \| stricter \|.*?\n\n/s.exec(meaning) ?? []
    const directed = [...table.matchAll(/`([a-z_]+\.[a-z]+|m(?:ax|in)_)/g)].map(([, name]) => name)
    const asked = rules.flatMap(({ obligations }) => (obligations ?? []) as readonly Json[])
    const met = new Set(
      asked.flatMap(({ type, ...parameters }) =>
        Object.keys(parameters).flatMap((name) => [`${type}.${name}`, name.slice(0, 4)]),
      ),
    )
    expect(directed).toHaveLength(9)
    expect(directed.filter((name) => !met.has(name ?? ''))).toEqual([])
  })

  it('steps that warn, gaps between steps, steps without end; single words, ranges and lists; grouping', () => {
    const ladders = rules.flatMap(({ ladder }) => (ladder === undefined ? [] : [ladder as object]))
    const counts = rules.flatMap(({ count }) => (count === undefined ? [] : [count as Rule]))
    const groups = POLICIES.map(({ strikes }) => (strikes as Rule | undefined)?.group_within)
    const gaps = (steps: object): boolean =>
      Object.keys(steps).some((step, i, all) => i > 0 && Number(step) > Number(all[i - 1]) + 1)
    expect(ladders.some(gaps)).toBe(true)
    expect(ladders.some((steps) => Object.values(steps).includes('warn'))).toBe(true)
    expect(ladders.some((steps) => Object.values(steps).includes('forever'))).toBe(true)
    for (const name of ['category', 'severity', 'scope']) {
      expect(counts.some((count) => typeof count[name] === 'string')).toBe(true)
      expect(counts.some((count) => ((count[name] ?? []) as unknown[]).length > 1)).toBe(true)
    }
    expect(counts.some(({ severity }) => severity === 'low..high')).toBe(true)
    expect(groups.some((length) => typeof length === 'string' && length !== '0s')).toBe(true)
  })
})

/** The words of the profile a node stands for. */
function wordsOf(node: ASTNode): string[] {
  if (node.op === 'rcall') return [node.args[0]]
  const call = callOf(node)?.[0]
  if (call !== undefined) return [call]
  if (node.op === 'value') return [String(node.args)]
  return [node.op === '!_' ? '!' : node.op === '-_' ? '-' : node.op]
}

function countForm(node: ASTNode): string | null {
  if (!isComparison(node.op)) return null
  const [left, right] = node.args as [ASTNode, ASTNode]
  const [first, second] = [callOf(left), callOf(right)]
  const call = first?.[0] === 'strikes' ? first : second?.[0] === 'strikes' ? second : undefined
  if (call === undefined) return null
  const form = call === first ? `S ${node.op} k` : `k ${node.op} S`
  return `${form} ${call[1].length === 1 ? 'ever' : 'within'}`
}
