/** Writes policies/policy.schema.json. Run after a change of src/core/policy/syntax.ts: `node scripts/write-policy-schema.ts`. */
import { writeFileSync } from 'node:fs'
import { policySchemaText } from '../src/core/policy/schema.ts'

writeFileSync(new URL('../policies/policy.schema.json', import.meta.url), policySchemaText())
