/**
 * Boundary cases of random policies of every form: the printed file can be read, has an answer for every case, and passes.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import { boundaryFile } from '../../src/core/policy/cases/write.ts'
import { createCoverage } from '../../src/core/policy/cover/coverage.ts'
import { formatFailure, titleOf } from '../../src/core/policy/test-failure.ts'
import { parseTestFile } from '../../src/core/policy/test-file.ts'
import { runTests } from '../../src/core/policy/test-run.ts'
import { aRandomPolicy, compiled } from '../support/policy-arbitraries.ts'

describe('boundary cases of any policy', () => {
  it('pass when they are printed', () => {
    fc.assert(
      fc.property(aRandomPolicy, (policy) => {
        const plan = compiled(policy)
        const file = boundaryFile(plan, { policy: './p.yaml', rules: null })
        if (file === null) return
        const tests = parseTestFile(utf8(file.text), { file: 'p.test.yaml' })
        if (!tests.ok) throw new Error(`${JSON.stringify(tests.error[0])}\n${file.text}`)
        expect(tests.value.check(plan)).toEqual([])
        const coverage = createCoverage(plan)
        const results = runTests(plan, tests.value.cases, coverage)
        expect(results.filter(({ differences }) => differences.length > 0).map(titleOf)).toEqual([])
        for (const result of results.slice(0, 3))
          for (const line of formatFailure(plan, result, { ascii: true }).split('\n'))
            expect(line).not.toContain('undefined')
        expect(coverage.points().some(({ hits }) => hits > 0)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
