import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocument } from 'yaml'
import { SEVERITIES } from '../../../src/core/model.ts'
import { CATEGORIES, findCategory, isKnownCategory } from '../../../src/core/policy/categories.ts'
import { placeInFile } from '../../../src/core/policy/cel-position.ts'
import { policySchemaText } from '../../../src/core/policy/schema.ts'
import {
  CATEGORY_PATTERN,
  knownCategories,
  matchesCategory,
  parseSeverity,
  selectorOf,
  suggestPattern,
} from '../../../src/core/policy/selector.ts'
import { suggest } from '../../../src/core/policy/suggest.ts'
import { PLACEHOLDERS, renderTemplate } from '../../../src/core/policy/template.ts'

describe('categories', () => {
  it('are the committed vector, entry by entry', () => {
    const vector = readFileSync(
      new URL('../../vectors/categories/categories.json', import.meta.url),
      'utf8',
    )
    expect(CATEGORIES).toEqual(JSON.parse(vector))
  })

  it('have unique dotted ids that are patterns themselves', () => {
    expect(new Set(CATEGORIES.map(({ id }) => id)).size).toBe(CATEGORIES.length)
    for (const { id, default_severity } of CATEGORIES) {
      expect(id).toMatch(/^[a-z_]+\.[a-z_]+$/)
      expect(id).toMatch(CATEGORY_PATTERN)
      expect(SEVERITIES).toContain(default_severity)
    }
  })

  it('are terms only exactly when the DSA category is, or none was stated', () => {
    expect(findCategory('spam.bulk')?.terms_only).toBe(true)
    expect(findCategory('unspecified.notice')?.terms_only).toBe(true)
    expect(findCategory('terrorism.link')?.terms_only).toBe(false)
  })

  it('are known by id, own members of objects are not', () => {
    expect(
      ['terrorism.link', 'terrorism', 'constructor', '__proto__', ''].map(isKnownCategory),
    ).toEqual([true, false, false, false, false])
  })
})

describe('a selector', () => {
  const cases: readonly (readonly [patterns: string[], category: string, selected: boolean])[] = [
    [['*'], 'anything.at.all', true],
    [['terrorism.*'], 'terrorism.link', true],
    [['terrorism.*'], 'terrorism.link.video', true],
    [['terrorism.*'], 'terrorism', false],
    [['terrorism.*'], 'terrorismx.link', false],
    [['terrorism'], 'terrorism', true],
    [['terrorism.link'], 'terrorism.link.video', false],
    [['spam.*', 'terrorism.link'], 'terrorism.link', true],
    [[], 'terrorism.link', false],
  ]
  it.each(cases)('of %j takes %s: %s', (patterns, category, selected) => {
    expect(matchesCategory(selectorOf(patterns), category)).toBe(selected)
  })

  it('does not depend on order or repetition', () => {
    expect(selectorOf(['b.*', 'a.*', 'b.*', 'x.y'])).toEqual(
      selectorOf(['x.y', 'a.*', 'b.*', 'x.y']),
    )
  })

  it('knows what a pattern covers and what was meant', () => {
    expect(knownCategories('terrorism.*')).toEqual(['terrorism.content', 'terrorism.link'])
    expect(suggestPattern('terrorism')).toBe('terrorism.*')
    expect(suggestPattern('terorism.link')).toBe('terrorism.link')
    expect(suggestPattern('entirely.else')).toBeUndefined()
  })

  const severities: readonly (readonly [string, readonly string[] | null])[] = [
    ['high', ['high']],
    ['high..', ['high', 'critical']],
    ['..low', ['low']],
    ['low..critical', ['low', 'medium', 'high', 'critical']],
    ['medium..medium', ['medium']],
    ['high..low', null],
    ['..', null],
    ['low..medium..high', null],
    ['', null],
    ['grave', null],
  ]
  it.each(severities)('reads the severity %j as %j', (text, expected) => {
    const parsed = parseSeverity(text)
    expect(parsed.ok ? parsed.value : null).toEqual(expected)
  })
})

describe('suggestions', () => {
  const words = ['count', 'outcome', 'when', 'obligations']
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['cout', 'count'],
    ['otucome', 'outcome'],
    ['wen', 'when'],
    ['Obligation', 'obligations'],
    ['x', undefined],
    ['ladder', undefined],
    ['', undefined],
  ]
  it.each(cases)('%j: %s', (word, near) => {
    expect(suggest(word, words)).toBe(near)
  })
})

describe('a template', () => {
  it('is filled, and what has no value is empty', () => {
    expect(renderTemplate('until {until} for {category}.', { until: 'May' })).toBe(
      'until May for .',
    )
  })

  it('is never filled twice: a value with braces stays as it is', () => {
    expect(renderTemplate('{clause}', { clause: '{until}', until: 'x' })).toBe('{until}')
  })

  it('can use every placeholder of the closed list', () => {
    const all = Object.fromEntries(PLACEHOLDERS.map((name) => [name, name.toUpperCase()]))
    expect(renderTemplate(PLACEHOLDERS.map((name) => `{${name}}`).join(), all)).toBe(
      PLACEHOLDERS.join().toUpperCase(),
    )
  })
})

describe('the schema for editors', () => {
  it('is the committed file; after a change run scripts/write-policy-schema.ts', () => {
    const file = readFileSync(
      new URL('../../../policies/policy.schema.json', import.meta.url),
      'utf8',
    )
    expect(file).toBe(policySchemaText())
  })
})

describe('a place inside a text of YAML', () => {
  it('is found again however the text is written', () => {
    const word = fc.stringMatching(/^[a-z][a-z"'\\é<&| ]{0,8}[a-z]$/)
    const style = fc.constantFrom(
      'PLAIN',
      'QUOTE_SINGLE',
      'QUOTE_DOUBLE',
      'BLOCK_LITERAL',
      'BLOCK_FOLDED',
    )
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        style,
        fc.nat(),
        (words, type, pick) => {
          const value = words.join(type === 'BLOCK_LITERAL' ? '\n' : ' ')
          const doc = parseDocument('a: x\nb:\n  c: x\n')
          const node = doc.createNode(value)
          Object.assign(node, { type })
          doc.setIn(['b', 'c'], node)
          const text = doc.toString({ lineWidth: 30 })
          const parsed = parseDocument(text).getIn(['b', 'c'], true) as never as { value: string }
          const at = pick % value.length
          const { start } = placeInFile(parsed as never, parsed.value, text, {
            start: at,
            end: at + 1,
          })
          const written = value[at] ?? ''
          const found =
            text[start] === '\\' && type === 'QUOTE_DOUBLE' ? text[start + 1] : text[start]
          if (/\s/.test(written)) expect(found).toMatch(/\s/)
          else expect(found).toBe(written)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
