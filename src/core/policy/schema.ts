/**
 * The JSON Schema that editors use, from the same table that reads policies (syntax.ts).
 *
 * It knows form only; ladders, references and conditions are judged by the compiler. The committed copy
 * policies/policy.schema.json is written by scripts/write-policy-schema.ts and held in step by a test.
 */
import type { JsonSchema } from './shape.ts'
import { POLICY } from './syntax.ts'

/** JSON Schema (draft 7, which editors understand best) of a policy file. */
export function policySchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'livegate policy/v1',
    description: 'Who may go live: generated from src/core/policy/syntax.ts, do not edit.',
    ...POLICY.schema,
  }
}

/** The exact text of policies/policy.schema.json. */
export function policySchemaText(): string {
  return `${JSON.stringify(policySchema(), null, 2)}\n`
}
