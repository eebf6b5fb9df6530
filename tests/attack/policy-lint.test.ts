/** Policies nobody would write: a thousand rules that all look alike, 256 KiB of comments, damaged files. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_POLICY_BYTES, MAX_POLICY_RULES } from '../../src/core/limits.ts'
import { formatDiagnostic } from '../../src/core/policy/diagnostic.ts'
import { lintPolicy } from '../../src/core/policy/lint/lint.ts'
import { sarifOf } from '../../src/core/policy/lint/sarif.ts'
import { lintText, NOW } from '../core/policy/lint/support.ts'

const HEAD = 'livegate: policy/v1\nname: p\n'
const rules = (rule: (i: number) => string): string =>
  `${HEAD}rules:\n${Array.from({ length: MAX_POLICY_RULES }, (_, i) => ` - { id: r${i}, outcome: deny, ${rule(i)} }\n`).join('')}`
const listed = (n: number, one: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => one(i)).join(', ')

const HUGE: readonly (readonly [name: string, text: string])[] = [
  ['rules that are all the same', rules(() => 'count: { category: "*" }')],
  ['windows that grow', rules((i) => `count: { category: "*", within: ${i + 1}s, at_least: 3 }`)],
  [
    'categories that differ in the last',
    rules((i) => `count: { category: [${listed(20, (k) => `c${k}.*`)}, x${i}.*] }`),
  ],
  [
    'ladders that differ in the last step',
    rules(
      (i) =>
        `count: { category: "*" }, ladder: { ${listed(11, (k) => `${k + 1}: ${k * 9 + 9}s`)}, 12: ${9000 - i}s }`,
    ),
  ],
  [
    'scopes that differ in the last',
    rules((i) => `count: { category: "*", scope: [${listed(15, (k) => `s${k}`)}, x${i}] }`),
  ],
  [
    'exemptions that each lift every rule',
    `${rules(() => 'when: incident.active')}exempt:\n${` - { id: e0, when: subject.verified, rules: [${listed(MAX_POLICY_RULES, (i) => `r${i}`)}] }\n`.repeat(20).replace(/e0/g, (e, at) => `${e}${at}`)}`,
  ],
  [
    'suppressions that all hold for everything',
    `${'# livegate-lint: allow missing-because because y\n'.repeat(4000)}${rules(() => 'when: incident.active')}`,
  ],
  [
    'comments that are nearly suppressions',
    `${rules(() => 'when: incident.active')}${'# livegate-lint\n'.repeat(12_000)}`,
  ],
  [
    'blank comments',
    `${HEAD}${'#\n'.repeat(128_000)}rules: [{ id: a, when: true, outcome: deny }]\n`,
  ],
  [
    'one line',
    `{ livegate: policy/v1, name: "📺", rules: [${listed(900, (i) => `{ id: r${i}, count: { category: "*", within: 9d }, outcome: deny, because: "📺" }`)}] }`,
  ],
]

describe('a huge policy is linted in time that does not run away', () => {
  // Some 300 ms by itself; before they were made linear some of these took more than ten seconds.
  it.each(HUGE)('%s', { timeout: 5_000 }, (_name, text) => {
    expect(text.length).toBeLessThan(MAX_POLICY_BYTES)
    const report = lintText(text, [])
    expect(report.policy).not.toBeNull()
    sarifOf([report], { version: '0', uriOf: (file) => file, pages: null, pageOf: () => null })
  })
})

describe('a damaged policy', () => {
  const bytes = readFileSync(new URL('../../policies/default.yaml', import.meta.url))
  const damage = fc.array(
    fc.record({
      at: fc.nat({ max: bytes.length - 1 }),
      cut: fc.nat({ max: 12 }),
      put: fc.constantFrom(
        '',
        '\n',
        '#',
        ' # livegate-lint: allow x because',
        '"',
        '{',
        '\t',
        '📺',
        '\ufeff',
        '\u2028',
        '- ',
        ': ',
        'deny',
        'forever',
        '\r',
      ),
    }),
    { minLength: 1, maxLength: 3 },
  )

  it('is always a report whose places are in the file, and never an exception', () => {
    let compiled = 0
    fc.assert(
      fc.property(damage, (changes) => {
        let text = bytes.toString('latin1')
        for (const { at, cut, put } of changes)
          text = text.slice(0, at) + Buffer.from(put).toString('latin1') + text.slice(at + cut)
        const damaged = Buffer.from(text, 'latin1')
        const report = lintPolicy(damaged, { file: 'p.yaml', now: NOW, tests: [] })
        if (report.policy !== null) compiled++
        const lines = report.text.split('\n')
        for (const one of [...report.diagnostics, ...report.suppressed]) {
          const line = lines[one.line - 1]
          expect(line).toBeDefined()
          expect(one.column).toBeGreaterThanOrEqual(1)
          expect(one.end_column ?? one.column).toBeLessThanOrEqual((line ?? '').length + 1)
          expect(formatDiagnostic(one, report.text)).toContain(` ${one.code}: `)
        }
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) },
    )
    expect(compiled).toBeGreaterThan(10)
  })
})
