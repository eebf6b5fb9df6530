/** A page of docs/checks cannot rot: what to avoid is found, what to prefer is not, and each check has its page. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LINT_CHECKS } from '../../../../src/core/policy/lint/registry.ts'
import { codesOf, lintText, whole } from './support.ts'

const PAGES = new URL('../../../../docs/checks/', import.meta.url)
const page = (code: string): string => readFileSync(new URL(`${code}.md`, PAGES), 'utf8')
const WORD = { error: 'error', warning: 'warning', info: 'note' } as const

/** Blocks of a section: a policy or a part of one, then perhaps the tests beside it. */
function blocksOf(text: string, section: string): readonly [policy: string, tests?: string] {
  const [, body = ''] =
    new RegExp(`\n## ${section}\n([\\s\\S]*?)(?=\n## |$(?![\\s\\S]))`).exec(text) ?? []
  const [policy = '', tests] = [...body.matchAll(/```yaml\n([\s\S]*?)\n```/g)].map(
    ([, block = '']) => block,
  )
  return tests === undefined ? [policy] : [policy, tests]
}

describe('a page of a lint check', () => {
  it.each(LINT_CHECKS)(
    '$code has the fixed headings and says its severity',
    ({ code, severity }) => {
      expect(page(code)).toMatch(
        new RegExp(
          `^# ${code}\n\nLint ${WORD[severity]}\\. .+\n\n## Avoid\n[\\s\\S]+\n## Prefer\n[\\s\\S]+\n## Rationale\n\n[\\s\\S]+`,
        ),
      )
    },
  )

  it.each(LINT_CHECKS)('$code: what to avoid is found, what to prefer is not', ({ code }) => {
    const lint = (section: string): readonly string[] => {
      const [policy, tests] = blocksOf(page(code), section)
      const report = lintText(whole(policy), tests ?? (code === 'no-tests' ? [] : undefined))
      expect(report.policy, `${section} does not compile`).not.toBeNull()
      return codesOf(report)
    }
    expect(lint('Avoid')).toContain(code)
    expect(lint('Prefer')).not.toContain(code)
  })

  it('is there for each check, and says so only for checks that are there', () => {
    const lints = readdirSync(PAGES)
      .map((name) => name.replace(/\.md$/, ''))
      .filter((code) => /^Lint /m.test(page(code)))
    expect(lints.toSorted()).toEqual(LINT_CHECKS.map(({ code }) => code).toSorted())
  })

  it('gives every limit of odd-length', () => {
    expect(page('odd-length').match(/^- /gm)).toHaveLength(8)
  })
})
