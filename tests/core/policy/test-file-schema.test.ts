import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { testFileSchema, testFileSchemaText } from '../../../src/core/policy/test-file-schema.ts'

const root = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('the schema of test files for editors', () => {
  it('is the committed file; after a change run scripts/write-policy-schema.ts', () =>
    expect(root('policies/policy-test.schema.json')).toBe(testFileSchemaText()))

  it('has every member, and the specification names each', () => {
    const spec = root('docs/spec/policy.md')
    const names = new Set<string>()
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return
      for (const [key, value] of Object.entries(schema)) {
        if (key === 'properties') for (const name of Object.keys(value as object)) names.add(name)
        walk(value)
      }
    }
    walk(testFileSchema())
    expect(names.size).toBeGreaterThan(50)
    const tests = spec.slice(spec.indexOf('\n## Tests'))
    expect(
      [...names].filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``).test(tests)),
    ).toEqual([])
  })
})
