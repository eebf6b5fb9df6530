/** What a comment `# livegate-lint: allow …` holds for, line by line, and what lint.ts does with it. */
import { describe, expect, it } from 'vitest'
import { MAX_FINDINGS } from '../../../../src/core/policy/lint/lint.ts'
import { readSuppressions } from '../../../../src/core/policy/lint/suppress.ts'
import { codesOf, lintText } from './support.ts'

const ALLOW = '# livegate-lint: allow x because y'

/** Lines that the comment, `@`, holds for begin with `>`, the others with a blank. */
const EXTENTS: readonly { readonly name: string; readonly lines: readonly string[] }[] = [
  {
    name: 'one member',
    lines: [' a: 1', ' @', '>b: 2', ' c: 3'],
  },
  {
    name: 'a member and what is below it',
    lines: [' a: 1', ' @', '>b:', '>  c: 3', '>    - d', ' e: 5'],
  },
  {
    name: 'a list that stands exactly below its key',
    lines: [' a: 1', ' @', '>b:', '>- c', '>- d', ' e: 5'],
  },
  {
    name: 'one item of a list',
    lines: [' a:', '   @', '>  - id: b', '>    c: 3', '   - id: d'],
  },
  {
    name: 'one item of a list at the depth of its key',
    lines: [' a:', ' @', '>- id: b', '>  c: 3', ' - id: d'],
  },
  {
    name: 'a member of an item',
    lines: [' a:', ' - id: b', '   @', '>  c:', '>    d: 1', '   e: 2'],
  },
  {
    name: 'the whole file, before its first line',
    lines: ['>@', '>a: 1', '>b:', '>  - c'],
  },
  {
    name: 'the whole file, below other comments',
    lines: ['># schema', '>', '>@', '>---', '>a: 1', '>b: 2'],
  },
  {
    name: 'the whole file, below a document mark',
    lines: ['>---', '>@', '>a: 1', '>b: 2'],
  },
  {
    name: 'its own line, behind a value',
    lines: [' a: 1', '>b: 2 @', ' c: 3'],
  },
  {
    name: 'its own line, behind the first value',
    lines: ['>a: 1 @', ' b: 2'],
  },
  {
    name: 'what is below, behind a key',
    lines: [' a: 1', '>b: @', '>  c: 3', ' d: 4'],
  },
  {
    name: 'blank lines and comments in between',
    lines: [' a: 1', ' @', ' ', '   # why', '>b:', '>', '>  # so', '>  c: 3', ' # end', ' d: 4'],
  },
  {
    name: 'a flow mapping over several lines',
    lines: [' a: 1', ' @', '>b: {', '>  c: 3,', '>  d: 4 }', ' e: 5'],
  },
  {
    name: 'nothing but itself at the end of the file',
    lines: [' a: 1', ' b: 2', '>@'],
  },
]

describe('a suppression holds for', () => {
  it.each(EXTENTS)('$name', ({ lines }) => {
    const wanted = lines.flatMap((line, i) => (line.startsWith('>') ? [i + 1] : []))
    for (const end of ['\n', '\r\n']) {
      const text = lines
        .map((line) => line.slice(1))
        .join(end)
        .replace('@', ALLOW)
      const { suppressions, faults } = readSuppressions(text)
      expect(faults).toEqual([])
      expect(suppressions).toHaveLength(1)
      const [one] = suppressions
      expect([one?.from, one?.to]).toEqual([wanted[0], wanted.at(-1)])
      expect(text.slice(one?.at.start, one?.at.end)).toBe(ALLOW)
      expect([one?.code, one?.reason]).toEqual(['x', 'y'])
    }
  })
})

describe('no comment is', () => {
  it.each([
    ['text in quotes', `a: "${ALLOW}"`],
    ['text in quotes over lines', `a: "b\n  ${ALLOW}"`],
    ['plain text', `a: b${ALLOW}`],
    ['block text', `a: |\n  ${ALLOW}`],
    ['block text at the end of a list', `a:\n  - >-\n   ${ALLOW}\n  - b`],
  ])('%s', (_name, text) => {
    expect(readSuppressions(text)).toEqual({ suppressions: [], faults: [] })
  })
})

const RULE = (id: string): string =>
  `  - id: ${id}\n    when: incident.active\n    outcome: deny\n    because: No.\n`

describe('linting', () => {
  it('allows a finding in the rule below a comment, and the same finding in no other', () => {
    const rule = (id: string): string => RULE(id).replace('    because: No.\n', '')
    const head = 'livegate: policy/v1\nname: p\nrules:\n'
    const comment = '  # livegate-lint: allow missing-because because it is obvious\n'
    const report = lintText(
      `${head}${rule('a')}${comment}${rule('b').replace('incident.active', 'subject.verified')}${rule('c').replace('incident.active', 'stream.one_to_many')}`,
    )
    expect(report.diagnostics.map(({ code, line }) => [code, line])).toEqual([
      ['missing-because', 4],
      ['missing-because', 11],
    ])
    expect(report.suppressed).toEqual([
      expect.objectContaining({ code: 'missing-because', line: 8, reason: 'it is obvious' }),
    ])
    expect(report.counts).toEqual({ error: 0, warning: 2, info: 0 })
  })

  it('says nothing of suppressions while the policy does not compile', () => {
    expect(codesOf(lintText('# livegate-lint: nonsense\nlivegate: policy/v1\nname: 7\n'))).toEqual([
      'missing-key',
      'wrong-type',
    ])
  })

  it(`shows ${MAX_FINDINGS} findings of a file and counts all`, () => {
    const rules = Array.from({ length: MAX_FINDINGS }, (_, i) =>
      RULE(`r${i}`).replace('No.', '"{until}"'),
    )
    const report = lintText(
      `livegate: policy/v1\nname: p\ndefault: deny\nrules:\n${rules.join('')}${'# livegate-lint\n'.repeat(5)}`,
    )
    expect(report.counts).toEqual({ error: 1, warning: MAX_FINDINGS - 1 + 5, info: 0 })
    expect(report.diagnostics).toHaveLength(MAX_FINDINGS)
    expect(codesOf(report)[0]).toBe('default-deny')
  })

  it('does not judge what is tested while one of them cannot be read', () => {
    const text = `livegate: policy/v1\nname: p\nrules:\n${RULE('a')}`
    const tests = [
      { file: 'p.test.yaml', cases: [] },
      { file: 'q.test.yaml', cases: null },
    ]
    expect(codesOf(lintText(text, tests))).toEqual(['no-tests'])
    const none = ['untested-rule', 'fact-not-supplied']
    expect(codesOf(lintText(text, tests.slice(0, 1)))).toEqual(none)
    expect(codesOf(lintText(text))).toEqual([])
  })
})
