/**
 * The JSON Schema editors use for test files, from the same table that reads them (test-file-syntax.ts).
 *
 * It knows form only. The committed copy policies/policy-test.schema.json is written by scripts/write-policy-schema.ts
 * and held in step by a test.
 */
import type { JsonSchema } from './shape.ts'
import { TEST_FILE } from './test-file-syntax.ts'

/** JSON Schema (draft 7) of `<name>.test.yaml`. */
export function testFileSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Tests of a livegate policy',
    description: 'What must hold: generated from src/core/policy/test-file-syntax.ts, do not edit.',
    ...TEST_FILE.schema,
  }
}

/** The exact text of policies/policy-test.schema.json. */
export function testFileSchemaText(): string {
  return `${JSON.stringify(testFileSchema(), null, 2)}\n`
}
