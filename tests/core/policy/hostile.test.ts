import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { formatDiagnostic } from '../../../src/core/policy/diagnostic.ts'

const RULE = '  - { id: a, when: incident.active, outcome: deny }\n'
const HEAD = 'livegate: policy/v1\nname: t\n'
const GOOD = `${HEAD}rules:\n${RULE}`

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** First line of what the compiler says, or `accepted`. */
function verdict(input: string | Uint8Array): string {
  const bytes = typeof input === 'string' ? bytesOf(input) : input
  const result = compilePolicy(bytes, { file: 'p.yaml' })
  if (result.ok) return 'accepted'
  const text = typeof input === 'string' ? input : ''
  return formatDiagnostic(result.error[0] ?? never(), text).split('\n')[0] ?? ''
}

function never(): never {
  throw new Error('refused without a diagnostic')
}

const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...'bcdefgh'.split('').map((c, i) => {
    const before = 'abcdefg'[i]
    return `${c}: &${c} [*${before}, *${before}, *${before}, *${before}, *${before}, *${before}]`
  }),
].join('\n')

const refused: readonly { name: string; input: string | Uint8Array; says: string }[] = [
  {
    name: 'ten megabytes',
    input: new Uint8Array(10_000_000),
    says: 'p.yaml:1:1 too-large: file has 10000000 bytes, limit 262144',
  },
  {
    name: 'one byte too many',
    input: `${GOOD}#${'x'.repeat(262_144 - GOOD.length)}`,
    says: 'p.yaml:1:1 too-large: file has 262145 bytes, limit 262144',
  },
  {
    name: 'bytes that are not UTF-8',
    input: new Uint8Array([0x6c, 0xc3, 0x28]),
    says: 'p.yaml:1:1 encoding: file is not UTF-8',
  },
  {
    name: 'an overlong encoding',
    input: new Uint8Array([0xc0, 0xaf]),
    says: 'p.yaml:1:1 encoding: file is not UTF-8',
  },
  {
    name: 'a NUL',
    input: `${HEAD}about: a\0b\n`,
    says: 'p.yaml:3:9 encoding: control character U+0000 is not allowed',
  },
  {
    name: 'an escape sequence',
    input: `${HEAD}about: \x1b[31m\n`,
    says: 'p.yaml:3:8 encoding: control character U+001B is not allowed',
  },
  {
    name: 'an empty file',
    input: '',
    says: 'p.yaml:1:1 wrong-type: found nothing, expected a policy',
  },
  {
    name: 'a file of comments',
    input: '# nothing\n',
    says: 'p.yaml:1:1 wrong-type: found nothing, expected a policy',
  },
  {
    name: 'a list',
    input: '- a\n',
    says: 'p.yaml:1:1 wrong-type: found a list, expected a policy',
  },
  {
    name: 'a bomb of aliases',
    input: bomb,
    says: 'p.yaml:1:4 yaml-feature: a policy cannot use an anchor',
  },
  {
    name: 'ten thousand opening brackets',
    input: '['.repeat(10_000),
    says: 'p.yaml:1:33 nesting: nesting is deeper than 32 levels',
  },
  {
    name: 'ten thousand nested list items',
    input: '- '.repeat(10_000),
    says: 'p.yaml:1:65 nesting: nesting is deeper than 32 levels',
  },
  {
    name: 'ten thousand complex keys',
    input: '? '.repeat(10_000),
    says: 'p.yaml:1:65 nesting: nesting is deeper than 32 levels',
  },
  {
    name: 'mappings in mappings',
    input: '{a: '.repeat(10_000),
    says: 'p.yaml:1:129 nesting: nesting is deeper than 32 levels',
  },
  {
    name: 'a thousand and one rules',
    input: `${HEAD}rules:\n${RULE.repeat(1001)}`,
    says: 'p.yaml:1004:5 too-many: list has 1001 items, limit 1000',
  },
  {
    name: '__proto__ as a key',
    input: `${GOOD}__proto__: { default: deny }\n`,
    says: 'p.yaml:5:1 unknown-key: a policy has no member `__proto__`',
  },
  {
    name: 'constructor as a key of a rule',
    input: `${HEAD}rules:\n  - { constructor: x, id: a, when: incident.active, outcome: deny }\n`,
    says: 'p.yaml:4:7 unknown-key: a rule has no member `constructor`',
  },
  {
    name: '__proto__ as an obligation parameter',
    input: `${HEAD}rules:\n  - { id: a, when: incident.active, outcome: allow, obligations: [{ type: x, __proto__: 1 }] }\n`,
    says: 'p.yaml:4:78 bad-value: key is `__proto__`, expected a lower-case word',
  },
  {
    name: '__proto__ as a language',
    input: `${HEAD}rules:\n  - { id: a, when: incident.active, outcome: deny, because: { __proto__: x } }\n`,
    says: 'p.yaml:4:63 bad-value: key is `__proto__`, expected a language tag such as en or pt-BR',
  },
  {
    name: 'a complex key',
    input: `${GOOD}? [a]\n: b\n`,
    says: 'p.yaml:5:3 non-text-key: key is a collection, expected text',
  },
  {
    name: 'text of two thousand and one characters',
    input: `${HEAD}about: ${'x'.repeat(2001)}\nrules:\n${RULE}`,
    says: 'p.yaml:3:8 bad-value: text has 2001 characters, expected 1 to 2000',
  },
]

describe('a hostile file is refused', () => {
  it.each(refused)('$name', ({ input, says }) => {
    expect(verdict(input)).toBe(says)
  })

  const fill = (unit: string): string => unit.repeat(Math.floor(262_000 / unit.length))
  const units = ['[', '{a: ', '- ', '? ', 'a: ', '"a":', '!', '&a ', '- a\n', '\n', '#\n', "'"]
  const large: readonly (readonly [name: string, input: string])[] = [
    ...units.map((unit) => [JSON.stringify(unit), fill(unit)] as const),
    ['20,000 keys', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['a block of text', `a: |9\n${fill(' x\n').slice(0, 200_000)}`],
  ]

  it.each(large)(
    'in a moment, when its 256 KiB are spent on %s',
    { timeout: 5_000 },
    (_, input) => {
      expect(verdict(input)).not.toBe('accepted')
    },
  )

  it('with at most a hundred diagnostics', () => {
    const keys = Array.from({ length: 500 }, (_, i) => `k${i}: 1`).join('\n')
    const result = compilePolicy(bytesOf(keys), { file: 'p.yaml' })
    expect(result.ok ? [] : result.error).toHaveLength(100)
  })
})

const accepted: readonly { name: string; input: string }[] = [
  { name: 'a byte order mark', input: `\ufeff${GOOD}` },
  { name: 'CRLF line ends', input: GOOD.replaceAll('\n', '\r\n') },
  { name: 'no newline at the end', input: GOOD.trimEnd() },
  { name: 'a document start mark', input: `---\n${GOOD}` },
  { name: 'keys in quotes', input: `"livegate": 'policy/v1'\n"name": "t"\nrules:\n${RULE}` },
  {
    name: 'JSON',
    input:
      '{"livegate":"policy/v1","name":"t","rules":[{"id":"a","when":"incident.active","outcome":"deny"}]}',
  },
  { name: 'keys of tools', input: `${GOOD}x-owner: { team: [trust, safety] }\n` },
  {
    name: 'a condition that YAML reads as a boolean',
    input: `${HEAD}rules:\n  - { id: a, when: true, outcome: deny }\n`,
  },
  { name: 'exactly 256 KiB', input: `${GOOD}#${'x'.repeat(262_143 - GOOD.length)}` },
  {
    name: 'a thousand rules',
    input: `${HEAD}rules:\n${Array.from({ length: 1000 }, (_, i) => RULE.replace('id: a', `id: a${i}`)).join('')}`,
  },
]

describe('unusual but legal YAML is accepted', () => {
  it.each(accepted)('$name', ({ input }) => {
    expect(verdict(input)).toBe('accepted')
  })

  it('and places survive a byte order mark and CRLF', () => {
    expect(verdict(`${GOOD.replaceAll('\n', '\r\n')}defualt: deny\r\n`)).toBe(
      'p.yaml:5:1 unknown-key: a policy has no member `defualt`',
    )
  })
})

describe('what is shown of a file', () => {
  it('cannot turn the direction of the terminal', () => {
    const policy = `${HEAD}"a\u202eb": 1\nrules:\n${RULE}`
    const result = compilePolicy(bytesOf(policy), { file: 'p.yaml' })
    const shown = result.ok ? '' : formatDiagnostic(result.error[0] ?? never(), policy)
    expect(shown).toContain('a\ufffdb')
    expect(shown).not.toContain('\u202e')
  })

  it('is at most a hundred columns of a long line, caret inside', () => {
    const policy = `${HEAD}rules:\n  - { id: a, when: incident.active, ${' '.repeat(400)} outcome: deni }\n`
    const result = compilePolicy(bytesOf(policy), { file: 'p.yaml' })
    const [, source = '', caret = ''] = (
      result.ok ? '' : formatDiagnostic(result.error[0] ?? never(), policy)
    ).split('\n')
    expect(source.length).toBeLessThanOrEqual(102)
    expect(source.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('deni')
  })
})
