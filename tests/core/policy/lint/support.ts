/** Policies of the lint tests: fragments made whole, linted at one instant, with or without cases beside them. */
import { utf8 } from '../../../../src/core/encoding.ts'
import {
  type LintReport,
  type LintTests,
  lintPolicy,
} from '../../../../src/core/policy/lint/lint.ts'
import { policySchema } from '../../../../src/core/policy/schema.ts'
import { parseTestFile } from '../../../../src/core/policy/test-file.ts'
import { epochMs } from '../../../../src/core/time.ts'

/** The instant every policy here is linted at. */
export const NOW: ReturnType<typeof epochMs> = epochMs(Date.UTC(2026, 0, 31))

/** Lints a whole policy. `tests` is the text of a test file; without, nobody looked for one. */
export function lintText(text: string, tests?: string | readonly LintTests[]): LintReport {
  const beside = typeof tests === 'string' ? [testsOf(tests)] : tests
  return lintPolicy(utf8(text), {
    file: 'p.yaml',
    now: NOW,
    ...(beside === undefined ? {} : { tests: beside }),
  })
}

function testsOf(text: string): LintTests {
  const parsed = parseTestFile(utf8(text), { file: 'p.test.yaml' })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return { file: 'p.test.yaml', cases: parsed.value.cases }
}

/** Codes of what is open, in reading order. */
export function codesOf(report: LintReport): readonly string[] {
  return report.diagnostics.map(({ code }) => code)
}

const TOP = Object.keys((policySchema() as { properties: object }).properties)
const RULE = 'rules:\n  - { id: calm, when: incident.active, outcome: allow, lease: 1h }'

/** A whole policy around top-level members or a list of rules. */
export function whole(fragment: string): string {
  const keys = [...fragment.matchAll(/^([a-z_]+):/gm)].map(([, key = '']) => key)
  const head = ['livegate: policy/v1', 'name: p'].filter(
    (line) => !keys.includes(line.split(':')[0] ?? ''),
  )
  const isRules = /^(#.*\n)*- /.test(fragment)
  if (!isRules && keys.some((key) => !TOP.includes(key))) throw new Error(`what is ${fragment}?`)
  if (isRules) return [...head, 'rules:', fragment.replace(/^(?=.)/gm, '  '), ''].join('\n')
  return [...head, fragment, ...(keys.includes('rules') ? [] : [RULE]), ''].join('\n')
}
