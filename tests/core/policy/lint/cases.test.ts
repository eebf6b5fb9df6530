/**
 * What each check finds and what it lets pass, to the letter: cases/<code>.txt.
 *
 * A case is "=== name", a policy or a part of one, perhaps "+++ tests" and a test file, then "--- found" and every
 * finding of that code as people read it, or "--- nothing". `UPDATE_LINT_CASES=1` rewrites what is found.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { formatDiagnostic } from '../../../../src/core/policy/diagnostic.ts'
import { LINT_CHECKS } from '../../../../src/core/policy/lint/registry.ts'
import { lintText, whole } from './support.ts'

const HERE = new URL('cases/', import.meta.url)
const UPDATE = process.env.UPDATE_LINT_CASES === '1'

interface Case {
  readonly name: string
  readonly policy: string
  readonly tests: string | undefined
  readonly says: string
}

function casesOf(code: string): Case[] {
  const parts = readFileSync(new URL(`${code}.txt`, HERE), 'utf8')
    .split(/^=== /m)
    .slice(1)
  return parts.map((part) => {
    const [, name = '', body = '', verdict = '', says = ''] =
      /^(.*)\n([\s\S]*?)^--- (found|nothing)\n([\s\S]*)$/m.exec(part) ?? []
    expect(verdict, part).not.toBe('')
    const [policy = '', tests] = body.split('+++ tests\n')
    return { name, policy: policy.trimEnd(), tests, says: says.trimEnd() }
  })
}

function found(code: string, { policy, tests }: Case): string {
  const text = whole(policy)
  const report = lintText(text, tests ?? (code === 'no-tests' ? [] : undefined))
  expect(report.policy, `${policy}\n${JSON.stringify(report.diagnostics)}`).not.toBeNull()
  return report.diagnostics
    .filter((one) => one.code === code)
    .map((one) => formatDiagnostic(one, text))
    .join('\n')
}

describe.each(LINT_CHECKS)('$code', ({ code }) => {
  const cases = casesOf(code)

  it('has a case that is found and one that is not', () => {
    expect(cases.some(({ says }) => says !== '')).toBe(true)
    expect(cases.some(({ says }) => says === '')).toBe(true)
  })

  it.each(cases)('$name', (one) => {
    if (!UPDATE) expect(found(code, one)).toBe(one.says)
    else
      expect(found(code, one) === '', 'found or nothing, the other way round').toBe(one.says === '')
  })

  if (UPDATE)
    writeFileSync(
      new URL(`${code}.txt`, HERE),
      cases
        .map((one) => {
          const tests = one.tests === undefined ? '' : `+++ tests\n${one.tests.trimEnd()}\n`
          const says = found(code, one)
          return `=== ${one.name}\n${one.policy}\n${tests}--- ${says === '' ? 'nothing\n' : `found\n${says}\n`}`
        })
        .join('\n'),
    )
})

it('there is a file of cases for each check and for nothing else', () => {
  const names = readdirSync(HERE).map((name) => name.replace('.txt', ''))
  expect(names.toSorted()).toEqual(LINT_CHECKS.map(({ code }) => code).toSorted())
})
