import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { COMPILE_CODES, formatDiagnostic } from '../../../src/core/policy/diagnostic.ts'

const text = readFileSync(new URL('refusals.txt', import.meta.url), 'utf8')
const cases = text
  .split(/^=== /m)
  .slice(1)
  .map((part) => {
    const [, name = '', policy = '', verdict = '', says = ''] =
      /^(.*)\n([\s\S]*?)^--- (refused|accepted)\n([\s\S]*)$/m.exec(part) ?? []
    return { name, policy, verdict, says: says.trimEnd() }
  })

describe('the compiler refuses', () => {
  it.each(cases)('$name', ({ policy, verdict, says }) => {
    const result = compilePolicy(new TextEncoder().encode(policy), { file: 'p.yaml' })
    const diagnostics = result.ok ? result.value.warnings : result.error
    expect(diagnostics.map((one) => formatDiagnostic(one, policy)).join('\n')).toBe(says)
    expect(result.ok ? 'accepted' : 'refused').toBe(verdict)
    for (const { severity } of diagnostics) expect(severity).toBe(result.ok ? 'warning' : 'error')
  })
})

describe('every compile code', () => {
  const pages = readdirSync(new URL('../../../docs/checks', import.meta.url))
  const page = (code: string): string =>
    readFileSync(new URL(`../../../docs/checks/${code}.md`, import.meta.url), 'utf8')

  it.each(COMPILE_CODES)('%s has a page with the fixed headings', (code) => {
    expect(page(code)).toMatch(
      new RegExp(
        `^# ${code}\n\nCompile (error|warning)\\. .+\n\n## Avoid\n[\\s\\S]+\n## Prefer\n[\\s\\S]+\n## Rationale\n`,
      ),
    )
  })

  it('is the only reason for a page that says it is a compile diagnostic', () => {
    const compile = pages.filter((name) =>
      /^Compile (error|warning)\./m.test(page(name.slice(0, -3))),
    )
    expect(compile.toSorted()).toEqual(COMPILE_CODES.map((code) => `${code}.md`).toSorted())
  })

  it('occurs in a case here, or in hostile.test.ts where the input cannot be written down', () => {
    const elsewhere = ['too-large', 'encoding', 'nesting', 'too-many']
    const missing = COMPILE_CODES.filter((code) => !text.includes(` ${code}: `))
    expect(missing.toSorted()).toEqual(elsewhere.toSorted())
  })
})
