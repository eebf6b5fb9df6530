/** Writes the schemas editors use. Run after a change of the syntax of policies or tests: `node scripts/write-policy-schema.ts`. */
import { writeFileSync } from 'node:fs'
import { policySchemaText } from '../src/core/policy/schema.ts'
import { testFileSchemaText } from '../src/core/policy/test-file-schema.ts'

writeFileSync(new URL('../policies/policy.schema.json', import.meta.url), policySchemaText())
writeFileSync(new URL('../policies/policy-test.schema.json', import.meta.url), testFileSchemaText())
